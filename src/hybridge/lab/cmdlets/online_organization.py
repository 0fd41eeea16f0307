"""The one organization in Exchange Online: who may use EWS.

The list of applications is shown only when it is asked for. Setting it replaces it whole, null clears it; an entry that
is no GUID is refused.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from hybridge.lab.cmdlets.base import Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.ews_access import EWS_PARAMETERS, with_ews_arguments
from hybridge.lab.cmdlets.online_identities import ONLINE
from hybridge.lab.cmdlets.outcome import refused_argument
from hybridge.lab.cmdlets.parameters import switch, text
from hybridge.org import records as r
from hybridge.wire.cmdlets.access import app_ids


@cmdlet("Get-OrganizationConfig", switch("RetrieveEwsOperationAccessPolicy"))
def get_organization_config(call: Call) -> Result:
    """The one organization."""
    found = call.organization.all(r.OrganizationConfig, ONLINE)
    if call.get("RetrieveEwsOperationAccessPolicy"):
        return Result(found)
    return Result(tuple(msgspec.structs.replace(one, ews_allowed_app_ids=None) for one in found))


@cmdlet("Set-OrganizationConfig", *EWS_PARAMETERS, text("EwsAllowedAppIDs"))
def set_organization_config(call: Call) -> Result:
    """Change who may use EWS."""
    (before,) = call.organization.all(r.OrganizationConfig, ONLINE)
    after = with_ews_arguments(call, before)
    if call.given("EwsAllowedAppIDs"):
        after = msgspec.structs.replace(after, ews_allowed_app_ids=_ids(call.get("EwsAllowedAppIDs")))
    return changed(call, before, after)


def _ids(value: Any) -> tuple[str, ...] | None:
    ids = app_ids(value)
    for one in ids or ():
        try:
            UUID(one)
        except ValueError:
            raise refused_argument(f"'{one}' is not an application id: EwsAllowedAppIDs holds GUIDs only.") from None
    return ids


CMDLETS = (get_organization_config, set_organization_config)

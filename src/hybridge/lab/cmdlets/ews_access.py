"""Who may use EWS: the same five properties on the organization (OrganizationConfig) and on a mailbox (CASMailbox).

Exchange refuses a change of a list without EwsApplicationAccessPolicy beside it, even when the policy stays as it is.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from hybridge.lab.cmdlets.base import IDENTITY, ON, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.identities import mailbox_of, search
from hybridge.lab.cmdlets.outcome import refused_argument
from hybridge.lab.cmdlets.parameters import boolean, choice, count, nullable_boolean, texts
from hybridge.org import records as r

A = TypeVar("A", bound=r.EwsAccess)

POLICIES = ("EnforceAllowList", "EnforceBlockList")
_LISTS = {"EwsAllowList": "ews_allow_list", "EwsBlockList": "ews_block_list"}
EWS_PARAMETERS = (
    nullable_boolean("EwsEnabled"),
    choice(
        "EwsApplicationAccessPolicy",
        POLICIES,
        "Microsoft.Exchange.Data.Directory.EwsApplicationAccessPolicy",
        nullable=True,
    ),
    *(texts(name) for name in _LISTS),
)


@cmdlet("Get-OrganizationConfig")
def get_organization_config(call: Call) -> Result:
    """The one organization."""
    return Result(call.organization.all(r.OrganizationConfig, ON))


@cmdlet("Set-OrganizationConfig", *EWS_PARAMETERS)
def set_organization_config(call: Call) -> Result:
    """Change the EWS access policy of the organization."""
    (before,) = call.organization.all(r.OrganizationConfig, ON)
    return changed(call, before, with_ews_arguments(call, before))


@cmdlet("Get-CASMailbox", IDENTITY, count("ResultSize"), tasks="RecipientTasks")
def get_cas_mailbox(call: Call) -> Result:
    """Client access settings of mailboxes."""
    found = (
        call.organization.one(r.CasMailbox, ON, mailbox.identity)
        for mailbox in search(call, r.Mailbox, call.text("Identity"))
    )
    return Result(tuple(one for one in found if one is not None)[: call.get("ResultSize")])


@cmdlet(
    "Set-CASMailbox",
    REQUIRED_IDENTITY,
    *EWS_PARAMETERS,
    boolean("MAPIEnabled"),
    nullable_boolean("MapiHttpEnabled"),
    tasks="RecipientTasks",
)
def set_cas_mailbox(call: Call) -> Result:
    """Change the EWS access policy of one mailbox."""
    identity = call.text("Identity")
    before = call.organization.one(r.CasMailbox, ON, mailbox_of(call, identity).identity)
    if before is None:
        raise call.absent(identity)
    after = with_ews_arguments(call, before)
    for parameter, field in (("MAPIEnabled", "mapi_enabled"), ("MapiHttpEnabled", "mapi_http_enabled")):
        if call.given(parameter):
            after = msgspec.structs.replace(after, **{field: call.get(parameter)})
    return changed(call, before, after)


def with_ews_arguments(call: Call, before: A) -> A:
    """``before`` with the arguments of ``EWS_PARAMETERS``."""
    changes: dict[str, Any] = {}
    if call.given("EwsEnabled"):
        changes["ews_enabled"] = call.get("EwsEnabled")
    if call.given("EwsApplicationAccessPolicy"):
        changes["ews_application_access_policy"] = call.get("EwsApplicationAccessPolicy")
    for parameter, field in _LISTS.items():
        if not call.given(parameter):
            continue
        if not call.given("EwsApplicationAccessPolicy"):
            raise refused_argument(
                "EwsApplicationAccessPolicy must be specified if to set EwsAllowList or EwsBlockList."
            )
        changes[field] = call.get(parameter).applied(getattr(before, field))
    return msgspec.structs.replace(before, **changes)


CMDLETS = (get_organization_config, set_organization_config, get_cas_mailbox, set_cas_mailbox)

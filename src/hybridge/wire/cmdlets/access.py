"""Get-OrganizationConfig and Get-CASMailbox: the EWS access policy of the organization and of a mailbox.

``EwsAllowList`` null and ``EwsAllowList`` empty are different things and stay so.
"""

from __future__ import annotations

from typing import Any

from hybridge.org.records import CasMailbox, EwsAccess, OrganizationConfig
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, ask_one_or_all, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, find, flag, items, printed, texts, words


def ask_organization_config(premises: Premises) -> CmdletAsk:
    """Get-OrganizationConfig; online with the list of applications, which is only shown when it is asked for."""
    if premises is Premises.ONLINE:
        return ask(premises, "Get-OrganizationConfig", RetrieveEwsOperationAccessPolicy=True)
    return ask(premises, "Get-OrganizationConfig")


def app_ids(value: Any) -> tuple[str, ...] | None:
    """Application ids of EwsAllowedAppIDs: one text with commas between them, also as the only entry of a list."""
    entries = items(value)
    if entries is None:
        return None
    ids = (part.strip().lower() for entry in entries for part in printed(entry).split(","))
    return tuple(dict.fromkeys(one for one in ids if one))


def ask_cas_mailbox(premises: Premises, mailbox: str = "") -> CmdletAsk:
    """Get-CASMailbox of ``mailbox``, or of all mailboxes."""
    return ask_one_or_all(premises, "Get-CASMailbox", mailbox)


def _access(one: Object) -> dict[str, Any]:
    return {
        "ews_enabled": flag(one, "EwsEnabled"),
        "ews_application_access_policy": words(one, "EwsApplicationAccessPolicy") or None,
        "ews_allow_list": texts(one, "EwsAllowList"),
        "ews_block_list": texts(one, "EwsBlockList"),
    }


def _write_access(record: EwsAccess) -> Object:
    return {
        "EwsAllowList": None if record.ews_allow_list is None else list(record.ews_allow_list),
        "EwsApplicationAccessPolicy": record.ews_application_access_policy,
        "EwsBlockList": None if record.ews_block_list is None else list(record.ews_block_list),
        "EwsEnabled": record.ews_enabled,
    }


def _read_organization(one: Object, premises: Premises, _: str) -> OrganizationConfig:
    identity = needed(one, "Get-OrganizationConfig", "Name", "Identity", "ToString")
    return OrganizationConfig(
        premises=premises,
        identity=identity,
        guid=words(one, "Guid").lower(),
        ews_allowed_app_ids=app_ids(find(one, "EwsAllowedAppIDs")),
        **_access(one),
    )


def _write_organization(record: OrganizationConfig) -> Object:
    name = record.identity
    allowed = record.ews_allowed_app_ids
    online = {"EwsAllowedAppIDs": None if allowed is None else ",".join(allowed)}
    return {
        "ToString": name,
        "Name": name,
        "Guid": record.guid or None,
        "Identity": directory_object(name, ""),
        **(online if record.premises is Premises.ONLINE else {}),
        **_write_access(record),
    }


def _read_cas_mailbox(one: Object, premises: Premises, _: str) -> CasMailbox:
    identity = needed(one, "Get-CASMailbox", "PrimarySmtpAddress", "UserPrincipalName", "Identity", "Name")
    return CasMailbox(
        premises=premises,
        identity=identity,
        mapi_enabled=flag(one, "MAPIEnabled"),
        mapi_http_enabled=flag(one, "MapiHttpEnabled"),
        **_access(one),
    )


def _write_cas_mailbox(record: CasMailbox) -> Object:
    name = record.identity.partition("@")[0]
    return {
        "ToString": name,
        "Name": name,
        "Identity": directory_object(name),
        "PrimarySmtpAddress": record.identity,
        "OWAEnabled": True,
        "MAPIEnabled": record.mapi_enabled,
        "MapiHttpEnabled": record.mapi_http_enabled,
        **_write_access(record),
    }


ORGANIZATION_CONFIG = Noun(
    cmdlet="Get-OrganizationConfig",
    record=OrganizationConfig,
    type_name="Microsoft.Exchange.Data.Directory.Management.OrganizationConfig",
    marks=("EwsEnabled", "EwsApplicationAccessPolicy", "EwsAllowList", "EwsBlockList"),
    foreign=("OWAEnabled", "ImapEnabled", "PrimarySmtpAddress"),
    read_all=each(_read_organization),
    write_one=_write_organization,
)
CAS_MAILBOX = Noun(
    cmdlet="Get-CASMailbox",
    record=CasMailbox,
    type_name="Microsoft.Exchange.Data.Directory.Management.CASMailbox",
    marks=("EwsEnabled", "EwsApplicationAccessPolicy", "EwsAllowList", "EwsBlockList"),
    foreign=("PublicFoldersEnabled",),
    read_all=each(_read_cas_mailbox),
    write_one=_write_cas_mailbox,
)
NOUNS = (ORGANIZATION_CONFIG, CAS_MAILBOX)

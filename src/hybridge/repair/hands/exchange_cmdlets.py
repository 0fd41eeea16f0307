"""Changes of on-premises records as Exchange cmdlets: one table, used by the PowerShell hand and by the script.

Every cmdlet names only what differs. Lists that Exchange keeps as sets are changed by ``@{Add=...; Remove=...}`` of
the difference, never replaced, so that an entry somebody added a minute ago survives. Whoever changes an EWS list must
name the policy too, or Exchange refuses; the policy named is the present one. Removals carry ``-Confirm:$false``,
because a remote session has nobody to answer. Source: Microsoft's reference of the cmdlets named in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hybridge.org import records as r
from hybridge.org.records import Address, Record
from hybridge.plan import Change
from hybridge.repair.rules import ENFORCED_BY, enforces, unwritable
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk

Parameters = tuple[tuple[str, Any], ...]


class Unwritable(ValueError):
    """The change cannot be made by cmdlets; one sentence says why."""


@dataclass(frozen=True)
class Cmdlets:
    """The cmdlets of one kind of record. ``parameters`` maps fields to parameters of the Set- cmdlet.

    ``new_parameters`` are the fields the New- (or Add-) cmdlet takes; the rest is set afterwards, starting from
    ``new_defaults``. ``names`` gives the parameters that name the record.
    """

    read: str
    set: str = ""
    new: str = ""
    remove: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    new_parameters: dict[str, str] = field(default_factory=dict)
    new_defaults: dict[str, Any] = field(default_factory=dict)
    named_when_new: bool = False
    """Whether the New- cmdlet is told the record's name the way the others are."""
    apart: frozenset[str] = frozenset()
    """Fields that go into a Set- cmdlet of their own, because their parameter belongs to another parameter set."""
    names: Callable[[Address, Record | None], Parameters] = lambda address, record: (
        ("Identity", record.identity if record else address.identity),
    )


def _nothing(_: Address, __: Record | None) -> Parameters:
    return ()


def _folder_and_user(address: Address, record: Record | None) -> Parameters:
    """``ada@contoso.com:\\calendar/grace@contoso.com`` names a folder and a user."""
    if isinstance(record, r.MailboxFolderPermission):
        return ("Identity", f"{record.mailbox}:\\{record.folder}"), ("User", record.user)
    mailbox, _, rest = address.identity.partition(":\\")
    folder, _, user = rest.partition("/")
    return ("Identity", f"{mailbox}:\\{folder}"), ("User", user)


_EWS = {"ews_enabled": "EwsEnabled", "ews_allow_list": "EwsAllowList", "ews_block_list": "EwsBlockList"}

_MAPI = {"mapi_enabled": "MAPIEnabled", "mapi_http_enabled": "MapiHttpEnabled"}

CMDLETS: dict[str, Cmdlets] = {
    "OrganizationConfig": Cmdlets(
        read="Get-OrganizationConfig", set="Set-OrganizationConfig", parameters=_EWS, names=_nothing
    ),
    "CasMailbox": Cmdlets(read="Get-CASMailbox", set="Set-CASMailbox", parameters=_EWS | _MAPI),
    "Mailbox": Cmdlets(
        read="Get-Mailbox",
        set="Set-Mailbox",
        parameters={
            "grant_send_on_behalf_to": "GrantSendOnBehalfTo",
            "hidden_from_address_lists_enabled": "HiddenFromAddressListsEnabled",
        },
    ),
    "MailboxFolderPermission": Cmdlets(
        read="Get-MailboxFolderPermission",
        set="Set-MailboxFolderPermission",
        new="Add-MailboxFolderPermission",
        remove="Remove-MailboxFolderPermission",
        parameters={"access_rights": "AccessRights"},
        new_parameters={"access_rights": "AccessRights"},
        named_when_new=True,
        names=_folder_and_user,
    ),
    "MailUser": Cmdlets(
        read="Get-MailUser",
        set="Set-MailUser",
        new="New-MailUser",
        remove="Remove-MailUser",
        parameters={
            "external_email_address": "ExternalEmailAddress",
            "hidden_from_address_lists_enabled": "HiddenFromAddressListsEnabled",
        },
        new_parameters={"identity": "Name", "external_email_address": "ExternalEmailAddress"},
        new_defaults={"hidden_from_address_lists_enabled": False},
    ),
    "ManagementRole": Cmdlets(
        read="Get-ManagementRole",
        new="New-ManagementRole",
        remove="Remove-ManagementRole",
        new_parameters={"identity": "Name", "parent": "Parent"},
    ),
    "ManagementRoleAssignment": Cmdlets(
        read="Get-ManagementRoleAssignment",
        set="Set-ManagementRoleAssignment",
        new="New-ManagementRoleAssignment",
        remove="Remove-ManagementRoleAssignment",
        parameters={"enabled": "Enabled"},
        new_parameters={"role": "Role", "role_assignee": "User"},
        new_defaults={"enabled": True},
    ),
    "PartnerApplication": Cmdlets(
        read="Get-PartnerApplication",
        set="Set-PartnerApplication",
        new="New-PartnerApplication",
        remove="Remove-PartnerApplication",
        parameters={
            "application_identifier": "ApplicationIdentifier",
            "enabled": "Enabled",
            "linked_account": "LinkedAccount",
            "realm": "Realm",
        },
        new_parameters={
            "identity": "Name",
            "application_identifier": "ApplicationIdentifier",
            "enabled": "Enabled",
            "linked_account": "LinkedAccount",
            "realm": "Realm",
        },
    ),
    "AuthServer": Cmdlets(
        read="Get-AuthServer",
        set="Set-AuthServer",
        parameters={
            "enabled": "Enabled",
            "application_identifier": "ApplicationIdentifier",
            "domain_name": "DomainName",
            "auth_metadata_url": "AuthMetadataUrl",
        },
        apart=frozenset({"auth_metadata_url"}),
    ),
    "SettingOverride": Cmdlets(
        read="Get-SettingOverride",
        set="Set-SettingOverride",
        new="New-SettingOverride",
        remove="Remove-SettingOverride",
        parameters={"parameters": "Parameters"},
        new_parameters={
            "identity": "Name",
            "component_name": "Component",
            "section_name": "Section",
            "parameters": "Parameters",
            "reason": "Reason",
        },
    ),
    "OrganizationRelationship": Cmdlets(
        read="Get-OrganizationRelationship",
        set="Set-OrganizationRelationship",
        parameters={
            "target_sharing_epr": "TargetSharingEpr",
            "enabled": "Enabled",
            "free_busy_access_enabled": "FreeBusyAccessEnabled",
        },
    ),
    "IntraOrganizationConnector": Cmdlets(
        read="Get-IntraOrganizationConnector",
        set="Set-IntraOrganizationConnector",
        parameters={
            "enabled": "Enabled",
            "target_address_domains": "TargetAddressDomains",
            "discovery_endpoint": "DiscoveryEndpoint",
        },
    ),
    "MapiVirtualDirectory": Cmdlets(
        read="Get-MapiVirtualDirectory",
        set="Set-MapiVirtualDirectory",
        parameters={"external_url": "ExternalUrl"},
    ),
    "ClientAccessService": Cmdlets(
        read="Get-ClientAccessService",
        set="Set-ClientAccessService",
        parameters={"auto_discover_service_internal_uri": "AutoDiscoverServiceInternalUri"},
    ),
    "OutlookProvider": Cmdlets(
        read="Get-OutlookProvider",
        set="Set-OutlookProvider",
        parameters={"cert_principal_name": "CertPrincipalName"},
    ),
    "WebServicesVirtualDirectory": Cmdlets(
        read="Get-WebServicesVirtualDirectory",
        set="Set-WebServicesVirtualDirectory",
        parameters={
            "external_url": "ExternalUrl",
            "oauth_authentication": "OAuthAuthentication",
            "ws_security_authentication": "WSSecurityAuthentication",
            "windows_authentication": "WindowsAuthentication",
        },
    ),
}
"""Record kind -> its cmdlets. Every kind here is writable on-premises (``repair.writable``)."""

_SETS = {"ews_allow_list", "ews_block_list", "grant_send_on_behalf_to", "domain_name", "target_address_domains"}
"""Fields changed by the difference of their lists."""


def reading(address: Address) -> CmdletAsk:
    """The cmdlet that shows the record at ``address``."""
    cmdlets = CMDLETS[address.kind]
    return _ask(cmdlets.read, *cmdlets.names(address, None))


def commands(change: Change) -> tuple[CmdletAsk, ...]:
    """The cmdlets that make ``change``, in order. Raises ``Unwritable``.

    A new management role starts with every entry of its parent, which only the server knows: its creation is the first
    cmdlet alone, and a second change from what was then read takes the surplus entries away.
    """
    if change.address.kind not in CMDLETS or change.address.premises is not Premises.ON_PREMISES:
        raise Unwritable(f"{change.address} is not written by Exchange cmdlets.")
    if reason := unwritable(change):
        raise Unwritable(reason)
    cmdlets = CMDLETS[change.address.kind]
    if change.after is None:
        return (_ask(cmdlets.remove, *cmdlets.names(change.address, change.before), ("Confirm", False)),)
    if change.before is None:
        return tuple(_creation(cmdlets, change.after))
    if isinstance(change.before, r.ManagementRole) and isinstance(change.after, r.ManagementRole):
        return tuple(_role_entries(change.before, change.after))
    return tuple(_setting(cmdlets, change.before, change.after))


def _creation(cmdlets: Cmdlets, after: Record) -> Iterator[CmdletAsk]:
    named = cmdlets.names(after.address, after) if cmdlets.named_when_new else ()
    given = tuple(
        (parameter, getattr(after, name))
        for name, parameter in cmdlets.new_parameters.items()
        if getattr(after, name) != ""
    )
    if isinstance(after, r.ManagementRoleAssignment) and not _named_by_default(after):
        given = (("Name", after.identity), *given)
    yield _ask(cmdlets.new, *named, *given)
    if cmdlets.new_defaults:
        yield from _setting(cmdlets, msgspec.structs.replace(after, **cmdlets.new_defaults), after)


def _named_by_default(assignment: r.ManagementRoleAssignment) -> bool:
    return assignment.identity.lower() == f"{assignment.role}-{assignment.role_assignee}".lower()


def _setting(cmdlets: Cmdlets, before: Record, after: Record) -> Iterator[CmdletAsk]:
    together = [name for name in cmdlets.parameters if name not in cmdlets.apart]
    for names in (together, *([name] for name in cmdlets.apart)):
        yield from _setting_of(names, cmdlets, before, after)


def _setting_of(names: Iterable[str], cmdlets: Cmdlets, before: Record, after: Record) -> Iterator[CmdletAsk]:
    parameters: list[tuple[str, Any]] = []
    for name in names:
        parameter, old, new = cmdlets.parameters[name], getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if name in ENFORCED_BY:
            parameters.append(("EwsApplicationAccessPolicy", _present_policy(before, name)))
        parameters.append((parameter, list_difference(old, new) if name in _SETS else new or _unset(new)))
    if parameters:
        yield _ask(cmdlets.set, *cmdlets.names(before.address, before), *dict(parameters).items())


def _unset(value: Any) -> Any:
    """An empty text is taken away with ``$null``; False stays False."""
    return None if value == "" else value


def list_difference(old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> dict[str, tuple[str, ...]] | None:
    """``@{Add=...; Remove=...}`` that makes ``new`` of ``old``; None takes the list away. Case is ignored."""
    if new is None:
        return None
    kept = {entry.casefold() for entry in new}
    had = {entry.casefold() for entry in old or ()}
    parts = {
        "Add": tuple(entry for entry in new if entry.casefold() not in had),
        "Remove": tuple(entry for entry in old or () if entry.casefold() not in kept),
    }
    return {word: entries for word, entries in parts.items() if entries}


def _present_policy(record: Record, name: str) -> str:
    if not isinstance(record, r.EwsAccess) or not enforces(record, ENFORCED_BY[name]):
        raise Unwritable(
            f"{record.address}: {name} is only changed where {ENFORCED_BY[name]} is already the policy, and it is not."
        )
    return record.ews_application_access_policy or ""


def _role_entries(before: r.ManagementRole, after: r.ManagementRole) -> Iterator[CmdletAsk]:
    """Missing entries first, so that a role in use is never without what it needs."""
    kept, had = ({entry.casefold() for entry in role.role_entries} for role in (after, before))
    for entry in after.role_entries:
        if entry.casefold() not in had:
            yield _ask("Add-ManagementRoleEntry", ("Identity", f"{before.identity}\\{entry}"))
    for entry in before.role_entries:
        if entry.casefold() not in kept:
            yield _ask("Remove-ManagementRoleEntry", ("Identity", f"{before.identity}\\{entry}"), ("Confirm", False))


def _ask(name: str, *parameters: tuple[str, Any]) -> CmdletAsk:
    return CmdletAsk(premises=Premises.ON_PREMISES, name=name, parameters=parameters)

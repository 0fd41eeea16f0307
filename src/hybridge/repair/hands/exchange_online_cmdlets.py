"""Changes of records in Exchange Online as cmdlets: used by the Exchange Online hand and by the script.

The rules of Set-MailboxFolderPermission decide the shape of a change. Flags are taken beside Editor only, so an entry
that shall have flags is first given Editor with them, then any other right alone: without ``-SharingPermissionFlags``
the flags stay as they are. ``-SendNotificationToUser`` is never sent, because it resets flags that are not named. To
take flags away, the flag None is set; Exchange Online is known to keep the flag of some delegates all the same, and
then only ``anew`` helps, which removes the entry and adds it again. GrantSendOnBehalfTo is changed by the difference of
its lists. Source: Microsoft's pages on Set-, Add- and Remove-MailboxFolderPermission and Set-Mailbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from hybridge.org import records as r
from hybridge.org.records import Address
from hybridge.plan import Change
from hybridge.repair.hands.exchange_cmdlets import Unwritable, list_difference
from hybridge.repair.rules import unwritable
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import CmdletAsk

KINDS = (r.Mailbox.__name__, r.MailboxFolderPermission.__name__, r.OrganizationConfig.__name__)
"""Record kinds written in Exchange Online."""
_EDITOR = ("Editor",)


def reading(address: Address) -> CmdletAsk:
    """The cmdlet that shows the record at ``address``."""
    if address.kind == r.Mailbox.__name__:
        return _ask("Get-Mailbox", Identity=address.identity)
    if address.kind == r.OrganizationConfig.__name__:
        return cmdlets.ask_organization_config(Premises.ONLINE)
    mailbox, _, rest = address.identity.partition(":\\")
    folder, _, user = rest.partition("/")
    return _ask("Get-MailboxFolderPermission", Identity=f"{mailbox}:\\{folder}", User=user)


def commands(change: Change) -> tuple[CmdletAsk, ...]:
    """The cmdlets that make ``change``, in order. Raises ``Unwritable``."""
    if change.address.kind not in KINDS or change.address.premises is not Premises.ONLINE:
        raise Unwritable(f"{change.address} is not written by cmdlets of Exchange Online.")
    if reason := unwritable(change):
        raise Unwritable(reason)
    if isinstance(change.before, r.Mailbox) and isinstance(change.after, r.Mailbox):
        return tuple(_grants(change.before, change.after))
    if isinstance(change.before, r.OrganizationConfig) and isinstance(change.after, r.OrganizationConfig):
        return tuple(_access(change.before, change.after))
    before, after = (
        one if isinstance(one, r.MailboxFolderPermission) else None for one in (change.before, change.after)
    )
    if after is None:
        return (_remove(before),) if before else ()
    return tuple(_added(after) if before is None else _changed(before, after))


def loses_flags(change: Change) -> bool:
    """Whether ``change`` takes every flag from an entry that stays."""
    before, after = change.before, change.after
    if not isinstance(before, r.MailboxFolderPermission) or not isinstance(after, r.MailboxFolderPermission):
        return False
    return bool(before.sharing_permission_flags) and not after.sharing_permission_flags


def anew(after: r.MailboxFolderPermission) -> tuple[CmdletAsk, ...]:
    """The cmdlets that remove an entry and add it as ``after``."""
    return (_remove(after), *_added(after))


def _grants(before: r.Mailbox, after: r.Mailbox) -> Iterator[CmdletAsk]:
    difference = list_difference(before.grant_send_on_behalf_to, after.grant_send_on_behalf_to)
    if difference:
        yield _ask("Set-Mailbox", Identity=before.identity, GrantSendOnBehalfTo=difference)


def _access(before: r.OrganizationConfig, after: r.OrganizationConfig) -> Iterator[CmdletAsk]:
    """The list of applications is one text and replaced whole; lists of user agents change by their difference."""
    given: dict[str, Any] = {}
    if before.ews_enabled != after.ews_enabled:
        given["EwsEnabled"] = after.ews_enabled
    if before.ews_allowed_app_ids != after.ews_allowed_app_ids:
        ids = after.ews_allowed_app_ids
        given["EwsAllowedAppIDs"] = None if ids is None else ",".join(ids)
    for field, parameter in (("ews_allow_list", "EwsAllowList"), ("ews_block_list", "EwsBlockList")):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            given["EwsApplicationAccessPolicy"] = before.ews_application_access_policy
            given[parameter] = list_difference(old, new)
    if given:
        yield _ask("Set-OrganizationConfig", **given)


def _added(after: r.MailboxFolderPermission) -> Iterator[CmdletAsk]:
    if not after.sharing_permission_flags:
        yield _ask("Add-MailboxFolderPermission", **_named(after), AccessRights=after.access_rights)
        return
    yield _ask(
        "Add-MailboxFolderPermission", **_named(after), AccessRights=_EDITOR, SharingPermissionFlags=_flags(after)
    )
    yield from _changed(msgspec.structs.replace(after, access_rights=_EDITOR), after)


def _changed(before: r.MailboxFolderPermission, after: r.MailboxFolderPermission) -> Iterator[CmdletAsk]:
    rights = before.access_rights
    if set(before.sharing_permission_flags) != set(after.sharing_permission_flags):
        rights = _EDITOR
        yield _ask(
            "Set-MailboxFolderPermission", **_named(before), AccessRights=_EDITOR, SharingPermissionFlags=_flags(after)
        )
    if rights != after.access_rights:
        yield _ask("Set-MailboxFolderPermission", **_named(before), AccessRights=after.access_rights)


def _remove(entry: r.MailboxFolderPermission) -> CmdletAsk:
    return _ask("Remove-MailboxFolderPermission", **_named(entry), Confirm=False)


def _named(entry: r.MailboxFolderPermission) -> dict[str, str]:
    return {"Identity": f"{entry.mailbox}:\\{entry.folder}", "User": entry.user}


def _flags(entry: r.MailboxFolderPermission) -> str:
    """One text: PowerShell and JSON both read several flags from it."""
    return ",".join(entry.sharing_permission_flags) or "None"


def _ask(name: str, **parameters: Any) -> CmdletAsk:
    return CmdletAsk(premises=Premises.ONLINE, name=name, parameters=tuple(parameters.items()))

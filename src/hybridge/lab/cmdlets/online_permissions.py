"""Rights on folders of mailboxes in Exchange Online, and the flags that make somebody a delegate.

There is one entry per user: Add- refuses a second one, Set- and Remove- refuse an absent one. Flags are taken beside
the right Editor only, and CanViewPrivateItems beside Delegate only. Set- without flags keeps them, whatever the right
becomes; but with ``-SendNotificationToUser`` flags left out are None, and the user is a delegate no more. Source:
Microsoft's pages on Set- and Add-MailboxFolderPermission.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.cmdlets.base import REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.online_identities import ONLINE, mailbox_of, recipient
from hybridge.lab.cmdlets.outcome import refused_argument
from hybridge.lab.cmdlets.parameters import boolean, choices, count, switch, text
from hybridge.lab.cmdlets.permission_entries import ACCESS_RIGHTS, STORE, USER, Entries
from hybridge.org.delegations import DELEGATE, PRIVATE_ITEMS

_FLAGS = choices("SharingPermissionFlags", ("None", DELEGATE, PRIVATE_ITEMS), STORE + "MailboxFolderPermissionFlags")
_NOTIFY = boolean("SendNotificationToUser")
_ENTRIES = Entries(ONLINE, mailbox_of, recipient, lambda present: () if present else ("Calendar",))


@cmdlet("Get-MailboxFolderPermission", REQUIRED_IDENTITY, text("User"), count("ResultSize"), tasks="StoreTasks")
def get_permission(call: Call) -> Result:
    """Entries of one folder, or the one of ``-User``."""
    found = _ENTRIES.read(call)
    return Result(found if call.text("User") else found[: call.get("ResultSize")])


@cmdlet("Add-MailboxFolderPermission", REQUIRED_IDENTITY, USER, ACCESS_RIGHTS, _FLAGS, _NOTIFY, tasks="StoreTasks")
def add_permission(call: Call) -> Result:
    """Give somebody rights who has no entry yet."""
    return _ENTRIES.add(call, lambda: _flags(call, ()))


@cmdlet("Set-MailboxFolderPermission", REQUIRED_IDENTITY, USER, ACCESS_RIGHTS, _FLAGS, _NOTIFY, tasks="StoreTasks")
def set_permission(call: Call) -> Result:
    """Change the rights and flags of somebody who has an entry."""
    before = _ENTRIES.entry(call)
    after = msgspec.structs.replace(
        before,
        access_rights=call.get("AccessRights"),
        sharing_permission_flags=_flags(call, before.sharing_permission_flags),
    )
    return changed(call, before, after)


@cmdlet("Remove-MailboxFolderPermission", REQUIRED_IDENTITY, USER, switch("Force"), _NOTIFY, tasks="StoreTasks")
def remove_permission(call: Call) -> Result:
    """Take all rights of somebody away, and with them the delegation."""
    return _ENTRIES.remove(call)


def _flags(call: Call, present: tuple[str, ...]) -> tuple[str, ...]:
    """The flags afterwards."""
    if not call.given("SharingPermissionFlags"):
        return () if call.given("SendNotificationToUser") else present
    if call.get("AccessRights") != ("Editor",):
        raise refused_argument("SharingPermissionFlags can only be used when the AccessRights parameter is Editor.")
    flags = tuple(flag for flag in call.get("SharingPermissionFlags") if flag != "None")
    if PRIVATE_ITEMS in flags and DELEGATE not in flags:
        raise refused_argument("CanViewPrivateItems must be used together with Delegate.")
    return flags


CMDLETS = (get_permission, add_permission, set_permission, remove_permission)

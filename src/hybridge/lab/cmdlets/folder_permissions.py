"""Rights on folders of mailboxes on-premises; ``-SharingPermissionFlags`` exists in Exchange Online only."""

from __future__ import annotations

import msgspec

from hybridge.lab.cmdlets.base import ON, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.identities import mailbox_of, recipient
from hybridge.lab.cmdlets.parameters import switch, text
from hybridge.lab.cmdlets.permission_entries import ACCESS_RIGHTS, USER, Entries

_DEFAULT_FOLDERS = ("Calendar", "Tasks", "Inbox", "Contacts", "Notes", "Journal")
_ENTRIES = Entries(ON, mailbox_of, recipient, lambda _: _DEFAULT_FOLDERS)


@cmdlet("Get-MailboxFolderPermission", REQUIRED_IDENTITY, text("User"), tasks="StoreTasks")
def get_permission(call: Call) -> Result:
    """Entries of one folder, or the one of ``-User``."""
    return Result(_ENTRIES.read(call))


@cmdlet("Add-MailboxFolderPermission", REQUIRED_IDENTITY, USER, ACCESS_RIGHTS, tasks="StoreTasks")
def add_permission(call: Call) -> Result:
    """Give somebody rights who has no entry yet."""
    return _ENTRIES.add(call)


@cmdlet("Set-MailboxFolderPermission", REQUIRED_IDENTITY, USER, ACCESS_RIGHTS, tasks="StoreTasks")
def set_permission(call: Call) -> Result:
    """Change the rights of somebody who has an entry."""
    before = _ENTRIES.entry(call)
    return changed(call, before, msgspec.structs.replace(before, access_rights=call.get("AccessRights")))


@cmdlet("Remove-MailboxFolderPermission", REQUIRED_IDENTITY, USER, switch("Force"), tasks="StoreTasks")
def remove_permission(call: Call) -> Result:
    """Take all rights of somebody away."""
    return _ENTRIES.remove(call)


CMDLETS = (get_permission, add_permission, set_permission, remove_permission)

"""Rights on folders of mailboxes.

A folder is named ``<mailbox>:\\<folder>``; without the colon the whole text is taken for a mailbox. There is one entry
per user: Add- refuses a second one, Set- and Remove- refuse an absent one. "Default" and "Anonymous" are part of every
folder and cannot be removed. ``-SharingPermissionFlags`` exists in Exchange Online only.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.cmdlets.base import ON, REQUIRED_IDENTITY, Call, Result, changed, cmdlet, created, removed
from hybridge.lab.cmdlets.identities import mailbox_of, recipient
from hybridge.lab.cmdlets.outcome import NO_PERMISSION_ENTRY, NOT_FOUND, CmdletRefused
from hybridge.lab.cmdlets.parameters import choices, switch, text
from hybridge.org import records as r

ROLES = (
    "None",
    "Owner",
    "PublishingEditor",
    "Editor",
    "PublishingAuthor",
    "Author",
    "NonEditingAuthor",
    "Reviewer",
    "Contributor",
    "AvailabilityOnly",
    "LimitedDetails",
)
RIGHTS = (
    "CreateItems",
    "CreateSubfolders",
    "DeleteAllItems",
    "DeleteOwnedItems",
    "EditAllItems",
    "EditOwnedItems",
    "FolderContact",
    "FolderOwner",
    "FolderVisible",
    "ReadItems",
)
BUILT_IN = ("Default", "Anonymous")
"""Entries every folder has."""
_DEFAULT_FOLDERS = ("Calendar", "Tasks", "Inbox", "Contacts", "Notes", "Journal")
_STORE = "Microsoft.Exchange.Management.StoreTasks."
_USER = text("User", mandatory=True)
_ACCESS_RIGHTS = choices("AccessRights", (*ROLES, *RIGHTS), _STORE + "MailboxFolderAccessRight", mandatory=True)


@cmdlet("Get-MailboxFolderPermission", REQUIRED_IDENTITY, text("User"), tasks="StoreTasks")
def get_permission(call: Call) -> Result:
    """Entries of one folder, or the one of ``-User``."""
    mailbox, folder = _folder(call)
    if call.text("User"):
        return Result((_entry(call, mailbox, folder),))
    return Result(_entries(call, mailbox, folder))


@cmdlet("Add-MailboxFolderPermission", REQUIRED_IDENTITY, _USER, _ACCESS_RIGHTS, tasks="StoreTasks")
def add_permission(call: Call) -> Result:
    """Give somebody rights who has no entry yet."""
    mailbox, folder = _folder(call)
    user = _user(call)
    if _find(call, mailbox, folder, user):
        raise CmdletRefused(
            f"An existing permission entry was found for user: {user}.",
            _STORE + "UserAlreadyExistsInPermissionEntryException",
            "NotSpecified",
        )
    entry = r.MailboxFolderPermission(
        premises=ON,
        identity=f"{mailbox}:\\{folder}/{user}",
        mailbox=mailbox,
        folder=folder,
        user=user,
        access_rights=call.get("AccessRights"),
    )
    return created(call, entry)


@cmdlet("Set-MailboxFolderPermission", REQUIRED_IDENTITY, _USER, _ACCESS_RIGHTS, tasks="StoreTasks")
def set_permission(call: Call) -> Result:
    """Change the rights of somebody who has an entry."""
    before = _entry(call, *_folder(call))
    return changed(call, before, msgspec.structs.replace(before, access_rights=call.get("AccessRights")))


@cmdlet("Remove-MailboxFolderPermission", REQUIRED_IDENTITY, _USER, switch("Force"), tasks="StoreTasks")
def remove_permission(call: Call) -> Result:
    """Take all rights of somebody away."""
    entry = _entry(call, *_folder(call))
    if entry.user in BUILT_IN:
        raise CmdletRefused(
            f'You can\'t remove the permission on "{entry.folder}" for user {entry.user}. To remove permission for '
            'Default or Anonymous user, set it to "None".',
            _STORE + "CannotRemoveSpecialUserException",
            "NotSpecified",
        )
    return removed(call, entry)


def _folder(call: Call) -> tuple[str, str]:
    """Address of the mailbox and name of the folder, as stored."""
    identity = call.text("Identity")
    mailbox, colon, path = identity.partition(":")
    owner = mailbox_of(call, mailbox if colon else identity).identity
    wanted = path.strip("\\").casefold() if colon else ""
    present = {one.folder for one in call.organization.all(r.MailboxFolderPermission, ON, owner)}
    for folder in (*present, *_DEFAULT_FOLDERS):
        if wanted == folder.casefold():
            return owner, folder
    raise CmdletRefused(
        f"The operation couldn't be performed because '{owner}:\\{path.strip(chr(92))}' couldn't be found.",
        NOT_FOUND,
        "NotSpecified",
    )


def _entries(call: Call, mailbox: str, folder: str) -> tuple[r.MailboxFolderPermission, ...]:
    return tuple(one for one in call.organization.all(r.MailboxFolderPermission, ON, mailbox) if one.folder == folder)


def _find(call: Call, mailbox: str, folder: str, user: str) -> r.MailboxFolderPermission | None:
    wanted = user.casefold()
    return next((one for one in _entries(call, mailbox, folder) if one.user.casefold() == wanted), None)


def _entry(call: Call, mailbox: str, folder: str) -> r.MailboxFolderPermission:
    """The entry ``-User`` means; its user need not exist any more."""
    given = call.text("User")
    found = _find(call, mailbox, folder, given) or _find(call, mailbox, folder, _user(call))
    if found is None:
        raise CmdletRefused(
            f"There is no existing permission entry found for user: {given}.", NO_PERMISSION_ENTRY, "NotSpecified"
        )
    return found


def _user(call: Call) -> str:
    """Who is meant, as an entry stores it: a built-in name or a primary address."""
    given = call.text("User")
    for name in BUILT_IN:
        if given.casefold() == name.casefold():
            return name
    found = recipient(call, given)
    if found is None:
        raise CmdletRefused(
            f'The user "{given}" is either not valid SMTP address, or there is no matching information.',
            _STORE + "InvalidExternalUserIdException",
            "InvalidArgument",
        )
    return found


CMDLETS = (get_permission, add_permission, set_permission, remove_permission)

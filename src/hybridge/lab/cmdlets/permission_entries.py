"""Entries of folders' permissions, the same on both sides: which folder and whom a cmdlet means, and its refusals.

A folder is named ``<mailbox>:\\<folder>``; without the colon the whole text is taken for a mailbox. There is one entry
per user. "Default" and "Anonymous" are part of every folder and cannot be removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hybridge.lab.cmdlets.base import Call, Result, created, removed
from hybridge.lab.cmdlets.outcome import NO_PERMISSION_ENTRY, NOT_FOUND, CmdletRefused
from hybridge.lab.cmdlets.parameters import choices, text
from hybridge.org import records as r
from hybridge.terms.premises import Premises

_ROLES = (
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
_RIGHTS = (
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
STORE = "Microsoft.Exchange.Management.StoreTasks."
USER = text("User", mandatory=True)
ACCESS_RIGHTS = choices("AccessRights", (*_ROLES, *_RIGHTS), STORE + "MailboxFolderAccessRight", mandatory=True)


@dataclass(frozen=True)
class Entries:
    """The entries of one side. ``folders`` gives the names a mailbox has beside those that bear entries (a set)."""

    premises: Premises
    mailbox_of: Callable[[Call, str], r.Mailbox]
    recipient: Callable[[Call, str], str | None]
    folders: Callable[[set[str]], tuple[str, ...]]

    def folder(self, call: Call) -> tuple[str, str]:
        """Address of the mailbox and name of the folder ``-Identity`` means, as stored."""
        identity = call.text("Identity")
        mailbox, colon, path = identity.partition(":")
        owner = self.mailbox_of(call, mailbox if colon else identity).identity
        wanted = path.strip("\\").casefold() if colon else ""
        present = {one.folder for one in call.organization.all(r.MailboxFolderPermission, self.premises, owner)}
        for folder in (*present, *self.folders(present)):
            if wanted == folder.casefold():
                return owner, folder
        raise CmdletRefused(
            f"The operation couldn't be performed because '{owner}:\\{path.strip(chr(92))}' couldn't be found.",
            NOT_FOUND,
            "NotSpecified",
        )

    def read(self, call: Call) -> tuple[r.MailboxFolderPermission, ...]:
        """Entries of the folder, or the one of ``-User``."""
        mailbox, folder = self.folder(call)
        return (self._entry(call, mailbox, folder),) if call.text("User") else self._all(call, mailbox, folder)

    def entry(self, call: Call) -> r.MailboxFolderPermission:
        """The entry ``-Identity`` and ``-User`` mean."""
        return self._entry(call, *self.folder(call))

    def add(self, call: Call, flags: Callable[[], tuple[str, ...]] = tuple) -> Result:
        """Give somebody rights who has no entry yet; ``flags`` is asked once nothing else speaks against it."""
        mailbox, folder = self.folder(call)
        user = self._user(call)
        if self._find(call, mailbox, folder, user):
            raise CmdletRefused(
                f"An existing permission entry was found for user: {user}.",
                STORE + "UserAlreadyExistsInPermissionEntryException",
                "NotSpecified",
            )
        entry = r.MailboxFolderPermission(
            premises=self.premises,
            identity=f"{mailbox}:\\{folder}/{user}",
            mailbox=mailbox,
            folder=folder,
            user=user,
            access_rights=call.get("AccessRights"),
            sharing_permission_flags=flags(),
        )
        return created(call, entry)

    def remove(self, call: Call) -> Result:
        """Take all rights of somebody away."""
        entry = self.entry(call)
        if entry.user in BUILT_IN:
            raise CmdletRefused(
                f'You can\'t remove the permission on "{entry.folder}" for user {entry.user}. To remove permission for '
                'Default or Anonymous user, set it to "None".',
                STORE + "CannotRemoveSpecialUserException",
                "NotSpecified",
            )
        return removed(call, entry)

    def _all(self, call: Call, mailbox: str, folder: str) -> tuple[r.MailboxFolderPermission, ...]:
        everything = call.organization.all(r.MailboxFolderPermission, self.premises, mailbox)
        return tuple(one for one in everything if one.folder == folder)

    def _find(self, call: Call, mailbox: str, folder: str, user: str) -> r.MailboxFolderPermission | None:
        wanted = user.casefold()
        return next((one for one in self._all(call, mailbox, folder) if one.user.casefold() == wanted), None)

    def _entry(self, call: Call, mailbox: str, folder: str) -> r.MailboxFolderPermission:
        """The entry ``-User`` means; its user need not exist any more."""
        given = call.text("User")
        found = self._find(call, mailbox, folder, given) or self._find(call, mailbox, folder, self._user(call))
        if found is None:
            raise CmdletRefused(
                f"There is no existing permission entry found for user: {given}.", NO_PERMISSION_ENTRY, "NotSpecified"
            )
        return found

    def _user(self, call: Call) -> str:
        """Who is meant, as an entry stores it: a built-in name or a primary address."""
        given = call.text("User")
        for name in BUILT_IN:
            if given.casefold() == name.casefold():
                return name
        found = self.recipient(call, given)
        if found is None:
            raise CmdletRefused(
                f'The user "{given}" is either not valid SMTP address, or there is no matching information.',
                STORE + "InvalidExternalUserIdException",
                "InvalidArgument",
            )
        return found

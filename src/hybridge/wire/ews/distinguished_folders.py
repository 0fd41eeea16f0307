"""Distinguished folders: what kind of folder each name stands for, and ids for those of the lab.

Source: DistinguishedFolderIdNameType of the schema, and the folder classes a mailbox of Exchange 2019 shows.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple


class FolderKind(NamedTuple):
    """The element a folder is returned as, its FolderClass and its English DisplayName."""

    element: str
    folder_class: str
    display_name: str


KINDS = {
    "root": FolderKind("Folder", "IPF", "Root"),
    "msgfolderroot": FolderKind("Folder", "IPF.Note", "Top of Information Store"),
    "inbox": FolderKind("Folder", "IPF.Note", "Inbox"),
    "drafts": FolderKind("Folder", "IPF.Note", "Drafts"),
    "outbox": FolderKind("Folder", "IPF.Note", "Outbox"),
    "sentitems": FolderKind("Folder", "IPF.Note", "Sent Items"),
    "deleteditems": FolderKind("Folder", "IPF.Note", "Deleted Items"),
    "junkemail": FolderKind("Folder", "IPF.Note", "Junk Email"),
    "calendar": FolderKind("CalendarFolder", "IPF.Appointment", "Calendar"),
    "contacts": FolderKind("ContactsFolder", "IPF.Contact", "Contacts"),
    "tasks": FolderKind("TasksFolder", "IPF.Task", "Tasks"),
    "notes": FolderKind("Folder", "IPF.StickyNote", "Notes"),
    "journal": FolderKind("Folder", "IPF.Journal", "Journal"),
}
"""Folders every mailbox has. Other distinguished names are answered with ErrorFolderNotFound."""

ELEMENTS = ("Folder", "CalendarFolder", "ContactsFolder", "SearchFolder", "TasksFolder")
"""Element names a folder may be returned as."""

PARENTS = {"root": "", "msgfolderroot": "root"}
"""Parent by name; every other folder lies in msgfolderroot."""


def parent_of(name: str) -> str:
    """Distinguished name of the parent folder, "" for the root."""
    return PARENTS.get(name, "msgfolderroot")


def folder_id(mailbox: str, name: str) -> str:
    """An opaque id that names a folder of a mailbox, the same for ever."""
    return "AAMk" + base64.urlsafe_b64encode(f"{mailbox.lower()}/{name}".encode()).decode()


def read_folder_id(identity: str) -> tuple[str, str] | None:
    """Mailbox and distinguished name of an id made by ``folder_id``, else None."""
    try:
        written = base64.b64decode(identity.removeprefix("AAMk"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    mailbox, slash, name = written.rpartition("/")
    return (mailbox, name) if slash and name in KINDS and identity == folder_id(mailbox, name) else None

"""EWS SyncFolderHierarchy and FindFolder, server half: the folders of a mailbox.

The lab's mailboxes have the same folders for ever, so a hierarchy that was once synchronized never changes.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hybridge.wire.ews.calendar_items import ItemError
from hybridge.wire.ews.get_folder import Folder, FolderRef, read_shape, read_target, read_targets, write_folder
from hybridge.wire.ews.item_messages import write_messages
from hybridge.wire.ews.reading import Slot, attribute, one_of, sequence
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

OPERATION = "SyncFolderHierarchy"
FIND = "FindFolder"
_TRAVERSALS = ("Shallow", "Deep", "SoftDeleted")


class Request(msgspec.Struct, frozen=True):
    """The folder under which to look (None: the root of the caller), and the state last given."""

    folder: FolderRef | None
    base_shape: str
    additional: tuple[str, ...]
    state: str = ""

    @property
    def mailbox(self) -> str:
        """The mailbox the request names, "" for none."""
        return self.folder.mailbox if self.folder else ""


class FindRequest(msgspec.Struct, frozen=True):
    """The folders under which to look, and how deep."""

    folders: tuple[FolderRef, ...]
    base_shape: str
    additional: tuple[str, ...]
    deep: bool

    @property
    def mailbox(self) -> str:
        """The mailbox the request names first, "" for none."""
        return self.folders[0].mailbox if self.folders else ""


def read_request(operation: Element) -> Request:
    """Read a SyncFolderHierarchy strictly; raises ``RequestRefused``."""
    parts = sequence(
        operation,
        Slot("m:FolderShape"),
        Slot("m:SyncFolderId", at_least=0),
        Slot("m:SyncState", at_least=0),
    )
    base, additional = read_shape(parts["m:FolderShape"][0])
    state = next(((one.text or "").strip() for one in parts["m:SyncState"]), "")
    return Request(next((read_target(one) for one in parts["m:SyncFolderId"]), None), base, additional, state)


def read_find(operation: Element) -> FindRequest:
    """Read a FindFolder strictly; raises ``RequestRefused``."""
    parts = sequence(
        operation,
        Slot("m:FolderShape"),
        Slot("m:IndexedPageFolderView|m:FractionalPageFolderView", at_least=0),
        Slot("m:Restriction", at_least=0),
        Slot("m:ParentFolderIds"),
    )
    base, additional = read_shape(parts["m:FolderShape"][0])
    traversal = one_of(operation, attribute(operation, "Traversal"), _TRAVERSALS)
    return FindRequest(read_targets(parts["m:ParentFolderIds"][0]), base, additional, traversal == "Deep")


def write_response(said: tuple[str, tuple[Folder, ...]] | ItemError) -> str:
    """The body of the answer to SyncFolderHierarchy: the new state and the folders that are new."""
    if isinstance(said, ItemError):
        return write_messages(OPERATION, (said,))
    state, folders = said
    changes = "".join(f"<t:Create>{write_folder(one)}</t:Create>" for one in folders)
    inside = element("m:SyncState", state) + element("m:IncludesLastFolderInRange", True)
    return write_messages(OPERATION, (f"{inside}<m:Changes>{changes}</m:Changes>",))


def write_found(said: Iterable[tuple[Folder, ...] | ItemError]) -> str:
    """The body of the answer to FindFolder: per parent the folders in it, or the error in their place."""
    return write_messages(FIND, (one if isinstance(one, ItemError) else _root(one) for one in said))


def _root(folders: tuple[Folder, ...]) -> str:
    return (
        f'<m:RootFolder IndexedPagingOffset="{len(folders)}" TotalItemsInView="{len(folders)}" '
        f'IncludesLastItemInRange="true"><t:Folders>{"".join(write_folder(one) for one in folders)}</t:Folders>'
        "</m:RootFolder>"
    )

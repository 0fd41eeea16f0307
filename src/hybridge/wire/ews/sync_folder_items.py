"""EWS SyncFolderItems, server half: what changed in a folder since a state the client was given.

The state is opaque to the client. At most 512 changes come per call; the client asks again while the answer does not
include the last. A state that is none of ours is ErrorInvalidSyncStateData, after which a client starts anew.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from hybridge.wire.ews.calendar_items import ItemError, ItemId, read_item_ids, write_item_id
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.get_folder import FolderRef, read_target
from hybridge.wire.ews.item_messages import write_messages
from hybridge.wire.ews.item_shapes import ItemShape, read_shape
from hybridge.wire.ews.reading import Slot, sequence, whole_number
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

OPERATION = "SyncFolderItems"
MAX_CHANGES = 512


class Request(msgspec.Struct, frozen=True):
    """The folder, the state last given ("" for none), and how many changes are wanted."""

    folder: FolderRef
    shape: ItemShape
    state: str = ""
    ignore: tuple[ItemId, ...] = ()
    limit: int = MAX_CHANGES

    @property
    def mailbox(self) -> str:
        """The mailbox the request names, "" for none."""
        return self.folder.mailbox


class Synced(msgspec.Struct, frozen=True):
    """Changes in order: (Create or Update, the item's element) or (Delete, its ItemId)."""

    state: str
    changes: tuple[tuple[str, str | ItemId], ...]
    last: bool = True


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(
        operation,
        Slot("m:ItemShape"),
        Slot("m:SyncFolderId"),
        Slot("m:SyncState", at_least=0),
        Slot("m:Ignore", at_least=0),
        Slot("m:MaxChangesReturned"),
        Slot("m:SyncScope", at_least=0),
    )
    most = parts["m:MaxChangesReturned"][0]
    limit = whole_number((most.text or "").strip())
    if limit is None or not 1 <= limit <= MAX_CHANGES:
        raise schema_violation(f"MaxChangesReturned is not a number of 1 to {MAX_CHANGES}.", most)
    return Request(
        folder=read_target(parts["m:SyncFolderId"][0]),
        shape=read_shape(parts["m:ItemShape"][0]),
        state=next(((one.text or "").strip() for one in parts["m:SyncState"]), ""),
        ignore=tuple(one for every in parts["m:Ignore"] for one in read_item_ids(every)),
        limit=limit,
    )


def write_response(said: Synced | ItemError) -> str:
    """The body of the answer."""
    if isinstance(said, ItemError):
        return write_messages(OPERATION, (said,))
    changes = "".join(_write_change(kind, what) for kind, what in said.changes)
    return write_messages(
        OPERATION,
        (
            element("m:SyncState", said.state)
            + element("m:IncludesLastItemInRange", said.last)
            + f"<m:Changes>{changes}</m:Changes>",
        ),
    )


def _write_change(kind: str, what: str | ItemId) -> str:
    return f"<t:{kind}>{write_item_id(what) if isinstance(what, ItemId) else what}</t:{kind}>"


def write_state(folder: str, number: int) -> str:
    """The state of a folder (its opaque id) after entry ``number`` of its journal."""
    return base64.b64encode(f"hybridge-sync|{folder}|{number}".encode()).decode()


def read_state(state: str, folder: str) -> int | None:
    """The number in a state ``write_state`` made for ``folder``; None for any other word."""
    try:
        mark, owner, number = base64.b64decode(state, validate=True).decode().split("|")
    except (binascii.Error, ValueError):
        return None
    return whole_number(number) if mark == "hybridge-sync" and owner == folder else None

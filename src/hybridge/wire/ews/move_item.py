"""EWS MoveItem and CopyItem, server half: items put into another folder, where they have new ids."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hybridge.wire.ews.calendar_items import ItemError, ItemId, read_item_ids
from hybridge.wire.ews.get_folder import FolderRef, read_target
from hybridge.wire.ews.item_messages import items, write_messages
from hybridge.wire.ews.reading import Slot, sequence
from hybridge.wire.xml import Element

OPERATION = "MoveItem"
COPY = "CopyItem"


class Request(msgspec.Struct, frozen=True):
    """The items and where they go."""

    to: FolderRef
    ids: tuple[ItemId, ...]


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:ToFolderId"), Slot("m:ItemIds"), Slot("m:ReturnNewItemIds", at_least=0))
    return Request(read_target(parts["m:ToFolderId"][0]), read_item_ids(parts["m:ItemIds"][0]))


def write_response(said: Iterable[str | ItemError], operation: str = OPERATION) -> str:
    """The body of the answer: per item its new self, or the error in its place."""
    return write_messages(operation, (one if isinstance(one, ItemError) else items(one) for one in said))

"""What operations on items share: ids of items, and the few properties hybridge itself reads and writes.

An item's id is opaque to a client. The lab's names the event it stands for, so that it is the same for ever.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

import msgspec

from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import Slot, attribute, child, local_name, sequence, text, whole_number
from hybridge.wire.xml import Element, escape

_PREFIX = "AAMkITEM"


class ItemId(msgspec.Struct, frozen=True):
    """Names an item; ``change_key`` "" names it in whatever state it is.

    ``by`` is the element that names it: OccurrenceItemId is the ``index``-th (from 1) of the series ``id``,
    RecurringMasterItemId the series that the occurrence ``id`` belongs to.
    """

    id: str
    change_key: str = ""
    by: str = "ItemId"
    index: int = 0


class CalendarItem(msgspec.Struct, frozen=True):
    """An appointment; what was not sent is "" or None. ``busy`` is Free, Tentative, Busy, OOF or WorkingElsewhere."""

    subject: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None
    busy: str = ""
    item_id: ItemId | None = None


class ItemError(msgspec.Struct, frozen=True):
    """Why one item was not made, shown or removed."""

    code: str
    message: str = ""


def item_id(identity: str) -> str:
    """The opaque id of the event called ``identity``."""
    return _PREFIX + base64.urlsafe_b64encode(identity.encode()).decode()


def read_item_id(opaque: str) -> str:
    """The event an id made by ``item_id`` stands for, "" for any other id."""
    try:
        written = base64.b64decode(opaque.removeprefix(_PREFIX), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return written if opaque == item_id(written) else ""


def hex_entry_id(opaque: str) -> str:
    """An id of the lab in the format HexEntryId, which free/busy details bear."""
    return opaque.encode().hex().upper()


def read_hex_entry_id(written: str) -> str:
    """The id ``hex_entry_id`` was given, "" for anything else."""
    try:
        return bytes.fromhex(written).decode()
    except ValueError:
        return ""


def write_item_ids(ids: tuple[ItemId, ...]) -> str:
    """ItemIds of a request."""
    return f"<m:ItemIds>{''.join(write_item_id(one) for one in ids)}</m:ItemIds>"


def write_item_id(one: ItemId) -> str:
    """One ItemId."""
    key = f' ChangeKey="{escape(one.change_key)}"' if one.change_key else ""
    return f'<t:ItemId Id="{escape(one.id)}"{key}/>'


_IDS = "t:ItemId|t:OccurrenceItemId|t:RecurringMasterItemId"
_NAMED_BY = {"ItemId": "Id", "OccurrenceItemId": "RecurringMasterId", "RecurringMasterItemId": "OccurrenceId"}


def read_item_ids(ids: Element) -> tuple[ItemId, ...]:
    """ItemIds of a request, strictly; raises ``RequestRefused``."""
    return tuple(read_item_id_element(one) for one in sequence(ids, Slot(_IDS, at_most=None))[_IDS])


def read_item_id_element(one: Element) -> ItemId:
    """An element that names an item, strictly; raises ``RequestRefused``."""
    by = local_name(one)
    name = _NAMED_BY.get(by, "Id")
    if not attribute(one, name):
        raise schema_violation(f"The required attribute '{name}' is missing.", one)
    index = 0
    if by == "OccurrenceItemId":
        index = whole_number(attribute(one, "InstanceIndex")) or 0
    return ItemId(attribute(one, name), attribute(one, "ChangeKey"), by if by in _NAMED_BY else "ItemId", index)


def read_item(item: Element) -> CalendarItem:
    """An item of an answer: its id and subject."""
    named = child(item, "t:ItemId")
    identity = None if named is None else ItemId(attribute(named, "Id"), attribute(named, "ChangeKey"))
    return CalendarItem(subject=text(item, "t:Subject"), item_id=identity)

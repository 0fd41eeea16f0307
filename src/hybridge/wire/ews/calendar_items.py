"""What CreateItem, GetItem, DeleteItem and FindItem share: ids of items, and the few properties hybridge writes.

An item's id is opaque to a client. The lab's names the event it stands for, so that it is the same for ever.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

import msgspec

from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import Slot, attribute, child, sequence, text
from hybridge.wire.xml import Element, escape

_PREFIX = "AAMkITEM"


class ItemId(msgspec.Struct, frozen=True):
    """Names an item; ``change_key`` "" names it in whatever state it is."""

    id: str
    change_key: str = ""


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


def write_item_ids(ids: tuple[ItemId, ...]) -> str:
    """ItemIds of a request."""
    return f"<m:ItemIds>{''.join(write_item_id(one) for one in ids)}</m:ItemIds>"


def write_item_id(one: ItemId) -> str:
    """One ItemId."""
    key = f' ChangeKey="{escape(one.change_key)}"' if one.change_key else ""
    return f'<t:ItemId Id="{escape(one.id)}"{key}/>'


def read_item_ids(ids: Element) -> tuple[ItemId, ...]:
    """ItemIds of a request, strictly; raises ``RequestRefused``."""
    found = sequence(ids, Slot("t:ItemId", at_most=None))["t:ItemId"]
    return tuple(_strict_id(one) for one in found)


def _strict_id(one: Element) -> ItemId:
    if not attribute(one, "Id"):
        raise schema_violation("The required attribute 'Id' is missing.", one)
    return ItemId(attribute(one, "Id"), attribute(one, "ChangeKey"))


def read_item(item: Element) -> CalendarItem:
    """An item of an answer: its id and subject."""
    named = child(item, "t:ItemId")
    identity = None if named is None else ItemId(attribute(named, "Id"), attribute(named, "ChangeKey"))
    return CalendarItem(subject=text(item, "t:Subject"), item_id=identity)


def write_item(item: CalendarItem) -> str:
    """An item of an answer: its id and subject."""
    identity = "" if item.item_id is None else write_item_id(item.item_id)
    subject = f"<t:Subject>{escape(item.subject)}</t:Subject>" if item.subject else ""
    return f"<t:CalendarItem>{identity}{subject}</t:CalendarItem>"

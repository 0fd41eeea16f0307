"""How the lab's stored appointments look to a client of Graph."""

from __future__ import annotations

import msgspec

from hybridge.lab.mail.items import Item, Occurrence
from hybridge.wire.graph import events as wire

SHOWN = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "workingElsewhere",
    "NoData": "unknown",
}
"""BusyType of EWS -> showAs of Graph."""
STORED = {shown: stored for stored, shown in SHOWN.items()}

_ANSWERS = {
    "Organizer": "organizer",
    "Accept": "accepted",
    "Tentative": "tentativelyAccepted",
    "Decline": "declined",
    "NoResponseReceived": "notResponded",
}
_KINDS = {"Single": wire.SINGLE, "Occurrence": wire.OCCURRENCE, "Exception": wire.EXCEPTION}


def whole(one: Occurrence) -> wire.Event:
    """An entry of a calendar as ``calendarView`` gives it."""
    item = one.item
    return wire.Event(
        id=one.item_id,
        start_at=one.start_at,
        end_at=one.end_at,
        type=_KINDS.get(one.kind, wire.SINGLE),
        series_master_id=one.series_id,
        show_as=SHOWN.get(one.busy_type, "unknown"),
        is_all_day=one.is_all_day,
        is_cancelled=one.is_cancelled,
        sensitivity=item.sensitivity.lower(),
        response=_ANSWERS.get(one.response, "none"),
        is_organizer=item.is_organizer,
        attendees=tuple(each.address for each in item.attendees if each.address.lower() != item.mailbox.lower()),
        subject=one.subject,
        location=one.location,
        ical_uid=item.uid,
        change_key=one.change_key,
        last_modified_at=item.modified_at,
        organizer=item.organizer or item.mailbox,
    )


def master(item: Item) -> wire.Event:
    """The master of a series."""
    first = Occurrence(
        item=item,
        item_id=item.opaque_id,
        change_key=item.change_key,
        start_at=item.start_at,
        end_at=item.end_at,
    )
    return msgspec.structs.replace(whole(first), type=wire.MASTER)


def brief(one: Occurrence) -> wire.Event:
    """An entry as the delta gives it: of an occurrence its times and its master only."""
    if one.kind != "Occurrence":
        return whole(one)
    return wire.Event(
        id=one.item_id,
        start_at=one.start_at,
        end_at=one.end_at,
        type=wire.OCCURRENCE,
        series_master_id=one.series_id,
        change_key=one.change_key,
    )

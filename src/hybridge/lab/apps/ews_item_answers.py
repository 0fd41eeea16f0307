"""What a client creates in answer to an item: acceptance, refusal, cancellation, and the removal of a cancelled one."""

from __future__ import annotations

from datetime import datetime

from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.estate import Estate
from hybridge.lab.mail.access import DENIED, NOT_FOUND, named, rights_on, sees
from hybridge.lab.mail.invitations import Post, addresses, without_occurrence
from hybridge.lab.mail.items import DELETED, Item, Occurrence
from hybridge.lab.mail.shown import id_alone
from hybridge.lab.mail.store import store_of
from hybridge.wire.ews.calendar_items import ItemError, read_item_id
from hybridge.wire.ews.create_item import Answer
from hybridge.wire.ews.item_properties import write_item

_OWN = {
    "AcceptItem": "ErrorCalendarIsOrganizerForAccept",
    "TentativelyAcceptItem": "ErrorCalendarIsOrganizerForTentative",
    "DeclineItem": "ErrorCalendarIsOrganizerForDecline",
}
_OFF = {
    "AcceptItem": "ErrorCalendarIsCancelledForAccept",
    "TentativelyAcceptItem": "ErrorCalendarIsCancelledForTentative",
    "DeclineItem": "ErrorCalendarIsCancelledForDecline",
}


def answer_of(estate: Estate, caller: Caller, answer: Answer, disposition: str) -> str | ItemError:
    """The items ``answer`` makes, or why it cannot be given. A disposition that only saves tells nobody."""
    found = named(estate, caller, answer.to)
    if isinstance(found, ItemError):
        return found
    if not sees(estate, caller, found.item):
        return NOT_FOUND
    if "editallitems" not in rights_on(estate, caller, found.item):
        return DENIED
    if answer.kind == "CancelCalendarItem":
        return _cancelled(estate, found)
    if answer.kind == "RemoveItem":
        return _removed(estate, found.item)
    if not disposition:
        return ItemError("ErrorMessageDispositionRequired", "The attribute MessageDisposition is required.")
    return _answered(estate, found, answer, tells=disposition != "SaveOnly")


def _answered(estate: Estate, found: Occurrence, answer: Answer, *, tells: bool) -> str | ItemError:
    mine = _appointment(estate, found)
    if mine is None:
        return NOT_FOUND
    if mine.is_organizer:
        return ItemError(_OWN[answer.kind], "The organizer cannot answer the own meeting.")
    if mine.is_cancelled:
        return ItemError(_OFF[answer.kind], "The meeting was called off.")
    post = Post(store_of(estate), estate.organization)
    at: datetime | None = found.original_start
    kept = post.answer(mine, answer.kind, at, estate.now(), tells=tells, body=answer.body)
    return write_item("CalendarItem", id_alone(kept))


def _appointment(estate: Estate, found: Occurrence) -> Item | None:
    """The stored appointment ``found`` is, is an occurrence of, or is a message about."""
    store = store_of(estate)
    if found.item.kind != "CalendarItem":
        return store.get(found.item.refers_to) if found.item.refers_to else None
    return store.get(read_item_id(found.series_id)) if found.series_id else found.item


def _cancelled(estate: Estate, found: Occurrence) -> str | ItemError:
    """The organizer calls a meeting off: attendees are told, the organizer's own goes to Deleted Items."""
    item = found.item
    if not item.is_organizer or item.kind != "CalendarItem":
        return ItemError("ErrorCalendarIsNotOrganizer", "Only the organizer can call a meeting off.")
    store = store_of(estate)
    Post(store, estate.organization).call_off(item, addresses(item.attendees), found.original_start)
    if found.series_id and found.original_start is not None:
        return write_item("CalendarItem", id_alone(_without(estate, found, found.original_start)))
    return write_item("CalendarItem", id_alone(store.move(item, DELETED)))


def _without(estate: Estate, found: Occurrence, original: datetime) -> Item:
    store = store_of(estate)
    return store.put(without_occurrence(store.get(read_item_id(found.series_id)) or found.item, original))


def _removed(estate: Estate, message: Item) -> str | ItemError:
    """A cancelled meeting is taken out of the calendar, and the message about it put away."""
    if message.kind != "MeetingCancellation":
        return ItemError("ErrorInvalidReferenceItem", "Only a cancelled meeting can be removed so.")
    store = store_of(estate)
    mine = store.get(message.refers_to)
    if mine is not None and mine.is_cancelled:
        store.move(mine, DELETED)
    return write_item(message.kind, id_alone(store.move(message, DELETED)))

"""Items as EWS shows them: the properties of one by FieldURI, and an item with one of its properties changed.

Exchange's own rules are applied where a change settles: an all-day item begins and ends at midnight of its zone, a
series begins with its first occurrence and forgets its exceptions when its pattern or its time changes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

import msgspec

from hybridge.lab.mail.expansion import occurrence, originals
from hybridge.lab.mail.icalendar import write_calendar
from hybridge.lab.mail.items import Attendee, Item, Occurrence
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import ItemError, ItemId
from hybridge.wire.ews.distinguished_folders import folder_id
from hybridge.wire.ews.property_codecs import Body, ListedOccurrence, Person
from hybridge.wire.ews.windows_zones import zone_of

Names = Callable[[str], str]
"""The display name of an address."""

_SIMPLE = {
    "item:Subject": "subject",
    "item:Sensitivity": "sensitivity",
    "item:Importance": "importance",
    "item:Categories": "categories",
    "item:ReminderIsSet": "reminder_is_set",
    "item:ReminderMinutesBeforeStart": "reminder_minutes",
    "calendar:UID": "uid",
    "calendar:Start": "start_at",
    "calendar:End": "end_at",
    "calendar:IsAllDayEvent": "is_all_day",
    "calendar:LegacyFreeBusyStatus": "busy_type",
    "calendar:Location": "location",
    "calendar:IsResponseRequested": "is_response_requested",
    "calendar:AllowNewTimeProposal": "allow_new_time_proposal",
    "calendar:StartTimeZone": "zone",
    "calendar:Recurrence": "recurrence",
    "message:IsRead": "is_read",
}
_ROLES = {
    "calendar:RequiredAttendees": "Required",
    "calendar:OptionalAttendees": "Optional",
    "calendar:Resources": "Resource",
}
_PASSED_OVER = ("calendar:EndTimeZone", "calendar:DateTimeStamp", "item:MimeContent", "item:ItemClass")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EMPTY = Item(premises=Premises.ON_PREMISES, mailbox="", start_at=_EPOCH, end_at=_EPOCH)
YEARS = range(1602, 4500)
"""Years Exchange has a calendar for."""
_NEVER_GONE = ("calendar:Start", "calendar:End")


def with_property(item: Item, uri: str, value: Any) -> Item:
    """``item`` with one property set."""
    if uri in _SIMPLE:
        return msgspec.structs.replace(item, **{_SIMPLE[uri]: value})
    if uri == "item:Body":
        return msgspec.structs.replace(item, body=value.text, body_type=value.kind)
    if uri in _ROLES:
        return msgspec.structs.replace(item, attendees=_invited(item, _ROLES[uri], value))
    if uri in _PASSED_OVER or not uri:
        return item
    others = {**dict(item.others), uri: value}
    return msgspec.structs.replace(item, others=tuple(others.items()))


def without_property(item: Item, uri: str) -> Item | ItemError:
    """``item`` with one property removed; a time cannot be."""
    if uri in _NEVER_GONE:
        return ItemError("ErrorInvalidPropertyDelete", f"The property {uri} cannot be deleted.")
    if uri in _SIMPLE:
        return msgspec.structs.replace(item, **{_SIMPLE[uri]: getattr(_EMPTY, _SIMPLE[uri])})
    if uri == "item:Body":
        return msgspec.structs.replace(item, body="", body_type="Text")
    if uri in _ROLES:
        return msgspec.structs.replace(item, attendees=_invited(item, _ROLES[uri], ()))
    return msgspec.structs.replace(item, others=tuple(one for one in item.others if one[0] != uri))


def appended(item: Item, uri: str, value: Any) -> Item | ItemError:
    """``item`` with more in a property that is text or a list of people."""
    if uri == "item:Body":
        return msgspec.structs.replace(item, body=item.body + value.text)
    if uri in _ROLES:
        there = tuple(_person(one) for one in item.attendees if one.role == _ROLES[uri])
        return with_property(item, uri, (*there, *value))
    return ItemError("ErrorInvalidPropertyAppend", f"Nothing can be appended to the property {uri}.")


def _invited(item: Item, role: str, people: tuple[Person, ...]) -> tuple[Attendee, ...]:
    """Attendees with those of ``role`` replaced; who was there already keeps their answer."""
    known = {one.address.lower(): one for one in item.attendees}
    others = tuple(one for one in item.attendees if one.role != role)
    now = tuple(
        msgspec.structs.replace(known[one.address.lower()], role=role)
        if one.address.lower() in known
        else Attendee(address=one.address, name=one.name, role=role)
        for one in people
    )
    return (*others, *now)


def settled(item: Item, before: Item | None = None) -> Item | ItemError:
    """``item`` as the server keeps it, or why it cannot be kept; ``before`` is what it was."""
    years = {item.start_at.year, item.end_at.year}
    years |= {item.recurrence.starts_on.year} if item.recurrence else set()
    if not years <= set(YEARS):
        return ItemError("ErrorCalendarOutOfRange", "A date is out of the range of calendars.")
    if item.kind == "CalendarItem" and item.end_at < item.start_at:
        return ItemError("ErrorCalendarEndDateIsEarlierThanStartDate", "The end date is earlier than the start date.")
    if item.is_all_day:
        item = _filling_days(item)
    if item.recurrence is not None:
        return _series(item, before)
    return msgspec.structs.replace(item, exceptions=(), deleted=())


def _filling_days(item: Item) -> Item:
    zone = zone_of(item.zone)
    first, last = item.start_at.astimezone(zone), item.end_at.astimezone(zone)
    until = last.date() if last.time() == time() and last > first else last.date() + timedelta(days=1)
    return msgspec.structs.replace(
        item,
        start_at=datetime.combine(first.date(), time(), zone).astimezone(UTC),
        end_at=datetime.combine(until, time(), zone).astimezone(UTC),
    )


def _series(item: Item, before: Item | None) -> Item | ItemError:
    recurrence = item.recurrence
    if recurrence is None:
        return item
    moved = before is not None and (before.start_at, before.zone) != (item.start_at, item.zone)
    if moved and before is not None and before.recurrence == recurrence:
        day = item.start_at.astimezone(zone_of(item.zone)).date()
        recurrence = msgspec.structs.replace(recurrence, starts_on=day)
        item = msgspec.structs.replace(item, recurrence=recurrence)
    first = next(originals(item), None)
    if first is None:
        return ItemError("ErrorRecurrenceHasNoOccurrence", "The series has no occurrence.")
    lasts = item.end_at - item.start_at
    if lasts > timedelta(days=31 * 24):
        return ItemError("ErrorCalendarDurationIsTooLong", "The duration of the item is too long.")
    item = msgspec.structs.replace(item, start_at=first, end_at=first + lasts)
    same = before is not None and _rhythm(before) == _rhythm(item)
    return item if same else msgspec.structs.replace(item, exceptions=(), deleted=())


def _rhythm(item: Item) -> tuple[object, ...]:
    return item.recurrence, item.start_at, item.zone


# What is shown


def values_of(one: Occurrence, names: Names, about: Item | None = None) -> dict[str, Any]:
    """Every property of ``one`` the lab has; ``about`` is the appointment a meeting message refers to."""
    shared = _item_values(one, names)
    match one.item.kind:
        case "CalendarItem":
            return {**shared, **_calendar_values(one, names), **dict(one.item.others)}
        case "Message":
            return {**shared, **_message_values(one.item, names), **dict(one.item.others)}
        case _:
            meeting = _meeting_values(one.item, about)
            return {**shared, **_message_values(one.item, names), **_calendar_values(one, names), **meeting}


def _item_values(one: Occurrence, names: Names) -> dict[str, Any]:
    item = one.item
    return {
        "item:ItemId": ItemId(one.item_id, one.change_key),
        "item:ParentFolderId": folder_id(item.mailbox, item.folder),
        "item:ItemClass": item.item_class,
        "item:Subject": item.subject,
        "item:Sensitivity": item.sensitivity,
        "item:Body": Body(item.body, item.body_type),
        "item:TextBody": Body(item.body, "Text"),
        "item:UniqueBody": Body(item.body, item.body_type),
        "item:DateTimeReceived": item.created_at,
        "item:Size": 1024 + len(item.subject) + len(item.body),
        "item:Categories": item.categories,
        "item:Importance": item.importance,
        "item:IsSubmitted": False,
        "item:IsDraft": False,
        "item:IsFromMe": False,
        "item:IsResend": False,
        "item:IsUnmodified": item.change == 1,
        "item:DateTimeSent": item.created_at,
        "item:DateTimeCreated": item.created_at,
        "item:ResponseObjects": _possible(item),
        "item:ReminderDueBy": one.start_at if item.kind == "CalendarItem" else None,
        "item:ReminderIsSet": item.reminder_is_set,
        "item:ReminderMinutesBeforeStart": item.reminder_minutes,
        "item:DisplayCc": _listed(item, names, "Optional"),
        "item:DisplayTo": _listed(item, names, "Required"),
        "item:HasAttachments": False,
        "item:Culture": "en-US",
        "item:LastModifiedName": names(item.modified_by or item.created_by or item.mailbox),
        "item:LastModifiedTime": item.modified_at,
        "item:IsAssociated": False,
    }


def _possible(item: Item) -> tuple[str, ...]:
    """Names of what may be created in answer to ``item``."""
    if item.kind == "MeetingCancellation":
        return ("RemoveItem",)
    if item.kind == "MeetingRequest" or (item.kind == "CalendarItem" and not item.is_organizer):
        return () if item.is_cancelled else ("AcceptItem", "TentativelyAcceptItem", "DeclineItem")
    return ("CancelCalendarItem",) if item.kind == "CalendarItem" and item.is_meeting else ()


def _listed(item: Item, names: Names, role: str) -> str:
    return "; ".join(one.name or names(one.address) for one in item.attendees if one.role == role)


def _calendar_values(one: Occurrence, names: Names) -> dict[str, Any]:
    item = one.item
    organizer = item.organizer or item.mailbox
    return {
        "calendar:UID": item.uid,
        "calendar:RecurrenceId": one.original_start,
        "calendar:DateTimeStamp": item.modified_at,
        "calendar:Start": one.start_at,
        "calendar:End": one.end_at,
        "calendar:OriginalStart": one.original_start,
        "calendar:IsAllDayEvent": item.is_all_day,
        "calendar:LegacyFreeBusyStatus": item.busy_type,
        "calendar:Location": item.location,
        "calendar:IsMeeting": item.is_meeting,
        "calendar:IsCancelled": item.is_cancelled,
        "calendar:IsRecurring": one.is_recurring,
        "calendar:MeetingRequestWasSent": item.request_was_sent,
        "calendar:IsResponseRequested": item.is_response_requested,
        "calendar:CalendarItemType": "RecurringMaster" if item.recurrence and not one.series_id else one.kind,
        "calendar:MyResponseType": "Organizer" if item.response == "Unknown" else item.response,
        "calendar:Organizer": Person(address=organizer, name=names(organizer)),
        "calendar:ConflictingMeetingCount": 0,
        "calendar:AdjacentMeetingCount": 0,
        "calendar:Duration": _duration(one.end_at - one.start_at),
        "calendar:TimeZone": item.zone,
        "calendar:AppointmentReplyTime": item.replied_at,
        "calendar:AppointmentSequenceNumber": item.sequence,
        "calendar:AppointmentState": item.is_meeting + 2 * (not item.is_organizer) + 4 * item.is_cancelled,
        "calendar:StartTimeZone": item.zone,
        "calendar:EndTimeZone": item.zone,
        "calendar:StartTimeZoneId": item.zone,
        "calendar:EndTimeZoneId": item.zone,
        "calendar:ConferenceType": 0,
        "calendar:AllowNewTimeProposal": item.allow_new_time_proposal,
        "calendar:IsOnlineMeeting": False,
        "calendar:IsOrganizer": item.is_organizer,
        **{uri: _people(item, names, role) for uri, role in _ROLES.items()},
        **(_master_values(item) if item.recurrence and not one.series_id else {}),
    }


def _people(item: Item, names: Names, role: str) -> tuple[Person, ...]:
    people = (one for one in item.attendees if one.role == role)
    return tuple(_person(one, one.name or names(one.address)) for one in people)


def _person(one: Attendee, name: str = "") -> Person:
    return Person(address=one.address, name=name or one.name, response=one.response, responded_at=one.responded_at)


def _master_values(master: Item) -> dict[str, Any]:
    ends = master.recurrence is not None and (master.recurrence.count or master.recurrence.ends_on)
    alive = [at for at in islice(originals(master), 1000 if ends else 1) if at not in master.deleted]
    return {
        "calendar:Recurrence": master.recurrence,
        "calendar:FirstOccurrence": _told(master, alive[0]) if alive else None,
        "calendar:LastOccurrence": _told(master, alive[-1]) if alive and ends else None,
        "calendar:ModifiedOccurrences": tuple(_told(master, one.original_start) for one in master.exceptions),
        "calendar:DeletedOccurrences": master.deleted,
    }


def _told(master: Item, at: datetime) -> ListedOccurrence:
    one = occurrence(master, at)
    named = ItemId(one.item_id, one.change_key)
    return ListedOccurrence(item_id=named, start_at=one.start_at, end_at=one.end_at, original_start=at)


def _message_values(item: Item, names: Names) -> dict[str, Any]:
    sender = Person(address=item.created_by, name=names(item.created_by)) if item.created_by else None
    return {
        "message:Sender": sender,
        "message:From": sender,
        "message:ToRecipients": (Person(address=item.mailbox, name=names(item.mailbox)),),
        "message:IsReadReceiptRequested": False,
        "message:IsDeliveryReceiptRequested": False,
        "message:ConversationTopic": item.subject,
        "message:InternetMessageId": f"<{item.identity.rpartition('/')[2]}@{item.mailbox.partition('@')[2]}>",
        "message:IsRead": item.is_read,
    }


def _meeting_values(item: Item, about: Item | None) -> dict[str, Any]:
    return {
        "meeting:AssociatedCalendarItemId": ItemId(about.opaque_id, about.change_key) if about else None,
        "meeting:IsDelegated": False,
        "meeting:IsOutOfDate": False,
        "meeting:HasBeenProcessed": item.has_been_processed,
        "meeting:ResponseType": item.response,
        "meetingRequest:MeetingRequestType": "NewMeetingRequest" if item.sequence == 0 else "FullUpdate",
        "meetingRequest:IntendedFreeBusyStatus": item.intended_busy_type or "Busy",
    }


def mime_content(one: Occurrence) -> str:
    """``one`` as an iCalendar file in base64."""
    return base64.b64encode(write_calendar(one).encode()).decode()


def _duration(lasts: timedelta) -> str:
    seconds = int(lasts.total_seconds())
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (left, "S")) if number)
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}" if seconds else "PT0S"


def with_all(item: Item, values: Mapping[str, Any]) -> Item:
    """``item`` with every property of ``values`` set."""
    for uri, value in values.items():
        item = with_property(item, uri, value)
    return item

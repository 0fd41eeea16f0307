"""Graph: one event of a calendar, both halves.

Read are the properties free/busy and presence are made of; a property that is absent stays None, because the delta of
a calendar view sends an occurrence with its times only and its master beside it. Source: Microsoft's pages on event
and on the delta of events, microsoft-graph-docs-contrib issue 34.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.graph.zoned import read_zoned, write_zoned
from hybridge.wire.json_body import JsonRefused, instant, mapping, objects, read_object, text, written_instant

SHOW_AS = ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")
MASTER = "seriesMaster"
OCCURRENCE = "occurrence"
EXCEPTION = "exception"
SINGLE = "singleInstance"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``type`` is ``singleInstance``, ``occurrence``, ``exception`` or ``seriesMaster``; words are Graph's.

    ``start_at`` and ``end_at`` are aware UTC; ``attendees`` addresses, the organizer among them or not. None stands for
    a property that was not sent.
    """

    id: str
    start_at: datetime
    end_at: datetime
    type: str = SINGLE
    series_master_id: str = ""
    show_as: str | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    sensitivity: str | None = None
    response: str | None = None
    is_organizer: bool | None = None
    attendees: tuple[str, ...] | None = None
    subject: str | None = None
    location: str | None = None
    ical_uid: str = ""
    change_key: str = ""
    last_modified_at: datetime | None = None
    organizer: str = ""


def read_event(one: dict[str, Any]) -> Event:
    """One event of an answer. Raises ``JsonRefused`` when it has no id or its times cannot be read."""
    identity = text(one.get("id"))
    start, end = read_zoned(one.get("start")), read_zoned(one.get("end"))
    if not identity or start is None or end is None:
        raise JsonRefused("An event has no id, or a time that cannot be read.")
    attendees = one.get("attendees")
    return Event(
        id=identity,
        start_at=start,
        end_at=end,
        type=text(one.get("type")) or SINGLE,
        series_master_id=text(one.get("seriesMasterId")),
        show_as=_word(one, "showAs"),
        is_all_day=_flag(one, "isAllDay"),
        is_cancelled=_flag(one, "isCancelled"),
        sensitivity=_word(one, "sensitivity"),
        response=_word(mapping(one.get("responseStatus")), "response"),
        is_organizer=_flag(one, "isOrganizer"),
        attendees=tuple(map(_address, objects(attendees))) if isinstance(attendees, list) else None,
        subject=_word(one, "subject"),
        location=_word(mapping(one.get("location")), "displayName"),
        ical_uid=text(one.get("iCalUId")),
        change_key=text(one.get("changeKey")),
        last_modified_at=instant(one.get("lastModifiedDateTime")),
        organizer=_address(mapping(one.get("organizer"))),
    )


def _word(one: dict[str, Any], name: str) -> str | None:
    value = one.get(name)
    return value if isinstance(value, str) else None


def _flag(one: dict[str, Any], name: str) -> bool | None:
    value = one.get(name)
    return value if isinstance(value, bool) else None


def _address(one: dict[str, Any]) -> str:
    return text(mapping(one.get("emailAddress")).get("address"))


def write_event(event: Event) -> dict[str, Any]:
    """``event`` as Graph sends it; of an occurrence whose other properties are None only what the delta has."""
    shown: dict[str, Any] = {
        "@odata.etag": f'W/"{event.change_key}"',
        "id": event.id,
        "type": event.type,
        "start": write_zoned(event.start_at),
        "end": write_zoned(event.end_at),
    }
    if event.series_master_id:
        shown["seriesMasterId"] = event.series_master_id
    if event.show_as is None:
        return shown
    return shown | {
        "changeKey": event.change_key,
        "iCalUId": event.ical_uid,
        "lastModifiedDateTime": written_instant(event.last_modified_at),
        "subject": event.subject,
        "showAs": event.show_as,
        "isAllDay": event.is_all_day,
        "isCancelled": event.is_cancelled,
        "sensitivity": event.sensitivity,
        "isOrganizer": event.is_organizer,
        "responseStatus": {"response": event.response or "none", "time": "0001-01-01T00:00:00Z"},
        "attendees": [
            {"type": "required", "emailAddress": {"address": one, "name": one}} for one in event.attendees or ()
        ],
        "organizer": {"emailAddress": {"address": event.organizer, "name": event.organizer}},
        "location": {"displayName": event.location or ""},
    }


class EventBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a POST or PATCH of an event names; None for what it leaves as it is."""

    subject: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    show_as: str | None = None
    is_all_day: bool | None = None
    sensitivity: str | None = None
    attendees: tuple[str, ...] | None = None
    location: str | None = None


def read_body(body: bytes) -> EventBody:
    """What a client wants an event to be. Raises ``JsonRefused`` with a sentence where Graph would answer 400."""
    given = read_object(body)
    start, end = read_zoned(given.get("start")), read_zoned(given.get("end"))
    for name, value in (("start", start), ("end", end)):
        if name in given and value is None:
            raise JsonRefused(f"The {name} of the event cannot be read.")
    shown = _word(given, "showAs")
    if shown is not None and shown not in SHOW_AS:
        raise JsonRefused(f"'{shown[:40]}' is no value of showAs.")
    attendees = given.get("attendees")
    return EventBody(
        subject=_word(given, "subject"),
        start_at=start,
        end_at=end,
        show_as=shown,
        is_all_day=_flag(given, "isAllDay"),
        sensitivity=_word(given, "sensitivity"),
        attendees=tuple(map(_address, objects(attendees))) if isinstance(attendees, list) else None,
        location=_word(mapping(given.get("location")), "displayName"),
    )


def read_path(path: str) -> tuple[str, str] | None:
    """(user, event id) of a request for events: ``/users/{u}[/calendar]/events[/{id}]``; "" for the collection."""
    match = _PATH.fullmatch(path)
    return (unquote(match["user"]), unquote(match["id"] or "")) if match else None


_PATH = re.compile(r"/(?:v1\.0|beta)/users/(?P<user>[^/]+)(?:/calendar)?/events(?:/(?P<id>[^/]+))?/?", re.I)


def path_of(user: str, event_id: str = "") -> str:
    """The path of ``user``'s events, or of one of them."""
    of_one = f"/{quote(event_id, safe='')}" if event_id else ""
    return f"/v1.0/users/{quote(user, safe='@')}/events{of_one}"

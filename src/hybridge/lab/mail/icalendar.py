"""An entry of a calendar as an iCalendar file (RFC 5545), with the rules of its time zone.

The VTIMEZONE holds the rules of the years around the entry, one observance each, which every reader understands. Lines
are folded at 75 octets.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hybridge.lab.mail.items import Item, Occurrence
from hybridge.wire.ews.recurrences import GROUPS, ORDERS, Recurrence
from hybridge.wire.ews.windows_zones import zone_of

_PARTSTAT = {"Accept": "ACCEPTED", "Tentative": "TENTATIVE", "Decline": "DECLINED"}
_ROLES = {"Required": "REQ-PARTICIPANT", "Optional": "OPT-PARTICIPANT", "Resource": "NON-PARTICIPANT"}
_CLASSES = {"Normal": "PUBLIC", "Personal": "PRIVATE", "Private": "PRIVATE", "Confidential": "CONFIDENTIAL"}


def write_calendar(one: Occurrence) -> str:
    """The file, with CRLF line ends."""
    method = "REQUEST" if one.item.is_meeting else "PUBLISH"
    lines = ("BEGIN:VCALENDAR", f"METHOD:{method}", "PRODID:hybridge lab", "VERSION:2.0", *_zone(one), *_event(one))
    return "".join(f"{folded}\r\n" for line in (*lines, "END:VCALENDAR") for folded in _folded(line))


def _event(one: Occurrence) -> Iterator[str]:
    item = one.item
    yield "BEGIN:VEVENT"
    yield f"UID:{item.uid}"
    yield f"SUMMARY:{_text(item.subject)}"
    yield from _times(one)
    if item.recurrence is not None and not one.series_id:
        yield f"RRULE:{_rule(item.recurrence, item)}"
        yield from (f"EXDATE;TZID={item.zone}:{_local(at, item.zone)}" for at in item.deleted)
    if one.original_start is not None:
        yield f"RECURRENCE-ID;TZID={item.zone}:{_local(one.original_start, item.zone)}"
    if item.is_meeting:
        yield f"ORGANIZER:mailto:{item.organizer or item.mailbox}"
    for attendee in item.attendees:
        answer = _PARTSTAT.get(attendee.response, "NEEDS-ACTION")
        yield f"ATTENDEE;ROLE={_ROLES[attendee.role]};PARTSTAT={answer}:mailto:{attendee.address}"
    if item.body:
        yield f"DESCRIPTION:{_text(item.body)}"
    if item.location:
        yield f"LOCATION:{_text(item.location)}"
    yield f"DTSTAMP:{_utc(item.modified_at or one.start_at)}"
    yield f"CLASS:{_CLASSES[item.sensitivity]}"
    yield f"SEQUENCE:{item.sequence}"
    yield f"STATUS:{'CANCELLED' if item.is_cancelled else 'CONFIRMED'}"
    yield f"TRANSP:{'TRANSPARENT' if item.busy_type == 'Free' else 'OPAQUE'}"
    yield f"X-MICROSOFT-CDO-BUSYSTATUS:{item.busy_type.upper()}"
    yield f"X-MICROSOFT-CDO-ALLDAYEVENT:{str(item.is_all_day).upper()}"
    yield "END:VEVENT"


def _times(one: Occurrence) -> Iterator[str]:
    zone = one.item.zone
    for name, at in (("DTSTART", one.start_at), ("DTEND", one.end_at)):
        if one.item.is_all_day:
            yield f"{name};VALUE=DATE:{at.astimezone(zone_of(zone)):%Y%m%d}"
        else:
            yield f"{name};TZID={zone}:{_local(at, zone)}"


def _rule(recurrence: Recurrence, item: Item) -> str:
    pattern = recurrence.pattern
    parts = [f"FREQ={pattern.kind.removeprefix('Absolute').removeprefix('Relative').upper()}"]
    if pattern.every != 1:
        parts.append(f"INTERVAL={pattern.every}")
    days = [day[:2].upper() for name in pattern.days for day in GROUPS.get(name, (name,))]
    if days:
        parts.append(f"BYDAY={','.join(days)}")
    if pattern.kind.startswith("Relative"):
        order = ORDERS.index(pattern.order) + 1
        parts.append(f"BYSETPOS={-1 if pattern.order == 'Last' else order}")
    if pattern.kind.startswith("Absolute"):
        parts.append(f"BYMONTHDAY={pattern.day}")
    if pattern.kind.endswith("Yearly"):
        parts.append(f"BYMONTH={pattern.month}")
    if pattern.kind == "Weekly":
        parts.append(f"WKST={pattern.first_day[:2].upper()}")
    if recurrence.count is not None:
        parts.append(f"COUNT={recurrence.count}")
    if recurrence.ends_on is not None:
        clock = item.start_at.astimezone(zone_of(item.zone)).timetz()
        parts.append(f"UNTIL={_utc(datetime.combine(recurrence.ends_on, clock))}")
    return ";".join(parts)


def _zone(one: Occurrence) -> Iterator[str]:
    zone = zone_of(one.item.zone)
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{one.item.zone}"
    begins = datetime(one.start_at.year - 1, 1, 1, tzinfo=UTC)
    yield from _observance(zone, begins, begins - timedelta(seconds=1))
    for at in changes(zone, begins, begins + timedelta(days=3 * 366)):
        yield from _observance(zone, at, at - timedelta(seconds=1))
    yield "END:VTIMEZONE"


def _observance(zone: ZoneInfo, at: datetime, before: datetime) -> Iterator[str]:
    now, then = at.astimezone(zone), before.astimezone(zone)
    kind = "DAYLIGHT" if now.dst() else "STANDARD"
    shown = (at + (then.utcoffset() or timedelta())).strftime("%Y%m%dT%H%M%S")
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{shown}"
    yield f"TZOFFSETFROM:{_offset(then.utcoffset())}"
    yield f"TZOFFSETTO:{_offset(now.utcoffset())}"
    yield f"END:{kind}"


def changes(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[datetime]:
    """Instants within the window (aware UTC, to the minute) at which the zone's offset changes."""
    at = begins
    while at < ends:
        following = at + timedelta(days=7)
        if _at(zone, at) != _at(zone, following):
            yield _change_between(zone, at, following)
        at = following


def _change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) // 2
        before, after = (before, middle) if _at(zone, middle) != _at(zone, before) else (middle, after)
    return after.replace(second=0, microsecond=0)


def _at(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _offset(offset: timedelta | None) -> str:
    minutes = int((offset or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(zone_of(zone)):%Y%m%dT%H%M%S}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(written: str) -> str:
    escaped = written.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """``line`` in pieces of at most 75 octets, all but the first after a blank; no character is torn."""
    piece, room = "", 75
    for character in line:
        if len((piece + character).encode()) > room:
            yield piece
            piece = " "
        piece += character
    yield piece

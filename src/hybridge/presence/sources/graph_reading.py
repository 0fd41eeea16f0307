"""What Graph says of a calendar and of automatic replies, as values of the presence core. Pure functions.

A subject is kept only where it is wanted and the event is not private. Free/busy knows no ids: an entry is then known
by its own times and status, with a number where two are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, Response, ShowAs, Window
from hybridge.wire.graph import events, get_schedule, mailbox_settings

_SHOWS = {
    "free": ShowAs.FREE,
    "tentative": ShowAs.TENTATIVE,
    "busy": ShowAs.BUSY,
    "oof": ShowAs.OOF,
    "workingelsewhere": ShowAs.WORKING_ELSEWHERE,
}
_RESPONSES = {
    "organizer": Response.ORGANIZER,
    "accepted": Response.ACCEPTED,
    "tentativelyaccepted": Response.TENTATIVE,
    "declined": Response.DECLINED,
    "notresponded": Response.NOT_RESPONDED,
}
_REPLIES = {
    "disabled": ReplyState.DISABLED,
    "alwaysEnabled": ReplyState.ENABLED,
    "scheduled": ReplyState.SCHEDULED,
}


def shows(word: str | None) -> ShowAs:
    """``showAs`` or ``status``; a word that is not known is NO_DATA."""
    return _SHOWS.get((word or "").lower(), ShowAs.NO_DATA)


def event_of(one: events.Event, *, subjects: bool) -> CalendarEvent:
    """An event of a calendar view."""
    private = (one.sensitivity or "normal").lower() != "normal"
    response = _RESPONSES.get((one.response or "").lower(), Response.UNKNOWN)
    if response is Response.UNKNOWN and one.is_organizer:
        response = Response.ORGANIZER
    invited = None if one.attendees is None else bool(one.attendees)
    return CalendarEvent(
        identity=one.id,
        start_at=one.start_at,
        end_at=one.end_at,
        shows=shows(one.show_as),
        meeting=True if one.is_organizer is False else invited,
        all_day=one.is_all_day,
        private=private,
        cancelled=one.is_cancelled is True,
        response=response,
        subject=(one.subject or "") if subjects and not private else "",
    )


def filled(one: events.Event, masters: Mapping[str, events.Event]) -> events.Event | None:
    """``one`` with what its master says where the delta left it out; None when the master is not there.

    The master's times are not the occurrence's, and are not looked at.
    """
    if one.show_as is not None:
        return one
    master = masters.get(one.series_master_id)
    if master is None or master.show_as is None:
        return None
    return events.Event(
        id=one.id,
        start_at=one.start_at,
        end_at=one.end_at,
        type=one.type,
        series_master_id=one.series_master_id,
        show_as=master.show_as,
        is_all_day=master.is_all_day,
        is_cancelled=master.is_cancelled,
        sensitivity=master.sensitivity,
        response=master.response,
        is_organizer=master.is_organizer,
        attendees=master.attendees,
        subject=master.subject,
    )


def overlaps(one: CalendarEvent, start: datetime, end: datetime) -> bool:
    """Whether an event lies in a window, in part at least; one of no length lies where its instant does."""
    if one.start_at == one.end_at:
        return start <= one.start_at < end
    return one.start_at < end and one.end_at > start


def in_order(found: Iterable[CalendarEvent]) -> tuple[CalendarEvent, ...]:
    """Events, the earliest first; equal calendars give equal tuples."""
    return tuple(sorted(found, key=lambda one: (one.start_at, one.end_at, one.identity)))


def schedule_events(schedule: get_schedule.Schedule, *, subjects: bool) -> tuple[CalendarEvent, ...]:
    """The entries of one person's free/busy."""
    seen: Counter[str] = Counter()
    found = []
    for item in schedule.items:
        stem = f"{item.start_at:%Y%m%dT%H%M%S}/{item.end_at:%Y%m%dT%H%M%S}/{item.status}"
        seen[stem] += 1
        found.append(
            CalendarEvent(
                identity=stem if seen[stem] == 1 else f"{stem}/{seen[stem]}",
                start_at=item.start_at,
                end_at=item.end_at,
                shows=shows(item.status),
                private=item.is_private,
                subject=item.subject if subjects and not item.is_private else "",
            )
        )
    return in_order(found)


def window(
    found: Iterable[CalendarEvent], start: datetime, end: datetime, *, read_at: datetime, source: str, zone: str = ""
) -> Window:
    """Events as the window between two instants."""
    return Window(start_at=start, end_at=end, read_at=read_at, events=in_order(found), zone=zone, source=source)


def replies_of(one: mailbox_settings.AutomaticReplies, *, read_at: datetime, source: str) -> AutomaticReplies:
    """Automatic replies; a schedule that is not in force keeps its times, as the core wants them."""
    return AutomaticReplies(
        state=_REPLIES[one.status], read_at=read_at, start_at=one.start_at, end_at=one.end_at, source=source
    )

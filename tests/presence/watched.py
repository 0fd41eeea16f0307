"""A calendar, a source and one watched person, for tests of the presence machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, ShowAs, Window
from hybridge.presence.claims import merged
from hybridge.presence.machine import (
    Command,
    Event,
    Known,
    Publish,
    WakeAt,
    Withdraw,
    Woke,
    claims,
    effective,
    step,
)
from hybridge.presence.observations import CalendarRead, NotRead, RepliesRead, Subject
from hybridge.presence.rules import TEAMS, Rules
from hybridge.presence.states import PresenceState as State

DAY = datetime(2026, 11, 20, tzinfo=UTC)
Calendar = tuple[CalendarEvent, ...]
Answer = tuple[ReplyState, datetime | None, datetime | None]
Moved = tuple[str, int, Calendar, Answer]
LITERAL = replace(TEAMS, trust=timedelta(0))


def at(hour: float, minute: float = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


def event(start: datetime, end: datetime, shows: ShowAs = ShowAs.BUSY, **changes: object) -> CalendarEvent:
    made = CalendarEvent(identity=f"{start:%d%H%M}-{end:%d%H%M}", start_at=start, end_at=end, shows=shows, meeting=True)
    return replace(made, **changes)


def read(when: datetime, *events: CalendarEvent, hours: float = 24) -> CalendarRead:
    """A calendar read at ``when``: a window from an hour before it."""
    start = when - timedelta(hours=1)
    return CalendarRead(Window(start_at=start, end_at=when + timedelta(hours=hours), read_at=when, events=events))


def replied(
    when: datetime, state: ReplyState, start: datetime | None = None, end: datetime | None = None
) -> RepliesRead:
    return RepliesRead(AutomaticReplies(state=state, read_at=when, start_at=start, end_at=end))


def failed(when: datetime, gone: bool = False) -> NotRead:
    return NotRead(Subject.CALENDAR, "mail.contoso.com does not answer.", when, gone=gone)


class Watched:
    """One person, stepped; every step is held to what must always be true."""

    def __init__(self, rules: Rules = TEAMS) -> None:
        self.rules = rules
        self.known = Known()
        self.told: list[Publish | Withdraw] = []

    def step(self, event: Event, now: datetime) -> list[Command]:
        known, commands = step(self.known, event, now, self.rules)
        for command in commands:
            if isinstance(command, Publish):
                assert command.until is None or command.until > now
                assert not self.told or self.told[-1] != command, "told twice"
                self.told.append(command)
            elif isinstance(command, Withdraw):
                assert self.told and isinstance(self.told[-1], Publish)
                self.told.append(command)
        wakes = [command.at for command in commands if isinstance(command, WakeAt)]
        assert len(wakes) == 1 if isinstance(event, Woke) else len(wakes) <= 1
        assert known.wake_at is not None and known.wake_at > now
        assert not wakes or wakes == [known.wake_at]
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=Known) == known
        assert msgspec.json.decode(msgspec.json.encode(known), type=Known) == known
        shows = effective(known, now, self.rules)
        if known.published is None:
            assert shows.state is State.UNKNOWN
        else:
            assert (known.published.state, known.published.until) == (shows.state, shows.until)
        following = merged(claims(known, now, self.rules), now, self.rules).until
        assert known.wake_at <= (following or known.wake_at)
        self.known = known
        return list(commands)

    def until(self, now: datetime) -> None:
        """Let the timers go off, each at its time, up to ``now``."""
        while self.known.wake_at is not None and self.known.wake_at <= now:
            self.step(Woke(), self.known.wake_at)

    def shows(self) -> tuple[State, datetime | None] | None:
        return (self.known.published.state, self.known.published.until) if self.known.published else None

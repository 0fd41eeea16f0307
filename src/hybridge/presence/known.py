"""What is known of one person, small: there is one for every person watched.

The window is kept packed, in a fraction of the memory of its events, and unpacked where it is looked at.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, Response, ShowAs, Window
from hybridge.presence.claims import Claim
from hybridge.presence.states import PresenceState as State


class Phase(StrEnum):
    """What is known of a person's calendar."""

    UNSEEN = "unseen"
    """Nothing was read yet."""
    KNOWN = "known"
    STALE = "stale"
    """The last read failed, or the clock was set back; what is known still holds."""
    UNKNOWN = "unknown"
    """What was known has ended."""
    GONE = "gone"
    """There is no such mailbox (any more)."""


class Publish(msgspec.Struct, frozen=True, tag=True):
    """Show ``state``, which ends at ``until`` by what is known now (None: unknown; never in the past)."""

    state: State
    until: datetime | None


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event as it is packed."""

    identity: str
    start_at: datetime
    end_at: datetime
    shows: ShowAs
    meeting: bool | None
    all_day: bool | None
    private: bool
    cancelled: bool
    response: Response
    focus: bool | None
    subject: str


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    start_at: datetime
    end_at: datetime
    rows: tuple[_Row, ...]
    zone: str


_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(_Packed)


class Known(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Everything known of one person. Written and read back with msgspec; new fields only ever come last.

    ``read_at``, ``read_by`` and ``packed`` are the last window (``window``), ``failed_at`` the first failure since it
    was read, or when the mailbox was found gone. ``others`` are claims of others, by source and identity. ``kept`` is
    the last known state where the server gives no data. ``published`` is what was last told (None: nothing, or it was
    withdrawn), ``wake_at`` the timer that is set, ``asked_...`` when a read was last asked for in vain.
    """

    phase: Phase = Phase.UNSEEN
    read_at: datetime | None = None
    read_by: str = ""
    packed: bytes = b""
    replies: AutomaticReplies | None = None
    others: tuple[Claim, ...] = ()
    kept: Claim | None = None
    failed_at: datetime | None = None
    published: Publish | None = None
    wake_at: datetime | None = None
    asked_calendar_at: datetime | None = None
    asked_replies_at: datetime | None = None

    @property
    def window(self) -> Window | None:
        """The window that was read last, whole."""
        if self.read_at is None or not self.packed:
            return None
        packed = _UNPACK.decode(self.packed)
        return Window(
            start_at=packed.start_at,
            end_at=packed.end_at,
            read_at=self.read_at,
            events=tuple(_event(row) for row in packed.rows),
            zone=packed.zone,
            source=self.read_by,
        )


def packed_window(window: Window) -> bytes:
    """A window, packed; without the subjects of private events."""
    rows = tuple(
        _Row(
            event.identity,
            event.start_at,
            event.end_at,
            event.shows,
            event.meeting,
            event.all_day,
            event.private,
            event.cancelled,
            event.response,
            event.focus,
            "" if event.private else event.subject,
        )
        for event in window.events
    )
    return _PACK.encode(_Packed(window.start_at, window.end_at, rows, window.zone))


def _event(row: _Row) -> CalendarEvent:
    return CalendarEvent(
        identity=row.identity,
        start_at=row.start_at,
        end_at=row.end_at,
        shows=row.shows,
        meeting=row.meeting,
        all_day=row.all_day,
        private=row.private,
        cancelled=row.cancelled,
        response=row.response,
        focus=row.focus,
        subject=row.subject,
    )

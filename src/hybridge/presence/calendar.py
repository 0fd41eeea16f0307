"""What a calendar and the automatic replies of a mailbox say, whichever system said it.

Sources read EWS or Graph into these values; the claims are made of them. Instants are aware UTC, exactly as the server
gave them: an all-day event runs from midnight to midnight of the zone it was made in, and is never rounded anew.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class ShowAs(StrEnum):
    """How an event is shown: ``BusyType`` of EWS, ``showAs`` of Graph. A word neither documents is NO_DATA."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OOF = "oof"
    WORKING_ELSEWHERE = "working-elsewhere"
    NO_DATA = "no-data"


class Response(StrEnum):
    """What the owner of the calendar answered to the invitation; UNKNOWN where the source does not tell."""

    UNKNOWN = "unknown"
    ORGANIZER = "organizer"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"
    NOT_RESPONDED = "not-responded"


class CalendarEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event, or one occurrence of a series.

    ``identity`` is the source's id, or what a source without ids makes of the event's own values; it tells two events
    of one person apart and is no subject. ``end_at`` equals ``start_at`` for an event of no length. ``meeting`` tells
    whether others were invited, ``all_day`` whether it fills days, ``focus`` whether it is focus time: None where the
    source does not tell. ``subject`` is "" unless the configuration wants subjects, and always for a private event.
    """

    identity: str
    start_at: datetime
    end_at: datetime
    shows: ShowAs
    meeting: bool | None = None
    all_day: bool | None = None
    private: bool = False
    cancelled: bool = False
    response: Response = Response.UNKNOWN
    focus: bool | None = None
    subject: str = ""


class Window(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything in a calendar between two instants, as it was at ``read_at``.

    Events that overlap the edge are whole. ``zone`` is the owner's time zone (a Windows or IANA name), "" where the
    source does not tell. ``source`` names who read it, for explanations (``exchange mail.contoso.com``).
    """

    start_at: datetime
    end_at: datetime
    read_at: datetime
    events: tuple[CalendarEvent, ...] = ()
    zone: str = ""
    source: str = ""


class ReplyState(StrEnum):
    """``OofState`` of EWS; ``status`` of Graph."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    SCHEDULED = "scheduled"


class AutomaticReplies(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Automatic replies as they were set at ``read_at``.

    Exchange keeps the last duration while they are disabled or enabled without one: ``start_at`` and ``end_at`` count
    only where ``state`` is SCHEDULED.
    """

    state: ReplyState
    read_at: datetime
    start_at: datetime | None = None
    end_at: datetime | None = None
    source: str = ""

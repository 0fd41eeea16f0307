"""What a source can tell of a person. Each is an event of the presence machine (``presence.machine``)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from hybridge.presence.calendar import AutomaticReplies, Window
from hybridge.presence.states import PresenceState


class Subject(StrEnum):
    """What was to be read."""

    CALENDAR = "calendar"
    REPLIES = "automatic replies"


class CalendarRead(msgspec.Struct, frozen=True, tag=True):
    """The calendar was read."""

    window: Window


class RepliesRead(msgspec.Struct, frozen=True, tag=True):
    """The automatic replies were read."""

    replies: AutomaticReplies


class NotRead(msgspec.Struct, frozen=True, tag=True):
    """A read failed: ``says`` is one sentence, ``code`` the server's own word for it ("" without one).

    ``gone`` tells that the mailbox is not there (any more), not merely out of reach.
    """

    subject: Subject
    says: str
    at: datetime
    code: str = ""
    gone: bool = False


class Hinted(msgspec.Struct, frozen=True, tag=True):
    """Something changed: a reason to read, never a fact."""

    subject: Subject
    at: datetime


class Claimed(msgspec.Struct, frozen=True, tag=True):
    """Somebody else says what the person's state is: the person (``manual``), a telephone (``call``), a sink."""

    source: str
    state: PresenceState
    at: datetime
    until: datetime | None = None
    identity: str = ""


class Unclaimed(msgspec.Struct, frozen=True, tag=True):
    """The claim of that ``source`` and ``identity`` is withdrawn."""

    source: str
    at: datetime
    identity: str = ""


Observation = CalendarRead | RepliesRead | NotRead | Hinted | Claimed | Unclaimed

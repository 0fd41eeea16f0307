"""What an outbox can tell of its sink and its people: for ``why``, the board and the metrics."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.presence.sinks.base import Desired


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why the whole sink is out of reach, since when, and when it is tried again (None: not by itself)."""

    says: str
    next_step: str
    credential: bool
    since_at: datetime
    again_at: datetime | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one person stands with a sink: for ``why``. ``says`` is the last failure, "" after a success."""

    desired: Desired | None
    shown: Desired | None
    pending: bool
    attempts: int
    says: str
    next_step: str
    again_at: datetime | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Plain numbers for metrics. ``lag`` is how long the oldest unsent change waits, ``late`` how many states of
    those that are shown expired before they were told again (seconds and people); the rest counts since the start."""

    people: int
    pending: int
    published: int
    refreshed: int
    retried: int
    refused: int
    overtaken: int
    late: int
    lag: float
    down: bool

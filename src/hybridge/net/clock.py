"""The time, as a thing that can be handed over. No other module (but the command line) asks it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)


class SetClock:
    """A clock that stands still until it is moved: for tests and for replays."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move by ``by``."""
        self._at += by


def stopwatch() -> Callable[[], float]:
    """Start a stopwatch: the function returned tells the milliseconds since."""
    began = time.perf_counter()
    return lambda: (time.perf_counter() - began) * 1000

"""How fast and how patient an outbox is."""

from __future__ import annotations

import msgspec

from hybridge.presence.sinks.base import Limits


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How patient an outbox is. Seconds; ``refresh_from`` and ``refresh_to`` are shares of a state's life."""

    retry: float = 2.0
    longest_retry: float = 300.0
    refused_again: float = 3600.0
    pause: float = 1.0
    longest_pause: float = 60.0
    refresh_from: float = 0.4
    refresh_to: float = 0.8


class Bucket:
    """A token bucket that keeps ``limits.requests`` in *any* ``limits.per``, with a tenth of them at once at most."""

    def __init__(self, limits: Limits) -> None:
        self._size = max(1, limits.requests // 10)
        self._rate = (limits.requests - self._size + 1) / limits.per.total_seconds()
        self._tokens = float(self._size)
        self._at = 0.0

    def free_at(self, instant: float) -> float:
        """When the next request may go: ``instant`` itself, or later."""
        self._fill(instant)
        wait = (1.0 - self._tokens) / self._rate
        return instant if wait < 2e-6 else round(instant + wait, 6)

    def spend(self, instant: float) -> None:
        """A request goes."""
        self._fill(instant)
        self._tokens -= 1.0

    def _fill(self, instant: float) -> None:
        if instant > self._at:
            self._tokens = min(float(self._size), self._tokens + (instant - self._at) * self._rate)
        self._at = instant

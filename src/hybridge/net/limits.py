"""How many asks may be under way to one host at once, and how long one that never answers is asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hybridge.wire.ask import Failure, FailureReason

SILENCES = 8
"""Asks in a row that a host may leave unanswered until their time is over."""
REST = 30.0
"""Seconds for which it is not asked then."""


class HostLimits:
    """A bounded number of places for each host; who comes later waits, first come first served."""

    def __init__(self, per_host: int) -> None:
        self._per_host = max(per_host, 1)
        self._places: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def at(self, host: str) -> AsyncIterator[None]:
        """Hold one of the places of ``host``."""
        places = self._places.setdefault(host, asyncio.Semaphore(self._per_host))
        async with places:
            yield


class Silences:
    """Notes hosts that leave ask after ask without an answer, and spares them for a while.

    A run asks hundreds of things; where each waits for its time to be over, it would not end.
    """

    def __init__(self) -> None:
        self._in_a_row: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def barred(self, place: str) -> Failure | None:
        """Why ``place`` is not asked now, or None."""
        until = self._until.get(place)
        if until is None or asyncio.get_running_loop().time() >= until:
            return None
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"{place} is not asked for {REST:g} s: it left {SILENCES} asks in a row without an answer.",
            next_step="Check that the host is up and that no firewall is in the way. net.timeout sets the limit.",
        )

    def note(self, place: str, answered: bool) -> None:
        """Note whether an ask of ``place`` was ``answered``, well or badly, before its time was over."""
        if answered:
            self._in_a_row[place] = 0
            self._until.pop(place, None)
            return
        self._in_a_row[place] += 1
        if self._in_a_row[place] >= SILENCES:
            self._until[place] = asyncio.get_running_loop().time() + REST

"""The time of a source: what it is, how long to wait, and the chance that keeps many from doing a thing at once.

Two clocks: ``now`` is the time of day, for what is said about calendars; ``tick`` never goes back, for everything that
is due. A clock that is set right therefore neither stops a sweep nor starts them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from random import Random


class Pace:
    """Handed to everything that waits. ``now`` gives aware UTC, ``tick`` seconds since whenever."""

    def __init__(self, now: Callable[[], datetime], random: Random, tick: Callable[[], float] | None = None) -> None:
        self.now = now
        self._random = random
        self._tick = tick

    def tick(self) -> float:
        """Seconds on a clock that never goes back: the event loop's unless another was given."""
        return self._tick() if self._tick else asyncio.get_running_loop().time()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait for ``event``, at most ``seconds`` (None: for ever); whether it came. It is cleared then."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    def between(self, least: float, most: float) -> float:
        """Any number between two."""
        return self._random.uniform(least, most)

    def about(self, seconds: float) -> float:
        """``seconds``, up to a tenth more or less."""
        return seconds * self._random.uniform(0.9, 1.1)

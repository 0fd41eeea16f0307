"""How many asks may be under way to one host at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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

"""Several sessions of remote PowerShell beside each other, because one runs a single cmdlet at a time.

Most of a cmdlet's time is spent on the way: two round trips for a few milliseconds of work. A run asks some forty of
them, so they go through up to ``LANES`` sessions, as many as there are cmdlets at once. Every session signs in by
itself, and all of them begin at once, but only one shows its password until that is known to be right
(``powershell_gate``). A session that cannot be opened besides (Exchange counts them for each account) is not tried
again, and its cmdlet goes through one that is open.

Whatever changes something, and all that is asked after it, goes through the first session, one after the other: so a
run reads what it wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hybridge.net.powershell import RemotePowerShell
from hybridge.wire.ask import CmdletAnswer, CmdletAsk

LANES = 10
"""Sessions at once, of the eighteen that Exchange allows an account."""
_READING = ("get-", "test-")


class PowerShellLanes:
    """Runs cmdlets on-premises. ``open_one`` makes a session, which opens itself. Never raises."""

    def __init__(self, open_one: Callable[[], RemotePowerShell], most: int = LANES) -> None:
        self._open_one = open_one
        self._first = open_one()
        self._all = [self._first]
        self._idle = [self._first]
        self._free = asyncio.Semaphore(most)
        self._wrote = False

    async def run(self, ask: CmdletAsk) -> CmdletAnswer:
        """Run one cmdlet, beside others that only read."""
        if self._wrote or not ask.name.lower().startswith(_READING):
            self._wrote = True
            return await self._first.run(ask)
        while True:
            async with self._lane() as lane:
                answer = await lane.run(ask)
                lost = lane is not self._first and not lane.opened and answer.failure is not None
                if lost:
                    self._all.remove(lane)
            if not lost:
                return answer
            await lane.close()

    async def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]:
        """Run one cmdlet that gives very many objects, in the first session."""
        async for page in self._first.pages(ask):
            yield page

    async def close(self) -> None:
        """End every session."""
        await asyncio.gather(*(lane.close() for lane in self._all))

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[RemotePowerShell]:
        """A session nobody else uses meanwhile."""
        await self._free.acquire()
        lane = self._idle.pop() if self._idle else self._further()
        try:
            yield lane
        finally:
            if lane in self._all:
                self._idle.append(lane)
                self._free.release()

    def _further(self) -> RemotePowerShell:
        lane = self._open_one()
        self._all.append(lane)
        return lane

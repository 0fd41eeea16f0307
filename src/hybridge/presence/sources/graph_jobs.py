"""Jobs with names and times: what is due is started, so many at once, each name alone.

A job that comes due while it is under way is done once more afterwards: many hints become one read. The loop looks at
the clock at least once a second, so that a clock that jumps is noticed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from hybridge.presence.timers import Timers

LONGEST_WAIT = 1.0
"""Seconds after which the clock is looked at again though nothing is due."""

Do = Callable[[str, tuple[str, ...]], Awaitable[None]]
"""Does a job: its kind, and the addresses it is about. Must not raise."""


class Budget:
    """So many in a minute: a bucket that holds a second's worth."""

    def __init__(self, per_minute: int) -> None:
        self._rate = max(per_minute, 1) / 60
        self._most = max(self._rate, 1.0)
        self._tokens = self._most
        self._at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Take one, if there is one."""
        passed = (now - self._at).total_seconds() if self._at else 0.0
        self._at = now
        self._tokens = min(self._most, self._tokens + max(passed, 0.0) * self._rate)
        if self._tokens < 1 - 1e-6:  # ten tenths are a little less than one
            return False
        self._tokens -= 1
        return True


class Jobs:
    """``sizes`` are the kinds and how many addresses of each one job takes; ``budgets`` bound a kind."""

    def __init__(
        self,
        now: Callable[[], datetime],
        do: Do,
        sizes: Mapping[str, int],
        at_once: int,
        budgets: Mapping[str, Budget],
    ) -> None:
        self._now = now
        self._do = do
        self._sizes = sizes
        self._at_once = at_once
        self._budgets = budgets
        self._timers = Timers()
        self._ready: dict[str, deque[str]] = {kind: deque() for kind in sizes}
        self._waiting: set[str] = set()
        self._soon: set[str] = set()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)

    def set(self, kind: str, address: str, at: datetime) -> None:
        """Do this at ``at``, unless it is to be done sooner because of a hint."""
        key = f"{kind} {address}"
        if key not in self._soon and key not in self._waiting:
            self._timers.set(key, at)
            self._news.set()

    def hint(self, kind: str, address: str, at: datetime) -> None:
        """Do this at ``at``, which is soon; further hints until then change nothing."""
        key = f"{kind} {address}"
        if key in self._waiting or key in self._soon:
            return
        self._soon.add(key)
        self._timers.set(key, at)
        self._news.set()

    def drop(self, kind: str, address: str) -> None:
        """Do not do this (again)."""
        key = f"{kind} {address}"
        self._timers.drop(key)
        self._soon.discard(key)
        self._again.discard(key)

    async def run(self) -> None:
        """Do what is due until cancelled."""
        try:
            while True:
                self._news.clear()
                self._collect()
                self._start()
                await self._wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _collect(self) -> None:
        for key in self._timers.due(self._now()):
            if key in self._busy:
                self._again.add(key)
            elif key not in self._waiting:
                self._waiting.add(key)
                self._ready[key.partition(" ")[0]].append(key)

    def _start(self) -> None:
        more = True
        while more and len(self._tasks) < self._at_once:
            more = False
            for kind in self._sizes:
                keys = self._take(kind) if len(self._tasks) < self._at_once else ()
                if keys:
                    more = True
                    self._begin(kind, keys)

    def _take(self, kind: str) -> tuple[str, ...]:
        ready, budget = self._ready[kind], self._budgets.get(kind)
        if not ready or (budget is not None and not budget.take(self._now())):
            return ()
        keys = tuple(ready.popleft() for _ in range(min(len(ready), self._sizes[kind])))
        self._waiting.difference_update(keys)
        self._soon.difference_update(keys)
        self._busy.update(keys)
        return keys

    def _begin(self, kind: str, keys: tuple[str, ...]) -> None:
        addresses = tuple(key.partition(" ")[2] for key in keys)
        task = asyncio.ensure_future(self._do(kind, addresses))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(done, keys))

    def _end(self, task: asyncio.Future[None], keys: tuple[str, ...]) -> None:
        self._tasks.discard(task)
        self._busy.difference_update(keys)
        for key in keys:
            if key in self._again:
                self._again.discard(key)
                self._timers.set(key, self._now())
        self._news.set()

    async def _wait(self) -> None:
        next_at = self._timers.next_at
        timeout = LONGEST_WAIT
        if next_at is not None:
            timeout = min(max((next_at - self._now()) / timedelta(seconds=1), 0.001), LONGEST_WAIT)
        if any(self._ready[kind] for kind in self._budgets) and len(self._tasks) < self._at_once:
            timeout = min(timeout, 0.05)
        with suppress(TimeoutError):
            # not wait_for: before Python 3.12 it swallows a cancellation that comes together with the event
            async with asyncio.timeout(timeout):
                await self._news.wait()

"""An event loop whose time leaps: whenever nothing is to be done, it is at once as late as the next timer wants.

Everything that waits in a test waits by the loop's timers: gateway, source, sink, and the lab's servers on loopback in
the same process. So an hour of heartbeats, sweeps, retries and expiries passes in a second, each in its turn, and
nothing is ever waited for but what really happens: sockets and threads.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

IDLE = 0.001
"""Real seconds without anything on a socket after which nothing is to be done: all are in this process."""


class Warp:
    """The time of one loop. ``ahead`` is how far it leapt, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, frozen: bool) -> None:
        self.ahead = 0.0
        self.in_threads = 0
        self._loop = loop
        began = loop.time()
        self._real_time: Callable[[], float] = (lambda: began) if frozen else loop.time
        self._run_in_executor: Callable[..., asyncio.Future[Any]] = loop.run_in_executor

    def time(self) -> float:
        """The loop's time."""
        return self._real_time() + self.ahead

    def run_in_executor(self, *what: Any) -> asyncio.Future[Any]:
        """As the loop's own; time does not leap while a thread works for the loop."""
        self.in_threads += 1
        future = self._run_in_executor(*what)
        future.add_done_callback(self._back)
        return future

    def _back(self, _: asyncio.Future[Any]) -> None:
        self.in_threads -= 1


class LeapingSelector:
    """The loop's own selector, which instead of waiting for the next timer lets the time leap to it."""

    def __init__(self, inner: selectors.BaseSelector, warp: Warp, idle: float) -> None:
        self._inner = inner
        self._warp = warp
        self._idle = idle

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready on the sockets."""
        found = self._inner.select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None or self._warp.in_threads:
            return self._inner.select(timeout)
        if self._idle:
            found = self._inner.select(min(timeout, self._idle))
        if not found:
            self._warp.ahead += timeout
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@contextmanager
def leaping(idle: float = IDLE) -> Iterator[Warp]:
    """Let the time of the running loop leap until the block ends; then it stays as far ahead as it is.

    ``idle`` may be 0 where there are no sockets; then time goes by leaps alone.
    """
    loop: Any = asyncio.get_running_loop()
    warp = Warp(loop, frozen=not idle)
    inner, loop._selector = loop._selector, LeapingSelector(loop._selector, warp, idle)
    loop.time, loop.run_in_executor = warp.time, warp.run_in_executor
    try:
        yield warp
    finally:
        loop._selector = inner


class LoopClock:
    """A wall clock that goes with the running loop; ``jump`` sets it, which the loop does not notice."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._time = asyncio.get_running_loop().time
        self._began = self._time()

    def now(self) -> datetime:
        """The present instant."""
        return self._at + timedelta(seconds=self._time() - self._began)

    def jump(self, by: timedelta) -> None:
        """Set the clock forward or back."""
        self._at += by

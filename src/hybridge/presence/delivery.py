"""What keeps one sink up to date: an outbox, a sink, the time, and the loop between them.

The loop waits for something to happen (a new desired state, an answer, a lost connection) or for the next instant the
outbox named, whatever comes first; it never looks at intervals. Several batches may be under way at once; a person
is in one of them at most, so that states arrive in order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from hybridge.net.clock import Clock
from hybridge.presence.outbox import Outbox
from hybridge.presence.sinks.base import Desired, Later, Result, Sink, SinkDown, TellsWhenDown

AT_ONCE = 4
"""Batches under way at once."""

Waiting = Callable[[asyncio.Event, datetime | None], Awaitable[None]]
"""Waits until the event is set, or until that instant (None: only for the event)."""
Shown = Callable[[str, Desired], None]
"""Given the sink's name and what it shows now. Never waits, never raises."""


def waiting_by(clock: Clock) -> Waiting:
    """Waits by the event loop's timers, measured with ``clock``."""

    async def wait(event: asyncio.Event, at: datetime | None) -> None:
        seconds = None if at is None else max(0.0, (at - clock.now()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    return wait


class Delivery:
    """Keeps ``sink`` at what is wanted. ``run`` it as a task; ``want`` from the same loop at any time.

    ``shown`` is told of every state that was published, for the state file.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        *,
        outbox: Outbox | None = None,
        waiting: Waiting | None = None,
        shown: Shown = lambda _sink, _desired: None,
        at_once: int = AT_ONCE,
    ) -> None:
        self.sink = sink
        self.outbox = outbox or Outbox(sink.limits, random.random)
        self._clock = clock
        self._waiting = waiting or waiting_by(clock)
        self._shown = shown
        self._at_once = at_once
        self._happened = asyncio.Event()
        self._drained = asyncio.Event()
        self._open = False
        self._under_way: set[asyncio.Task[None]] = set()
        if isinstance(sink, TellsWhenDown):
            sink.when_down(self._lost)

    def want(self, desired: Desired) -> bool:
        """Show this; False when it was decided under a lease that is over, or the sink does not know the person."""
        if not self.sink.serves(desired.person):
            return False
        taken = self.outbox.want(desired, self._clock.now())
        self._happened.set()
        return taken

    def configured(self) -> None:
        """The configuration changed: what was refused is tried again."""
        self.outbox.configured()
        self._happened.set()

    async def run(self) -> None:
        """Publish until cancelled or drained. What is under way when it is cancelled is waited for no longer."""
        try:
            while not (self.outbox.draining and self._is_drained()):
                self._happened.clear()
                await self._work()
                if self.outbox.draining and self._is_drained():
                    break
                await self._waiting(self._happened, self._next_at())
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            await self.sink.close()
            self._drained.set()

    async def drain(self) -> int:
        """Send what is pending, tell nothing again, then stop ``run``. Returns how many people were left pending.

        A sink that is down is not waited for.
        """
        self.outbox.draining = True
        self._happened.set()
        await self._drained.wait()
        return self.outbox.figures(self._clock.now()).pending

    def _next_at(self) -> datetime | None:
        """When to look again; with every place taken, only when a batch is over."""
        return None if len(self._under_way) >= self._at_once else self.outbox.next_at(self._clock.now())

    def _is_drained(self) -> bool:
        return not self._under_way and (self.outbox.idle or self.outbox.trouble is not None)

    async def _work(self) -> None:
        """Open the sink if it is not, then start every batch that may go now."""
        if not self._open:
            if not self.outbox.may_try(self._clock.now()):
                return
            try:
                await self.sink.open()
            except SinkDown as error:
                self.outbox.down((), error, self._clock.now())
                return
            self._open = True
            self.outbox.opened()
        while len(self._under_way) < self._at_once:
            batch = self.outbox.take(self._clock.now())
            if not batch:
                return
            task = asyncio.create_task(self._publish(batch))
            self._under_way.add(task)
            task.add_done_callback(self._over)

    async def _publish(self, batch: tuple[Desired, ...]) -> None:
        try:
            results = await self.sink.publish(batch, self._clock.now())
        except SinkDown as error:
            self._open = False
            self.outbox.down(batch, error, self._clock.now())
            return
        except Exception as error:  # a defect of one sink stops neither it nor the others
            results = self._defect(batch, error)
        for desired in self.outbox.told(batch, results, self._clock.now()):
            self._shown(self.sink.name, desired)

    def _defect(self, batch: tuple[Desired, ...], error: Exception) -> tuple[Result, ...]:
        later = Later(f"The sink {self.sink.name} failed by a defect of hybridge ({type(error).__name__}).")
        return (later,) * len(batch)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._happened.set()

    def _lost(self, error: SinkDown) -> None:
        self._open = False
        self.outbox.down((), error, self._clock.now())
        self._happened.set()

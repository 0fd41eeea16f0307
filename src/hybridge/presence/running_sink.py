"""A sink in operation: made, delivered to, made again after a defect.

What the sink shows outlives its remaking: a new outbox is restored from the old one, and whoever decides is asked to
say again what everybody is to show (``opened``). Presence is level-triggered, so nothing else has to be remembered.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from hybridge.net.clock import Clock
from hybridge.presence.delivery import Delivery
from hybridge.presence.layout import Part
from hybridge.presence.log import told
from hybridge.presence.outbox import Figures, Outbox, Standing, Trouble
from hybridge.presence.running import FIRST_PAUSE, LONGEST_PAUSE, MakeSource
from hybridge.presence.sinks.base import Desired, Limits, Sink

MakeSink = Callable[[Part, Clock], AbstractAsyncContextManager[Sink]]
"""Makes the sink of a part; the delivery opens and closes it."""


@dataclass(frozen=True)
class Makers:
    """How parts are made: ``presence.parts`` has the real ones."""

    source: MakeSource
    sink: MakeSink


@dataclass(frozen=True)
class Listener:
    """Whom a running sink tells: what is shown now (with seconds since it was wanted), and that it was made."""

    shown: Callable[[str, Desired, float | None], None]
    opened: Callable[[str], None]


class RunningSink:
    """The task of one sink."""

    def __init__(self, part: Part, make: MakeSink, clock: Clock, listener: Listener) -> None:
        self.part = part
        self.restarts = 0
        self.outbox = Outbox(Limits(), random.random)
        self._make = make
        self._clock = clock
        self._listener = listener
        self._delivery: Delivery | None = None
        self._wanted_at: dict[str, datetime] = {}
        self._leaving: dict[str, Desired] = {}
        self._defect = ""
        self._task: asyncio.Task[None] | None = None
        self._made = asyncio.Event()

    def start(self, shown: Iterable[Desired]) -> None:
        """Begin; ``shown`` is what an earlier gateway published."""
        self.outbox.restored(shown, self._clock.now())
        self._task = asyncio.create_task(self._run(), name=f"presence sink {self.part.name}")

    async def stop(self) -> None:
        """End; what is shown stays until it expires."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def silence(self) -> None:
        """Send nothing more, at once."""
        if self._task is not None:
            self._task.cancel()

    async def drain(self, seconds: float) -> bool:
        """Send what waits, for ``seconds`` at most; whether nothing is left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._made.wait()
                if self._delivery is not None:
                    return await self._delivery.drain() == 0
        return self.outbox.idle

    def want(self, desired: Desired) -> None:
        """Show this, as soon as the sink is there."""
        if self._delivery is None:
            return
        address = desired.person.address
        self._leaving.pop(address, None)
        standing = self.outbox.standing(address)
        if standing is None or standing.shown is None or standing.shown.state != desired.state:
            if standing is None or standing.desired is None or standing.desired.state != desired.state:
                self._wanted_at[address] = self._clock.now()
        else:
            self._wanted_at.pop(address, None)
        self._delivery.want(desired)

    def withdraw(self, address: str, revision: int) -> None:
        """Take back what is shown of this person, then forget them here."""
        standing = self.outbox.standing(address)
        known = standing and (standing.shown or standing.desired)
        if not known:
            self.outbox.forget(address)
            return
        nothing = msgspec.structs.replace(
            known, state=None, until=None, text="", expires_at=self._clock.now(), fence=revision
        )
        self._leaving[address] = nothing
        if self._delivery is not None:
            self._delivery.want(nothing)

    def withdraw_all(self, revision: int) -> None:
        """Take back everything."""
        for shown in tuple(self.outbox.shown()):
            self.withdraw(shown.person.address, revision)

    def agrees(self, desired: Desired) -> bool:
        """Whether the sink shows that state already, by all we know."""
        standing = self.outbox.standing(desired.person.address)
        return standing is not None and standing.shown is not None and standing.shown.state == desired.state

    def configured(self) -> None:
        """The configuration changed: what was refused is tried again."""
        if self._delivery is not None:
            self._delivery.configured()

    def standing(self, address: str) -> Standing | None:
        """How one person stands here."""
        return self.outbox.standing(address)

    def figures(self) -> Figures:
        """Numbers for metrics."""
        return self.outbox.figures(self._clock.now())

    @property
    def trouble(self) -> Trouble | None:
        """Why the sink is out of reach; None when it is not."""
        return self.outbox.trouble

    @property
    def defect(self) -> str:
        """Why the sink could not be made or broke off, "" when it did not."""
        return self._defect

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._once()
                return
            except Exception as error:
                self._defect = f"The sink stopped ({type(error).__name__}: {error}); it is started again."
                told("sink stopped", logging.ERROR, sink=self.part.name, error=type(error).__name__, says=str(error))
            finally:
                self._delivery = None
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            self.restarts += 1

    async def _once(self) -> None:
        """Make the sink and deliver until it is drained."""
        async with self._make(self.part, self._clock) as sink:
            before = self.outbox
            self.outbox = Outbox(sink.limits, random.random)
            self.outbox.restored(tuple(before.shown()), self._clock.now())
            self._delivery = Delivery(sink, self._clock, outbox=self.outbox, shown=self._shown)
            self._defect = ""
            self._made.set()
            for desired in self._leaving.values():
                self._delivery.want(desired)
            self._listener.opened(self.part.name)
            await self._delivery.run()

    def _shown(self, sink: str, desired: Desired) -> None:
        address = desired.person.address
        wanted_at = self._wanted_at.pop(address, None)
        lag = (self._clock.now() - wanted_at).total_seconds() if wanted_at is not None else None
        if desired.state is None and self._leaving.pop(address, None) is not None:
            self.outbox.forget(address)
        self._listener.shown(self.part.name, desired, lag)

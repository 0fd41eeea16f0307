"""A source in operation: made, watched over, made again after a crash.

A source never raises for what a server does; when it raises all the same, or ends by itself, that is logged, shown in
the health, and the source is made anew after a pause that doubles up to a minute. No other source notices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from hybridge.net.clock import Clock
from hybridge.presence.layout import Part
from hybridge.presence.log import told
from hybridge.presence.observations import Subject
from hybridge.presence.people import Person
from hybridge.presence.sources.base import Health, Source, Tell

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds before a crashed source is made again."""

MakeSource = Callable[[Part, Clock, Mapping[str, bytes]], AbstractAsyncContextManager[Source]]
"""Opens the source of a part, given what an earlier one kept."""


class RunningSource:
    """The task of one source. ``kept`` is what the source of this name kept before a restart."""

    def __init__(self, part: Part, make: MakeSource, tell: Tell, clock: Clock, kept: Mapping[str, bytes]) -> None:
        self.part = part
        self.restarts = 0
        self.last_read_at: datetime | None = None
        self._make = make
        self._tell = tell
        self._clock = clock
        self._kept = dict(kept)
        self._people: tuple[Person, ...] = ()
        self._source: Source | None = None
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def source(self) -> Source | None:
        """The source itself while it is open."""
        return self._source

    def start(self) -> None:
        """Begin; ``watch`` says whom."""
        self._task = asyncio.create_task(self._run(), name=f"presence source {self.part.name}")

    async def stop(self) -> None:
        """End the task and close the source."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def watch(self, people: Iterable[Person]) -> None:
        """Watch exactly these."""
        wanted = tuple(people)
        if wanted != self._people:
            self._people = wanted
            self._safely(lambda source: source.watch(wanted))

    def refresh(self, address: str, subject: Subject) -> None:
        """Read this person soon."""
        self._safely(lambda source: source.refresh(address, subject))

    def keep(self) -> Mapping[str, bytes]:
        """What a restart wants to find again."""
        if self._source is not None:
            try:
                self._kept = dict(self._source.keep())
            except Exception as error:
                self._crashed(error)
        return self._kept

    def health(self) -> tuple[Health, ...]:
        """How the endpoints do; a source that crashed is one endpoint in trouble."""
        if self._source is not None and not self._trouble:
            try:
                return self._source.health()
            except Exception as error:
                self._crashed(error)
        return (Health(place=self.part.name, at=self._clock.now(), trouble=self._trouble or "It is being opened."),)

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._once()
                self._crashed(RuntimeError("it ended by itself"))
            except Exception as error:
                self._crashed(error)
            if asyncio.get_running_loop().time() - began > 2 * LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            self.restarts += 1

    async def _once(self) -> None:
        try:
            async with self._make(self.part, self._clock, self._kept) as source:
                source.watch(self._people)
                self._source, self._trouble = source, ""
                await source.run(self._tell)
        finally:
            self.keep()
            self._source = None

    def _safely(self, call: Callable[[Source], None]) -> None:
        if self._source is not None:
            try:
                call(self._source)
            except Exception as error:
                self._crashed(error)

    def _crashed(self, error: Exception) -> None:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        self._trouble = f"The source stopped ({type(error).__name__}: {error}); it is started again."
        told("source stopped", logging.ERROR, source=self.part.name, error=type(error).__name__, says=str(error))

"""What the parts of ``bench/presence.py`` share: people with calendars, and the real gateway between two simple ends.

The gateway is the real one with everything it has (state file, roster, timers, outboxes, deliveries). The source tells
what the bench says; the sink counts, within limits of its own. Where a part looks at the processor, the thread of the
state file counts as well: it shares the one core with the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hybridge.config_presence import Named
from hybridge.net.clock import Clock
from hybridge.net.config import EntraConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.presence.calendar import CalendarEvent, ShowAs, Window
from hybridge.presence.gateway import Gateway
from hybridge.presence.layout import Layout, Part
from hybridge.presence.observations import CalendarRead, Observation, Subject
from hybridge.presence.people import Person
from hybridge.presence.people_list import Watched
from hybridge.presence.rules import RULES
from hybridge.presence.running_sink import Makers
from hybridge.presence.sinks.base import Desired, Limits, Published, Result, Sink
from hybridge.presence.sole_owner import SoleOwner
from hybridge.presence.sources.base import Health, Source, Tell
from hybridge.presence.store import StateStore

SOURCE, SINK = "hq", "board"
DOMAIN = "corp.test"
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
BEFORE, AFTER = timedelta(hours=2), timedelta(hours=24)


class SpokenSource:
    """Tells what ``tell`` is given. ``on_refresh`` is called when the gateway wants somebody read."""

    def __init__(self, clock: Clock) -> None:
        self.name = SOURCE
        self.tell: Tell = lambda _address, _observation: None
        self.on_refresh: Callable[[str], None] = lambda _address: None
        self.running = asyncio.Event()
        self._clock = clock

    async def run(self, tell: Tell) -> None:
        """Until cancelled."""
        self.tell = tell
        self.running.set()
        await asyncio.Event().wait()

    def watch(self, people: Iterable[Person]) -> None:
        """Whoever it is."""

    def refresh(self, address: str, subject: Subject) -> None:
        """As ``on_refresh`` says."""
        self.on_refresh(address)

    def keep(self) -> dict[str, bytes]:
        """Nothing."""
        return {}

    def health(self) -> tuple[Health, ...]:
        """All is well."""
        return (Health(place=self.name, at=self._clock.now()),)


class CountingSink:
    """Takes everything within ``limits`` and counts it; ``seen`` is called with each publication."""

    def __init__(self, limits: Limits) -> None:
        self.name = SINK
        self.limits = limits
        self.count = 0
        self.last = 0.0
        self.seen: Callable[[Desired], None] | None = None
        self._awaited = 0
        self._reached = asyncio.Event()

    async def open(self) -> None:
        """At once."""

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """All of it."""
        if self.seen is not None:
            for desired in batch:
                self.seen(desired)
        self.count += len(batch)
        self.last = time.perf_counter()
        if self.count >= self._awaited:
            self._reached.set()
        return (Published(),) * len(batch)

    async def reaches(self, count: int) -> None:
        """Wait until so many were published."""
        self._awaited = count
        self._reached.clear()
        if self.count < count:
            await self._reached.wait()

    def serves(self, person: Person) -> bool:
        """Everybody."""
        return True

    async def close(self) -> None:
        """At once."""


def person(number: int) -> Person:
    """Somebody with an account everywhere."""
    address = f"user{number:06d}@{DOMAIN}"
    return Person(address=address, source=SOURCE, group="staff", user=address, jid=address)


def _part(kind: str, name: str, folder: Path) -> Part:
    return Part(
        kind=kind,
        name=name,
        table=Named(name=name),
        secret=Secret(),
        net=NetConfig(),
        entra=EntraConfig(),
        folder=folder,
        state_folder=folder,
        window=AFTER,
        sweep=timedelta(minutes=5),
        replies=timedelta(minutes=5),
        subjects=False,
    )


def layout(folder: Path, people: int) -> Layout:
    """So many people, one source, one sink."""
    return Layout(
        rules=RULES["teams"],
        sources={SOURCE: _part("exchange", SOURCE, folder)},
        sinks={SINK: _part("file", SINK, folder)},
        people={one.address: Watched(one, (SINK,)) for one in map(person, range(people))},
    )


@asynccontextmanager
async def serving(
    folder: Path, people: int, clock: Clock, make_sink: Callable[[], Sink]
) -> AsyncIterator[tuple[Gateway, SpokenSource]]:
    """The real gateway, started, its source and its sink at work."""
    spoken = SpokenSource(clock)

    @asynccontextmanager
    async def source(_part: Part, _clock: Clock, _kept: Mapping[str, bytes]) -> AsyncIterator[Source]:
        yield spoken

    @asynccontextmanager
    async def sink(_part: Part, _clock: Clock) -> AsyncIterator[Sink]:
        yield make_sink()

    store = StateStore(folder / "state.sqlite", clock.now)
    gateway = Gateway(layout(folder, people), Makers(source, sink), store, SoleOwner(store, clock), clock)
    await gateway.start()
    try:
        await spoken.running.wait()
        yield gateway, spoken
    finally:
        await gateway.stop()


def day(number: int, at: datetime, first: timedelta, *, now: bool = False) -> CalendarRead:
    """A calendar read at ``at``: six meetings, the first ``first`` after ``at``; with ``now`` one of them lasts."""
    events = [_meeting(number, place, at + first + timedelta(hours=2 * place)) for place in range(6 - now)]
    if now:
        events.insert(0, _meeting(number, 9, at - timedelta(minutes=1)))
    window = Window(
        start_at=at - BEFORE,
        end_at=at + AFTER,
        read_at=at,
        events=tuple(events),
        zone="W. Europe Standard Time",
        source="exchange mail.contoso.com",
    )
    return CalendarRead(window)


def _meeting(number: int, place: int, start: datetime) -> CalendarEvent:
    return CalendarEvent(
        identity=f"{number:06d}{place:02d}f2a9c1d07b",
        start_at=start,
        end_at=start + timedelta(minutes=45),
        shows=ShowAs.BUSY,
        meeting=True,
        all_day=False,
    )


async def told_all(spoken: SpokenSource, told: Iterable[tuple[str, Observation]], at_once: int = 100) -> None:
    """Tell everything as fast as the gateway takes it, giving the loop its turn as a source does between answers."""
    for count, (address, observation) in enumerate(told, start=1):
        spoken.tell(address, observation)
        if count % at_once == 0:
            await asyncio.sleep(0)


async def quiet(gateway: Gateway) -> None:
    """Wait until the sinks have everything and the state file too."""
    while not all(sink.outbox.idle for sink in gateway.sinks.values()):  # noqa: ASYNC110 - an outbox has no event
        await asyncio.sleep(0.01)
    await asyncio.to_thread(gateway.store.settle, 600.0)

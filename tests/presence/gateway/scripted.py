"""A source that tells what a test says, and a sink that counts what it is told: plain values in the gateway's terms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hybridge.config_presence import Named
from hybridge.net.clock import Clock, SetClock
from hybridge.net.config import EntraConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.presence.calendar import CalendarEvent, ShowAs, Window
from hybridge.presence.gateway import Gateway
from hybridge.presence.layout import Layout, Part
from hybridge.presence.observations import CalendarRead, NotRead, Observation, Subject
from hybridge.presence.people import Person
from hybridge.presence.people_list import Watched
from hybridge.presence.rules import RULES
from hybridge.presence.running_sink import Makers
from hybridge.presence.sinks.base import Desired, Limits, Published, Result, Sink, SinkDown
from hybridge.presence.sole_owner import SoleOwner
from hybridge.presence.sources.base import Health, Source, Tell
from hybridge.presence.store import StateStore

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
ADA, BOB = "ada@contoso.com", "bob@contoso.com"
CANARY = "Merger with Fabrikam, code name Canary"
LONG = 20.0


class ScriptedSource:
    """Tells what ``say`` is given; ``kept`` is what it keeps."""

    def __init__(self, name: str, clock: Clock, kept: Mapping[str, bytes]) -> None:
        self.name = name
        self.clock = clock
        self.kept = dict(kept)
        self.people: tuple[Person, ...] = ()
        self.refreshed: list[tuple[str, Subject]] = []
        self.crash: Exception | None = None
        self.running = asyncio.Event()
        self._tell: Tell = lambda _address, _observation: None
        self._crashed = asyncio.Event()

    async def run(self, tell: Tell) -> None:
        self._tell = tell
        self.running.set()
        await self._crashed.wait()
        assert self.crash is not None
        raise self.crash

    def fail(self, error: Exception) -> None:
        self.crash = error
        self._crashed.set()

    def say(self, address: str, observation: Observation) -> None:
        self._tell(address, observation)

    def calendar(self, address: str, *events: CalendarEvent) -> None:
        now = self.clock.now()
        window = Window(
            start_at=now - timedelta(hours=2),
            end_at=now + timedelta(hours=24),
            read_at=now,
            events=events,
            source=self.name,
        )
        self.say(address, CalendarRead(window))

    def unread(self, address: str) -> None:
        self.say(address, NotRead(Subject.CALENDAR, f"{address} cannot be read.", self.clock.now()))

    def watch(self, people: Iterable[Person]) -> None:
        self.people = tuple(people)

    def refresh(self, address: str, subject: Subject) -> None:
        self.refreshed.append((address, subject))

    def keep(self) -> dict[str, bytes]:
        return self.kept

    def health(self) -> tuple[Health, ...]:
        return (Health(place=f"{self.name}.contoso.com", at=self.clock.now(), figures={"reads": 1.0}),)


class CountingSink:
    """Remembers every publication in order. While ``down`` is set it is out of reach."""

    def __init__(self, name: str, calls: list[Desired]) -> None:
        self.name = name
        self.limits = Limits(batch=10, requests=100_000)
        self.calls = calls
        self.down: SinkDown | None = None
        self.published = asyncio.Event()

    async def open(self) -> None:
        if self.down is not None:
            raise self.down

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        if self.down is not None:
            raise self.down
        self.calls.extend(batch)
        self.published.set()
        return (Published(),) * len(batch)

    def serves(self, person: Person) -> bool:
        return True

    async def close(self) -> None:
        pass

    def states(self, address: str) -> list[str]:
        return [str(one.state) if one.state else "" for one in self.calls if one.person.address == address]


@dataclass
class World:
    """What outlives a gateway: the folder, the clock, and what the sinks were told."""

    folder: Path
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    calls: dict[str, list[Desired]] = field(default_factory=dict)
    sources: dict[str, ScriptedSource] = field(default_factory=dict)
    sinks: dict[str, CountingSink] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    @property
    def state(self) -> Path:
        return self.folder / "state.sqlite"

    def makers(self) -> Makers:
        @asynccontextmanager
        async def source(part: Part, clock: Clock, kept: Mapping[str, bytes]) -> AsyncIterator[Source]:
            self._open(part.name)
            made = self.sources[part.name] = ScriptedSource(part.name, clock, kept)
            yield made

        @asynccontextmanager
        async def sink(part: Part, _: Clock) -> AsyncIterator[Sink]:
            self._open(part.name)
            made = self.sinks[part.name] = CountingSink(part.name, self.calls.setdefault(part.name, []))
            yield made

        return Makers(source, sink)

    def _open(self, name: str) -> None:
        self.opened.append(name)
        if name in self.broken:
            raise RuntimeError(f"{name} cannot be made")

    def gateway(self, layout: Layout) -> Gateway:
        store = StateStore(self.state, self.clock.now, busy=0.05, again=0.05)
        return Gateway(layout, self.makers(), store, SoleOwner(store, self.clock), self.clock)

    @asynccontextmanager
    async def serving(self, layout: Layout) -> AsyncIterator[Gateway]:
        gateway = self.gateway(layout)
        self.sources.clear()
        self.sinks.clear()
        await gateway.start()
        try:
            for name in layout.sources:
                await until(lambda name=name: name in self.sources or name in self.broken)  # type: ignore[misc]
                if name in self.sources:
                    await self.sources[name].running.wait()
            yield gateway
        finally:
            await gateway.stop()

    def move(self, gateway: Gateway, by: timedelta) -> None:
        """Move the clock, and let the gateway look at it."""
        self.clock.advance(by)
        gateway.poke()

    async def shows(self, sink: str, address: str, *states: str) -> None:
        """Wait until the sink was told exactly these states of the person, in order."""
        await until(lambda: sink in self.sinks and self.sinks[sink].states(address) == list(states))


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110 - the condition may be anything
            await asyncio.sleep(0.002)


async def turned(times: int = 50) -> None:
    """Let the loop do everything it has to do."""
    for _ in range(times):
        await asyncio.sleep(0)


def part(kind: str, name: str, folder: Path, **changes: str) -> Part:
    return Part(
        kind=kind,
        name=name,
        table=Named(name=name),
        secret=Secret(changes.get("secret", "")),
        net=NetConfig(),
        entra=EntraConfig(),
        folder=folder,
        state_folder=folder,
        window=timedelta(hours=26),
        sweep=timedelta(minutes=5),
        replies=timedelta(minutes=5),
        subjects=False,
    )


def layout(
    folder: Path,
    people: Mapping[str, tuple[str, tuple[str, ...]]] | None = None,
    sources: Iterable[str] = ("hq",),
    sinks: Iterable[str] = ("log",),
    subjects: bool = False,
) -> Layout:
    """People as address -> (source, sinks)."""
    whom = people if people is not None else {ADA: ("hq", ("log",)), BOB: ("hq", ("log",))}
    return Layout(
        rules=RULES["teams"],
        subjects=subjects,
        sources={name: part("exchange", name, folder) for name in sources},
        sinks={name: part("file", name, folder) for name in sinks},
        people={
            address: Watched(Person(address=address, source=source, group="staff", user=address), tuple(names))
            for address, (source, names) in whom.items()
        },
    )


def meeting(start: timedelta, length: timedelta, at: datetime = NOW, subject: str = CANARY) -> CalendarEvent:
    """A meeting that begins ``start`` after ``at``."""
    return CalendarEvent(
        identity=f"item-{start}",
        start_at=at + start,
        end_at=at + start + length,
        shows=ShowAs.BUSY,
        meeting=True,
        subject=subject,
    )


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

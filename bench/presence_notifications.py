"""How many changes of calendars a second the gateway takes from source to sink, and how long one takes.

*told*: a source tells a calendar that was read, and the person is in a meeting where there was none, or the other way
round: each is decided, put into the outbox, published, and written to the state file. *hinted*: the same with the
notification before it: a hint, the gateway's wish to read that person, and the calendar that is read by it (reading
costs nothing here; the sweep measures that). A second of processor time, every thread of ours counted, is a second of
one core; the time on the wall stands beside it. The limit is the same values through a bare ``asyncio.Queue``.

*latency*: a steady stream of changes, each told at its instant by a sleeper; from that instant to the sink. The bare
queue is given the same stream, so that what the machine itself adds can be seen.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import presence_office as office
import uvloop

from hybridge.net.clock import SystemClock
from hybridge.presence.gateway import Gateway
from hybridge.presence.observations import CalendarRead, Hinted, Subject
from hybridge.presence.sinks.base import Desired, Limits

QUIET = timedelta(hours=1)
AMPLE = Limits(batch=100, requests=1_000_000, longest=timedelta(hours=4))


class Speed(NamedTuple):
    """Changes a second of processor time, and of the clock on the wall."""

    processor: float
    wall: float


class Delays(NamedTuple):
    """Milliseconds from an instant to the sink."""

    median: float
    p99: float


def _changes(people: int, rounds: int, at: datetime) -> list[list[tuple[str, CalendarRead]]]:
    """Everybody into a meeting and out of it again, a list for each round."""
    first = QUIET
    return [
        [
            (
                office.person(number).address,
                office.day(number, at + timedelta(microseconds=turn), first, now=not turn % 2),
            )
            for number in range(people)
        ]
        for turn in range(rounds)
    ]


def _begun(people: int, at: datetime) -> Iterator[tuple[str, CalendarRead]]:
    """Everybody into a meeting, each made when it is needed, as a source does: what is kept is the gateway's."""
    return ((office.person(number).address, office.day(number, at, QUIET, now=True)) for number in range(people))


async def _free(gateway: Gateway, spoken: office.SpokenSource, sink: office.CountingSink, people: int) -> None:
    """Everybody was read once, and is free."""
    at = SystemClock().now()
    told = ((office.person(number).address, office.day(number, at, QUIET)) for number in range(people))
    await office.told_all(spoken, told)
    await sink.reaches(people)
    await office.quiet(gateway)


async def _timed(work: Callable[[], Awaitable[None]], count: int) -> Speed:
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    await work()
    return Speed(count / (time.process_time() - processor), count / (time.perf_counter() - wall))


async def _rate(folder: Path, people: int, rounds: int, *, hinted: bool) -> Speed:
    sink = office.CountingSink(AMPLE)
    async with office.serving(folder, people, SystemClock(), lambda: sink) as (gateway, spoken):
        await _free(gateway, spoken, sink, people)
        began = sink.count
        changes = _changes(people, rounds, SystemClock().now())
        read: dict[str, CalendarRead] = {}
        spoken.on_refresh = lambda address: spoken.tell(address, read[address]) if address in read else None

        async def all_of_it() -> None:
            for turn, some in enumerate(changes, start=1):
                if hinted:
                    read.update(some)
                    hint = Hinted(Subject.CALENDAR, SystemClock().now())
                    await office.told_all(spoken, ((address, hint) for address, _ in some))
                else:
                    await office.told_all(spoken, some)
                await sink.reaches(began + turn * people)
            await office.quiet(gateway)

        return await _timed(all_of_it, people * rounds)


async def _bare_rate(people: int, rounds: int) -> Speed:
    changes = _changes(people, rounds, SystemClock().now())
    queue: asyncio.Queue[tuple[str, CalendarRead]] = asyncio.Queue()

    async def take() -> None:
        for _ in range(people * rounds):
            await queue.get()

    async def all_of_it() -> None:
        taking = asyncio.create_task(take())
        for some in changes:
            for count, change in enumerate(some, start=1):
                queue.put_nowait(change)
                if count % 100 == 0:
                    await asyncio.sleep(0)
        await taking

    return await _timed(all_of_it, people * rounds)


async def _steadily(
    changes: Iterable[tuple[str, CalendarRead]], rate: float, tell: Callable[[str, CalendarRead], None]
) -> dict[str, float]:
    """Tell each at its instant; the instants by address."""
    began, due = time.perf_counter() + 0.01, {}
    for number, (address, change) in enumerate(changes):
        due[address] = at = began + number / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tell(address, change)
    return due


def _delays(due: dict[str, float], seen: dict[str, float]) -> Delays:
    every = sorted((seen[address] - at) * 1000 for address, at in due.items())
    return Delays(every[len(every) // 2], every[min(len(every) - 1, len(every) * 99 // 100)])


async def _latency(folder: Path, people: int, rate: float) -> Delays:
    sink = office.CountingSink(AMPLE)
    async with office.serving(folder, people, SystemClock(), lambda: sink) as (gateway, spoken):
        await _free(gateway, spoken, sink, people)
        began, seen = sink.count, {}

        def note(desired: Desired) -> None:
            seen[desired.person.address] = time.perf_counter()

        sink.seen = note
        changes = _begun(people, SystemClock().now())
        gc.collect()
        due = await _steadily(changes, rate, spoken.tell)
        await sink.reaches(began + people)
        return _delays(due, seen)


async def _bare_latency(people: int, rate: float) -> Delays:
    queue: asyncio.Queue[str] = asyncio.Queue()
    seen: dict[str, float] = {}

    async def take() -> None:
        while len(seen) < people:
            address = await queue.get()
            seen[address] = time.perf_counter()

    taking = asyncio.create_task(take())
    changes = _begun(people, SystemClock().now())
    due = await _steadily(changes, rate, lambda address, _: queue.put_nowait(address))
    await taking
    return _delays(due, seen)


class Found(NamedTuple):
    """Everything this part measures."""

    told: Speed
    hinted: Speed
    bare: Speed
    delays: Delays
    bare_delays: Delays


def measure(folder: Path, people: int, rounds: int, rate: float) -> Found:
    """Measure ours and the limit, each with a state file of its own under ``folder``."""
    places = iter(range(9))

    def fresh() -> Path:
        place = folder / str(next(places))
        place.mkdir()
        return place

    return Found(
        told=uvloop.run(_rate(fresh(), people, rounds, hinted=False)),
        hinted=uvloop.run(_rate(fresh(), people, rounds, hinted=True)),
        bare=uvloop.run(_bare_rate(people, rounds)),
        delays=uvloop.run(_latency(fresh(), people, rate)),
        bare_delays=uvloop.run(_bare_latency(people, rate)),
    )

"""The loop around an outbox: against a sink that counts, on a clock that jumps to whatever is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from hybridge.net.clock import SetClock, SystemClock
from hybridge.presence.delivery import Delivery, waiting_by
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Result, SinkDown
from hybridge.presence.states import PresenceState

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
PATIENCE = 20.0


class CountingSink:
    """Keeps what it is told. ``fails`` are errors to raise, one an attempt; ``opened`` counts openings."""

    name = "counting"

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits(batch=100, requests=10**6)
        self.told: list[Desired] = []
        self.fails: list[SinkDown | Exception] = []
        self.refuses_to_open: list[SinkDown] = []
        self.opened = self.closed = 0
        self.happened = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()
        self._down: Callable[[SinkDown], None] = lambda _error: None

    def when_down(self, tell: Callable[[SinkDown], None]) -> None:
        self._down = tell

    def lose(self) -> None:
        self._down(SinkDown("The connection is lost."))

    def serves(self, person: Person) -> bool:
        return person.jid != "elsewhere"

    async def open(self) -> None:
        if self.refuses_to_open:
            raise self.refuses_to_open.pop(0)
        self.opened += 1

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        await self.gate.wait()
        async with self.happened:
            self.happened.notify_all()
            if self.fails:
                raise self.fails.pop(0)
            self.told += batch
        return (Published(),) * len(batch)

    async def close(self) -> None:
        self.closed += 1

    async def has(self, what: Callable[[CountingSink], bool]) -> None:
        async with self.happened, asyncio.timeout(PATIENCE):
            await self.happened.wait_for(lambda: what(self))


def jumping(clock: SetClock, until: datetime) -> Callable[[asyncio.Event, datetime | None], object]:
    """Does not wait for an instant, but sets the clock to it; instants after ``until`` never come."""

    async def wait(event: asyncio.Event, at: datetime | None) -> None:
        if at is not None and at <= until:
            clock.advance(max(at - clock.now(), timedelta(0)))
            await asyncio.sleep(0)
            return
        await event.wait()

    return wait


@asynccontextmanager
async def delivering(sink: CountingSink, until: datetime = NINE + timedelta(hours=1)) -> AsyncIterator[Delivery]:
    clock = SetClock(NINE)
    delivery = Delivery(sink, clock, waiting=jumping(clock, until))  # type: ignore[arg-type]
    task = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def desired(number: int, state: PresenceState | None = PresenceState.IN_A_MEETING, jid: str = "") -> Desired:
    who = Person(address=f"p{number}@contoso.example", source="exchange", jid=jid)
    return Desired(person=who, state=state, until=NINE + timedelta(hours=2), expires_at=NINE + timedelta(hours=3))


async def test_what_is_wanted_is_published_and_told_to_the_state_file() -> None:
    sink, kept = CountingSink(), []
    clock = SetClock(NINE)
    delivery = Delivery(sink, clock, shown=lambda name, each: kept.append((name, each.person.address)))
    task = asyncio.create_task(delivery.run())
    assert delivery.want(desired(1))
    assert not delivery.want(desired(2, jid="elsewhere"))
    assert await delivery.drain() == 0
    await task
    assert kept == [("counting", "p1@contoso.example")]
    assert (sink.opened, sink.closed) == (1, 1)


async def test_a_sink_that_is_down_is_opened_again_and_gets_everything() -> None:
    sink = CountingSink()
    sink.refuses_to_open = [SinkDown("Not yet."), SinkDown("Not yet.")]
    sink.fails = [SinkDown("It broke."), SinkDown("It broke.")]
    async with delivering(sink) as delivery:
        for number in range(5):
            delivery.want(desired(number))
        await sink.has(lambda s: len(s.told) == 5)
    assert sink.opened == 3


async def test_a_refused_credential_is_one_attempt() -> None:
    sink = CountingSink()
    sink.fails = [SinkDown("The password is wrong.", credential=True)]
    async with delivering(sink) as delivery:
        delivery.want(desired(1))
        await sink.has(lambda s: not s.fails)
        for _ in range(50):
            await asyncio.sleep(0)
        assert sink.told == []
        assert delivery.outbox.trouble is not None and delivery.outbox.trouble.credential
        delivery.configured()
        await sink.has(lambda s: len(s.told) == 1)


async def test_a_defect_of_a_sink_is_survived() -> None:
    sink = CountingSink()
    sink.fails = [ZeroDivisionError("a defect")]
    async with delivering(sink) as delivery:
        delivery.want(desired(1))
        await sink.has(lambda s: len(s.told) == 1)


async def test_a_lost_connection_is_opened_again_without_being_asked() -> None:
    sink = CountingSink(Limits(forgets=True, requests=10**6))
    async with delivering(sink) as delivery:
        delivery.want(desired(1))
        await sink.has(lambda s: len(s.told) == 1)
        sink.lose()
        await sink.has(lambda s: len(s.told) == 2)
    assert sink.opened == 2


async def test_a_drain_sends_what_is_pending_and_ends() -> None:
    sink = CountingSink(Limits(batch=1, requests=10**6))
    sink.gate.clear()
    clock = SetClock(NINE)
    delivery = Delivery(sink, clock)
    task = asyncio.create_task(delivery.run())
    for number in range(20):
        delivery.want(desired(number))
    draining = asyncio.create_task(delivery.drain())
    await asyncio.sleep(0)
    sink.gate.set()
    assert await draining == 0
    await task
    assert len(sink.told) == 20


async def test_nothing_turns_while_every_place_is_taken() -> None:
    sink, turns = CountingSink(Limits(batch=1, requests=10**6)), []
    sink.gate.clear()

    async def wait(event: asyncio.Event, at: datetime | None) -> None:
        turns.append(at)
        await event.wait()

    delivery = Delivery(sink, SetClock(NINE), waiting=wait, at_once=2)
    task = asyncio.create_task(delivery.run())
    for number in range(5):
        delivery.want(desired(number))
    for _ in range(50):
        await asyncio.sleep(0)
    assert turns == [None]
    sink.gate.set()
    assert await delivery.drain() == 0
    await task


async def test_a_drain_does_not_wait_for_a_sink_that_is_down() -> None:
    sink = CountingSink()
    sink.refuses_to_open = [SinkDown("Not today.")]
    delivery = Delivery(sink, SetClock(NINE))
    task = asyncio.create_task(delivery.run())
    delivery.want(desired(1))
    assert await delivery.drain() == 1
    await task


async def test_a_person_is_in_one_batch_at_a_time() -> None:
    sink = CountingSink(Limits(batch=1, requests=10**6))
    sink.gate.clear()
    async with delivering(sink) as delivery:
        delivery.want(desired(1))
        await asyncio.sleep(0)
        delivery.want(desired(1, PresenceState.AVAILABLE))
        for _ in range(20):
            await asyncio.sleep(0)
        sink.gate.set()
        await sink.has(lambda s: len(s.told) == 2)
    assert [each.state for each in sink.told] == [PresenceState.IN_A_MEETING, PresenceState.AVAILABLE]


async def test_results_that_are_missing_are_tried_again() -> None:
    class Forgetful(CountingSink):
        async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
            results = await super().publish(batch, now)
            return results[:1] if len(batch) > 1 else results

    sink = Forgetful()
    async with delivering(sink) as delivery:
        delivery.want(desired(1))
        delivery.want(desired(2))
        await sink.has(lambda s: len(s.told) == 3)


async def test_waiting_ends_by_the_event_or_by_the_instant() -> None:
    clock = SystemClock()
    wait, event = waiting_by(clock), asyncio.Event()
    await wait(event, clock.now() + timedelta(milliseconds=5))
    assert not event.is_set()
    asyncio.get_running_loop().call_soon(event.set)
    await wait(event, None)


async def test_later_is_a_wait_of_one_person() -> None:
    class Busy(CountingSink):
        async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
            results = list(await super().publish(batch, now))
            if len(self.told) <= 2:
                results[0] = Later("Busy.", timedelta(minutes=1))
            return tuple(results)

    sink = Busy()
    async with delivering(sink) as delivery:
        delivery.want(desired(1))
        delivery.want(desired(2))
        await sink.has(lambda s: len(s.told) == 3)
    assert sink.told[2].person.address == "p1@contoso.example"

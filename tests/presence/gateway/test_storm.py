"""Bad weather by chance: lost hints, failed reads, crashes, sinks down, clocks, restarts; then all is right again."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from tests.presence.gateway.scripted import MINUTE, World, layout, turned, until

from hybridge.presence.calendar import CalendarEvent, ShowAs, Window
from hybridge.presence.gateway import Gateway
from hybridge.presence.machine import Known, effective, step
from hybridge.presence.observations import CalendarRead
from hybridge.presence.rules import RULES
from hybridge.presence.sinks.base import SinkDown
from hybridge.presence.states import PresenceState

PEOPLE = tuple(f"person{number}@contoso.com" for number in range(6))
SINKS = ("log", "chat")
SHOWS = (ShowAs.BUSY, ShowAs.BUSY, ShowAs.OOF, ShowAs.TENTATIVE, ShowAs.FREE)


class Storm:
    """A world with a true calendar, and a gateway that learns of it in pieces."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(folder)
        self.plan = layout(folder, {address: ("hq", SINKS) for address in PEOPLE}, sinks=SINKS)
        self.truth: dict[str, tuple[CalendarEvent, ...]] = dict.fromkeys(PEOPLE, ())
        self.numbers = 0

    async def run(self, steps: int) -> None:
        stack = AsyncExitStack()
        gateway = await stack.enter_async_context(self.world.serving(self.plan))
        for _ in range(steps):
            self.world.clock.advance(timedelta(seconds=1))
            if self.random.random() < 0.07:
                await stack.aclose()
                self.world.clock.advance(MINUTE * self.random.choice((0, 1, 30)))
                gateway = await stack.enter_async_context(self.world.serving(self.plan))
            await self._happens(gateway)
            await turned(10)
        await self._calm(gateway)
        await stack.aclose()

    async def _happens(self, gateway: Gateway) -> None:
        who = self.random.choice(PEOPLE)
        match self.random.randrange(8):
            case 0 | 1 | 2:
                self._change(who)
                if self.random.random() < 0.6:
                    self._tell(who)
            case 3:
                for one in PEOPLE:
                    self._tell(one)
            case 4:
                self.world.sources["hq"].unread(who)
            case 5:
                sink = self.world.sinks.get(self.random.choice(SINKS))
                if sink is not None:
                    sink.down = None if sink.down else SinkDown("The sink is away.")
            case 6:
                source = self.world.sources["hq"]
                source.fail(RuntimeError("a crash"))
                await until(lambda: self.world.sources["hq"] is not source)
                await self.world.sources["hq"].running.wait()
            case 7:
                self.world.move(gateway, MINUTE * self.random.choice((1, 5, 20, 40)))

    def _change(self, who: str) -> None:
        self.numbers += 1
        now = self.world.clock.now()
        start = now + MINUTE * self.random.randrange(-60, 120)
        event = CalendarEvent(
            identity=str(self.numbers),
            start_at=start,
            end_at=start + MINUTE * self.random.choice((0, 5, 30, 60)),
            shows=self.random.choice(SHOWS),
            meeting=self.random.random() < 0.7,
        )
        left = [one for one in self.truth[who] if self.random.random() < 0.8]
        self.truth[who] = (*left, event)

    def _tell(self, who: str) -> None:
        self.world.sources["hq"].calendar(who, *self.truth[who])

    async def _calm(self, gateway: Gateway) -> None:
        """Everything works again; in time every sink shows what the true calendar says."""
        for sink in self.world.sinks.values():
            sink.down = None
        for _ in range(120):
            self.world.move(gateway, timedelta(seconds=10))
            for who in PEOPLE:
                self._tell(who)
            await turned(30)
            if all(self._shown(gateway, who) == [self._true(who)] * len(SINKS) for who in PEOPLE):
                return
        assert {who: self._shown(gateway, who) for who in PEOPLE} == {
            who: [self._true(who)] * len(SINKS) for who in PEOPLE
        }

    def _shown(self, gateway: Gateway, who: str) -> list[PresenceState | None]:
        standings = [gateway.sinks[name].standing(who) for name in SINKS]
        return [one.shown.state if one and one.shown else None for one in standings]

    def _true(self, who: str) -> PresenceState:
        now = self.world.clock.now()
        window = Window(
            start_at=now - timedelta(hours=2), end_at=now + timedelta(hours=24), read_at=now, events=self.truth[who]
        )
        known, _ = step(Known(), CalendarRead(window), now, RULES["teams"])
        return effective(known, now, RULES["teams"]).state


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridge.presence.running.FIRST_PAUSE", 0.001)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(6, 60))])
async def test_after_the_storm_every_sink_shows_the_true_calendar(tmp_path: Path, seed: int) -> None:
    storm = Storm(tmp_path, seed)
    await storm.run(80)
    for name, calls in storm.world.calls.items():
        for who in PEOPLE:
            told = [call for call in calls if call.person.address == who]
            twice = [
                (name, before, after)
                for before, after in pairwise(told)
                if (before.state, before.until) == (after.state, after.until) and after.expires_at <= before.expires_at
            ]
            assert twice == []

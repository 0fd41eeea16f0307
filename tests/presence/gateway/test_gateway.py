"""The gateway with scripted sources and counting sinks: boundaries, restarts, reloads, crashes, clocks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from tests.presence.gateway.scripted import ADA, BOB, HOUR, MINUTE, NOW, World, layout, meeting, turned, until

from hybridge.presence.gateway import GRACE, AlreadyRunning
from hybridge.presence.machine import Command, Event, Known, step
from hybridge.presence.observations import CalendarRead
from hybridge.presence.rules import Rules
from hybridge.presence.sinks.base import SinkDown


async def test_a_meeting_begins_and_ends_by_the_timer_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        world.sources["hq"].calendar(ADA, meeting(HOUR, HOUR))
        await world.shows("log", ADA, "available")
        world.move(gateway, HOUR)
        await world.shows("log", ADA, "available", "in-a-meeting")
        assert world.calls["log"][-1].until == NOW + 2 * HOUR
        world.move(gateway, HOUR)
        await world.shows("log", ADA, "available", "in-a-meeting", "available")
        assert world.sinks["log"].states(BOB) == []


async def test_what_was_read_again_is_not_published_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)):
        for _ in range(5):
            world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
            await turned()
        await world.shows("log", ADA, "in-a-meeting")


async def test_a_restart_publishes_nothing_that_is_shown_already(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan):
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        world.sources["hq"].calendar(BOB)
        await world.shows("log", ADA, "in-a-meeting")
        await world.shows("log", BOB, "available")
    async with world.serving(plan) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await turned(200)
        assert len(world.calls["log"]) == 2
        world.move(gateway, HOUR)
        await world.shows("log", ADA, "in-a-meeting", "available")


async def test_a_meeting_cancelled_while_the_gateway_was_down_does_not_flash_up(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan):
        world.sources["hq"].calendar(ADA, meeting(HOUR, HOUR))
        await world.shows("log", ADA, "available")
    world.clock.advance(HOUR + MINUTE)
    async with world.serving(plan):
        await turned(200)
        assert world.sinks["log"].states(ADA) == ["available"]
        world.sources["hq"].calendar(ADA)
        await turned(200)
        assert "in-a-meeting" not in world.sinks["log"].states(ADA)


async def test_what_cannot_be_read_after_a_restart_shows_what_is_known_after_the_grace(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan):
        world.sources["hq"].calendar(ADA, meeting(HOUR, HOUR))
        await world.shows("log", ADA, "available")
    world.clock.advance(HOUR + MINUTE)
    async with world.serving(plan) as gateway:
        world.move(gateway, GRACE)
        await world.shows("log", ADA, "available", "in-a-meeting")


async def test_a_failed_read_after_a_restart_shows_what_is_known_at_once(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan):
        world.sources["hq"].calendar(ADA, meeting(MINUTE, HOUR))
        await world.shows("log", ADA, "available")
    world.clock.advance(2 * MINUTE)
    async with world.serving(plan):
        world.sources["hq"].unread(ADA)
        await world.shows("log", ADA, "available", "in-a-meeting")


async def test_a_revision_rises_with_every_start_and_fences_what_is_published(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    fences = []
    for number in range(3):
        async with world.serving(plan):
            world.sources["hq"].calendar(ADA, *([meeting(-MINUTE, HOUR)] if number % 2 else []))
            await until(lambda number=number: len(world.calls["log"]) == number + 1)  # type: ignore[misc]
        fences.append(world.calls["log"][-1].fence)
        world.clock.advance(MINUTE)
    assert fences == sorted(set(fences))


async def test_two_gateways_do_not_share_a_state_file(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan):
        second = world.gateway(plan)
        with pytest.raises(AlreadyRunning, match="Another gateway runs"):
            await second.start()


async def test_a_crashed_source_is_started_again_and_troubles_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybridge.presence.running.FIRST_PAUSE", 0.01)
    world = World(tmp_path)
    plan = layout(tmp_path, {ADA: ("hq", ("log",)), BOB: ("branch", ("log",))}, sources=("hq", "branch"))
    async with world.serving(plan) as gateway:
        first = world.sources["hq"]
        first.kept = {"cookie": b"1"}
        first.fail(ValueError("a defect"))
        await until(lambda: "ValueError" in gateway.sources["hq"].health()[0].trouble)
        world.sources["branch"].calendar(BOB, meeting(-MINUTE, HOUR))
        await world.shows("log", BOB, "in-a-meeting")
        await until(lambda: world.sources["hq"] is not first)
        again = world.sources["hq"]
        await again.running.wait()
        assert again.kept == {"cookie": b"1"}
        assert [one.address for one in again.people] == [ADA]
        again.calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        assert gateway.sources["hq"].health()[0].trouble == ""
        assert gateway.sources["hq"].restarts == 1


async def test_a_sink_that_cannot_be_made_troubles_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridge.presence.running_sink.FIRST_PAUSE", 0.01)
    world = World(tmp_path, broken={"chat"})
    plan = layout(tmp_path, {ADA: ("hq", ("log", "chat"))}, sinks=("log", "chat"))
    async with world.serving(plan) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        assert "cannot be made" in gateway.sinks["chat"].defect
        world.broken.clear()
        await world.shows("chat", ADA, "in-a-meeting")
        assert gateway.sinks["chat"].defect == ""


async def test_a_sink_down_for_a_while_is_told_the_newest_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        sink = world.sinks["log"]
        sink.down = SinkDown("The sink is away.")
        world.sources["hq"].calendar(ADA, meeting(MINUTE, HOUR))
        await until(lambda: gateway.sinks["log"].trouble is not None)
        world.move(gateway, 2 * MINUTE)
        await turned()
        sink.down = None
        for _ in range(200):
            world.move(gateway, MINUTE / 10)
            gateway.sinks["log"].configured()
            await turned()
            if sink.calls:
                break
        assert sink.states(ADA) == ["in-a-meeting"]


async def test_nothing_but_the_sinks_is_told_while_draining(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        assert await gateway.drain(5.0)
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]
        world.sources["hq"].calendar(BOB)
        assert gateway.draining
    async with world.serving(layout(tmp_path)):
        await turned(200)
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]


async def test_a_defect_in_one_person_troubles_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(known: Known, event: Event, now: datetime, rules: Rules) -> tuple[Known, tuple[Command, ...]]:
        if isinstance(event, CalendarRead) and len(event.window.events) == 2:
            raise ZeroDivisionError
        return step(known, event, now, rules)

    monkeypatch.setattr("hybridge.presence.roster.step", broken)
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR), meeting(HOUR, HOUR))
        world.sources["hq"].calendar(BOB, meeting(-MINUTE, HOUR))
        await world.shows("log", BOB, "in-a-meeting")
        assert gateway.roster.defects == 1
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")


async def test_a_jump_of_the_clock_makes_everybody_be_looked_at_and_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        world.sources["hq"].calendar(ADA, meeting(HOUR, HOUR), meeting(5 * HOUR, HOUR))
        await world.shows("log", ADA, "available")
        world.move(gateway, 5 * HOUR + MINUTE)
        await world.shows("log", ADA, "available", "in-a-meeting")
        assert gateway.jumps == 1
        assert ADA in [address for address, _ in world.sources["hq"].refreshed]


async def test_a_clock_set_back_is_survived(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        world.move(gateway, -HOUR)
        await until(lambda: gateway.jumps == 1)
        await until(lambda: len(world.sinks["log"].states(ADA)) > 1)
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await turned(200)
        world.move(gateway, HOUR)
        await until(lambda: gateway.jumps == 2)
        await until(lambda: world.sinks["log"].states(ADA)[-1] == "in-a-meeting")

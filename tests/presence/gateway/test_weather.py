"""The state file locked, full, broken or another's, while the gateway runs: presence goes on."""

from __future__ import annotations

import io
import logging
import os
import sqlite3
from pathlib import Path

import pytest
from tests.presence.gateway.scripted import ADA, BOB, HOUR, MINUTE, World, layout, meeting, turned, until

from hybridge.presence.log import LOGGER, JsonLines, log_to
from hybridge.presence.sinks.base import SinkDown


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridge.presence.gateway.KEEP_EVERY", 0.01)


async def test_presence_goes_on_while_the_state_file_is_locked(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan) as gateway:
        other = sqlite3.connect(world.state, isolation_level=None)
        await until(lambda: not gateway.store.pending)
        other.execute("BEGIN IMMEDIATE")
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        await until(lambda: "locked" in gateway.store.trouble)
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: not gateway.store.pending and not gateway.store.trouble)
    async with world.serving(plan):
        await turned(100)
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await turned(100)
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]


async def test_a_gateway_starts_with_a_locked_state_file(tmp_path: Path) -> None:
    world, plan = World(tmp_path), layout(tmp_path)
    async with world.serving(plan):
        pass
    other = sqlite3.connect(world.state, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    world.clock.advance(MINUTE)
    async with world.serving(plan) as gateway:
        assert "goes on in memory" in gateway.store.trouble
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        other.close()
        await until(lambda: not gateway.store.pending and not gateway.store.trouble)
    async with world.serving(plan) as gateway:
        known = gateway.roster.known[ADA].published
        assert known is not None and str(known.state) == "in-a-meeting"


async def test_presence_goes_on_while_the_disk_is_full(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        await until(lambda: not gateway.store.pending)
        with gateway.store._using:
            base = gateway.store._connection()
            base.execute("PRAGMA max_page_count = 1")
        events = [meeting(n * HOUR, MINUTE) for n in range(1, 24)]
        for number in range(60):
            world.sources["hq"].calendar(ADA, *events[: number % 20], meeting(-MINUTE, HOUR))
            world.sources["hq"].calendar(BOB, *events)
        big = "x" * 500_000
        gateway.store.put("keeps", ("hq", "big"), big.encode())
        await until(lambda: "full" in gateway.store.trouble)
        await world.shows("log", ADA, "in-a-meeting")
        with gateway.store._using:
            base.execute("PRAGMA max_page_count = 1000000")
        await until(lambda: not gateway.store.pending and not gateway.store.trouble)


async def test_a_state_file_that_breaks_while_running_is_written_anew(tmp_path: Path) -> None:
    world, plan, log = World(tmp_path), layout(tmp_path), io.StringIO()
    destination = log_to(log, JsonLines(), logging.DEBUG)
    try:
        async with world.serving(plan) as gateway:
            world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
            await world.shows("log", ADA, "in-a-meeting")
            await until(lambda: not gateway.store.pending)
            with gateway.store._using:
                base = gateway.store._connection()
                base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                gateway.store._base = None
                base.close()
                world.state.write_bytes(b"the disk wrote nonsense here " * 1000)
            world.sources["hq"].calendar(BOB, meeting(-MINUTE, HOUR))
            await world.shows("log", BOB, "in-a-meeting")
            await until(lambda: "state file set aside" in log.getvalue())
            await until(lambda: not gateway.store.pending)
    finally:
        LOGGER.removeHandler(destination)
    assert sum(".broken-" in name for name in os.listdir(tmp_path)) == 1
    async with world.serving(plan) as gateway:
        await turned(100)
        assert [gateway.roster.known[who].published is not None for who in (ADA, BOB)] == [True, True]
        assert len(world.calls["log"]) == 2


async def test_who_lost_the_lease_publishes_nothing_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        await until(lambda: not gateway.store.pending)
        other = sqlite3.connect(world.state)
        other.execute("UPDATE leases SET revision = revision + 1")
        other.commit()
        other.close()
        await gateway.lost.wait()
        world.sources["hq"].calendar(BOB, meeting(-MINUTE, HOUR))
        world.move(gateway, HOUR)
        await turned(100)
        assert [str(call.state) for call in world.calls["log"]] == ["in-a-meeting"]


async def test_trouble_and_recovery_are_logged_once(tmp_path: Path) -> None:
    world, log = World(tmp_path), io.StringIO()
    destination = log_to(log, JsonLines())
    try:
        async with world.serving(layout(tmp_path)) as gateway:
            world.sinks["log"].down = SinkDown("The sink is away.")
            world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
            await until(lambda: "The sink is away." in log.getvalue())
            world.sinks["log"].down = None
            world.clock.advance(MINUTE)
            gateway.sinks["log"].configured()
            await until(lambda: "well again" in log.getvalue())
            await turned(100)
    finally:
        LOGGER.removeHandler(destination)
    assert (log.getvalue().count("in trouble"), log.getvalue().count("well again")) == (1, 1)

"""A sink that is out of reach, a state file that cannot be written, and a gateway that is killed and started again."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from tests.presence.faults.office import ADA, ALAN, GRACE, HOUR, KATHERINE, LINUS, MARIE, MINUTE, SECOND, SWEEP, Office

from hybridge.presence.gateway import Gateway
from hybridge.presence.sinks.base import SinkDown

pytestmark = [pytest.mark.wire, pytest.mark.slow]


def a_day(office: Office) -> None:
    office.meet(ADA, -5, 20)
    office.meet(GRACE, 25, 90)
    office.meet(ALAN, 40, 10)
    office.meet(LINUS, 5, 30)
    office.reply(MARIE, 10, 60)


async def test_a_sink_that_is_down_for_an_hour(office: Office) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        before = len(office.record.all)
        office.record.down = SinkDown("The sink is away.", "Bring it back.")
        await office.passes(HOUR)
        assert len(office.record.all) == before
        assert office.record.refused < 200, "it is asked seldom while it is away"
        assert office.record.shown(ADA) is None, "what was shown has expired"
        office.record.down = None
        assert await office.agrees(95 * SECOND)
        assert len(office.record.all) == before + 6, "each is told what holds now, once, and nothing of what was missed"
        assert gateway.sinks["log"].trouble is None
        await office.is_quiet()


async def test_a_sink_that_refuses_the_gateway_waits_for_the_configuration(office: Office) -> None:
    a_day(office)
    office.record.down = SinkDown("The sink refuses the gateway.", "Correct its secret.", credential=True)
    async with office.serving() as gateway:
        await office.passes(10 * MINUTE)
        assert office.record.refused == 1
        office.record.down = None
        await office.passes(10 * MINUTE)
        assert office.record.refused == 1
        assert not office.record.all
        await gateway.reload(office.layout())
        await office.is_quiet()


async def test_a_state_file_that_is_locked_while_meetings_come_and_go(office: Office) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await written(gateway)
        other = sqlite3.connect(office.state, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        office.meet(KATHERINE, 1, 60)
        await office.passes(30 * MINUTE)
        await office.agrees(3 * SECOND)
        assert "locked" in await trouble(gateway)
        other.execute("ROLLBACK")
        other.close()
        await written(gateway)
        assert not gateway.store.trouble
        await office.is_quiet()
    async with office.serving():
        await office.is_quiet()


async def test_a_full_disk_and_a_kill_before_there_is_room_again(office: Office) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await written(gateway)
        with gateway.store._using:
            base = gateway.store._connection()
            pages = base.execute("PRAGMA max_page_count").fetchone()[0]
            base.execute("PRAGMA max_page_count = 1")
        gateway.store.put("keeps", ("hq", "room"), b"x" * 500_000)
        office.meet(KATHERINE, 1, 60)
        await office.passes(30 * MINUTE)
        await office.agrees(3 * SECOND)
        assert "full" in await trouble(gateway)
        with gateway.store._using:
            base.execute(f"PRAGMA max_page_count = {pages}")
        await written(gateway)
        await office.is_quiet()


async def test_what_a_killed_gateway_left_is_taken_up_without_flapping(office: Office) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await written(gateway)
    before = len(office.record.all)
    await office.passes(3 * MINUTE)
    async with office.serving():
        await office.agrees(SWEEP)
        await office.passes(MINUTE)
        assert len(office.record.all) == before, "nothing differs, so nothing is published"
        await office.is_quiet()
    await office.passes(2 * HOUR)
    async with office.serving():
        await office.is_quiet()


async def test_a_sink_is_down_while_the_gateway_is_killed_and_the_source_is_away(office: Office) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await written(gateway)
        office.record.down = SinkDown("The sink is away.")
        await office.passes(20 * MINUTE)
    office.publish_hosts("refused")
    async with office.serving():
        await office.passes(timedelta(minutes=6))
        office.record.down = None
        await office.passes(5 * MINUTE)
        assert office.record.states(GRACE)[-1] == "in-a-meeting", "the state file knows of it"
        office.publish_hosts("good")
        await office.is_quiet(2 * SWEEP)


async def written(gateway: Gateway) -> None:
    """Wait until all is on disk."""
    assert await asyncio.to_thread(gateway.store.settle, 20.0)


async def trouble(gateway: Gateway) -> str:
    """What the state file says is wrong with it, as soon as it does: a thread writes it."""
    async with asyncio.timeout(600):
        while not gateway.store.trouble:  # noqa: ASYNC110 - the thread tells nobody
            await asyncio.sleep(1)
    return gateway.store.trouble

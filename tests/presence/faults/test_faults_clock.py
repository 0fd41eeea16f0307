"""The wall clock jumps: a machine that slept, a clock that was wrong and is set right, both ways."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.presence.faults.office import ADA, ALAN, GRACE, HOUR, LINUS, MARIE, MINUTE, SECOND, SWEEP, Office
from tests.presence.faults.records import overstays
from tests.thorough import some_of

pytestmark = [pytest.mark.wire, pytest.mark.slow]


@pytest.fixture(autouse=True)
def looks_often(looks_seldom: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks now and then notices a jump then."""
    monkeypatch.setattr("hybridge.presence.gateway.TICK", 4.0)


def a_day(office: Office) -> None:
    office.meet(ADA, -5, 30)
    office.meet(ADA, 90, 30)
    office.meet(GRACE, 60, 120, alone=True)
    office.meet(ALAN, -30, 300, busy_type="OOF")
    office.meet(LINUS, 30, 90)
    office.reply(MARIE, 10, 60)


@pytest.mark.parametrize("slept", some_of((100 * MINUTE, 20 * MINUTE, 7 * HOUR), each=3), ids=str)
async def test_a_machine_that_slept_shows_what_is_true_at_once(office: Office, slept: timedelta) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await office.passes(MINUTE)
        office.lab_clock.jump(slept)
        office.clock.jump(slept)
        assert await office.agrees(10 * SECOND) <= 10 * SECOND
        assert gateway.jumps == 1
        await office.is_quiet()


@pytest.mark.parametrize("ahead", some_of((2 * HOUR, 20 * MINUTE, -2 * HOUR, -20 * MINUTE), each=2), ids=str)
async def test_a_clock_that_is_wrong_for_a_while(office: Office, ahead: timedelta) -> None:
    a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await office.passes(MINUTE)
        office.clock.jump(ahead)
        await office.passes(3 * MINUTE)
        office.clock.jump(-ahead)
        began = len(office.record.all)
        assert await office.agrees(15 * SECOND) <= 15 * SECOND
        assert gateway.jumps == 2
        del office.record.all[: min(began, len(office.record.all) - 6)]  # by another clock
        await office.passes(40 * MINUTE)
        await office.agrees(3 * SECOND)
        assert not overstays(office.record, office.clock.now())


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=str)
async def test_a_gateway_started_with_a_wrong_clock_that_is_set_right(office: Office, ahead: timedelta) -> None:
    a_day(office)
    office.clock.jump(ahead)
    async with office.serving():
        await office.passes(2 * MINUTE)
        office.clock.jump(-ahead)
        assert await office.agrees(15 * SECOND) <= 15 * SECOND
        office.record.all.clear()
        await office.passes(20 * MINUTE)
        office.keeps_the_rules()
        await office.is_quiet()

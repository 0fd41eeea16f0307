"""Sources that go away, lose, double and delay: at quiescence everybody shows what the true calendar says."""

from __future__ import annotations

import pytest
from tests.presence.faults.office import (
    ADA,
    ALAN,
    GRACE,
    HOSTS,
    KATHERINE,
    LINUS,
    MARIE,
    MINUTE,
    SECOND,
    SWEEP,
    Office,
)
from tests.thorough import some_of

from hybridge.lab.mail.failover import bring_up, move, take_down

pytestmark = [pytest.mark.wire, pytest.mark.slow]


def a_day(office: Office) -> str:
    """What stands in the calendars at first; gives the meeting Ada is in."""
    here = office.meet(ADA, -5, 40)
    office.meet(GRACE, 10, 30, alone=True)
    office.meet(ALAN, 3, 30, busy_type="Tentative")
    office.meet(KATHERINE, -1, 20, busy_type="OOF")
    office.meet(LINUS, 2, 60)
    office.reply(MARIE, 8, 60)
    return here


async def edits(office: Office, here: str) -> None:
    """What changes while something is wrong."""
    office.call_off(here)
    office.meet(ADA, 20, 15)
    office.meet(GRACE, 0, 5)
    office.meet(LINUS, 70, 10)
    office.reply(ALAN, 1, 120)


@pytest.mark.parametrize("network", some_of(("refused", "silent"), each=2))
async def test_all_servers_down_and_back(office: Office, network: str) -> None:
    here = a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        office.publish_hosts(network)
        await edits(office, here)
        await office.passes(12 * MINUTE)
        assert office.record.states(ADA) == ["in-a-meeting"], "what was known last stays until its end"
        assert office.record.states(LINUS)[-1] == "in-a-meeting", "the online source goes on"
        assert gateway.sources["hq"].health()[0].trouble
        await office.passes(26 * MINUTE)
        assert office.record.states(ADA) == ["in-a-meeting", "available"], "and no longer"
        office.publish_hosts("good")
        await office.is_quiet()
        assert not gateway.sources["hq"].health()[0].trouble


async def test_a_long_outage_ends_in_unknown_and_the_day_is_taken_up_again(office: Office) -> None:
    a_day(office)
    for who in (ADA, GRACE, ALAN, KATHERINE):
        office.meet(who, 85, 30)
    async with office.serving():
        await office.agrees(SWEEP)
        office.publish_hosts("refused")
        await office.passes(80 * MINUTE)
        assert {office.record.states(who)[-1] for who in (ADA, GRACE, KATHERINE)} == {"available"}
        await office.passes(20 * MINUTE)
        assert {office.record.states(who)[-1] for who in (ADA, GRACE, ALAN, KATHERINE)} == {"unknown"}, "an hour old"
        office.publish_hosts("good")
        office.meet(KATHERINE, 2, 30)
        await office.is_quiet()


async def test_one_server_down_is_read_at_the_other(office: Office) -> None:
    here = a_day(office)
    async with office.serving():
        await office.agrees(SWEEP)
        take_down(office.estate, "EX1")
        await edits(office, here)
        await office.is_quiet()
        bring_up(office.estate, "EX1")
        office.meet(GRACE, 2, 10)
        await office.is_quiet()


async def test_two_servers_fail_over_and_mailboxes_move(office: Office) -> None:
    here = a_day(office)
    async with office.serving():
        await office.agrees(SWEEP)
        for down, other in (("EX1", "EX2"), ("EX2", "EX1")):
            take_down(office.estate, down)
            office.meet(ADA if down == "EX2" else ALAN, 1, 10)
            await office.passes(2 * MINUTE)
            move(office.estate, GRACE, other)
            bring_up(office.estate, down)
            move(office.estate, GRACE, down)
            office.meet(GRACE, 4, 3)
        await edits(office, here)
        await office.is_quiet()


@pytest.mark.parametrize(
    ("manner", "within"),
    [
        ("duplicates", 3 * SECOND),
        ("late", 65 * SECOND),
        ("half-missing", SWEEP + MINUTE),
        ("missing", SWEEP + MINUTE),
        ("silent", SWEEP + MINUTE),
    ],
)
async def test_notifications_that_are_not_as_they_should_be(office: Office, manner: str, within: object) -> None:
    here = a_day(office)
    async with office.serving():
        await office.agrees(SWEEP)
        await office.passes(10 * SECOND)
        office.told.budgets.take_up(manner)
        office.call_off(here)
        office.meet(KATHERINE, 0, 45)
        await office.agrees(within)  # type: ignore[arg-type]
        office.told.budgets.clear()
        office.told.wake_streams()
        await edits(office, office.meet(ADA, 1, 60))
        await office.is_quiet()


async def test_lost_subscriptions_are_made_again(office: Office) -> None:
    here = a_day(office)
    async with office.serving():
        await office.agrees(SWEEP)
        await office.passes(10 * SECOND)
        assert office.told.lose("")
        office.call_off(here)
        await office.passes(MINUTE)
        office.meet(ADA, 0, 20)
        assert await office.agrees(3 * SECOND) <= 3 * SECOND
        await office.is_quiet()


@pytest.mark.parametrize("manner", ["busy:3", "busy-without-wait:6", "busy-inside:4", "unavailable:4", "challenged:6"])
async def test_a_server_too_busy_is_left_alone_and_then_asked_again(office: Office, manner: str) -> None:
    here = a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        await office.passes(10 * SECOND)
        office.told.budgets.take_up(manner)
        await edits(office, here)
        await office.passes(5 * SECOND)
        assert any(health.trouble for health in gateway.sources["hq"].health())
        await office.is_quiet(3 * SWEEP)
        assert not office.told.budgets.manners, "it was asked again until it answered"


@pytest.mark.parametrize("variant", some_of(("expired", "wrong-name", "self-signed"), each=3))
async def test_a_certificate_that_goes_bad_and_is_replaced(office: Office, variant: str) -> None:
    here = a_day(office)
    async with office.serving() as gateway:
        await office.agrees(SWEEP)
        for host in HOSTS:
            office.estate.switch_certificate(host, variant)
        await edits(office, here)
        await office.passes(8 * MINUTE)
        assert "certificate" in gateway.sources["hq"].health()[0].trouble.lower()
        assert office.record.states(ADA) == ["in-a-meeting"]
        for host in HOSTS:
            office.estate.switch_certificate(host, "good")
        await office.is_quiet(2 * SWEEP)

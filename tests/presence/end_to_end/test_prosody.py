"""What a colleague sees in an ordinary XMPP client, through a real prosody, while a gateway lives and dies.

Instants are compared with the boundaries of the calendar as the gateway recorded them (its own ``at``) and as they came
to the colleague. Where a limit in seconds is that of the product, the middle of several is held to it, so that one
hiccup of a busy machine proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from tests.presence.end_to_end.front_door import (
    ADA,
    ALAN,
    FREE,
    GRACE,
    MEETING,
    SUBJECT,
    Colleague,
    Office,
    gateway,
    soon,
)
from tests.presence.prosody import Prosody

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
LASTING = ["dnd"], ["working/in_a_meeting"]
OVER = ["dnd", "unavailable"], ["working/in_a_meeting", ""]
"""What came of somebody whose meeting lasts, and of somebody whose meeting is over: shows, and activities."""
Recorded = Callable[[str, object], None]
TTL = 5.0
"""Seconds a state outlives its gateway: the least the configuration allows."""


async def test_a_meeting_is_seen_when_it_begins_and_no_longer_when_it_ends(
    office: Office,
    server: Prosody,
    bob: Colleague,
    tmp_path: Path,
    record_testsuite_property: Recorded,
) -> None:
    people = (ADA, ALAN, GRACE)
    async with gateway(office.configure(tmp_path, *people, server=server)) as running:
        await running.says(lambda one: all(one.states(who) == [FREE] for who in people))
        await office.listened_to(*people)
        begins = soon(3)
        ends = begins + timedelta(seconds=2)
        for who in people:
            office.meeting(who, begins, ends)
        for who in people:
            await bob.sees_of(who, *OVER)
        await running.says(lambda one: all(one.states(who) == [FREE, MEETING, FREE] for who in people))
        edges = (begins, begins, ends, ends)  # of a show and of its activity
        published = [
            _late(line.at, edge)
            for who in people
            for line, edge in zip(running.changes(who)[1:], (begins, ends), strict=True)
        ]
        seen = [_late(at, edge) for who in people for at, edge in zip(bob.arrivals(who), edges, strict=True)]
        assert min(published + seen) >= 0, "never before the boundary"
        record_testsuite_property("seconds from a boundary to its publication", published)
        record_testsuite_property("seconds from a boundary to the colleague", seen)
        assert median(published) < 1.0
        assert median(seen) < 1.0
        assert SUBJECT not in running.log() + server.log() + str(bob.presences)


async def test_nobody_sees_that_a_gateway_was_killed_in_the_middle_of_a_meeting(
    office: Office, server: Prosody, bob: Colleague, tmp_path: Path, record_testsuite_property: Recorded
) -> None:
    """Ada sits in a meeting throughout; Alan's is called off while no gateway lives; Grace's begins meanwhile."""
    config = office.configure(tmp_path, ADA, ALAN, GRACE, server=server)
    long_ago, later = soon(-60), soon(3600)
    ada, alan = (office.meeting(who, long_ago, later) for who in (ADA, ALAN))
    async with gateway(config) as first:
        for who in (ADA, ALAN):
            await bob.sees_of(who, *LASTING)
        await first.says(lambda one: len(one.lines) >= 3)
        await office.listened_to(ADA)
        await first.kill()
    office.remove(alan)
    grace = office.meeting(GRACE, soon(-2), later)
    await office.listened_to(ADA, by_somebody=False)
    async with gateway(config) as second:
        await bob.sees_of(ALAN, *OVER)
        await bob.sees_of(GRACE, *LASTING)
        await bob.sees_of(ADA, *LASTING)
        await second.says(lambda one: (one.states(ALAN), one.states(GRACE)) == ([FREE], [MEETING]))
        assert second.states(ADA) == [], "what is shown already is not published again"
        await office.listened_to(ADA)
        ends = soon(3)
        office.end_at(ada, ends)
        await bob.sees_of(ADA, *OVER)
        await second.says(lambda one: one.states(ADA)[-1:] == [FREE])
        ended = second.changes(ADA)[-1]
        record_testsuite_property(
            "seconds from the end to the colleague, after a kill", _late(bob.arrivals(ADA)[-1], ends)
        )
        assert ended.fence > first.lines[0].fence
        assert 0 <= _late(ended.at, ends) < 5.0
        office.remove(grace)
        await bob.sees_of(GRACE, *OVER)
        for who in (ADA, ALAN):
            await bob.sees_of(who, *OVER)


async def test_what_a_dead_gateway_showed_vanishes_by_itself(
    office: Office, server: Prosody, bob: Colleague, tmp_path: Path, record_testsuite_property: Recorded
) -> None:
    meeting = office.meeting(ADA, soon(-60), soon(3600))
    async with gateway(office.configure(tmp_path, ADA, server=server, ttl=TTL)) as running:
        await bob.sees_of(ADA, *LASTING)
        await running.kill()
    died_at = datetime.now(UTC)
    office.remove(meeting)
    await bob.sees_of(ADA, *OVER)
    lived = _late(bob.arrivals(ADA)[-1], died_at)
    record_testsuite_property(f"seconds a state outlived its gateway, of a ttl of {TTL:g}", lived)
    assert lived < TTL + 5.0


def _late(at: datetime, boundary: datetime) -> float:
    return (at - boundary).total_seconds()

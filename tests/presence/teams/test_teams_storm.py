"""09:00: everybody at once, through the outbox, in the lab's time: Graph's meter is kept, and nobody is lost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from tests.presence.teams.office import USERS, Office

from hybridge.presence.outbox import Outbox
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Published, Result
from hybridge.presence.states import PresenceState

pytestmark = [pytest.mark.wire, pytest.mark.slow]
PEOPLE = 1600
GRAPHS_OWN = timedelta(seconds=30) * PEOPLE / 1500
"""How long Graph itself takes for so many."""


async def everybody(office: Office, outbox: Outbox) -> tuple[timedelta, Counter[type[Result]]]:
    """Publish ``PEOPLE`` meetings; how long it took in the lab's time, and what the sink answered."""
    sink, began, answers = office.sink(), office.now, Counter[type[Result]]()
    for number in range(PEOPLE):
        person = Person(address=f"p{number}@contoso.com", source="exchange", user=USERS[number % len(USERS)])
        until, expires_at = began + timedelta(hours=1), began + timedelta(minutes=30)
        outbox.want(Desired(person=person, state=PresenceState.IN_A_MEETING, until=until, expires_at=expires_at), began)
    published = 0
    while published < PEOPLE:
        batch = outbox.take(office.now)
        if batch:
            results = await sink.publish(batch, office.now)
            answers.update(type(one) for one in results)
            outbox.told(batch, results, office.now)
            published += sum(isinstance(one, Published) for one in results)
        else:
            again = outbox.next_at(office.now)
            assert again is not None and again > office.now, "somebody is forgotten"
            office.estate.move_clock(again - office.now)
    return office.now - began, answers


async def test_everybody_at_nine_keeps_graphs_meter(office: Office) -> None:
    took, answers = await everybody(office, Outbox(office.sink().limits, lambda: 0.5))
    assert answers == {Published: PEOPLE}, "not one 429"
    assert took < GRAPHS_OWN * 1.15


async def test_somebody_else_uses_the_meter_too(office: Office) -> None:
    """Another program of the same application leaves us 500 in 30 seconds: some come later, all are shown."""
    office.kept.allowed = 500
    took, answers = await everybody(office, Outbox(office.sink().limits, lambda: 0.5))
    assert answers[Published] == PEOPLE
    assert took < timedelta(seconds=30) * PEOPLE / 500 * 2
    assert office.kept.requests == PEOPLE

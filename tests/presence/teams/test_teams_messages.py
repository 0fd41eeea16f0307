"""Status messages: only where switched on, only where there is none or ours, and with an end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.presence.teams.office import USERS, Office

from hybridge.presence.sinks.base import Published
from hybridge.presence.states import PresenceState as State
from hybridge.wire.graph.status_message import StatusMessage

pytestmark = pytest.mark.wire
ADA, GRACE, LINUS = USERS
UNTIL = "In a meeting until 09:30"


def said(office: Office, user: str = ADA) -> str:
    return office.kept.message_of(user, office.now).content


async def test_off_unless_switched_on(office: Office) -> None:
    await office.sink().publish([office.wanted(State.IN_A_MEETING, text=UNTIL)], office.now)
    assert office.kept.messages == {}


async def test_ours_is_written_renewed_and_taken_back(office: Office) -> None:
    sink = office.sink(status_messages=True)
    await sink.publish([office.wanted(State.IN_A_MEETING, text=UNTIL)], office.now)
    assert said(office) == f"Calendar: {UNTIL}"
    office.estate.move_clock(timedelta(minutes=10))
    await sink.publish([office.wanted(State.IN_A_MEETING, text="In a meeting until 09:40")], office.now)
    assert said(office) == "Calendar: In a meeting until 09:40"
    await sink.publish([office.wanted(State.AVAILABLE, text="Available")], office.now)
    assert said(office) == ""


async def test_it_ends_when_the_gateway_dies(office: Office) -> None:
    sink = office.sink(status_messages=True)
    await sink.publish([office.wanted(State.OUT_OF_OFFICE, text="Out of office", minutes=None)], office.now)
    assert said(office) == "Calendar: Out of office", "what Graph cannot set can at least be said"
    office.estate.move_clock(timedelta(minutes=30))
    assert said(office) == ""


async def test_a_message_of_a_persons_own_is_never_touched(office: Office) -> None:
    mine = StatusMessage(content="On the third floor", expires_at=office.now + timedelta(days=3))
    office.kept.messages[ADA] = mine
    sink = office.sink(status_messages=True)
    wanted = [office.wanted(State.IN_A_MEETING, user, text=UNTIL) for user in (ADA, GRACE)]
    ada, grace = await sink.publish(wanted, office.now)
    assert isinstance(ada, Published) and "own status message" in ada.shown
    assert isinstance(grace, Published) and "own" not in grace.shown
    assert (said(office), said(office, GRACE)) == ("On the third floor", f"Calendar: {UNTIL}")
    await sink.publish([office.wanted(None, user) for user in (ADA, GRACE)], office.now)
    assert office.kept.messages[ADA] is mine
    assert said(office, GRACE) == ""


async def test_one_written_between_two_publications_is_seen(office: Office) -> None:
    sink = office.sink(status_messages=True)
    await sink.publish([office.wanted(State.BUSY, text="Busy")], office.now)
    office.kept.messages[ADA] = StatusMessage(content="Back at ten")
    await sink.publish([office.wanted(State.BUSY, text="Busy")], office.now)
    assert said(office) == "Back at ten"


async def test_nothing_is_written_where_nothing_is_to_be_said(office: Office) -> None:
    sink = office.sink(status_messages=True)
    await sink.publish([office.wanted(State.BUSY, LINUS), office.wanted(None, GRACE)], office.now)
    assert office.kept.messages == {}


async def test_a_person_refused_gets_no_message(office: Office) -> None:
    sink = office.sink(status_messages=True)
    wanted = [office.wanted(State.BUSY, "ghost@contoso.com", text="Busy"), office.wanted(State.BUSY, text="Busy")]
    await sink.publish(wanted, office.now)
    assert set(office.kept.messages) == {ADA}


async def test_a_message_that_is_refused_takes_nothing_from_the_presence(office: Office) -> None:
    office.kept.allowed = 2  # one to read, one to set: none is left to write
    sink = office.sink(status_messages=True)
    [result] = await sink.publish([office.wanted(State.BUSY, text="Busy")], office.now)
    assert isinstance(result, Published) and "no status message (HTTP 429)" in result.shown
    assert office.shown() == ("Busy", "InAConferenceCall")

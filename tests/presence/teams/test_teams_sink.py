"""The Teams sink against the lab over TLS: allowed pairs, expiry, throttling, mixed batches, refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from tests.presence.teams.office import USERS, Office, person

import hybridge
from hybridge.lab.apps.teams_presence import ALLOWED
from hybridge.lab.estate import ENTRA_CLIENT
from hybridge.lab.rights import WRITE_PRESENCE, rights_of
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Published, Refused, SinkDown
from hybridge.presence.sinks.teams import limits_of
from hybridge.presence.sinks.teams_rules import PRESENTING_RULES, TEAMS_RULES, Row, as_markdown
from hybridge.presence.states import PresenceState as State
from hybridge.wire.graph import batch, set_presence
from hybridge.wire.graph.set_presence import BETA_PAIRS, PAIRS, SetPresence

pytestmark = pytest.mark.wire
ADA, GRACE, LINUS = USERS
BUSY = ("Busy", "InAConferenceCall")
THERE = ("Available", "Available")


@pytest.mark.parametrize("presenting", [False, True])
@pytest.mark.parametrize("state", list(State))
async def test_every_state_is_shown_as_the_rules_say(office: Office, state: State, presenting: bool) -> None:
    sink = office.sink(presenting=presenting)
    row = (PRESENTING_RULES if presenting else TEAMS_RULES)[state]
    assert row.pair is None or row.pair in (BETA_PAIRS if presenting else PAIRS)
    office.kept.signed_out.add(ADA)
    assert await sink.publish([office.wanted(state)], office.now) == (Published(shown=row.shown),)
    assert office.shown() == (row.pair or ("Offline", "Offline"))


async def test_a_gateway_that_dies_leaves_nobody_in_a_meeting(office: Office) -> None:
    """Expiry: the lease, the end of the meeting, the outbox's own word; never below five minutes, never above four
    hours."""
    cases = (
        (30, 60, timedelta(minutes=40), 30),
        (90, 120, timedelta(minutes=40), 40),
        (90, 20, timedelta(minutes=40), 20),
        (None, 60, timedelta(hours=9), 60),
        (2, 60, timedelta(hours=1), 5),
        (600, 600, timedelta(hours=9), 240),
    )
    for minutes, keep, lease, lasts in cases:
        sink = office.sink(lease=lease)
        await sink.publish([office.wanted(State.IN_A_MEETING, minutes=minutes, keep=keep)], office.now)
        kept = office.kept.sessions[ADA][ENTRA_CLIENT]
        assert kept.expires_at - kept.set_at == timedelta(minutes=lasts)
    await office.sink().publish([office.wanted(State.IN_A_MEETING, minutes=90, keep=20)], office.now)
    office.estate.move_clock(timedelta(minutes=19, seconds=59))
    assert office.shown() == BUSY
    office.estate.move_clock(timedelta(seconds=1))
    assert office.shown() == THERE


async def test_what_has_passed_is_withdrawn_and_withdrawing_twice_is_no_error(office: Office) -> None:
    sink = office.sink()
    await sink.publish([office.wanted(State.IN_A_CALL)], office.now)
    assert office.shown() == ("Busy", "InACall")
    for over in (office.wanted(None), office.wanted(State.BUSY, minutes=-1), office.wanted(State.BUSY, keep=0)):
        assert await sink.publish([over], office.now)
        assert office.shown() == THERE


async def test_a_batch_with_mixed_results(office: Office) -> None:
    """One round trip for all; each has its own result, in order, and one bad person stops nobody."""
    sink = office.sink()
    nobody = Person(address="x@contoso.com", source="exchange")
    mixed: list[Desired] = [
        office.wanted(State.BUSY, ADA),
        office.wanted(State.BUSY, "ghost@contoso.com"),
        office.wanted(None, GRACE),
        office.wanted(State.OUT_OF_OFFICE, LINUS),
        Desired(person=nobody, state=State.BUSY, until=None, expires_at=office.now + timedelta(hours=1)),
    ]
    before = len(office.estate.log)
    results = await sink.publish(mixed, office.now)
    assert [type(one) for one in results] == [Published, Refused, Published, Published, Refused]
    assert "ghost@contoso.com" in str(results[1]) and "x@contoso.com" in str(results[4])
    assert results[3] == Published(shown=TEAMS_RULES[State.OUT_OF_OFFICE].shown)
    graph = [one.path for one in office.estate.log[before:] if one.host == "graph.microsoft.com"]
    assert graph == ["/v1.0/$batch"]
    assert not sink.serves(nobody)


async def test_do_not_disturb_goes_by_beta_beside_the_others(office: Office) -> None:
    sink = office.sink(presenting=True)
    wanted = [office.wanted(State.DO_NOT_DISTURB, ADA), office.wanted(State.IN_A_CALL, GRACE)]
    assert await sink.publish(wanted, office.now) == (Published(shown="Presenting"), Published())
    assert (office.shown(ADA), office.shown(GRACE)) == (("DoNotDisturb", "Presenting"), ("Busy", "InACall"))


async def test_a_storm_of_429_names_the_wait_and_loses_nobody(office: Office) -> None:
    """Requests inside a batch are metered alone: what is over is told to come later, and is taken then."""
    office.kept.allowed = 30
    sink = office.sink()
    people = [office.wanted(State.BUSY, USERS[number % 3]) for number in range(20)]
    assert all(isinstance(one, Published) for one in await sink.publish(people, office.now))
    results = await sink.publish(people, office.now)
    assert [type(one) for one in results] == [Published] * 10 + [Later] * 10
    assert {one.wait for one in results if isinstance(one, Later)} == {timedelta(seconds=30)}
    office.estate.move_clock(timedelta(seconds=30))
    assert all(isinstance(one, Published) for one in await sink.publish(people, office.now))
    assert office.kept.requests == 50


async def test_a_single_person_who_is_throttled_comes_later(office: Office) -> None:
    office.kept.allowed = 0
    [result] = await office.sink().publish([office.wanted(State.BUSY)], office.now)
    assert isinstance(result, Later)
    assert result.wait == timedelta(seconds=30)


async def test_the_limits_fit_what_graph_takes(office: Office) -> None:
    for messages, cost in ((False, 20), (True, 60)):
        limits = office.sink(status_messages=messages).limits
        assert ALLOWED * 0.95 < limits.requests * cost < ALLOWED
        assert (limits.batch, limits.per) == (20, timedelta(seconds=30))
    short = office.sink(lease=timedelta(minutes=20)).limits
    assert short.longest == timedelta(minutes=20), "told again before Graph forgets it"
    assert short.silent == {state for state, row in TEAMS_RULES.items() if row.pair is None}
    told = office.sink(status_messages=True).limits.silent
    assert State.OUT_OF_OFFICE not in told, "its message expires"
    assert limits_of(office.sink()._settings) == office.sink().limits


async def test_a_wrong_secret_is_tried_once(office: Office) -> None:
    office.estate.entra_clients[ENTRA_CLIENT] = "another"
    sink = office.sink()
    for _ in range(3):
        with pytest.raises(SinkDown, match="secret is wrong") as caught:
            await sink.publish([office.wanted(State.BUSY)], office.now)
        assert caught.value.credential
    assert office.asked("/oauth2/v2.0/token") == 1
    assert office.kept.requests == 0


async def test_a_missing_permission_names_it(office: Office) -> None:
    rights_of(office.estate).withhold((WRITE_PRESENCE,))
    sink = office.sink()
    await sink.open()  # may read
    with pytest.raises(SinkDown) as caught:
        await sink.publish([office.wanted(State.BUSY, user) for user in USERS], office.now)
    assert caught.value.credential
    assert WRITE_PRESENCE in caught.value.next_step
    rights_of(office.estate).withhold((WRITE_PRESENCE, "Presence.Read.All"))
    with pytest.raises(SinkDown) as caught:
        await sink.open()
    assert caught.value.credential


async def test_one_person_refused_takes_the_sink_not_down(office: Office) -> None:
    """Graph once took us: a single 403 later is that person's, and says what to grant."""
    sink = office.sink()
    await sink.publish([office.wanted(State.BUSY)], office.now)
    rights_of(office.estate).withhold((WRITE_PRESENCE,))
    [result] = await sink.publish([office.wanted(State.BUSY)], office.now)
    assert isinstance(result, Refused)
    assert WRITE_PRESENCE in result.next_step


async def test_a_token_that_expired_early_is_replaced_once(office: Office) -> None:
    sink = office.sink()
    await sink.publish([office.wanted(State.BUSY)], office.now)
    office.estate.move_clock(timedelta(hours=2))
    [result] = await sink.publish([office.wanted(State.BUSY)], office.now)
    assert isinstance(result, Published)
    office.estate.move_clock(timedelta(hours=2))
    with pytest.raises(SinkDown, match="expired") as caught:  # nobody asks for tokens again and again
        await sink.publish([office.wanted(State.BUSY)], office.now)
    assert not caught.value.credential


async def test_graph_out_of_reach(office: Office) -> None:
    office.estate.switch_certificate("graph.microsoft.com", "expired")
    with pytest.raises(SinkDown) as caught:
        await office.sink().open()
    assert not caught.value.credential
    assert "certificate" in caught.value.says


async def test_reading_back_learns_object_ids_once(office: Office) -> None:
    sink = office.sink()
    await sink.open()
    await sink.publish([office.wanted(State.IN_A_MEETING, GRACE)], office.now)
    people = [person(ADA), person("ghost@contoso.com"), person(GRACE)]
    for _ in range(2):
        ada, ghost, grace = await sink.read(people)
        assert ada is not None and (ada.availability, ada.activity) == THERE
        assert grace is not None and (grace.availability, grace.activity) == BUSY
        assert ghost is None
    alone = [one for one in office.estate.log if one.path.endswith("/presence")]
    assert [one.path for one in alone] == ["/v1.0/users/ghost@contoso.com/presence"], "asked again: still unknown"
    object_id = sink._ids[ADA]
    [again] = await sink.read([person(object_id.upper())])
    assert again is not None and again.object_id == object_id


@pytest.mark.parametrize("rules", [TEAMS_RULES, PRESENTING_RULES])
def test_the_rules_are_whole_and_can_be_printed(rules: Mapping[State, Row]) -> None:
    """Every state has a row, and a row that shows less says why; the table has them all."""
    assert set(rules) == set(State)
    assert all(row.state is state and (row.because or not row.shown) for state, row in rules.items())
    lines = as_markdown(rules).splitlines()
    assert len(lines) == len(State) + 2
    assert all(line.count(" | ") == 3 for line in lines)


def test_no_code_of_the_gateway_sets_a_preferred_presence() -> None:
    """Neither by name nor by a function of the wire that would ask for it."""
    source = Path(hybridge.__file__).parent
    assert not [name for name in dir(set_presence) if name.startswith("ask_") and "prefer" in name.lower()]
    for folder in ("presence", "net", "cli"):
        for path in (source / folder).rglob("*.py"):
            assert not re.search(r"userpreferred|user_preferred", path.read_text(encoding="utf-8"), re.I), path


async def test_the_gateway_never_asks_for_a_preferred_presence(office: Office) -> None:
    """Seen from the other side: after every state there is still none, and one a person chose stays."""
    sink = office.sink(presenting=True, status_messages=True)
    for state in State:
        await sink.publish([office.wanted(state, text="Anything")], office.now)
    assert office.kept.preferred == {}


async def test_a_batch_of_twenty_one_is_two(office: Office) -> None:
    wanted = SetPresence(session_id=ENTRA_CLIENT, availability="Busy", activity="InACall")
    asks = [set_presence.ask_set("graph.microsoft.com", ADA, wanted)] * 21
    answer = await office.answerer.http(batch.ask_batch("graph.microsoft.com", asks))
    assert answer.status == 400
    people = [office.wanted(State.BUSY, USERS[number % 3]) for number in range(21)]
    assert len(await office.sink().publish(people, office.now)) == 21

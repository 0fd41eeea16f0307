"""What a calendar claims, rule by rule, and what the claims come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, Response, ShowAs, Window
from hybridge.presence.claims import (
    CALENDAR,
    CALL,
    FAR,
    MANUAL,
    REPLIES,
    Claim,
    Effective,
    Stretch,
    claims_of,
    merged,
    reading,
    timeline,
)
from hybridge.presence.rules import CISCO, NAMED_RULES, RULES, TEAMS, Rules
from hybridge.presence.states import PresenceState as State

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def at(hour: float, minute: float = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


def event(start: datetime, end: datetime, shows: ShowAs = ShowAs.BUSY, **changes: object) -> CalendarEvent:
    made = CalendarEvent(identity=f"{start:%d%H%M%S}-{shows}", start_at=start, end_at=end, shows=shows, meeting=True)
    return msgspec.structs.replace(made, **changes)


def window(*events: CalendarEvent, start: datetime = DAY, end: datetime = DAY + timedelta(days=2)) -> Window:
    return Window(start_at=start, end_at=end, read_at=at(7), events=events)


def replies(state: ReplyState, start: datetime | None = None, end: datetime | None = None) -> AutomaticReplies:
    return AutomaticReplies(state=state, read_at=at(8), start_at=start, end_at=end)


def shown(
    when: datetime, *events: CalendarEvent, rules: Rules = TEAMS, oof: AutomaticReplies | None = None
) -> tuple[State, datetime | None]:
    found = merged(claims_of(window(*events), oof, rules, when), when, rules)
    return found.state, found.until


def names(when: datetime, *events: CalendarEvent, rules: Rules = TEAMS) -> set[str]:
    found = merged(claims_of(window(*events), None, rules, when), when, rules)
    return {name for claim in found.because for name in claim.because}


# --- rule by rule: presence as it must be


def test_free() -> None:
    free = event(at(9), at(10), ShowAs.FREE)
    assert shown(at(9, 30), free) == (State.AVAILABLE, None)
    assert shown(at(9, 30), free, event(at(11), at(12))) == (State.AVAILABLE, at(11))
    assert names(at(9, 30), free) == {"free"}


def test_tentative() -> None:
    maybe = event(at(9), at(10), ShowAs.TENTATIVE)
    assert shown(at(9, 30), maybe) == (State.TENTATIVE, at(10))
    assert shown(at(9, 30), maybe, rules=CISCO) == (State.AVAILABLE, None)
    assert names(at(9, 30), maybe) == {"tentative"}


@pytest.mark.parametrize("shows", [ShowAs.BUSY, ShowAs.TENTATIVE, ShowAs.OOF, ShowAs.WORKING_ELSEWHERE])
def test_not_responded(shows: ShowAs) -> None:
    invitation = event(at(9), at(10), shows, response=Response.NOT_RESPONDED)
    assert shown(at(9, 30), invitation) == (State.TENTATIVE, at(10))
    assert shown(at(9, 30), invitation, rules=CISCO) == (State.AVAILABLE, None)
    assert names(at(9, 30), invitation) == {"not-responded"}


def test_busy() -> None:
    assert shown(at(9), event(at(9), at(10))) == (State.IN_A_MEETING, at(10))
    assert shown(at(10), event(at(9), at(10))) == (State.AVAILABLE, None)
    assert names(at(9), event(at(9), at(10))) == {"busy"}


def test_appointment() -> None:
    alone = event(at(9), at(10), meeting=False)
    assert shown(at(9, 30), alone) == (State.BUSY, at(10))
    assert shown(at(9, 30), alone, rules=CISCO) == (State.IN_A_MEETING, at(10))
    assert names(at(9, 30), alone) == {"appointment"}


def test_company_unknown() -> None:
    untold = event(at(9), at(10), meeting=None)
    assert shown(at(9, 30), untold) == (State.IN_A_MEETING, at(10))
    assert shown(at(9, 30), untold, rules=msgspec.structs.replace(TEAMS, busy=State.BUSY)) == (State.BUSY, at(10))
    assert names(at(9, 30), untold) == {"company-unknown"}


def test_focus_time() -> None:
    focus = event(at(9), at(11), focus=True, meeting=False)
    assert shown(at(9, 30), focus) == (State.FOCUSING, at(11))
    assert shown(at(9, 30), focus, event(at(9), at(10))) == (State.IN_A_MEETING, at(10))
    assert shown(at(9, 30), focus, event(at(9), at(10), meeting=False)) == (State.FOCUSING, at(11))
    assert names(at(9, 30), focus) == {"focus-time"}


def test_all_day() -> None:
    whole = event(at(0), at(24), all_day=True)
    assert shown(at(9), whole) == (State.AVAILABLE, None)
    assert shown(at(9), whole, rules=CISCO) == (State.IN_A_MEETING, at(24))
    assert shown(at(9), event(at(0), at(24), ShowAs.TENTATIVE, all_day=True)) == (State.AVAILABLE, None)
    assert shown(at(9), event(at(0), at(24), ShowAs.OOF, all_day=True)) == (State.OUT_OF_OFFICE, at(24))
    assert shown(at(9), event(at(0), at(24), ShowAs.WORKING_ELSEWHERE, all_day=True))[0] is State.WORKING_ELSEWHERE
    assert reading(whole, TEAMS) == (None, ("all-day",))


@pytest.mark.parametrize(
    ("hours", "ignored"), [(23, True), (24, True), (25, True), (48, True), (22, False), (30, False)]
)
def test_all_day_where_the_source_does_not_tell(hours: int, ignored: bool) -> None:
    long = event(at(0), at(hours))
    assert (shown(at(9), long)[0] is State.AVAILABLE) == ignored
    assert shown(at(9), msgspec.structs.replace(long, all_day=False))[0] is State.IN_A_MEETING


def test_oof_event() -> None:
    away = event(at(9), at(12), ShowAs.OOF)
    assert shown(at(10), away, event(at(9), at(13))) == (State.OUT_OF_OFFICE, at(12))
    assert shown(at(12), away, event(at(9), at(13))) == (State.IN_A_MEETING, at(13))
    assert shown(at(10), away, rules=CISCO) == (State.AWAY, at(12))
    assert names(at(10), away) == {"oof-event"}


def test_working_elsewhere() -> None:
    elsewhere = event(at(9), at(17), ShowAs.WORKING_ELSEWHERE)
    assert shown(at(10), elsewhere) == (State.WORKING_ELSEWHERE, at(17))
    assert shown(at(10), elsewhere, event(at(10), at(11))) == (State.IN_A_MEETING, at(11))
    assert shown(at(10), elsewhere, rules=CISCO) == (State.AVAILABLE, None)
    assert names(at(10), elsewhere) == {"working-elsewhere"}


def test_replies_enabled() -> None:
    on = replies(ReplyState.ENABLED, start=at(-100), end=at(-90))
    assert shown(at(8), oof=on) == (State.OUT_OF_OFFICE, at(8, 30))
    assert shown(at(8, 29), oof=on) == (State.OUT_OF_OFFICE, at(8, 30))
    assert shown(at(8, 30), oof=on) == (State.UNKNOWN, None)
    assert shown(at(8, 30), event(at(8), at(9)), oof=on) == (State.IN_A_MEETING, at(9))
    assert shown(at(8), oof=on, rules=CISCO) == (State.AVAILABLE, None)
    later = msgspec.structs.replace(on, read_at=at(8, 14))
    assert shown(at(8, 14), oof=later) == (State.OUT_OF_OFFICE, at(8, 30)), "an unchanged poll moves nothing yet"
    later = msgspec.structs.replace(on, read_at=at(8, 15))
    assert shown(at(8, 15), oof=later) == (State.OUT_OF_OFFICE, at(8, 45))


def test_replies_scheduled() -> None:
    leave = replies(ReplyState.SCHEDULED, at(9), at(60))
    assert shown(at(8, 59), oof=leave) == (State.AVAILABLE, at(9))
    assert shown(at(9), oof=leave) == (State.OUT_OF_OFFICE, at(60))
    assert shown(at(60), oof=leave)[0] is not State.OUT_OF_OFFICE
    assert shown(at(8), oof=replies(ReplyState.SCHEDULED)) == (State.OUT_OF_OFFICE, at(8, 30)), "no end: as enabled"
    ends = merged(claims_of(window(), replies(ReplyState.SCHEDULED, at(60), at(9)), TEAMS, at(8)), at(20), TEAMS)
    assert ends.state is State.AVAILABLE, "an end before the start claims nothing"


def test_replies_disabled() -> None:
    off = replies(ReplyState.DISABLED, start=at(7), end=at(20))
    assert shown(at(9), oof=off) == (State.AVAILABLE, None)
    assert claims_of(None, off, TEAMS, at(9)) == ()


def test_overlaps() -> None:
    long, short = event(at(9), at(12), ShowAs.TENTATIVE), event(at(10), at(11))
    assert [(s.state, s.from_at, s.until_at) for s in _day(long, short)] == [
        (State.AVAILABLE, at(0), at(9)),
        (State.TENTATIVE, at(9), at(10)),
        (State.IN_A_MEETING, at(10), at(11)),
        (State.TENTATIVE, at(11), at(12)),
        (State.AVAILABLE, at(12), at(24)),
    ]
    other = event(at(10, 30), at(12))
    assert shown(at(10), short, other) == (State.IN_A_MEETING, at(12))
    assert "overlaps" in names(at(10), short, other)
    assert shown(at(9), event(at(9), at(12)), event(at(10), at(11), ShowAs.OOF)) == (State.IN_A_MEETING, at(10))


def test_back_to_back() -> None:
    first, second, third = event(at(9), at(10)), event(at(10), at(11)), event(at(11, 2), at(12))
    assert shown(at(9), first, second, third) == (State.IN_A_MEETING, at(12))
    assert shown(at(11, 1), first, second, third) == (State.IN_A_MEETING, at(12)), "within the pause"
    assert "back-to-back" in names(at(9), first, second)
    assert shown(at(9), first, event(at(10, 3), at(11))) == (State.IN_A_MEETING, at(10)), "a pause of three minutes"
    assert shown(at(9), second, third, first, rules=CISCO) == (State.IN_A_MEETING, at(11)), "no pause at all"


def test_back_to_back_is_interrupted_by_what_is_stronger_only() -> None:
    first, second = event(at(9), at(10)), event(at(10, 2), at(11))
    weaker = event(at(10), at(10, 2), ShowAs.TENTATIVE)
    stronger = event(at(10), at(10, 1), ShowAs.OOF)
    assert shown(at(9), first, weaker, second) == (State.IN_A_MEETING, at(11))
    assert shown(at(9), first, stronger, second) == (State.IN_A_MEETING, at(10))
    assert shown(at(10), first, stronger, second) == (State.OUT_OF_OFFICE, at(10, 1))
    assert shown(at(9, 59), event(at(10, 1), at(11))) == (State.AVAILABLE, at(10, 1)), "nothing begins early"


def test_private() -> None:
    secret = event(at(9), at(10), private=True, subject="Canary in the coal mine")
    claims = claims_of(window(secret), None, TEAMS, at(9))
    assert shown(at(9), secret) == (State.IN_A_MEETING, at(10))
    assert names(at(9), secret) == {"busy", "private"}
    assert "Canary" not in repr(claims)
    open_one = msgspec.structs.replace(secret, private=False)
    assert "Canary" not in repr(claims_of(window(open_one), None, TEAMS, at(9))), "no claim carries a subject"


def test_cancelled() -> None:
    assert shown(at(9), event(at(9), at(10), cancelled=True)) == (State.AVAILABLE, None)
    assert reading(event(at(9), at(10), ShowAs.OOF, cancelled=True), TEAMS) == (None, ("cancelled",))


def test_declined() -> None:
    assert shown(at(9), event(at(9), at(10), response=Response.DECLINED)) == (State.AVAILABLE, None)
    assert reading(event(at(9), at(10), response=Response.DECLINED), TEAMS) == (None, ("declined",))


def test_zero_length() -> None:
    assert shown(at(9), event(at(9), at(9))) == (State.AVAILABLE, None)
    assert reading(event(at(9), at(9)), TEAMS) == (None, ("zero-length",))
    assert reading(event(at(9), at(8)), TEAMS) == (None, ("zero-length",)), "nor one that ends before it starts"
    assert shown(at(8), event(at(9), at(9))) == (State.AVAILABLE, None), "and is no boundary"


def test_no_data() -> None:
    blank = event(at(9), at(10), ShowAs.NO_DATA)
    assert shown(at(8), blank) == (State.AVAILABLE, at(9))
    assert shown(at(9), blank) == (State.UNKNOWN, at(10))
    assert shown(at(9), blank, event(at(9), at(9, 30))) == (State.IN_A_MEETING, at(9, 30))
    assert shown(at(10), blank) == (State.AVAILABLE, None)
    assert names(at(9), blank) == {"no-data"}


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Kathmandu", datetime(2026, 11, 20)),  # UTC+5:45
        ("Europe/Vienna", datetime(2026, 3, 29)),  # 23 hours
        ("Europe/Vienna", datetime(2026, 10, 25)),  # 25 hours
        ("Australia/Lord_Howe", datetime(2026, 4, 5)),  # 24 hours and a half
        ("Pacific/Chatham", datetime(2026, 11, 20)),  # UTC+13:45
        ("America/St_Johns", datetime(2026, 3, 8)),
    ],
)
def test_instants_as_given(zone: str, day: datetime) -> None:
    start = day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    seen = Window(start_at=start - timedelta(days=1), end_at=end + timedelta(days=1), read_at=start, zone=zone)
    away = event(start, end, ShowAs.OOF, all_day=True)
    for read in (away, msgspec.structs.replace(away, all_day=None)):
        claims = claims_of(msgspec.structs.replace(seen, events=(read,)), None, TEAMS, start)
        assert merged(claims, start - timedelta(seconds=1), TEAMS).until == start
        found = merged(claims, start, TEAMS)
        assert (found.state, found.until) == (State.OUT_OF_OFFICE, end)
        assert merged(claims, end, TEAMS).state is State.AVAILABLE
    busy = event(start, end, all_day=None)
    assert reading(busy, TEAMS) == (None, ("all-day",)), "all-day by its length, whatever the zone"


def test_an_hour_that_happens_twice_is_two_hours() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    start = datetime(2026, 10, 25, 2, 30, tzinfo=vienna, fold=0).astimezone(UTC)
    end = datetime(2026, 10, 25, 2, 30, tzinfo=vienna, fold=1).astimezone(UTC)
    seen = Window(start_at=start - timedelta(hours=5), end_at=end + timedelta(hours=5), read_at=start)
    claims = claims_of(msgspec.structs.replace(seen, events=(event(start, end),)), None, TEAMS, start)
    assert merged(claims, start, TEAMS).until == end == start + timedelta(hours=1)


def test_call() -> None:
    talking = Claim(CALL, State.IN_A_CALL, at(9), None, "1", ("call",))
    leave = Claim(REPLIES, State.OUT_OF_OFFICE, at(8), at(12))
    sharing = Claim("meeting room", State.PRESENTING, at(9), at(11))
    found = merged((leave, sharing, talking), at(9), TEAMS)
    assert (found.state, found.until) == (State.IN_A_CALL, None)
    assert [name for claim in found.because for name in claim.because] == ["call"]
    assert merged((leave, sharing), at(9), TEAMS).state is State.PRESENTING


def test_claimed_elsewhere() -> None:
    elsewhere = Claim("client", State.BUSY, at(9), at(12), "", ("claimed-elsewhere",))
    meeting = claims_of(window(event(at(10), at(11))), None, TEAMS, at(9))
    assert merged((elsewhere, *meeting), at(9), TEAMS).state is State.BUSY
    assert merged((elsewhere, *meeting), at(10), TEAMS).state is State.IN_A_MEETING


# --- what claims come to


def _day(*events: CalendarEvent, rules: Rules = TEAMS) -> tuple[Stretch, ...]:
    return timeline(claims_of(window(*events), None, rules, at(0)), at(0), at(24), rules)


def test_outside_of_the_window_nothing_is_known() -> None:
    claims = claims_of(window(start=at(8), end=at(18)), None, TEAMS, at(9))
    found = timeline(claims, at(7), at(19), TEAMS)
    assert [(stretch.state, stretch.from_at) for stretch in found] == [
        (State.UNKNOWN, at(7)),
        (State.AVAILABLE, at(8)),
        (State.UNKNOWN, at(18)),
    ]
    assert merged((), at(9), TEAMS) == Effective(State.UNKNOWN, None)
    assert merged(claims, at(7), TEAMS).until == at(8)


def test_an_event_over_the_edge_of_the_window_is_whole() -> None:
    claims = claims_of(window(event(at(17), at(19)), start=at(8), end=at(18)), None, TEAMS, at(9))
    assert merged(claims, at(18, 30), TEAMS).until == at(19)
    assert merged(claims, at(19), TEAMS).state is State.UNKNOWN


def test_the_latest_of_a_persons_choices_counts() -> None:
    free = Claim(MANUAL, State.AVAILABLE, at(9), at(17), "telephone")
    quiet = Claim(MANUAL, State.DO_NOT_DISTURB, at(8), at(11), "desk")
    last = Claim(MANUAL, State.AWAY, at(10), at(10, 30), "door")
    empty = Claim(MANUAL, State.BUSY, at(10), at(9), "broken")
    meeting = claims_of(window(event(at(8), at(18))), None, TEAMS, at(8))
    claims = (free, last, quiet, empty, *meeting)
    states = [(s.state, s.from_at) for s in timeline(claims, at(8), at(18), TEAMS)]
    assert states == [
        (State.DO_NOT_DISTURB, at(8)),
        (State.AVAILABLE, at(9)),
        (State.AWAY, at(10)),
        (State.AVAILABLE, at(10, 30)),
        (State.IN_A_MEETING, at(17)),
    ]


def test_every_name_a_claim_carries_is_a_named_rule() -> None:
    found = set()
    for rules in RULES.values():
        for shows in ShowAs:
            for response in Response:
                for changes in ({}, {"meeting": False}, {"meeting": None}, {"focus": True}, {"private": True}):
                    for length in (0, 1, 24):
                        one = event(at(0), at(length), shows, response=response, **changes)
                        found |= set(reading(one, rules)[1])
                        found |= set(reading(msgspec.structs.replace(one, cancelled=True), rules)[1])
    assert found <= set(NAMED_RULES)


# --- properties

_minutes = st.integers(0, 24 * 60)
_events = st.builds(
    lambda start, length, shows, meeting, response: event(
        at(0, start), at(0, start + length), shows, meeting=meeting, response=response
    ),
    _minutes,
    st.one_of(st.integers(0, 5), st.integers(0, 24 * 60)),
    st.sampled_from(ShowAs),
    st.sampled_from([True, False, None]),
    st.sampled_from(Response),
)
_claims = st.builds(
    lambda source, state, start, length: Claim(source, state, at(0, start), at(0, start + length) if length else None),
    st.sampled_from([CALENDAR, MANUAL, CALL, "sink"]),
    st.sampled_from([state for state in State if state is not State.UNKNOWN]),
    _minutes,
    st.integers(0, 120),
)
_sets = st.sampled_from(list(RULES.values()))


@given(st.lists(_claims, max_size=8).flatmap(lambda made: st.tuples(st.just(made), st.permutations(made))), _sets)
def test_the_order_of_claims_does_not_matter(orders: tuple[list[Claim], list[Claim]], rules: Rules) -> None:
    one, other = (timeline(claims, at(0), at(26), rules) for claims in orders)
    assert [(s.state, s.from_at) for s in one] == [(s.state, s.from_at) for s in other]


@given(st.lists(_events, max_size=10), _sets)
def test_a_timeline_is_what_merged_says_at_each_of_its_starts(events: list[CalendarEvent], rules: Rules) -> None:
    claims = claims_of(window(*events), None, rules, at(0))
    found = timeline(claims, at(0), at(30), rules)
    assert found[0].from_at == at(0)
    assert found[-1].until_at == at(30)
    for one, following in pairwise(found):
        assert one.until_at == following.from_at
        assert one.state is not following.state
    for stretch in found:
        seen = merged(claims, stretch.from_at, rules)
        assert seen.state is stretch.state
        assert seen.until is None or seen.until == stretch.until_at or stretch is found[-1]
        middle = stretch.from_at + (stretch.until_at - stretch.from_at) / 2
        assert merged(claims, middle, rules).state is stretch.state


@given(st.lists(_events, max_size=8), _sets, _minutes)
def test_the_strongest_claim_wins(events: list[CalendarEvent], rules: Rules, minutes: int) -> None:
    when = at(0, minutes)
    claims = claims_of(window(*events), None, rules, when)
    active = [claim.state for claim in claims if claim.from_at <= when < (claim.until or FAR)]
    strongest = min(active, key=rules.rank.index)
    found = merged(claims, when, rules)
    assert rules.rank.index(found.state) <= rules.rank.index(strongest)
    if rules.rank.index(found.state) < rules.rank.index(strongest):
        assert _near(found.state, claims, when, rules), "only a pause lets a stronger state last"


def _near(state: State, claims: tuple[Claim, ...], when: datetime, rules: Rules) -> bool:
    same = [claim for claim in claims if claim.state is state]
    before = any(when - rules.gap <= (claim.until or FAR) <= when for claim in same)
    return before and any(when < claim.from_at <= when + rules.gap for claim in same)


@given(st.lists(_events, max_size=8), _sets, _minutes)
def test_what_ended_before_now_never_matters(events: list[CalendarEvent], rules: Rules, minutes: int) -> None:
    when = at(0, minutes)
    whole = merged(claims_of(window(*events), None, rules, at(0)), when, rules)
    cut = merged(claims_of(window(*events), None, rules, when), when, rules)
    assert (whole.state, whole.until) == (cut.state, cut.until)

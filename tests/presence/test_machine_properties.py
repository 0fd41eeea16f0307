"""The presence machine under whatever a bad day does to it: lost, late, doubled and reordered news, wild clocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.presence.watched import LITERAL, Answer, Calendar, Moved, Watched, at, event, failed, read, replied

from hybridge.presence.calendar import CalendarEvent, ReplyState, Response, ShowAs, Window
from hybridge.presence.claims import CALL, claims_of, merged
from hybridge.presence.machine import (
    Event,
    Phase,
    Publish,
    RulesChanged,
    Woke,
)
from hybridge.presence.observations import CalendarRead, Claimed, Hinted, NotRead, RepliesRead, Subject, Unclaimed
from hybridge.presence.rules import RULES, Rules
from hybridge.presence.states import PresenceState as State

# --- properties

_minutes = st.integers(0, 12 * 60)
_events = st.builds(
    lambda start, length, shows, changes: event(at(6, start), at(6, start + length), shows, **changes),
    _minutes,
    st.sampled_from([0, 1, 2, 15, 30, 60, 61, 24 * 60]),
    st.sampled_from([shows for shows in ShowAs if shows is not ShowAs.NO_DATA]),
    st.sampled_from(
        [{}, {"meeting": False}, {"meeting": None}, {"cancelled": True}, {"private": True}, {"focus": True}]
        + [{"response": response} for response in Response]
    ),
)
_calendars = st.lists(_events, max_size=6).map(tuple)
_replies = st.one_of(
    st.sampled_from([ReplyState.DISABLED, ReplyState.ENABLED]).map(lambda state: (state, None, None)),
    st.tuples(st.just(ReplyState.SCHEDULED), _minutes.map(lambda m: at(6, m)), _minutes.map(lambda m: at(8, m))),
)
_sets = st.sampled_from([*RULES.values(), LITERAL])
_moves = st.lists(
    st.tuples(
        st.sampled_from(["read", "late", "twice", "lost", "gone", "hint", "replies", "late replies", "sleep", "call"]),
        st.integers(0, 90),
        _calendars,
        _replies,
    ),
    max_size=12,
)


class Office:
    """A true calendar that changes, a source that is late, lossy and repeats itself, and one watched person."""

    def __init__(self, rules: Rules) -> None:
        self.watched = Watched(rules)
        self.now = at(6)
        self.calendar: Calendar = ()
        self.replies: Answer = (ReplyState.DISABLED, None, None)
        self.seen: list[CalendarRead] = []
        self.heard: list[RepliesRead] = []

    def live(self, kind: str, minutes: int, calendar: Calendar, answer: Answer) -> None:
        self.now += timedelta(minutes=minutes)
        self.watched.until(self.now)
        self.calendar, self.replies = calendar, answer
        for one in self._events(kind):
            self.watched.step(one, self.now)

    def _events(self, kind: str) -> Iterable[Event]:
        if kind in ("read", "twice"):
            yield self.reads()
        if kind in ("late", "twice") and self.seen:
            yield self.seen[-2 if kind == "late" and len(self.seen) > 1 else -1]
        if kind in ("lost", "gone"):
            yield failed(self.now, gone=kind == "gone")
        if kind == "hint":
            yield Hinted(Subject.CALENDAR, self.now)
        if kind == "replies":
            yield self.answers()
        if kind == "late replies" and self.heard:
            yield self.heard[0]
        if kind == "call":
            yield Claimed(CALL, State.IN_A_CALL, self.now, self.now + timedelta(minutes=20))

    def reads(self) -> CalendarRead:
        self.seen.append(read(self.now, *self.calendar))
        return self.seen[-1]

    def answers(self) -> RepliesRead:
        self.heard.append(replied(self.now, *self.replies))
        return self.heard[-1]


@settings(max_examples=150, deadline=None)
@given(_moves, _sets, _calendars, _replies, st.integers(0, 180))
def test_at_quiescence_everything_shown_is_what_the_true_calendar_says(
    moves: list[Moved],
    rules: Rules,
    calendar: Calendar,
    answer: Answer,
    rest: int,
) -> None:
    office = Office(rules)
    for kind, minutes, events, answered in moves:
        office.live(kind, minutes, events, answered)
    office.live("sleep", 30, calendar, answer)
    office.watched.step(Unclaimed(CALL, office.now), office.now)
    last, heard = office.reads(), office.answers()
    for one in (last, heard, Woke()):
        office.watched.step(one, office.now)
    now = office.now + timedelta(minutes=rest)
    office.watched.until(now)
    true = merged(claims_of(last.window, heard.replies, rules, now), now, rules)
    assert office.watched.shows() == (true.state, true.until)


@settings(max_examples=60, deadline=None)
@given(_moves, _sets, st.lists(st.integers(-600, 600), min_size=12, max_size=12), _calendars)
def test_no_clock_is_so_wild_that_the_next_read_does_not_put_it_right(
    moves: list[Moved],
    rules: Rules,
    jumps: list[int],
    calendar: Calendar,
) -> None:
    office = Office(rules)
    for (kind, _, events, answered), jump in zip(moves, jumps, strict=False):
        office.now += timedelta(minutes=jump)
        office.live(kind, 0, events, answered)
    now = office.now + timedelta(seconds=1)
    office.watched.step(Unclaimed(CALL, now), now)
    last, heard = read(now, *calendar), replied(now, ReplyState.DISABLED)
    for one in (last, heard):
        office.watched.step(one, now)
    true = merged(claims_of(last.window, heard.replies, rules, now), now, rules)
    assert office.watched.shows() == (true.state, true.until)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(0, 120)), min_size=1, max_size=6),
    st.lists(st.integers(0, 600), max_size=8),
)
def test_back_to_back_never_flaps(meetings: list[tuple[int, int]], reads: list[int]) -> None:
    """Meetings with pauses of at most two minutes, read again and again: one meeting, told once."""
    events: list[CalendarEvent] = []
    end = at(9)
    for minutes, seconds in meetings:
        start = end + timedelta(seconds=seconds if events else 0)
        end = start + timedelta(minutes=minutes)
        events.append(event(start, end))
    window = Window(start_at=at(0), end_at=at(40), read_at=at(8), events=tuple(events))
    watched = Watched()
    watched.step(CalendarRead(window), at(8))
    for minutes in sorted(reads):
        now = at(8, 30 + minutes)
        watched.until(now)
        watched.step(CalendarRead(replace(window, read_at=now)), now)
    watched.until(at(39))
    assert watched.told == [
        Publish(State.AVAILABLE, at(9)),
        Publish(State.IN_A_MEETING, end),
        Publish(State.AVAILABLE, None),
    ]


_CALENDAR: list[Event] = [
    read(at(9, 30), event(at(9), at(10))),
    read(at(9, 30), event(at(9), at(11), ShowAs.OOF)),
    failed(at(9, 30)),
    failed(at(9, 30), gone=True),
    Woke(),
]
_OTHERS: list[Event] = [
    read(at(9, 15)),
    failed(at(8, 45)),
    replied(at(9, 30), ReplyState.ENABLED),
    Hinted(Subject.CALENDAR, at(9, 30)),
    Hinted(Subject.REPLIES, at(9, 30)),
    NotRead(Subject.REPLIES, "No.", at(9, 30)),
    Claimed(CALL, State.IN_A_CALL, at(9, 30), at(9, 50)),
    Claimed("sink", State.BUSY, at(9, 30), at(12)),
    Unclaimed("earlier", at(9, 30)),
    Woke(),
    RulesChanged(),
]
_instants = st.tuples(st.sampled_from(_CALENDAR), st.sets(st.integers(0, len(_OTHERS) - 1), max_size=6)).map(
    lambda chosen: [chosen[0], *(_OTHERS[number] for number in sorted(chosen[1]))]
)


@settings(max_examples=200, deadline=None)
@given(_instants.flatmap(lambda made: st.tuples(st.just(made), st.permutations(made))), _sets)
def test_the_order_of_events_of_one_instant_does_not_matter(
    orders: tuple[list[Event], list[Event]], rules: Rules
) -> None:
    """One answer of the calendar, late answers, and whatever else comes at the same moment, in any two orders."""
    ends = []
    for order in orders:
        watched = Watched(rules)
        watched.step(read(at(9), event(at(9), at(9, 45))), at(9))
        watched.step(Claimed("earlier", State.TENTATIVE, at(9)), at(9))
        watched.until(at(9, 30))
        for one in order:
            watched.step(one, at(9, 30))
        known = watched.known
        ends.append((known.phase, known.others, known.window, known.replies, known.failed_at, watched.shows()))
    assert ends[0] == ends[1]


def test_of_two_answers_of_one_instant_the_one_told_last_counts() -> None:
    """A clock that stands still (a lab's) must not hide a change."""
    watched = Watched()
    watched.step(read(at(9)), at(9))
    watched.step(read(at(9), event(at(9), at(10))), at(9))
    assert watched.shows() == (State.IN_A_MEETING, at(10))
    watched.step(failed(at(9), gone=True), at(9))
    assert watched.known.phase is Phase.GONE
    watched.step(read(at(9)), at(9))
    assert watched.shows() == (State.AVAILABLE, None)

"""The outbox is a function of what it is told, the time and chance: so is its test."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from hybridge.presence.outbox import Outbox, Pace
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Refused, Result, SinkDown
from hybridge.presence.sinks.pace import Bucket
from hybridge.presence.states import PresenceState

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MEETING, FREE, OUT = PresenceState.IN_A_MEETING, PresenceState.AVAILABLE, PresenceState.OUT_OF_OFFICE
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ROOMY = Limits(batch=10, requests=1000, shortest=30 * SECOND, longest=15 * MINUTE)


def person(number: int) -> Person:
    return Person(address=f"p{number}@contoso.example", source="exchange")


def desired(
    number: int,
    state: PresenceState | None,
    now: datetime = NINE,
    *,
    until: datetime | None = None,
    fence: int = 1,
    text: str = "",
) -> Desired:
    return Desired(person=person(number), state=state, until=until, expires_at=now + HOUR, text=text, fence=fence)


def outbox(limits: Limits = ROOMY, chance: float = 0.5, **pace: float) -> Outbox:
    return Outbox(limits, lambda: chance, Pace(**pace))


def send_all(box: Outbox, now: datetime, result: Result | None = None) -> list[tuple[str, PresenceState | None]]:
    """Take and answer until nothing may go; what went, in order."""
    sent = []
    while batch := box.take(now):
        sent += [(each.person.address.partition("@")[0], each.state) for each in batch]
        box.told(batch, (result or Published(),) * len(batch), now)
    return sent


def test_only_differences_are_sent() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    assert send_all(box, NINE) == [("p1", MEETING)]
    box.want(desired(1, MEETING, NINE + MINUTE), NINE + MINUTE)
    assert send_all(box, NINE + MINUTE) == []
    box.want(desired(1, FREE), NINE + 2 * MINUTE)
    box.want(desired(1, MEETING), NINE + 2 * MINUTE)
    assert send_all(box, NINE + 2 * MINUTE) == [], "back before it was sent"


def test_only_the_newest_is_sent() -> None:
    box = outbox()
    for state in (MEETING, OUT, FREE):
        box.want(desired(1, state), NINE)
    assert send_all(box, NINE) == [("p1", FREE)]


def test_changes_go_before_refreshes_and_withdrawals_last() -> None:
    box = outbox(ROOMY, chance=0.0)
    for number in (1, 2, 3):
        box.want(desired(number, OUT if number == 1 else MEETING), NINE)
    send_all(box, NINE)
    later = NINE + 7 * MINUTE
    box.want(desired(1, None), later)
    box.want(desired(2, None), later)
    box.want(desired(4, MEETING), later)
    assert send_all(box, later) == [("p2", None), ("p4", MEETING), ("p3", MEETING), ("p1", None)], (
        "the end of a meeting is as urgent as the beginning; that somebody is away may be withdrawn later"
    )


def test_a_state_is_told_again_in_the_middle_of_its_life() -> None:
    box = outbox(chance=0.5)
    box.want(desired(1, MEETING), NINE)
    (sent,) = box.take(NINE)
    assert sent.expires_at == NINE + 15 * MINUTE, "an hour was wanted, but the sink allows a quarter"
    box.told((sent,), (Published(),), NINE)
    again = NINE + 0.6 * 15 * MINUTE
    assert box.next_at(NINE) == again
    assert box.take(again - SECOND) == ()
    (told_again,) = box.take(again)
    assert (told_again.state, told_again.expires_at) == (MEETING, again + 15 * MINUTE)
    box.told((told_again,), (Published(),), again)
    assert (box.figures(again).published, box.figures(again).refreshed) == (1, 1)


def test_refreshes_of_many_are_spread() -> None:
    box = Outbox(Limits(batch=1000, longest=15 * MINUTE), random.Random(5).random)
    for number in range(1000):
        box.want(desired(number, MEETING), NINE)
    send_all(box, NINE)
    minutes = [len(send_all(box, NINE + minute * MINUTE)) for minute in range(1, 15)]
    assert sum(minutes[:5]) == 0 and sum(minutes[:12]) == 1000
    assert max(minutes) < 250


def test_a_state_with_an_end_hardly_outlives_it() -> None:
    box = outbox()
    box.want(desired(1, MEETING, until=NINE + 10 * MINUTE), NINE)
    (sent,) = box.take(NINE)
    assert sent.expires_at == NINE + 10 * MINUTE + 30 * SECOND
    box.told((sent,), (Published(),), NINE)
    assert box.next_at(NINE) is None, "it need not be told again: the next state will be"


def test_a_state_whose_end_has_passed_is_never_sent() -> None:
    box = outbox()
    box.want(desired(1, MEETING, until=NINE + MINUTE), NINE)
    box.down(box.take(NINE), SinkDown("It is down."), NINE)
    assert send_all(box, NINE + HOUR) == []


def test_a_new_end_is_told_but_urgent_it_is_not() -> None:
    box = outbox()
    box.want(desired(1, MEETING, until=NINE + 10 * MINUTE), NINE)
    send_all(box, NINE)
    box.want(desired(1, MEETING, until=NINE + 20 * MINUTE), NINE + MINUTE)
    box.want(desired(2, MEETING), NINE + MINUTE)
    assert send_all(box, NINE + MINUTE) == [("p2", MEETING), ("p1", MEETING)]


def test_silent_states_are_withdrawn_once_and_never_refreshed() -> None:
    box = outbox(Limits(silent=frozenset({FREE})))
    box.want(desired(1, FREE), NINE)
    assert send_all(box, NINE) == [("p1", FREE)], "an earlier gateway may have left something"
    box.want(desired(1, None), NINE)
    assert send_all(box, NINE) == []
    assert box.next_at(NINE) is None
    box.want(desired(1, MEETING), NINE)
    box.want(desired(2, None), NINE)
    assert send_all(box, NINE) == [("p1", MEETING)], "nothing is known to be shown of the other"


def test_a_restart_sends_differences_only() -> None:
    before, after = outbox(), outbox()
    for number in range(5):
        before.want(desired(number, MEETING), NINE)
    batch = before.take(NINE)
    shown = before.told(batch, (Published(),) * 5, NINE)
    later = NINE + MINUTE
    after.restored(shown, later)
    for number in range(4):
        after.want(desired(number, MEETING, later), later)
    after.want(desired(4, FREE, later), later)
    assert send_all(after, later) == [("p4", FREE)]
    assert len(send_all(after, NINE + 10 * MINUTE)) == 5, "what was restored is refreshed in time"


def test_what_was_restored_may_have_expired() -> None:
    before, after = outbox(), outbox()
    before.want(desired(1, MEETING), NINE)
    batch = before.take(NINE)
    after.restored(before.told(batch, (Published(),), NINE), NINE + HOUR)
    after.want(desired(1, MEETING), NINE + HOUR)
    assert send_all(after, NINE + HOUR) == [("p1", MEETING)]


def test_an_older_fence_replaces_nothing() -> None:
    box = outbox()
    assert box.want(desired(1, MEETING, fence=2), NINE)
    assert not box.want(desired(1, FREE, fence=1), NINE)
    assert send_all(box, NINE) == [("p1", MEETING)]
    assert box.figures(NINE).overtaken == 1


def test_later_is_obeyed_and_backs_off() -> None:
    box = outbox(retry=2.0)
    box.want(desired(1, MEETING), NINE)
    box.want(desired(2, MEETING), NINE)
    batch = box.take(NINE)
    box.told(batch, (Later("Slow down.", 40 * SECOND), Later("Not yet.")), NINE)
    assert box.take(NINE + SECOND) == ()
    assert [d.person.address[:2] for d in box.take(NINE + 2 * SECOND)] == ["p2"]
    assert send_all(box, NINE + 39 * SECOND) == []
    assert send_all(box, NINE + 42 * SECOND) == [("p1", MEETING)]
    assert box.figures(NINE).retried == 2


def test_a_sink_that_sends_everybody_away_is_left_alone() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    batch = box.take(NINE)
    box.told(batch, (Later("Too many requests.", 30 * SECOND),), NINE)
    box.want(desired(2, MEETING), NINE)
    assert box.take(NINE + 29 * SECOND) == ()
    assert box.next_at(NINE + SECOND) == NINE + 30 * SECOND
    assert send_all(box, NINE + 30 * SECOND) == [("p2", MEETING)]


def test_a_refusal_is_not_repeated_until_something_is_different() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    assert send_all(box, NINE, Refused("No such person.", "Create the account.")) == [("p1", MEETING)]
    standing = box.standing("p1@contoso.example")
    assert standing is not None
    assert (standing.says, standing.next_step) == ("No such person.", "Create the account.")
    box.want(desired(1, MEETING), NINE + MINUTE)
    assert send_all(box, NINE + MINUTE) == []
    box.configured()
    assert send_all(box, NINE + MINUTE) == [("p1", MEETING)], "the configuration may have been the reason"


def test_the_breaker_lets_one_attempt_through() -> None:
    box = outbox(Limits(batch=1), pause=1.0)
    for number in range(3):
        box.want(desired(number, MEETING), NINE)
    first, second = box.take(NINE), box.take(NINE)
    box.down(first, SinkDown("It is down.", "Start it."), NINE)
    box.down(second, SinkDown("It is down.", "Start it."), NINE)
    assert box.trouble is not None and box.trouble.again_at == NINE + SECOND
    assert box.take(NINE) == ()
    probe = box.take(NINE + SECOND)
    assert len(probe) == 1 and box.take(NINE + SECOND) == ()
    box.down(probe, SinkDown("It is down."), NINE + SECOND)
    assert box.next_at(NINE + SECOND) == NINE + 3 * SECOND
    assert box.take(NINE + 2 * SECOND) == ()
    assert len(send_all(box, NINE + 3 * SECOND)) == 3
    assert box.trouble is None


def test_a_refused_credential_is_tried_once() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    box.down(box.take(NINE), SinkDown("The password is wrong.", credential=True), NINE)
    assert box.trouble is not None and box.trouble.credential and box.trouble.again_at is None
    assert box.take(NINE + timedelta(days=30)) == () and box.next_at(NINE) is None
    box.configured()
    assert send_all(box, NINE + timedelta(days=30)) == [("p1", MEETING)]


def test_a_sink_that_forgets_is_told_everything_again() -> None:
    box = outbox(Limits(forgets=True, silent=frozenset({FREE})))
    for number, state in enumerate((MEETING, OUT, FREE)):
        box.want(desired(number, state), NINE)
    send_all(box, NINE)
    box.down((), SinkDown("It was restarted."), NINE + MINUTE)
    box.want(desired(3, MEETING), NINE + MINUTE)
    assert send_all(box, NINE + 2 * MINUTE) == [("p3", MEETING), ("p0", MEETING), ("p1", OUT)]


def test_what_changes_on_the_way_is_sent_afterwards() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    batch = box.take(NINE)
    box.want(desired(1, FREE), NINE)
    assert box.take(NINE) == (), "one of a person at a time, or they could arrive in the wrong order"
    box.told(batch, (Published(),), NINE)
    assert send_all(box, NINE) == [("p1", FREE)]


def test_a_drained_outbox_tells_nothing_again() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    box.draining = True
    assert send_all(box, NINE) == [("p1", MEETING)]
    assert box.idle and box.next_at(NINE) is None


def test_a_clock_that_is_set_back_delays_nothing() -> None:
    box = outbox(pause=60.0)
    for number in (1, 2):
        box.want(desired(number, MEETING), NINE)
    (one, two) = box.take(NINE)
    box.told((one, two), (Published(), Later("Later.", 10 * MINUTE)), NINE)
    box.down((), SinkDown("Down."), NINE)
    earlier = NINE - 3 * HOUR
    assert sorted(send_all(box, earlier)) == [("p1", MEETING), ("p2", MEETING)], (
        "a state that expires in three hours and a quarter by our clock lives a quarter of an hour by the sink's"
    )


def test_a_clock_that_is_set_forward_withdraws_nothing_by_itself() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    send_all(box, NINE)
    assert send_all(box, NINE + 3 * HOUR) == [("p1", MEETING)]


def test_what_has_only_just_expired_here_may_still_be_shown_there() -> None:
    box = outbox()
    box.want(desired(1, MEETING, until=NINE + MINUTE), NINE)
    send_all(box, NINE)
    box.want(desired(1, None), NINE + MINUTE + 40 * SECOND)
    assert send_all(box, NINE + MINUTE + 40 * SECOND) == [("p1", None)]


def test_lag_is_the_wait_of_the_oldest_change() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    box.want(desired(2, MEETING), NINE + SECOND)
    assert (box.figures(NINE + 3 * SECOND).lag, box.figures(NINE).pending) == (3.0, 2)
    send_all(box, NINE + 3 * SECOND)
    assert box.figures(NINE + 4 * SECOND).lag == 0.0


def test_who_is_forgotten_is_not_sent() -> None:
    box = outbox()
    box.want(desired(1, MEETING), NINE)
    batch = box.take(NINE)
    box.want(desired(2, MEETING), NINE)
    box.forget("p1@contoso.example")
    box.forget("p2@contoso.example")
    assert box.told(batch, (Published(),), NINE) == ()
    assert box.take(NINE) == () and box.figures(NINE).pending == 0


@given(requests=some.integers(1, 60), per=some.floats(0.5, 60), gaps=some.lists(some.floats(0, 3), max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_window_holds_more_requests_than_the_limit(requests: int, per: float, gaps: list[float]) -> None:
    bucket = Bucket(Limits(requests=requests, per=timedelta(seconds=per)))
    per, now, went = timedelta(seconds=per).total_seconds(), 1000.0, []
    for gap in gaps:
        now = max(now + gap, bucket.free_at(now + gap))
        bucket.spend(now)
        went.append(now)
    for index, start in enumerate(went):
        assert sum(1 for at in went[index:] if at < start + per * 0.999) <= requests


def test_a_long_queue_needs_little_more_than_the_limit_allows() -> None:
    bucket, now = Bucket(Limits(requests=1500, per=timedelta(seconds=30))), 0.0
    for _ in range(30_000):
        now = bucket.free_at(now)
        bucket.spend(now)
    assert now < 600 * 1.15


STEPS = some.one_of(
    some.tuples(some.just("want"), some.integers(0, 4), some.sampled_from([MEETING, FREE, OUT, None])),
    some.tuples(some.just("send"), some.integers(0, 5), some.just(None)),
    some.tuples(some.just("wait"), some.integers(0, 900), some.just(None)),
)


class World:
    """A sink that loses and refuses as it is told to, its outbox, and the time."""

    def __init__(self, chance: float, *, forgets: bool) -> None:
        limits = Limits(batch=2, longest=15 * MINUTE, forgets=forgets, silent=frozenset({FREE}))
        self.box, self.now, self.forgets = outbox(limits, chance), NINE, forgets
        self.wanted: dict[str, PresenceState | None] = {}
        self.shows: dict[str, tuple[PresenceState | None, datetime]] = {}

    def step(self, what: str, number: int, state: PresenceState | None) -> None:
        if what == "want":
            self.wanted[person(number).address] = state
            self.box.want(desired(number, state, self.now), self.now)
        elif what == "wait":
            self.now += number * SECOND
        elif batch := self.box.take(self.now):
            self.answer(batch, number)

    def answer(self, batch: tuple[Desired, ...], how: int) -> None:
        if how == 1:
            self.box.down(batch, SinkDown("Down."), self.now)
            if self.forgets:
                self.shows.clear()
            return
        other: dict[int, Result] = {2: Later("Later.", MINUTE), 3: Refused("Never."), 4: Later("Later.")}
        result = other.get(how, Published())
        if how not in other:
            self.shows |= {each.person.address: (each.state, each.expires_at) for each in batch}
        self.box.told(batch, (result,) * len(batch), self.now)

    def settle(self, ends: datetime) -> None:
        """Nothing fails any more, until ``ends``."""
        for _ in range(5000):
            if batch := self.box.take(self.now):
                self.answer(batch, 0)
                continue
            at = self.box.next_at(self.now)
            if at is None or at > ends:
                return
            assert at > self.now, "an outbox that is asked when it said must have something to do"
            self.now = at
        raise AssertionError("it never comes to rest")


@given(steps=some.lists(STEPS, max_size=80), chance=some.floats(0, 0.99), forgets=some.booleans())
@settings(max_examples=200, deadline=None)
def test_at_rest_the_sink_shows_what_is_wanted(
    steps: list[tuple[str, int, PresenceState | None]], chance: float, forgets: bool
) -> None:
    """Whatever is wanted, fails, is refused or comes late: in the end every person shows the newest, told in time."""
    world = World(chance, forgets=forgets)
    for step in steps:
        world.step(*step)
    world.settle(world.now + 3 * HOUR)
    for address, state in world.wanted.items():
        shown, expires_at = world.shows.get(address, (None, world.now))
        if state in (MEETING, OUT):
            assert shown == state and expires_at >= world.now
        else:
            assert shown in (None, FREE) or expires_at <= world.now


@pytest.mark.parametrize("count", [30_000])
def test_thirty_thousand_at_once_are_a_matter_of_a_moment(count: int) -> None:
    box = Outbox(Limits(batch=100, requests=10**9), random.Random(1).random)
    for number in range(count):
        box.want(desired(number, MEETING, until=NINE + HOUR), NINE)
    assert len(send_all(box, NINE)) == count
    assert box.figures(NINE).published == count

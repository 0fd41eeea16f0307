"""Timers: one a key, in order, and no leak by setting the same ones again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hybridge.presence.timers import Timers

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


def test_the_earliest_comes_first_and_only_once() -> None:
    timers = Timers()
    timers.set("b", at(2))
    timers.set("a", at(1))
    timers.set("c", at(3))
    assert timers.next_at == at(1)
    assert timers.due(at(2)) == ["a", "b"]
    assert timers.due(at(2)) == []
    assert (timers.next_at, len(timers)) == (at(3), 1)


def test_setting_again_replaces() -> None:
    timers = Timers()
    timers.set("a", at(1))
    timers.set("a", at(5))
    assert timers.due(at(4)) == []
    assert timers.next_at == at(5)
    timers.set("a", at(2))
    assert timers.due(at(9)) == ["a"]
    assert timers.next_at is None


def test_setting_back_to_an_instant_set_before_fires_once() -> None:
    timers = Timers()
    for minutes in (1, 2, 1):
        timers.set("a", at(minutes))
    assert timers.due(at(9)) == ["a"]
    assert timers.due(at(9)) == []


def test_a_dropped_timer_is_never_due() -> None:
    timers = Timers()
    timers.set("a", at(1))
    timers.drop("a")
    timers.drop("nobody")
    assert timers.next_at is None
    assert timers.due(at(9)) == []


def test_dead_entries_do_not_pile_up() -> None:
    timers = Timers()
    for minutes in range(10_000):
        timers.set(f"person{minutes % 10}", at(minutes + 1))
    assert len(timers) == 10
    assert len(timers._heap) < 100


def test_a_clock_set_back_only_waits() -> None:
    timers = Timers()
    timers.set("a", at(1))
    assert timers.due(at(-60)) == []
    assert timers.due(at(1)) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.one_of(st.none(), st.integers(0, 20))), max_size=60))
def test_as_a_plain_dictionary_would(moves: list[tuple[str, int | None]]) -> None:
    timers, plain = Timers(), dict[str, datetime]()
    for key, minutes in moves:
        if minutes is None:
            timers.drop(key)
            plain.pop(key, None)
        else:
            timers.set(key, at(minutes))
            plain[key] = at(minutes)
    assert timers.next_at == min(plain.values(), default=None)
    expected = sorted((when, key) for key, when in plain.items() if when <= at(10))
    assert timers.due(at(10)) == [key for _, key in expected]
    assert len(timers) == len(plain) - len(expected)

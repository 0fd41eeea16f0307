"""Single corners that the simulation and the lab led to, each by itself."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.presence.faults.records import LIMITS

from hybridge.presence.outbox import Outbox
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Published, SinkDown
from hybridge.presence.states import PresenceState
from hybridge.presence.store import StateStore

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ADA = Person(address="ada@contoso.com", source="hq")


def busy(at: datetime) -> Desired:
    return Desired(person=ADA, state=PresenceState.BUSY, until=None, expires_at=at + 15 * MINUTE)


def shown_at(at: datetime) -> Outbox:
    """An outbox whose sink shows Ada as busy since then."""
    outbox = Outbox(LIMITS, lambda: 0.5)
    assert outbox.want(busy(at), at)
    batch = outbox.take(at)
    assert outbox.told(batch, (Published(),) * len(batch), at)
    return outbox


def test_nothing_is_to_be_done_for_a_sink_that_is_down_before_its_pause_is_over() -> None:
    outbox = shown_at(NOW)
    due = outbox.next_at(NOW)
    assert due is not None
    for credential in (False, True):
        outbox.down((), SinkDown("The sink is away.", credential=credential), due)
        again_at = outbox.trouble.again_at if outbox.trouble else None
        assert outbox.next_at(due + timedelta(milliseconds=1)) == again_at
        assert (again_at is None) is credential


def test_what_was_published_by_a_clock_that_was_ahead_is_told_again() -> None:
    told = tuple(shown_at(NOW + 2 * HOUR).shown())
    outbox = Outbox(LIMITS, lambda: 0.5)
    outbox.restored(told, NOW)
    outbox.want(busy(NOW), NOW)
    (again,) = outbox.take(NOW)
    assert again.expires_at == NOW + 15 * MINUTE


def test_a_state_file_locked_at_a_start_with_a_clock_set_back_is_no_lost_lease(tmp_path: Path) -> None:
    first = StateStore(tmp_path / "state.sqlite", lambda: NOW, busy=0.01, again=0.01)
    first.open()
    before = first.take(NOW)
    first.close()
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    second = StateStore(tmp_path / "state.sqlite", lambda: NOW - HOUR, busy=0.01, again=0.01)
    second.open()
    revision = second.take(NOW - HOUR)
    assert revision > before, "what the earlier one published can be replaced"
    assert second.holds(revision)
    second.put("known", ("ada@contoso.com",), b"known")
    other.execute("ROLLBACK")
    other.close()
    assert second.settle(20.0)
    assert second.holds(revision)
    second.close()

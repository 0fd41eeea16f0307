"""The state file: found again, waited for, set aside, fenced."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridge.net.clock import SetClock
from hybridge.presence.ownership import Lease
from hybridge.presence.sole_owner import SoleOwner
from hybridge.presence.store import Held, NewerState, StateStore

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
LONG = 20.0
"""Seconds a test waits for what happens at once unless the machine is very busy."""


def opened(path: Path, busy: float = 0.05) -> tuple[StateStore, Held]:
    store = StateStore(path, lambda: NOW, busy=busy, again=0.05)
    held = store.open()
    store.take(NOW)
    return store, held


def filled(path: Path) -> None:
    store, _ = opened(path)
    store.put("known", ("ada@contoso.com",), b"in a meeting")
    store.put("published", ("log", "ada@contoso.com"), b"shown")
    store.put("keeps", ("hq", "cookie"), b"\x00\xff")
    store.close()


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.sqlite"
    filled(path)
    store, held = opened(path)
    assert held.known == {"ada@contoso.com": b"in a meeting"}
    assert held.published == {("log", "ada@contoso.com"): b"shown"}
    assert held.keeps == {("hq", "cookie"): b"\x00\xff"}
    store.drop("published", ("log", "ada@contoso.com"))
    store.put("known", ("ada@contoso.com",), b"free")
    assert store.settle(LONG)
    store.close()
    store, held = opened(path)
    store.close()
    assert (held.published, held.known["ada@contoso.com"]) == ({}, b"free")


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    filled(tmp_path / "state.sqlite")
    assert (tmp_path / "state.sqlite").stat().st_mode & 0o077 == 0


def test_a_killed_process_leaves_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    program = (
        "import sys\nfrom datetime import datetime, UTC\nfrom pathlib import Path\n"
        "from hybridge.presence.store import StateStore\n"
        "store = StateStore(Path(sys.argv[1]), lambda: datetime.now(UTC))\n"
        "store.open(); store.take(datetime.now(UTC))\n"
        "for number in range(500): store.put('known', (f'{number}@contoso.com',), b'x')\n"
        "store.settle(20); print('written', flush=True)\n"
        "while True: store.put('known', ('late@contoso.com',), b'x' * 1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        os.kill(child.pid, signal.SIGKILL)
    store, held = opened(path)
    store.close()
    assert len(set(held.known) - {"late@contoso.com"}) == 500
    assert store.trouble == ""


@pytest.fixture
def foreign(tmp_path: Path) -> Callable[[], sqlite3.Connection]:
    return lambda: sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread's work without a fixed pause."""
    import threading

    waiting, deadline = threading.Event(), LONG / 0.01
    while not condition():
        deadline -= 1
        assert deadline > 0
        waiting.wait(0.01)


def test_a_locked_file_is_waited_for(tmp_path: Path, foreign: Callable[[], sqlite3.Connection]) -> None:
    store, _ = opened(tmp_path / "state.sqlite")
    other = foreign()
    other.execute("BEGIN IMMEDIATE")
    store.put("known", ("ada@contoso.com",), b"one")
    until(lambda: "locked" in store.trouble)
    store.put("known", ("ada@contoso.com",), b"two")
    other.execute("ROLLBACK")
    assert store.settle(LONG)
    assert store.trouble == ""
    assert other.execute("SELECT body FROM known").fetchall() == [(b"two",)]
    other.close()
    store.close()


def test_a_full_disk_is_said_and_written_to_later(tmp_path: Path, foreign: Callable[[], sqlite3.Connection]) -> None:
    store, _ = opened(tmp_path / "state.sqlite")
    with store._writing() as base:
        pages = base.execute("PRAGMA page_count").fetchone()[0]
    store._connection().execute(f"PRAGMA max_page_count = {pages}")
    store.put("known", ("ada@contoso.com",), b"x" * 100_000)
    until(lambda: "full" in store.trouble)
    assert store.pending == 1
    assert "goes on in memory" in store.trouble
    with store._using:
        store._connection().execute("PRAGMA max_page_count = 100000")
    assert store.settle(LONG)
    other = foreign()
    assert other.execute("SELECT length(body) FROM known").fetchall() == [(100_000,)]
    other.close()
    store.close()


def test_a_broken_file_is_set_aside_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is not a database, but somebody may want it" * 50)
    store, held = opened(path)
    assert held == Held()
    assert "set aside" in store.trouble
    assert store.renewed == 1
    assert [kept.read_bytes()[:23] for kept in tmp_path.glob("*.broken-*")] == [b"this is not a database,"]
    store.put("known", ("ada@contoso.com",), b"x")
    assert store.settle(LONG)
    store.close()
    assert opened_and_closed(path).known == {"ada@contoso.com": b"x"}


def opened_and_closed(path: Path) -> Held:
    store, held = opened(path)
    store.close()
    return held


def test_the_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    base = sqlite3.connect(path)
    base.execute("PRAGMA user_version = 99")
    base.close()
    before = path.read_bytes()
    with pytest.raises(NewerState, match="newer hybridge"):
        StateStore(path, lambda: NOW).open()
    assert path.read_bytes() == before


def test_who_lost_the_lease_writes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    old, _ = opened(path)
    old.put("known", ("ada@contoso.com",), b"old")
    assert old.settle(LONG)
    new, _ = opened(path)
    old.put("known", ("ada@contoso.com",), b"stale")
    assert old.settle(LONG)
    assert old.fenced
    old.close()
    new.close()
    assert opened_and_closed(path).known == {"ada@contoso.com": b"old"}


async def test_two_gateways_never_run_on_one_file(tmp_path: Path) -> None:
    clock = SetClock(NOW)
    first_store, _ = opened(tmp_path / "state.sqlite")
    second_store, _ = opened(tmp_path / "state.sqlite")
    first, second = SoleOwner(first_store, clock), SoleOwner(second_store, clock)
    lease = await first.acquire("all")
    assert lease is not None and await first.renew(lease)
    assert await second.acquire("all") is None
    await first.release(lease)
    later = await second.acquire("all")
    assert later is not None and later.revision > lease.revision
    await second.release(later)
    first_store.close()
    second_store.close()


async def test_a_revision_is_higher_even_when_the_file_was_lost(tmp_path: Path) -> None:
    clock = SetClock(NOW)
    revisions: list[int] = []
    for _ in range(2):
        store, _ = opened(tmp_path / "state.sqlite")
        owner = SoleOwner(store, clock)
        lease = await owner.acquire("all")
        assert isinstance(lease, Lease)
        revisions.append(lease.revision)
        await owner.release(lease)
        store.close()
        (tmp_path / "state.sqlite").unlink()
        clock.advance(timedelta(seconds=10))
    assert revisions[1] > revisions[0]

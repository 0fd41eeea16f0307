"""What the gateway must find again after a restart, in one SQLite file.

The gateway never waits for the disk: it leaves rows here, one thread writes the newest of each in batches, and what
cannot be written now (locked, full, gone) stays in memory and is written when it can be. ``trouble`` says so
meanwhile. Losing the last rows is safe: presence is level-triggered, so a restart asks again and publishes again.

Every batch is written under the lease of the gateway (``fence``): where the file knows a higher revision, another
gateway has taken over, nothing is written any more and ``fenced`` is true. A file that is no database is set aside
under another name, never deleted, and a new one begun; ``renewed`` counts that, so that its owner writes all again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

VERSION = 1
BUSY = 5.0
"""Seconds a locked file is waited for."""
AGAIN = 2.0
"""Seconds until a failed batch is tried again."""
GATHER = 0.02
"""Seconds for which a batch grows: a transaction for every row would take the processor from the loop."""
ROWS = 2_000
"""Rows written in one transaction at most: what waits is not held twice."""
SHARE = "all"
"""The one share there is while one gateway serves everybody."""

_TABLES = """
CREATE TABLE leases (share TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE known (address TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE published (sink TEXT, address TEXT, body BLOB NOT NULL, PRIMARY KEY (sink, address)) WITHOUT ROWID;
CREATE TABLE keeps (source TEXT, name TEXT, body BLOB NOT NULL, PRIMARY KEY (source, name)) WITHOUT ROWID;
"""
_KEYS = {"known": ("address",), "published": ("sink", "address"), "keeps": ("source", "name")}
_BROKEN = ("not a database", "malformed", "disk image", "unsupported file format", "no such table")

Row = tuple[str, tuple[str, ...]]
"""A table and the key of a row in it."""


class Held(msgspec.Struct, frozen=True):
    """Everything the file holds. Bodies are the owner's own."""

    known: Mapping[str, bytes] = {}
    published: Mapping[tuple[str, str], bytes] = {}
    keeps: Mapping[tuple[str, str], bytes] = {}


class NewerState(Exception):
    """The file was written by a newer hybridge: it is left alone."""


class StateStore:
    """The file at ``path``. ``open`` it, then ``put`` and ``drop`` from any thread; ``close`` writes what is left.

    ``stamp`` names a file that is set aside (the present instant, for file names). ``busy`` and ``again`` are seconds.
    """

    def __init__(self, path: Path, stamp: Callable[[], datetime], busy: float = BUSY, again: float = AGAIN) -> None:
        self.path = path
        self.trouble = ""
        self.fenced = False
        self.renewed = 0
        self.written = 0
        """Batches written so far."""
        self._stamp = stamp
        self._busy = busy
        self._again = again
        self._pending: dict[Row, bytes | None] = {}
        self._fence = 0
        self._taken = False
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._using = threading.RLock()
        self._thread: threading.Thread | None = None
        self._base: sqlite3.Connection | None = None

    def open(self) -> Held:
        """Read everything and start writing. A file that cannot be read now leaves the gateway in memory."""
        held = Held()
        try:
            with self._using:
                held = self._read()
        except NewerState:
            raise
        except (sqlite3.Error, OSError) as error:
            self._note(error)
        self._thread = threading.Thread(target=self._write_on, name="presence-state", daemon=True)
        self._thread.start()
        return held

    def take(self, at: datetime) -> int:
        """Take the lease: a revision above every earlier one, even of a file that was lost (seconds since 1970)."""
        revision = int(at.timestamp())
        self._taken = False
        with suppress(sqlite3.Error, OSError), self._using:
            revision = max(revision, _last_revision(self._connection()) + 1)
            with self._writing() as base:
                revision = max(revision, _last_revision(base) + 1)
                base.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (SHARE, revision))
            self._taken = True
        self._fence = revision
        return revision

    def holds(self, revision: int) -> bool:
        """Whether ``revision`` is still the highest, as far as the file can be read."""
        with suppress(sqlite3.Error, OSError), self._using:
            if self._taken and _last_revision(self._connection()) > max(revision, self._fence):
                self.fenced = True
        return not self.fenced

    def put(self, table: str, key: tuple[str, ...], body: bytes) -> None:
        """Write this row soon."""
        self._leave((table, key), body)

    def drop(self, table: str, key: tuple[str, ...]) -> None:
        """Delete this row soon."""
        self._leave((table, key), None)

    @property
    def pending(self) -> int:
        """Rows that are not on disk yet."""
        return len(self._pending)

    def settle(self, seconds: float) -> bool:
        """Wait until everything is on disk, ``seconds`` at most; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending or self.fenced, seconds)

    def close(self) -> None:
        """Write what is left, if that can be done at once, and let go of the file."""
        with self._changed:
            self._ending.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._base is not None:
            self._base.close()
            self._base = None

    def _leave(self, row: Row, body: bytes | None) -> None:
        if self.fenced:
            return
        with self._changed:
            self._pending[row] = body
            self._changed.notify_all()

    def _write_on(self) -> None:
        """The thread: newest rows first come, first written; a failed batch waits and is tried again."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._ending.is_set())
            if len(self._pending) < ROWS:
                self._ending.wait(GATHER)
            with self._changed:
                batch, ending = dict(islice(self._pending.items(), ROWS)), self._ending.is_set()
            done = not batch or self._try(batch)
            last = len(batch) < ROWS
            del batch  # it would be held until the next row comes
            if ending and (last or not done):
                return
            if not done:
                with self._changed:
                    self._changed.wait_for(self._ending.is_set, self._again)

    def _try(self, batch: Mapping[Row, bytes | None]) -> bool:
        try:
            with self._writing() as base:
                if not self._under_lease(base):
                    self.fenced = True
                else:
                    _store(base, batch)
        except (sqlite3.Error, OSError) as error:
            self._note(error)
            return False
        self.trouble = ""
        self.written += 1
        with self._changed:
            for row, body in batch.items():
                if self._pending.get(row, b"") is body or self.fenced:
                    self._pending.pop(row, None)
            self._changed.notify_all()
        return True

    def _under_lease(self, base: sqlite3.Connection) -> bool:
        known = _last_revision(base)
        if known > self._fence and self._taken:
            return False
        if known > self._fence:
            self._fence = known + 1  # theirs is an earlier start: the file could not be read at ours
        if known < self._fence:
            base.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (SHARE, self._fence))
        self._taken = True
        return True

    def _read(self) -> Held:
        base = self._connection()
        return Held(
            known=dict(base.execute("SELECT address, body FROM known")),
            published={(sink, who): body for sink, who, body in base.execute("SELECT * FROM published")},
            keeps={(source, name): body for source, name, body in base.execute("SELECT * FROM keeps")},
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using:
            base = self._connection()
            base.execute("BEGIN IMMEDIATE")
            try:
                yield base
                base.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    base.execute("ROLLBACK")
                raise

    def _connection(self) -> sqlite3.Connection:
        """The open file, of this schema; a broken one is set aside first."""
        if self._base is None:
            try:
                self._base = self._connect()
            except sqlite3.DatabaseError as error:
                if not _is_broken(error):
                    raise
                self._set_aside(error)
                self._base = self._connect()
        return self._base

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        base = sqlite3.connect(self.path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        try:
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise NewerState(f"The state file {self.path} was written by a newer hybridge (version {version}).")
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = NORMAL")
            if version < VERSION:
                base.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT")
            for table in ("leases", *_KEYS):
                base.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
        except BaseException:
            base.close()
            raise
        return base

    def _note(self, error: Exception) -> None:
        """Say why nothing is written; a file that turned out to be broken is set aside."""
        if isinstance(error, sqlite3.DatabaseError) and _is_broken(error):
            self._set_aside(error)
            return
        self.trouble = f"The state file {self.path} cannot be written ({error}); the gateway goes on in memory."

    def _set_aside(self, error: Exception) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None
        stamp = self._stamp().strftime("%Y%m%dT%H%M%S.%f")
        for suffix in ("", "-wal", "-shm"):
            old = self.path.with_name(self.path.name + suffix)
            with suppress(FileNotFoundError):
                old.rename(old.with_name(f"{self.path.name}.broken-{stamp}{suffix}"))
        self.renewed += 1
        self.trouble = f"The state file {self.path} was broken ({error}); it was set aside and a new one begun."


def _last_revision(base: sqlite3.Connection) -> int:
    """The revision of whoever took the lease last, 0 when nobody did."""
    row = base.execute("SELECT revision FROM leases WHERE share = ?", (SHARE,)).fetchone()
    return int(row[0]) if row else 0


def _is_broken(error: sqlite3.DatabaseError) -> bool:
    return any(word in str(error) for word in _BROKEN)


def _store(base: sqlite3.Connection, batch: Mapping[Row, bytes | None]) -> None:
    for (table, key), body in batch.items():
        if body is None:
            where = " AND ".join(f"{column} = ?" for column in _KEYS[table])
            base.execute(f"DELETE FROM {table} WHERE {where}", key)
        else:
            marks = ", ".join("?" for _ in range(len(key) + 1))
            base.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (*key, body))

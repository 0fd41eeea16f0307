"""Presence for scripts: lines on standard output, lines in a file, or one file that always holds the whole state.

A line is one JSON object: ``at``, ``address``, ``state`` (null when nothing is to be shown), ``until``,
``expires_at``, ``text``, ``fence``. A reader of lines drops what is past its ``expires_at``; the file with the whole
state (an object by address, of the same objects) is replaced atomically, and what has expired is left out of it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Limits, Published, Result, SinkDown
from hybridge.presence.states import PresenceState


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is written of one person."""

    at: datetime
    address: str
    state: PresenceState | None
    until: datetime | None
    expires_at: datetime
    text: str
    fence: int


class _Sink:
    name: str

    def serves(self, person: Person) -> bool:
        """Everybody."""
        return True


class LinesSink(_Sink):
    """Writes a line for every publication. ``path`` None is standard output, else a file that is appended to.

    The file is opened for each batch, so that it may be moved away at any time (logrotate).
    """

    def __init__(self, name: str, path: Path | None = None, *, interval: timedelta = timedelta(minutes=15)) -> None:
        self.name = name
        self.limits = Limits(batch=1000, shortest=min(timedelta(seconds=30), interval), longest=2 * interval)
        self._path = path

    async def open(self) -> None:
        """See that it can be written."""
        await self._write(b"")

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """Write a line for each; all or none."""
        await self._write(b"".join(msgspec.json.encode(_line(desired, now)) + b"\n" for desired in batch))
        return (Published(),) * len(batch)

    async def close(self) -> None:
        """Nothing is open."""

    async def _write(self, lines: bytes) -> None:
        path = self._path
        if path is None:
            await _written("standard output", lambda: _print(lines))
        else:
            await _written(str(path), lambda: _append(path, lines))


class StateFileSink(_Sink):
    """Keeps the whole state in one file, replaced atomically at most once a second."""

    def __init__(self, name: str, path: Path, *, ttl: timedelta = timedelta(minutes=15)) -> None:
        self.name = name
        self.limits = Limits(
            batch=100_000,
            requests=1,
            per=timedelta(seconds=1),
            shortest=min(timedelta(seconds=30), ttl),
            longest=ttl,
        )
        self._path = path
        self._state: dict[str, Line] | None = None
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """Read what an earlier gateway left, so that it stays, and see that the folder can be written."""
        if self._state is None:
            self._state = await asyncio.to_thread(self._read)
        await self._replace(self._state)

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """Replace the file by one with these in it, and without those that expired."""
        async with self._one:
            state = {address: line for address, line in (self._state or {}).items() if line.expires_at > now}
            for desired in batch:
                if desired.state is None:
                    state.pop(desired.person.address, None)
                else:
                    state[desired.person.address] = _line(desired, now)
            await self._replace(state)
            self._state = state
        return (Published(),) * len(batch)

    async def close(self) -> None:
        """The file stays as it is."""

    def _read(self) -> dict[str, Line]:
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Line])
        return {}

    async def _replace(self, state: Mapping[str, Line]) -> None:
        await _written(str(self._path), lambda: _put(self._path, msgspec.json.encode(state)))


def _line(desired: Desired, now: datetime) -> Line:
    return Line(
        at=now,
        address=desired.person.address,
        state=desired.state,
        until=desired.until,
        expires_at=desired.expires_at,
        text=desired.text,
        fence=desired.fence,
    )


async def _written(what: str, write: Callable[[], None]) -> None:
    try:
        await asyncio.to_thread(write)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SinkDown(
            f"{what} cannot be written: {why}.", "See that the folder exists, is ours to write and has room."
        ) from None


def _print(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def _append(path: Path, lines: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    with open(descriptor, "ab") as out:
        out.write(lines)


def _put(path: Path, body: bytes) -> None:
    """Write beside it, then take its place: a reader sees the old file or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        with open(descriptor, "wb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise

"""What a long run has done so far, in a file that survives the run.

Frames follow each other: their length, their checksum, their content in MessagePack. They are only ever added, so that
a run that was killed leaves at most one frame half-written, and the reader stops there. The first frame says what was
asked for; then come the bulk data, where they were read live and are dear; then every slice of mailboxes as it is done.

What was asked for must be the same when a run goes on, and the mailboxes must be the same ones in the same order: else
the slices mean nothing and are not used.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Union

import msgspec

from hybridge.collectors.bulk import SOURCES, Roll, Rolls
from hybridge.doctor.folds import SliceFold
from hybridge.evidence import Key, Origin, Unseen

_HEAD = struct.Struct("<II")
_LONGEST = 256 * 1024 * 1024
_CHUNK = 5_000
"""Records in a frame."""

_AnyBulk: Any = Union[tuple({source.kind for source in SOURCES})]  # noqa: UP007 (made of a table)


class CheckpointProblem(Exception):
    """The file cannot be gone on from; the message is one sentence."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag="asked"):
    """What was asked for. ``started`` is when the run began, ``judged_at`` the time it judges at."""

    hybridge: str
    source: str
    organization: str
    checks: tuple[str, ...]
    sample: int
    started: datetime
    judged_at: datetime


class Records(msgspec.Struct, frozen=True, kw_only=True, tag="records"):
    """Some records of one roll, or why there are none."""

    key: Key
    origin: Origin
    records: tuple[_AnyBulk, ...] = ()
    unseen: Unseen | None = None


class Read(msgspec.Struct, frozen=True, kw_only=True, tag="read"):
    """Who everybody is: slices that follow are of these mailboxes. ``complete`` tells that the rolls stand before."""

    mailboxes: str
    complete: bool


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """One slice."""

    number: int
    fold: SliceFold


_DECODER = msgspec.msgpack.Decoder(Asked | Records | Read | Done)


class Kept:
    """What a checkpoint holds."""

    def __init__(self) -> None:
        self.asked: Asked | None = None
        self.rolls: Rolls = {}
        self.read: Read | None = None
        self.slices: dict[int, SliceFold] = {}
        self.end = 0
        """Where the last whole frame ends."""

    def of(self, asked: Asked) -> bool:
        """Whether the same was asked for, whenever that was."""
        mine = self.asked
        return mine is not None and asked == msgspec.structs.replace(
            mine, started=asked.started, judged_at=asked.judged_at
        )

    def take(self, frame: Asked | Records | Read | Done) -> None:
        """One frame more."""
        match frame:
            case Asked():
                self.asked = frame
            case Records(unseen=Unseen() as gap):
                self.rolls[frame.key] = gap
            case Records():
                roll = self.rolls.setdefault(frame.key, Roll(frame.key, frame.origin))
                if isinstance(roll, Roll):
                    for record in frame.records:
                        roll.add(record, record.scope)
            case Read():
                self.read = frame
            case Done():
                self.slices[frame.number] = frame.fold


def read_checkpoint(path: Path) -> Kept:
    """What ``path`` holds, up to the first frame that is not whole. Raises ``CheckpointProblem``."""
    kept = Kept()
    try:
        with path.open("rb") as source:
            for content in _frames(source):
                kept.take(_DECODER.decode(content))
                kept.end = source.tell()
    except FileNotFoundError:
        raise CheckpointProblem(f"There is no checkpoint '{path}'.") from None
    except OSError as error:
        raise CheckpointProblem(f"The checkpoint '{path}' cannot be read: {error.strerror}.") from None
    except msgspec.MsgspecError:
        raise CheckpointProblem(f"The checkpoint '{path}' is of another version of hybridge, or damaged.") from None
    if kept.asked is None:
        raise CheckpointProblem(f"The checkpoint '{path}' holds nothing.")
    return kept


def _frames(source: IO[bytes]) -> Iterator[bytes]:
    while len(head := source.read(_HEAD.size)) == _HEAD.size:
        length, checksum = _HEAD.unpack(head)
        content = source.read(length) if length <= _LONGEST else b""
        if len(content) != length or zlib.crc32(content) != checksum:
            return
        yield content


class Checkpoint:
    """A checkpoint being written: a new one, or one gone on with behind its last whole frame."""

    def __init__(self, path: Path, end: int = 0) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT
        try:
            self._file: IO[bytes] = os.fdopen(os.open(path, flags, 0o600), "wb")
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise CheckpointProblem(f"The checkpoint '{path}' cannot be written: {error.strerror}.") from None

    def write(self, frame: Asked | Records | Read | Done) -> None:
        """Add one frame."""
        content = msgspec.msgpack.encode(frame)
        try:
            self._file.write(_HEAD.pack(len(content), zlib.crc32(content)) + content)
            self._file.flush()
        except OSError as error:
            raise CheckpointProblem(f"The checkpoint '{self.path}' cannot be written: {error.strerror}.") from None

    def write_rolls(self, rolls: Rolls) -> None:
        """Add the bulk data."""
        for key, found in rolls.items():
            if isinstance(found, Unseen):
                self.write(Records(key=key, origin=Origin(source=""), unseen=found))
                continue
            records = list(found)
            for start in range(0, max(1, len(records)), _CHUNK):
                self.write(Records(key=key, origin=found.origin, records=tuple(records[start : start + _CHUNK])))

    def close(self) -> None:
        """Leave the file as it is."""
        self._file.close()

    def remove(self) -> None:
        """The run ended: nothing is to be gone on with."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def digest_of(mailboxes: Iterable[str]) -> str:
    """A number for these mailboxes in this order."""
    told = hashlib.sha256()
    for mailbox in mailboxes:
        told.update(mailbox.lower().encode() + b"\n")
    return told.hexdigest()

"""What was done to an organization, written down before it is done.

One folder per plan under a root, and in it ``journal.jsonl``: a line of JSON per event, appended and forced to disk
before the next thing happens. The order of events of one change is

    intended -> (the hand writes) -> applied | failed          and later          undoing -> (writes) -> undone | failed

so that a process killed at any point leaves either a change nobody began, or an intention with everything needed to
look what became of it and to take it back. A last line cut in the middle promises nothing and is dropped; a broken
line anywhere else means that the file is not ours any more, and it is refused rather than guessed at. What the lines
mean is told in ``journal_events``; the first holds the whole plan, so that nothing else is needed to finish it.

One process at a time writes: it holds a lock on the file from before it reads what is there until it ends.

A journal holds records and sentences, never a credential: keys in it are public certificates.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hybridge.plan import Plan
from hybridge.repair.journal_events import (
    APPLYING,
    UNDOING,
    Applied,
    Begun,
    Ended,
    Event,
    Failed,
    Happened,
    Intended,
    Journal,
    OutOfOrder,
    Run,
    Skipped,
    State,
    Step,
    Undoing,
    Undone,
    fold,
)
from hybridge.repair.plan_file import in_shape

if sys.platform != "win32":
    import fcntl

__all__ = [
    "APPLYING",
    "FILE_NAME",
    "UNDOING",
    "Applied",
    "Begun",
    "Ended",
    "Event",
    "Failed",
    "Happened",
    "Intended",
    "Journal",
    "JournalProblem",
    "OpenJournal",
    "Run",
    "Skipped",
    "State",
    "Step",
    "Undoing",
    "Undone",
    "list_journals",
    "open_journal",
    "read_journal",
]

FILE_NAME = "journal.jsonl"
VERSION = 1
LONGEST_SENTENCE = 1000
"""Characters of a hand's reply that are kept."""


class JournalProblem(Exception):
    """A journal cannot be read or written: one sentence naming the file."""


class OpenJournal:
    """The one writer of a journal. Nothing is on disk before the first event; close it, or use ``with``.

    ``folder`` is where the journal is or will be. On systems with file locks a second writer is refused.
    """

    def __init__(self, folder: Path, plan: str, organization: str) -> None:
        self.folder = folder
        self.plan = plan
        self.organization = organization
        self._file: FileIO | None = None
        self._found_none = False
        self._doing = APPLYING
        self._contents: Plan | None = None
        self._only: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file, there or not."""
        return self.folder / FILE_NAME

    def read(self) -> Journal | None:
        """What it holds so far, or None while there is nothing."""
        return read_journal(self.folder) if self.path.exists() else None

    def hold(self, doing: str = APPLYING, contents: Plan | None = None, only: Sequence[str] = ()) -> Journal | None:
        """What it holds, with the lock taken, so that nobody else adds anything; None while there is nothing.

        ``doing`` says what the run that now begins does, ``contents`` is the plan: a new journal keeps it. ``only``
        names the part it is about. Raises ``JournalProblem`` when another process has the lock.
        """
        self._doing, self._contents, self._only = doing, contents, tuple(only)
        try:
            self._found_none = not self.path.exists()
            if not self._found_none:
                self._reopen()
        except OSError as error:
            raise self._problem(error) from None
        return self.read()

    def begin(self, who: str, at: datetime) -> None:
        """Write that ``who`` starts a run. Call it before the first intention of every run."""
        begun = Begun(
            version=VERSION,
            plan=self.plan,
            organization=self.organization,
            who=who,
            at=at,
            doing=self._doing,
            only=self._only,
        )
        try:
            if self.path.exists():
                if self._found_none and self._file is None:
                    raise JournalProblem(f"The journal {self.path} was begun by another run of hybridge meanwhile.")
                self._reopen()
                self._append(begun)
            else:
                contents = in_shape(self._contents) if self._contents else None
                _create(self.folder, _line(msgspec.structs.replace(begun, contents=contents)))
                self._reopen()
        except OSError as error:
            raise self._problem(error) from None

    def write(self, event: Event) -> None:
        """Append one event; it is on the disk when this returns."""
        try:
            if self._file is None:
                self._reopen()
            self._append(event)
        except OSError as error:
            raise self._problem(error) from None

    def close(self) -> None:
        """Let go of the file and its lock; may be called twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, event: Event) -> None:
        if self._file is None:
            raise JournalProblem(f"The journal {self.path} was not begun.")
        end = self._file.tell()
        left = memoryview(_line(event))
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.seek(end)
            self._file.truncate()  # half a line must not stand before a later one
            raise

    def _reopen(self) -> None:
        if self._file is not None:
            return
        file = FileIO(self.path, "r+")
        try:
            _lock(file, self.path)
            _drop_torn_line(file)
        except BaseException:
            file.close()
            raise
        self._file = file

    def _problem(self, error: OSError) -> JournalProblem:
        return JournalProblem(
            f"The journal {self.path} cannot be written ({error.strerror}), so nothing more is changed."
        )


def open_journal(root: Path, plan: str, organization: str = "") -> OpenJournal:
    """The journal of ``plan`` (its id) under ``root`` for writing; an existing one is read and must be sound."""
    if not plan or plan in (".", "..") or Path(plan).name != plan:
        raise JournalProblem(f"'{plan}' is not the id of a plan.")
    opened = OpenJournal(root / plan, plan, organization)
    existing = opened.read()
    if existing is not None:
        if existing.plan != plan or organization not in ("", existing.organization):
            raise JournalProblem(f"The journal {opened.path} belongs to another plan or organization.")
        opened.organization = existing.organization
    return opened


def read_journal(path: Path) -> Journal:
    """The journal in ``path``, a plan's folder or the file in it. Raises ``JournalProblem``."""
    file = path / FILE_NAME if path.is_dir() else path
    try:
        content = file.read_bytes()
    except OSError as error:
        raise JournalProblem(f"The journal {file} cannot be read ({error.strerror}).") from None
    try:
        return fold(_events(content, file), str(file), VERSION)
    except OutOfOrder as wrong:
        raise JournalProblem(f"The file {file} {wrong}.") from None


def list_journals(root: Path) -> tuple[Journal | JournalProblem, ...]:
    """Every journal under ``root``, oldest plan first; one that cannot be read is listed as its problem."""
    found: list[Journal | JournalProblem] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        try:
            found.append(read_journal(folder))
        except JournalProblem as problem:
            found.append(problem)
    return tuple(found)


def _events(content: bytes, file: Path) -> Iterator[Event]:
    """The events of ``content``; what follows the last line end was cut while it was written and is left out."""
    decoder = msgspec.json.Decoder(Event)
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise JournalProblem(
                f"The file {file} is not a journal of hybridge: line {number} cannot be read."
            ) from None


def _line(event: Event) -> bytes:
    says = getattr(event, "says", "")
    if len(says) > LONGEST_SENTENCE:
        event = msgspec.structs.replace(event, says=says[:LONGEST_SENTENCE] + "...")
    return msgspec.json.encode(event) + b"\n"


def _create(folder: Path, first_line: bytes) -> None:
    """Make the folder with its first line in it, there wholly or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with open(os.open(beside / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(first_line)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(folder)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(file: FileIO, path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalProblem(f"The journal {path} is being written by another run of hybridge; wait for it.") from None


def _drop_torn_line(file: FileIO) -> None:
    """Cut what follows the last line end, and stand at the end."""
    content = file.readall()
    whole = content.rfind(b"\n") + 1
    file.seek(whole)
    file.truncate()

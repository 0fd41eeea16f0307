"""What was done to an organization, written down before it is done.

One folder per plan under a root, and in it ``journal.jsonl``: a line of JSON per event, appended and forced to disk
before the next thing happens. The order of events of one change is

    intended -> (the hand writes) -> applied | failed          and later          undoing -> (writes) -> undone | failed

so that a process killed at any point leaves either a change nobody began, or an intention with everything needed to
look what became of it and to take it back. A last line cut in the middle promises nothing and is dropped; a broken
line anywhere else means that the file is not ours any more, and it is refused rather than guessed at.

A journal holds records and sentences, never a credential: keys in it are public certificates.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from hybridge.plan import Change

if sys.platform != "win32":
    import fcntl

FILE_NAME = "journal.jsonl"
VERSION = 1
LONGEST_SENTENCE = 1000
"""Characters of a hand's reply that are kept."""


class JournalProblem(Exception):
    """A journal cannot be read or written: one sentence naming the file."""


class State(StrEnum):
    """What became of one change."""

    INTENDED = "intended"
    """Begun; nobody wrote down how it ended, so it may or may not have been made."""
    APPLIED = "applied"
    FAILED = "failed"
    """The hand failed, or the record was not as wanted afterwards; a part may have been made."""
    UNDONE = "undone"


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun", tag_field="event"):
    """A run over the plan starts; the first line of every journal."""

    version: int
    plan: str
    organization: str
    who: str
    at: datetime


class Intended(msgspec.Struct, frozen=True, kw_only=True, tag="intended", tag_field="event"):
    """Change number ``step`` (from 1) is about to be made."""

    step: int
    change: Change
    at: datetime


class Applied(msgspec.Struct, frozen=True, kw_only=True, tag="applied", tag_field="event"):
    """It was made and read back; ``says`` is the hand's reply."""

    step: int
    says: str
    at: datetime


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed", tag_field="event"):
    """It was not made, or not wholly. While undoing, the change stays what it was before."""

    step: int
    says: str
    at: datetime


class Undoing(msgspec.Struct, frozen=True, kw_only=True, tag="undoing", tag_field="event"):
    """It is about to be taken back; the step keeps its state until it is."""

    step: int
    who: str
    at: datetime


class Undone(msgspec.Struct, frozen=True, kw_only=True, tag="undone", tag_field="event"):
    """It was taken back."""

    step: int
    says: str
    at: datetime


Event = Begun | Intended | Applied | Failed | Undoing | Undone


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the journal and what became of it; ``at`` is the instant of its last event."""

    number: int
    change: Change
    state: State
    says: str
    at: datetime
    undoing: bool = False
    """Whether taking it back was begun and not finished."""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """A journal as read: ``steps`` in the order they were first begun."""

    path: str
    plan: str
    organization: str
    who: str
    started_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def left_to_undo(self) -> tuple[Step, ...]:
        """Steps which may have changed something that was not taken back, last first."""
        open_steps = (step for step in self.steps if step.state is not State.UNDONE)
        return tuple(sorted(open_steps, key=lambda step: step.number, reverse=True))

    def step(self, number: int) -> Step | None:
        """The step of change ``number``, None when it was never begun."""
        return next((step for step in self.steps if step.number == number), None)


class OpenJournal:
    """The one writer of a journal. Nothing is on disk before the first event; close it, or use ``with``.

    ``folder`` is where the journal is or will be. On systems with file locks a second writer is refused.
    """

    def __init__(self, folder: Path, plan: str, organization: str) -> None:
        self.folder = folder
        self.plan = plan
        self.organization = organization
        self._file: BinaryIO | None = None

    @property
    def path(self) -> Path:
        """The file, there or not."""
        return self.folder / FILE_NAME

    def read(self) -> Journal | None:
        """What it holds so far, or None while there is nothing."""
        return read_journal(self.folder) if self.path.exists() else None

    def begin(self, who: str, at: datetime) -> None:
        """Write that ``who`` starts a run. Call it before the first intention of every run."""
        begun = Begun(version=VERSION, plan=self.plan, organization=self.organization, who=who, at=at)
        try:
            if self.path.exists():
                self._reopen()
                self._append(begun)
            else:
                _create(self.folder, _line(begun))
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
        self._file.write(_line(event))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _reopen(self) -> None:
        if self._file is not None:
            return
        file = self.path.open("r+b")
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
    events = list(_events(content, file))
    first = events[0] if events else None
    if not isinstance(first, Begun):
        raise JournalProblem(f"The file {file} is not a journal of hybridge: it does not begin with a run.")
    if first.version != VERSION:
        raise JournalProblem(f"The journal {file} was written by another version of hybridge ({first.version}).")
    return Journal(
        path=str(file),
        plan=first.plan,
        organization=first.organization,
        who=first.who,
        started_at=first.at,
        steps=_steps(events, file),
    )


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


def _steps(events: list[Event], file: Path) -> tuple[Step, ...]:
    steps: dict[int, Step] = {}
    for event in events:
        if isinstance(event, Begun):
            continue
        if isinstance(event, Intended):
            steps[event.step] = Step(number=event.step, change=event.change, state=State.INTENDED, says="", at=event.at)
            continue
        step = steps.get(event.step)
        if step is None:
            raise JournalProblem(f"The journal {file} ends step {event.step}, which it never began.")
        steps[event.step] = _after(step, event)
    return tuple(steps.values())


def _after(step: Step, event: Applied | Failed | Undoing | Undone) -> Step:
    if isinstance(event, Undoing):
        return msgspec.structs.replace(step, undoing=True, at=event.at)
    if isinstance(event, Failed) and step.undoing:
        return msgspec.structs.replace(step, undoing=False, says=event.says, at=event.at)
    state = {Applied: State.APPLIED, Failed: State.FAILED, Undone: State.UNDONE}[type(event)]
    return msgspec.structs.replace(step, state=state, undoing=False, says=event.says, at=event.at)


def _line(event: Event) -> bytes:
    says = getattr(event, "says", "")
    if len(says) > LONGEST_SENTENCE:
        event = msgspec.structs.replace(event, says=says[:LONGEST_SENTENCE] + "...")
    return msgspec.json.encode(event) + b"\n"


def _create(folder: Path, first_line: bytes) -> None:
    """Make the folder with its first line in it, there wholly or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    beside.mkdir(mode=0o700)
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


def _lock(file: BinaryIO, path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalProblem(f"The journal {path} is being written by another run of hybridge; wait for it.") from None


def _drop_torn_line(file: BinaryIO) -> None:
    """Cut what follows the last line end, and stand at the end."""
    content = file.read()
    whole = content.rfind(b"\n") + 1
    file.seek(whole)
    file.truncate()

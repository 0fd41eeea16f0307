"""What is still owed after a delegate was added or removed: written down before, so that no end of a run forgets it.

A delegate operation and the putting back of what it disturbed are several requests. Whoever is killed between them
leaves the list as it was wanted, and rights beside it that are not; and after a removal nobody could tell any more what
they were. So the debt is on the disk before the first request: one file per delegate, there wholly or not at all,
deleted once everything is as it should be.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

from hybridge.repair.hands.beside import Beside
from hybridge.wire.ask import Failure, FailureReason


class Debt(msgspec.Struct, frozen=True, kw_only=True):
    """``delegate`` of ``delegator`` was to be listed or not; ``beside`` is what must stand beside the list then.

    ``at`` is when the operation was begun.
    """

    delegator: str
    delegate: str
    listed: bool
    beside: Beside
    at: datetime


class Debts:
    """Debts kept in ``folder``, which is made when there is one; without a folder only as long as this object lives."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kept: dict[str, Debt] = {}

    def of(self, delegator: str, delegate: str) -> Debt | None | Failure:
        """The debt for a delegate, None when nothing is owed."""
        name = _name(delegator, delegate)
        if self._folder is None:
            return self._kept.get(name)
        file = self._folder / name
        try:
            return msgspec.json.decode(file.read_bytes(), type=Debt)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            return _problem(file, "read", error)

    def note(self, debt: Debt) -> Failure | None:
        """Write ``debt`` down, so that it is on the disk when this returns."""
        name = _name(debt.delegator, debt.delegate)
        if self._folder is None:
            self._kept[name] = debt
            return None
        file = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = file.with_name(f".{name}.{os.getpid()}")
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written:
                written.write(msgspec.json.format(msgspec.json.encode(debt), indent=2))
                written.flush()
                os.fsync(written.fileno())
            beside.replace(file)
        except OSError as error:
            return _problem(file, "written", error)
        return None

    def paid(self, debt: Debt) -> Failure | None:
        """Nothing is owed any more."""
        name = _name(debt.delegator, debt.delegate)
        if self._folder is None:
            self._kept.pop(name, None)
            return None
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            return _problem(self._folder / name, "removed", error)
        return None


def _name(delegator: str, delegate: str) -> str:
    return quote(f"{delegator}+{delegate}".lower(), safe="@+") + ".json"


def _problem(file: Path, done: str, error: Exception) -> Failure:
    return Failure(
        reason=FailureReason.DEFECT,
        says=f"The note {file} of what a delegate's rights were cannot be {done}: {error}.",
        next_step="Look into the file, give the delegate those rights by hand where they are missing, and remove it.",
    )

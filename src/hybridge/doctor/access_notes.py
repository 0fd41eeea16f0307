"""Notes of the EWS access test on disk: one small file per appointment, written before the appointment is made."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from hybridge.collectors.ews_access import Note


class FileNotes:
    """Notes in ``folder``, which is made when the first is kept. A file that cannot be read counts as no note."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, note: Note) -> None:
        """Write ``note`` whole and through to the disk. Raises OSError when it cannot be kept."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(note)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(msgspec.json.encode(note))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def drop(self, note: Note) -> None:
        """Remove the note's file."""
        self._path(note).unlink(missing_ok=True)

    def left(self, mailbox: str) -> tuple[Note, ...]:
        """Notes of ``mailbox``, in the order of their names."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            with suppress(OSError, msgspec.DecodeError, msgspec.ValidationError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Note))
        return tuple(note for note in found if note.mailbox.lower() == mailbox.lower())

    def _path(self, note: Note) -> Path:
        named = hashlib.sha256(f"{note.mailbox.lower()}\n{note.subject}".encode()).hexdigest()[:32]
        return self._folder / f"{named}.json"

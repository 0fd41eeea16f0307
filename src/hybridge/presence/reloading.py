"""Sees that the configuration changed: its file, the files of addresses, the files of secrets.

Files are looked at on an interval (a network share, a container's mounted volume and an editor that renames all change
without an event one could rely on). A file that is being written gives no complete configuration: it is refused like
any bad one, the old one stays, and the next look sees it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from hybridge.config import ConfigProblem, load
from hybridge.presence.layout import Layout, served
from hybridge.presence.log import told

Stamp = tuple[int, int, int]
"""What tells two contents of a file apart: time of change (ns), size, inode."""


class Reloading:
    """The configuration ``file``, read again when it changed. ``problem`` is why the newest one is not in force."""

    def __init__(self, file: Path, read: Callable[[Path], Layout] | None = None) -> None:
        self.file = file
        self.problem = ""
        self.next_step = ""
        self._read = read or read_layout
        self._seen: dict[Path, Stamp | None] = {}

    def first(self) -> Layout:
        """The layout to start with. Raises ``ConfigProblem``."""
        layout = self._read(self.file)
        self._remember(layout.files)
        return layout

    def changed(self) -> bool:
        """Whether any of the files changed since it was read last."""
        return any(stamp_of(path) != stamp for path, stamp in self._seen.items())

    def again(self) -> Layout | None:
        """The new layout, or None where it cannot be used: then ``problem`` says why."""
        self._remember(self._seen)
        try:
            layout = self._read(self.file)
        except ConfigProblem as error:
            self.problem, self.next_step = error.says, error.next_step
            told("configuration refused", says=error.says, next_step=error.next_step)
            return None
        self._remember(layout.files)
        self.problem = self.next_step = ""
        return layout

    def _remember(self, files: Iterable[Path]) -> None:
        self._seen = {path: stamp_of(path) for path in tuple(files)}


def read_layout(file: Path) -> Layout:
    """The layout of a configuration file. Raises ``ConfigProblem``."""
    return served(load(file))


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file; None while it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino

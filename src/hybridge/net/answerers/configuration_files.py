"""Snapshots of a tenant's configuration that an administrator downloaded (UTCM), as exports of online cmdlets.

Any JSON file of the folder itself that is not named after a cmdlet and holds resources is one. Where several show the
same cmdlet, the one whose name comes last counts: names with dates in them put the newest there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybridge.terms.premises import Premises
from hybridge.wire.graph import configuration_snapshots as snapshots
from hybridge.wire.json_body import JsonRefused

_HEAD = 64 * 1024
_MARK = b'"resourceType"'


class ConfigurationFiles:
    """What the configuration snapshots of ``folder`` show, by cmdlet in lower case; read when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shown: dict[str, tuple[Path, tuple[dict[str, Any], ...]]] | None = None

    def find(self, cmdlet: str, premises: Premises) -> tuple[Path, tuple[dict[str, Any], ...]] | None:
        """The file that shows ``cmdlet`` of one side and its objects, None where none does."""
        if premises is not Premises.ONLINE:
            return None
        if self._shown is None:
            self._shown = self._read()
        return self._shown.get(cmdlet.lower())

    def _read(self) -> dict[str, tuple[Path, tuple[dict[str, Any], ...]]]:
        shown: dict[str, tuple[Path, tuple[dict[str, Any], ...]]] = {}
        for path in sorted(self._folder.glob("*.json")):
            if not path.name.lower().startswith("get") and _is_snapshot(path):
                try:
                    resources = snapshots.read_resources(path.read_bytes())
                except (OSError, JsonRefused):
                    continue
                shown |= {name.lower(): (path, found) for name, found in snapshots.exported(resources).items()}
        return shown


def _is_snapshot(path: Path) -> bool:
    try:
        if path.stat().st_size > snapshots.LIMIT:
            return False
        with path.open("rb") as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        return False

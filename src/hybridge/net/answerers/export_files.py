"""The exports of a snapshot folder: which file answers which cmdlet, and what is in it.

A file is named after its cmdlet, with or without the hyphen and in any case: ``GetAuthConfig.xml``,
``Get-AuthConfig.json``, also behind a prefix that ends with an underscore (``HC_E16_Exchange_GetAuthConfig.xml``).
Exports of the online side lie below ``online`` or end with ``.online`` (``GetOrganizationConfig.online.xml``); Teams
and Graph cmdlets exist online only, so their files may also lie in the folder itself. Everything else there is
on-premises; other subfolders are not looked into.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hybridge.net.answerers.replay import SnapshotProblem
from hybridge.terms.premises import Premises
from hybridge.wire import clixml

_SUFFIXES = (".xml", ".clixml", ".json")
_ONLINE_ONLY = ("getcs", "getmg")
_ONLINE_FOLDER = "online"


class ExportUnreadable(ValueError):
    """A file cannot be read as an export; the message is one sentence that names it."""


@dataclass(frozen=True)
class ExportFile:
    """One file: whose cmdlet it holds (lower case, without hyphen), and the prefix before it."""

    path: Path
    stem: str
    online: bool

    def holds(self, wanted: str, premises: Premises) -> bool:
        """Whether it is an export of cmdlet ``wanted`` (as ``plain`` makes it) of one side."""
        if self.stem != wanted and not self.stem.endswith(f"_{wanted}"):
            return False
        return wanted.startswith(_ONLINE_ONLY) or self.online == (premises is Premises.ONLINE)


def plain(cmdlet: str) -> str:
    """A cmdlet's name as file names are compared with: lower case, no hyphen."""
    return cmdlet.replace("-", "").lower()


class ExportFiles:
    """The export files of one folder, looked up once; each is read when it is first needed, and then kept."""

    def __init__(self, folder: Path) -> None:
        if not folder.exists():
            raise SnapshotProblem(f"The snapshot folder '{folder}' does not exist.")
        if not folder.is_dir():
            raise SnapshotProblem(f"'{folder}' is a file; a snapshot is a folder of exports.")
        self.folder = folder
        try:
            self._files = tuple(_listed(folder))
        except OSError as error:
            raise SnapshotProblem(f"The snapshot folder '{folder}' cannot be read: {error.strerror}.") from None
        self._read: dict[Path, tuple[dict[str, Any], ...] | ExportUnreadable] = {}

    def find(self, cmdlet: str, premises: Premises) -> tuple[Path, ...]:
        """Exports of ``cmdlet``, best first: an exact name before a prefixed one, then in the order of names."""
        wanted = plain(cmdlet)
        found = [one for one in self._files if one.holds(wanted, premises)]
        return tuple(one.path for one in sorted(found, key=lambda one: (one.stem != wanted, str(one.path).lower())))

    def objects(self, path: Path) -> tuple[dict[str, Any], ...]:
        """The objects of one export. Raises ``ExportUnreadable``."""
        if path not in self._read:
            try:
                self._read[path] = read_export(path)
            except ExportUnreadable as unreadable:
                self._read[path] = unreadable
        found = self._read[path]
        if isinstance(found, ExportUnreadable):
            raise found
        return found


def _listed(folder: Path) -> Iterator[ExportFile]:
    for path in folder.iterdir():
        if path.is_dir() and path.name.lower() == _ONLINE_FOLDER:
            yield from (_file(below, online=True) for below in path.rglob("*") if _is_export(below))
        elif _is_export(path):
            yield _file(path, online=False)


def _is_export(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def _file(path: Path, *, online: bool) -> ExportFile:
    stem = path.stem.lower()
    marked = stem.endswith(f".{_ONLINE_FOLDER}")
    stem = stem.removesuffix(f".{_ONLINE_FOLDER}").removesuffix(".on-premises")
    return ExportFile(path, stem.replace("-", ""), online or marked)


def read_export(path: Path) -> tuple[dict[str, Any], ...]:
    """The objects of an Export-Clixml (.xml, .clixml) or ConvertTo-Json (.json) file. Raises ``ExportUnreadable``."""
    try:
        if path.stat().st_size > clixml.BYTES_LIMIT:
            limit = clixml.BYTES_LIMIT // 1024 // 1024
            raise ExportUnreadable(f"'{path}' is larger than {limit} MiB: select fewer properties and export again.")
        content = path.read_bytes()
    except OSError as error:
        raise ExportUnreadable(f"'{path}' cannot be read: {error.strerror}.") from None
    if not content.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise ExportUnreadable(f"'{path}' is empty.")
    try:
        return _json(content) if path.suffix.lower() == ".json" else clixml.read(content)
    except clixml.ClixmlRefused as refused:
        raise ExportUnreadable(f"'{path}' is not an export hybridge can read. {refused}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ExportUnreadable(
            f"'{path}' is not an export hybridge can read. It is not whole and valid JSON."
        ) from None


def json_text(content: bytes) -> bytes:
    """JSON as UTF-8 without a mark, whatever PowerShell wrote it in."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        content = content.decode("utf-16").encode()
    elif content[1:2] == b"\x00":
        content = content.decode("utf-16-le").encode()
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        content.decode()
    except UnicodeDecodeError:
        # Windows PowerShell's Set-Content writes the machine's code page: letters beyond ASCII are lost, facts are not.
        content = content.decode("utf-8", "replace").encode()
    return content


def _json(content: bytes) -> tuple[dict[str, Any], ...]:
    return as_objects(msgspec.json.decode(json_text(content)))


def as_objects(found: Any) -> tuple[dict[str, Any], ...]:
    """The objects of what ConvertTo-Json wrote: one, a list, or a list in ``value``."""
    if isinstance(found, dict) and isinstance(found.get("value"), list):
        found = found["value"]
    listed = found if isinstance(found, list) else [found]
    return tuple(
        one if isinstance(one, dict) else {"ToString": clixml.text(one), "Value": one}
        for one in listed
        if one is not None
    )

"""Reads rules: those that came with hybridge, and a folder of the user's, of which the newer files win.

A file is JSON, named after what it holds (``endpoints.json``). It is checked before it is used: unknown names, wrong
types, days in a wrong form, builds and ranges that are none are refused with a sentence that names the place.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from hybridge.rules.builds import Builds, version_of
from hybridge.rules.endpoints import Endpoints
from hybridge.rules.model import KINDS, NAMES, Callers, Rules

BYTES_LIMIT = 8 * 1024 * 1024


class RulesProblem(ValueError):
    """A rules file cannot be used: one sentence that names it, and the next step."""

    def __init__(self, says: str, next_step: str = "correct the file, or remove it to use the built-in rules") -> None:
        super().__init__(says)
        self.says = says
        self.next_step = next_step


@cache
def built_in() -> Rules:
    """The rules that came with hybridge."""
    folder = files("hybridge.rules") / "files"
    return Rules(**{name: _decoded(name, (folder / f"{name}.json").read_bytes(), f"{name}.json") for name in NAMES})


def load(folder: Path) -> Rules:
    """The built-in rules, with every file of ``folder`` that is newer. A folder that is not there holds none.

    Raises ``RulesProblem``.
    """
    rules = built_in()
    newer: dict[str, Any] = {}
    for name in NAMES:
        path = folder / f"{name}.json"
        if path.is_file():
            found = read_file(path)[1]
            if found.as_of >= getattr(rules, name).as_of:
                newer[name] = found
    return msgspec.structs.replace(rules, **newer, own=tuple(newer)) if newer else rules


def read_file(path: Path) -> tuple[str, Any]:
    """Name and content of one rules file, told by its name: ``builds.json``, also with something before a hyphen."""
    name = path.stem.lower().rpartition("-")[2]
    if name not in NAMES:
        known = ", ".join(f"{known}.json" for known in NAMES)
        raise RulesProblem(f"'{path}' is not named after rules.", f"name it after what it holds: {known}")
    try:
        if path.stat().st_size > BYTES_LIMIT:
            raise RulesProblem(f"'{path}' is larger than {BYTES_LIMIT // 1024 // 1024} MiB.")
        content = path.read_bytes()
    except OSError as error:
        raise RulesProblem(f"'{path}' cannot be read: {error.strerror}.") from error
    return name, _decoded(name, content, str(path))


def write_file(folder: Path, name: str, content: Any) -> Path:
    """Write rules ``name`` into ``folder``, all of it or nothing. Raises ``RulesProblem``."""
    path = folder / f"{name}.json"
    part = folder / f".{name}.json.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise RulesProblem(
            f"'{path}' cannot be written: {error.strerror}.", "name a folder you may write to: rules.folder"
        ) from error
    return path


def _decoded(name: str, content: bytes, where: str) -> Any:
    try:
        found: Any = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=KINDS[name])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RulesProblem(f"'{where}' does not hold {name}: {error}.") from error
    if says := _wrong(found):
        raise RulesProblem(f"'{where}': {says}")
    return found


def _wrong(found: Any) -> str:
    """What no type says: one sentence, "" when all is well."""
    if isinstance(found, Builds):
        return _wrong_builds(found)
    if isinstance(found, Callers):
        return "" if found.callers else "it names no caller."
    if isinstance(found, Endpoints):
        return _wrong_endpoints(found)
    return ""


def _wrong_builds(found: Builds) -> str:
    for line in found.lines:
        if not line.builds:
            return f"{line.name} has no builds."
        marks = (*line.hybrid_application_from, *line.extended_protection_from)
        for mark in (*(one.version for one in line.builds), line.floor, *marks):
            if mark and version_of(mark) is None:
                return f"'{mark}' of {line.name} is not a version such as 15.2.2562.17."
    return "" if found.lines else "it names no product line."


def _wrong_endpoints(found: Endpoints) -> str:
    for name, instance in found.instances.items():
        for one in instance.sets:
            try:
                _ = one.networks
            except ValueError as error:
                return f"set {one.id} of {name}: {error}."
    return "" if found.instances else "it names no instance."

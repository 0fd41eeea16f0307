"""Builds of Exchange Server: product lines, their updates and the end of their support.

A version is four numbers. ``AdminDisplayVersion`` shows a cumulative update and does not move with security updates;
the file version of ExSetup.exe and the X-OWA-Version header do.
"""

from __future__ import annotations

import re
from datetime import date

import msgspec

Version = tuple[int, int, int, int]

_PRINTED = re.compile(r"\s*Version (\d+)\.(\d+) \(Build (\d+)\.(\d+)\)\s*")
_DOTTED = re.compile(r"\s*(\d+)\.(\d+)\.(\d+)\.(\d+)\s*")


def version_of(printed: str) -> Version | None:
    """The four numbers of "Version 15.2 (Build 1544.4)", "15.2.1544.4" or "15.02.1544.004"; None for anything else."""
    found = _PRINTED.fullmatch(printed) or _DOTTED.fullmatch(printed)
    if found is None:
        return None
    major, minor, build, revision = (int(number) for number in found.groups())
    return major, minor, build, revision


class Build(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One update. ``version`` is dotted; ``name`` what Microsoft calls it; ``released`` its day where it is known."""

    version: str
    name: str
    kind: str
    """release (RTM or a cumulative update) | su (security update) | hu (hotfix update)."""
    released: date | None = None

    @property
    def numbers(self) -> Version:
        return version_of(self.version) or (0, 0, 0, 0)


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product line, oldest build first. ``floor`` is the first build with what Teams needs, "" where all have it."""

    name: str
    support_ends: date
    builds: tuple[Build, ...]
    floor: str = ""
    hybrid_application_from: tuple[str, ...] = ()
    """The first builds, one for each cumulative update, that know the dedicated hybrid application."""
    extended_protection_from: tuple[str, ...] = ()
    """The same for Extended Protection."""

    @property
    def newest(self) -> Build:
        return max(self.builds, key=lambda build: build.numbers)

    def newest_on(self, version: Version) -> Build | None:
        """The newest update of the cumulative update ``version`` belongs to; None where none is known."""
        mine = [one for one in self.builds if one.numbers[:3] == version[:3]]
        return max(mine, key=lambda build: build.numbers, default=None)


class Builds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every product line hybridge knows."""

    as_of: date
    source: str
    lines: tuple[Line, ...]

    def line_of(self, version: Version) -> Line | None:
        """The line of ``version``: Exchange 2019 and Subscription Edition share 15.2 and are told apart by build."""
        family = [line for line in self.lines if line.builds and line.newest.numbers[:2] == version[:2]]
        started = [line for line in family if min(one.numbers for one in line.builds)[2] <= version[2]]
        return max(started or family, key=lambda line: line.newest.numbers, default=None) if family else None

    def build_of(self, version: Version) -> Build | None:
        """The newest known build that is not newer than ``version``."""
        line = self.line_of(version)
        known = [one for one in line.builds if one.numbers <= version] if line else []
        return max(known, key=lambda build: build.numbers, default=None)

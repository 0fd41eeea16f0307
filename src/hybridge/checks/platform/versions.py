"""Which build a server really has, as far as anything shows it, and what the rules say of it.

``AdminDisplayVersion`` names the cumulative update. The security update is shown by the file version of ExSetup.exe
(an export) and by Outlook on the web (asked over the network); either counts only where it is of the same cumulative
update.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.org.probes import OwaVersionProbe
from hybridge.org.records import ExchangeServer, ServerSettings
from hybridge.org.records.network import THE_SERVER
from hybridge.rules import Version, version_of
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
HOW = "on the server: (Get-Command ExSetup.exe).FileVersionInfo.FileVersion"


@dataclass(frozen=True)
class Installed:
    """A server and its build. ``exact`` tells whether the security update is known."""

    server: ExchangeServer
    version: Version
    exact: bool
    origins: tuple[Origin, ...]

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.version))


def servers(evidence: Evidence) -> tuple[Installed, ...] | Unseen:
    """Every server but Edge servers whose version is understood."""
    reading = evidence.all(ExchangeServer, ON)
    if isinstance(reading, Unseen):
        return reading
    found = (installed(evidence, one, reading.origin) for one in reading.records if not is_edge(one))
    return tuple(one for one in found if one is not None)


def is_edge(server: ExchangeServer) -> bool:
    """Whether it is an Edge server, which no mailbox and no service of Teams reaches."""
    return "edge" in server.server_role.lower()


def installed(evidence: Evidence, server: ExchangeServer, origin: Origin) -> Installed | None:
    """The build of ``server``; None where AdminDisplayVersion is not understood."""
    printed = version_of(server.admin_display_version)
    if printed is None:
        return None
    for version, seen_in in _shown(evidence, server):
        if version[:3] == printed[:3]:
            return Installed(server, version, exact=True, origins=(origin, seen_in))
    return Installed(server, printed, exact=False, origins=(origin,))


def _shown(evidence: Evidence, server: ExchangeServer) -> Iterator[tuple[Version, Origin]]:
    name = server.identity.lower()
    settings = evidence.all(ServerSettings, ON)
    for one in settings.records if isinstance(settings, Seen) else ():
        version = version_of(one.setup_version)
        mine = one.identity.lower() == name or (one.identity == THE_SERVER and _only(evidence))
        if version and isinstance(settings, Seen) and mine:
            yield version, settings.origin
    probes = evidence.all(OwaVersionProbe, ON)
    for probe in probes.records if isinstance(probes, Seen) else ():
        version = version_of(probe.version)
        if version and isinstance(probes, Seen) and probe.server.lower() == name:
            yield version, probes.origin


def _only(evidence: Evidence) -> bool:
    """Whether there is only one server, so that settings without a name are its."""
    reading = evidence.all(ExchangeServer, ON)
    return isinstance(reading, Seen) and sum(not is_edge(one) for one in reading.records) == 1


def reaches(marks: Iterable[str], version: Version) -> bool:
    """Whether ``version`` has what came with ``marks``, the first build of each cumulative update that has it."""
    builds = [mark for text in marks if (mark := version_of(text))]
    mine = next((mark for mark in builds if mark[:3] == version[:3]), None)
    if mine is not None:
        return version >= mine
    return bool(builds) and version > max(builds)

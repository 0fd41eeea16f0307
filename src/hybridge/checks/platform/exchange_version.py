"""Teams needs Autodiscover V2 for delegation, and the REST API for calendar and presence: old servers lack them.

## How it is decided

`AdminDisplayVersion` of every server but Edge servers is compared with two floors:

| from | build | has |
| --- | --- | --- |
| Exchange 2013 CU19 | 15.0.1365.1 | Autodiscover V2: delegation works |
| Exchange 2016 CU3 | 15.1.544.27 | the REST API: the calendar app and presence work |

Every Exchange 2013 is below the second floor. One old server behind a shared name is enough to fail every now and
then. `AdminDisplayVersion` does not move with security updates; that does not matter for these floors. Where the
servers cannot be read, the build that Outlook on the web shows to strangers is judged.

## How to cure it by hand

```powershell
Get-ExchangeServer | Format-Table Name, AdminDisplayVersion, ServerRole
```

Install the newest cumulative update on each server named, or move its mailboxes and services to a server that has it.
Exchange 2013, 2016 and 2019 are out of support; the target is Exchange Server Subscription Edition.

## How hybridge cures it

It does not: it prints what to update.

## How to undo

A cumulative update cannot be taken back. Update one server first and look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import OwaVersionProbe
from hybridge.org.records import ExchangeServer
from hybridge.rules import Version, built_in, version_of
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_FLOOR = {line.name: floor for line in built_in().builds.lines if (floor := version_of(line.floor))}
FLOORS: tuple[tuple[str, Version, str, str], ...] = (
    (
        "below-delegation-floor",
        _FLOOR["Exchange Server 2013"],
        "Exchange 2013 CU19",
        "Teams can neither find its mailboxes nor use them",
    ),
    (
        "below-calendar-floor",
        _FLOOR["Exchange Server 2016"],
        "Exchange 2016 CU3",
        "the calendar app and presence do not work with it",
    ),
)
"""Cause, first version that is enough, its name, and what is lost below it."""


def _old(printed: str) -> Callable[[Organization], Organization]:
    return lambda organization: organization.edit(ExchangeServer, admin_display_version=printed)


_CURE = steps(
    "Update <server> (<version>) to <floor> or later.",
    "Put <server> into maintenance mode.",
    "Install the newest cumulative update on <server>, or move its mailboxes and services to a newer server.",
    "Take <server> out of maintenance mode.",
    verify='Get-ExchangeServer -Identity "<server>" | Format-List AdminDisplayVersion shows <floor> or later.',
)


class ExchangeVersion(Check):
    """Compares every server's version with what Teams needs."""

    title = "Is every Exchange server new enough for Teams?"
    why = "Below the floors Teams cannot find mailboxes, or has no way to their calendars."
    scope = Scope.ORGANIZATION
    needs = ((ExchangeServer, ON),)
    sources = (sources.RESOLVE, sources.HYBRID_REST, sources.HEALTH_CHECKER)
    covers = ("VER-01", "CAL-06", "DEL-05")
    causes = (
        Cause(
            slug="below-delegation-floor",
            says="A server is older than Exchange 2013 CU19 and has no Autodiscover V2 that Teams can use.",
            breaks=_old("Version 15.0 (Build 1347.2)"),
            heals=_CURE,
            symptoms=tuple(Symptom),
            healable=False,
        ),
        Cause(
            slug="below-calendar-floor",
            says="A server is older than Exchange 2016 CU3 and has no REST API.",
            breaks=_old("Version 15.0 (Build 1497.2)"),
            heals=_CURE,
            symptoms=(Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server below a floor."""
        reading = evidence.all(ExchangeServer, ON)
        if isinstance(reading, Unseen):
            yield reading
            yield from self._from_outside(evidence, subject)
            return
        servers = [one for one in reading.records if "edge" not in one.server_role.lower()]
        if not servers:
            yield NotApplicable("There is no Exchange server on-premises.")
        for server in servers:
            yield from self._judge(server, subject, reading.origin)

    def _from_outside(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """What Outlook on the web shows to strangers, where the servers cannot be asked for."""
        probes = evidence.all(OwaVersionProbe, ON)
        for probe in probes.records if isinstance(probes, Seen) else ():
            version = version_of(probe.version)
            below = [one for one in FLOORS if version is not None and version < one[1]]
            for slug, _, name, lost in below[:1]:
                yield self.finding(
                    slug,
                    subject,
                    f"{probe.identity} shows build {probe.version}, older than {name}: {lost}.",
                    facts={"server": probe.identity, "version": probe.version, "floor": name},
                    origins=(probes.origin,) if isinstance(probes, Seen) else (),
                )

    def _judge(self, server: ExchangeServer, subject: Subject, origin: Origin) -> Iterator[Saying]:
        version = version_of(server.admin_display_version)
        if version is None:
            yield Unseen(
                what="AdminDisplayVersion",
                reason="malformed",
                says=f"The version of {server.identity} is not understood: '{server.admin_display_version}'.",
                how=f'Get-ExchangeServer -Identity "{server.identity}" | Format-List AdminDisplayVersion',
            )
            return
        for slug, floor, name, lost in FLOORS:
            if version < floor:
                yield self.finding(
                    slug,
                    subject,
                    f"{server.identity} has {server.admin_display_version}, older than {name}: {lost}.",
                    address=server.address,
                    facts={"server": server.identity, "version": server.admin_display_version, "floor": name},
                    origins=(origin,),
                )
                return

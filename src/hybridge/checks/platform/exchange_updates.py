"""Servers that are out of support, behind with updates, or of different generations fail in ways nobody can explain.

## How it is decided

The build of every server but Edge servers is compared with the dated list of builds (`hybridge rules show` tells its
age; `hybridge rules refresh --from FILE` reads a newer one):

* a server of an older generation (2013, 2016; 2019 and Subscription Edition are one) than another one of the
  organization: behind a shared name what works depends on which server answers;
* the product's support has ended;
* the newest update of its cumulative update is not installed.

The last needs the build of ExSetup.exe, from an export, or the one Outlook on the web shows; `AdminDisplayVersion` does
not move with security updates. Without either it is said that it is not known. Of one server only the first of these is
said; servers too old for Teams or for the dedicated hybrid application are judged by `platform/exchange-version` and
`oauth/hybrid-application-build`.

## How to cure it by hand

```powershell
Get-ExchangeServer | Format-Table Name, AdminDisplayVersion, ServerRole
(Get-Command ExSetup.exe).FileVersionInfo.FileVersion
```

Install the newest security update on each server named. Where support has ended, move to Exchange Server Subscription
Edition. Servers of an older generation leave the shared name first.

## How hybridge cures it

It does not: it prints what to install.

## How to undo

A security update can be removed in Windows; a cumulative update cannot. Update one server first and look.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.oauth import hybrid
from hybridge.checks.platform import versions
from hybridge.checks.platform.versions import Installed
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer, ServerSettings
from hybridge.rules import Line, Version, version_of
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _last(organization: Organization) -> str:
    return organization.all(ExchangeServer, ON)[-1].identity


def _older_generation(organization: Organization) -> Organization:
    """The last server is left on Exchange 2016 with its last update."""
    last = _last(organization)
    organization = organization.edit(
        ExchangeServer, lambda one: one.identity == last, admin_display_version="Version 15.1 (Build 2507.6)"
    )
    return organization.edit(ServerSettings, lambda one: one.identity == last, setup_version="15.1.2507.66")


def _exchange_2019(organization: Organization) -> Organization:
    organization = organization.edit(ExchangeServer, admin_display_version="Version 15.2 (Build 1748.10)")
    return organization.edit(ServerSettings, setup_version="15.2.1748.43")


def _not_updated(organization: Organization) -> Organization:
    last = _last(organization)
    return organization.edit(ServerSettings, lambda one: one.identity == last, setup_version="15.2.2562.20")


class ExchangeUpdates(Check):
    """Compares every server's build with the list of builds, and the servers with each other."""

    title = "Are all Exchange servers supported, up to date and of one generation?"
    why = "Old builds lack what hybrid needs and are open to attack; mixed generations make failures come and go."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((ExchangeServer, ON), (ServerSettings, ON))
    sources = (sources.BUILDS, sources.LIFECYCLE, sources.HYBRID_REST, sources.HEALTH_CHECKER)
    covers = ("VER-02", "VER-03", "VER-05", "PRES-06", "PROBE-05")
    causes = (
        Cause(
            slug="mixed-generations",
            says="Servers of different generations stand behind the same names.",
            breaks=_older_generation,
            heals=steps(
                "Take <server> (<line>) out of the shared names, and replace it.",
                "Remove <server> from the load balancer of the names that services of Microsoft 365 reach.",
                "Move its mailboxes to a server of the newest generation, and uninstall Exchange from it.",
                verify="Get-ExchangeServer | Format-Table Name, AdminDisplayVersion shows one generation.",
            ),
            healable=False,
            covers=("VER-05", "PRES-06"),
        ),
        Cause(
            slug="out-of-support",
            says="A server's product gets no updates any more.",
            breaks=_exchange_2019,
            heals=steps(
                "Move <server> from <line>, whose support ended on <ended>, to Exchange Server Subscription Edition.",
                "From Exchange Server 2019 CU14 or later: upgrade in place with the setup of Subscription Edition.",
                "From older products: add a new server, move the mailboxes, uninstall the old one.",
                verify='Get-ExchangeServer -Identity "<server>" | Format-List AdminDisplayVersion shows build 2562 '
                "or later.",
            ),
            healable=False,
            covers=("VER-02",),
        ),
        Cause(
            slug="update-missing",
            says="A server lacks the newest security update.",
            breaks=_not_updated,
            heals=steps(
                "Install <newest> on <server>, which has <version>.",
                "Put <server> into maintenance mode, and install the newest security update for its cumulative update.",
                "Restart <server>, and take it out of maintenance mode.",
                verify="(Get-Command ExSetup.exe).FileVersionInfo.FileVersion on <server> shows <newest_build>.",
            ),
            healable=False,
            covers=("VER-03",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding per server."""
        found = versions.servers(evidence)
        if isinstance(found, Unseen):
            yield found
            return
        if not found:
            yield NotApplicable("There is no Exchange server on-premises.")
            return
        newest = max(one.version[:2] for one in found)
        for one in found:
            line = evidence.rules.builds.line_of(one.version)
            if not told_elsewhere(evidence, one, line):
                yield from self._judge(evidence, one, line, newest, subject)

    def _judge(
        self, evidence: Evidence, one: Installed, line: Line | None, newest: tuple[int, int], subject: Subject
    ) -> Iterator[Saying]:
        name = one.server.identity
        if line is None:
            yield Unseen(
                what="builds of Exchange",
                reason="malformed",
                says=f"{name} has {one.dotted}, of which the rules of {evidence.rules.builds.as_of} know nothing.",
                how="hybridge rules refresh --from FILE",
            )
            return
        facts = {"server": name, "version": one.dotted, "line": line.name, "ended": f"{line.support_ends}"}
        if one.version[:2] < newest:
            says = f"{name} is {line.name}, and other servers are of a newer generation."
            yield self.finding(
                "mixed-generations", subject, says, address=one.server.address, facts=facts, origins=one.origins
            )
        elif line.support_ends < evidence.now.date():
            says = f"{name} is {line.name}, whose support ended on {line.support_ends}."
            yield self.finding(
                "out-of-support", subject, says, address=one.server.address, facts=facts, origins=one.origins
            )
        else:
            yield from self._updates(evidence, one, line, facts, subject)

    def _updates(
        self, evidence: Evidence, one: Installed, line: Line, facts: dict[str, str], subject: Subject
    ) -> Iterator[Saying]:
        name, newest = one.server.identity, line.newest_on(one.version) or line.newest
        if not one.exact:
            yield Unseen(
                what="security update",
                reason="not-exported",
                says=f"Which security update {name} has is not known: AdminDisplayVersion "
                f"({one.server.admin_display_version}) does not show it, and Outlook on the web does not either.",
                how=versions.HOW,
            )
        elif one.version < newest.numbers:
            says = (
                f"{name} has {one.dotted}; the newest update known on {evidence.rules.builds.as_of} is "
                f"{newest.version} ({newest.name})."
            )
            facts = {**facts, "newest": newest.name, "newest_build": newest.version}
            yield self.finding(
                "update-missing", subject, says, address=one.server.address, facts=facts, origins=one.origins
            )


def told_elsewhere(evidence: Evidence, one: Installed, line: Line | None) -> bool:
    """Whether another check says already that this server is too old: for Teams, or for the hybrid application."""
    if any(floor and one.version < floor for floor in _floors(evidence)):
        return True
    if line is None or isinstance(hybrid.trust_of(evidence), (tuple, NotApplicable)):
        return False
    marks = line.hybrid_application_from
    known = one.exact or not any(mark.startswith(".".join(map(str, one.version[:3])) + ".") for mark in marks)
    return known and not versions.reaches(marks, one.version)


def _floors(evidence: Evidence) -> tuple[Version | None, ...]:
    return tuple(version_of(line.floor) for line in evidence.rules.builds.lines if line.floor)

r"""Only servers with the hotfix update of April 2025, or newer ones, know the dedicated hybrid application.

## How it is decided

Where OAuth with Exchange Online is configured, `AdminDisplayVersion` of every server but Edge servers is compared with
the first builds that know the application:

| Exchange | build |
| --- | --- |
| Subscription Edition | 15.2.2562.17 |
| 2019 CU15 with the hotfix update of April 2025 | 15.2.1748.24 |
| 2019 CU14 with the hotfix update of April 2025 | 15.2.1544.25 |
| 2016 CU23 with the hotfix update of April 2025 | 15.1.2507.55 |

`AdminDisplayVersion` shows the cumulative update only. On the three older ones it does not tell whether the hotfix
update is installed: the build of ExSetup.exe (an export) and the one Outlook on the web shows do. Without them, where
the AuthServer already names an application, some server must have it, for the parameter came
with it; that passes. Otherwise it is said that it is not known. Servers below the floors of `platform/exchange-version`
are judged there.

A server below goes on asking as the shared application, which is blocked: what it serves fails, and behind a shared
name that shows as free/busy that comes and goes.

## How to cure it by hand

On each server, for the build that is really installed:

```powershell
(Get-Command ExSetup.exe).FileVersionInfo.ProductVersion
```

Install the newest cumulative update, or better Exchange Server Subscription Edition: 2016 and 2019 are out of support,
and free/busy by EWS ends for them on 1 April 2027.

## How hybridge cures it

It does not: it prints what to update.

## How to undo

A cumulative update cannot be taken back. Update one server first and look.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.oauth import hybrid
from hybridge.checks.platform import versions
from hybridge.checks.platform.exchange_version import FLOORS
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer
from hybridge.rules import Version, built_in, version_of
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
MINIMUM: dict[tuple[int, int, int], int] = {
    mark[:3]: mark[3]
    for line in built_in().builds.lines
    for text in line.hybrid_application_from
    if (mark := version_of(text))
}
"""Build of a cumulative update -> revision from which it knows the application."""
_NEWEST = max(MINIMUM)
_OLDEST_JUDGED = max(floor for _, floor, _, _ in FLOORS)


def knows_the_application(version: Version, *, exact: bool = False) -> bool | None:
    """Whether a server of ``version`` knows the dedicated application; None where its revision cannot tell, because it
    is not ``exact``: that of the cumulative update, not of the update on top."""
    build, revision = version[:3], version[3]
    if build not in MINIMUM:
        return build > _NEWEST
    if revision >= MINIMUM[build] or build == _NEWEST:
        return True
    return False if exact else None


def _old(organization: Organization) -> Organization:
    """The last server is left on Exchange 2019 CU13."""
    last = organization.all(ExchangeServer, ON)[-1].identity
    return organization.edit(
        ExchangeServer, lambda one: one.identity == last, admin_display_version="Version 15.2 (Build 1258.12)"
    )


class HybridApplicationBuild(Check):
    """Compares every server's version with the first builds that know the application."""

    title = "Is every Exchange server new enough for an application of its own in the tenant?"
    why = (
        "A server that is not asks as the shared application and is refused: no free/busy of the cloud by that server."
    )
    scope = Scope.ORGANIZATION
    needs = (*hybrid.NEEDS, (ExchangeServer, ON))
    covers = ("VER-04", "OAUTH-11")
    sources = (sources.DEDICATED_APPLICATION, sources.CONFIGURE_APPLICATION, sources.HEALTH_CHECKER)
    causes = (
        Cause(
            slug="below-minimum",
            says="A server is too old to use the dedicated hybrid application.",
            breaks=_old,
            heals=steps(
                "Update <server>: <version> does not know the dedicated hybrid application.",
                "Put <server> into maintenance mode.",
                "Install the newest cumulative update on <server>, or move to Exchange Server Subscription Edition.",
                "Take <server> out of maintenance mode.",
                verify='Get-ExchangeServer -Identity "<server>" | Format-List AdminDisplayVersion shows build 2562 '
                "or later; on older editions ExSetup.exe has the hotfix update of April 2025.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per server below its minimum."""
        trust = hybrid.trust_of(evidence)
        reading = evidence.all(ExchangeServer, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if isinstance(trust, tuple):
            yield from trust
            return
        if isinstance(trust, NotApplicable):
            yield trust
            return
        for server in reading.records:
            if "edge" not in server.server_role.lower():
                found = versions.installed(evidence, server, reading.origin)
                yield from self._judge(found, subject, bool(trust.identifiers)) if found else ()

    def _judge(self, found: versions.Installed, subject: Subject, linked: bool) -> Iterator[Saying]:
        server = found.server
        if found.version < _OLDEST_JUDGED:
            return
        knows = knows_the_application(found.version, exact=found.exact)
        if knows is None and not linked:
            yield Unseen(
                what="hotfix update",
                reason="not-exported",
                says=f"Whether {server.identity} ({server.admin_display_version}) has the hotfix update of April 2025 "
                "is not known: AdminDisplayVersion does not show it.",
                how=f"on {server.identity}: (Get-Command ExSetup.exe).FileVersionInfo.ProductVersion",
            )
        if knows is False:
            yield self.finding(
                "below-minimum",
                subject,
                f"{server.identity} has {found.dotted}, which does not know the dedicated hybrid application.",
                address=server.address,
                facts={"server": server.identity, "version": found.dotted},
                origins=found.origins,
            )

r"""Behind the public EWS address must be a server of today, and its answers must arrive as they were sent.

## How it is decided

A question about availability is sent to the public EWS address, and the answer itself is looked at. It names the build
of the server that gave it: an older one than any server of the organization means that the address leads to a server
nobody thought of. A fault `ErrorInvalidServerVersion` means the same, more so: the server does not know the version of
the schema it was asked in. And the answer must be whole XML: what is cut, or is a page of something else, was spoilt on
the way, by a content filter or by a balancer with a limit.

## How to cure it by hand

```powershell
Get-ExchangeServer | Format-Table Name, AdminDisplayVersion
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-Table Server, ExternalUrl
```

Look at the publishing rule of the address, at the servers behind it, and at what the device does with the content of
answers.

## How hybridge cures it

It does not: publishing rules and devices are not Exchange's. It prints the steps.

## How to undo

Nothing is changed by hybridge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.edge import EDGE
from hybridge.checks.sharing.ways import host_of
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import EwsEndpointProbe
from hybridge.org.records import ExchangeServer, PublishedPath
from hybridge.rules import version_of
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_READ_BY_EWS = (Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK)


def _path(**changes: Any) -> Break:
    def breaks(organization: Organization) -> Organization:
        return organization.edit(PublishedPath, lambda one: one.path == "/ews", **changes)

    return breaks


_RULE = steps(
    "Let <host> lead to the servers of today.",
    "Get-ExchangeServer | Format-Table Name, AdminDisplayVersion",
    "Look on the device that publishes <host> which server /ews/* goes to, and take the old one out.",
    verify="hybridge doctor no longer finds ews/endpoint-answer.",
)
_DEVICE = steps(
    "Let answers of EWS pass <host> unchanged.",
    "On the device that publishes <host>, switch content filters, compression and limits of size off for /ews/*.",
    "Compare with an answer got from inside, at the server's own name.",
    verify="hybridge doctor no longer finds ews/endpoint-answer.",
)


class EndpointAnswer(Check):
    """Judges the answer of the public EWS address for itself."""

    title = "Does the public EWS address lead to a server of today, and do its answers arrive whole?"
    why = "An old server lacks what Teams asks for, and of a spoilt answer nobody can read a calendar."
    scope = Scope.ORGANIZATION
    needs = ((EwsEndpointProbe, ON), (ExchangeServer, ON))
    symptom = True
    explained_by = (*EDGE, "network/sign-in-methods", "oauth/bearer-challenge", "autodiscover/v2-route")
    sources = (sources.CONNECTIVITY_ANALYZER,)
    causes = (
        Cause(
            slug="legacy-server",
            says="The public EWS address leads to an older server than those of the organization.",
            breaks=_path(legacy_version="Version 15.0 (Build 1497.2)"),
            heals=_RULE,
            symptoms=(Symptom.CALENDAR_MISSING,),
            healable=False,
            covers=("MRCA-30",),
        ),
        Cause(
            slug="version-refused",
            says="The server behind the public EWS address does not know the version it is asked in.",
            breaks=_path(legacy_version="Version 14.3 (Build 123.4)"),
            heals=_RULE,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE, *_READ_BY_EWS),
            healable=False,
            covers=("MRCA-31",),
        ),
        Cause(
            slug="answer-cut",
            says="Answers about availability arrive cut.",
            breaks=_path(broken_body="cut"),
            heals=_DEVICE,
            symptoms=_READ_BY_EWS,
            healable=False,
            may_be_effect=True,
            covers=("MRCA-37",),
        ),
        Cause(
            slug="answer-foreign",
            says="In place of answers about availability something else arrives.",
            breaks=_path(broken_body="foreign"),
            heals=_DEVICE,
            symptoms=_READ_BY_EWS,
            healable=False,
            may_be_effect=True,
            covers=("MRCA-37",),
        ),
        Cause(
            slug="answer-empty",
            says="Answers about availability arrive empty.",
            breaks=None,
            heals=_DEVICE,
            symptoms=_READ_BY_EWS,
            healable=False,
            covers=("MRCA-37",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """What other answers than 200 and 500 mean, other checks say."""
        reading = evidence.all(EwsEndpointProbe, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if reading.first is None:
            yield NotApplicable("Nobody is examined whom the public EWS address could be asked about.")
            return
        servers = evidence.all(ExchangeServer, ON)
        if isinstance(servers, Unseen):
            yield servers
        one = reading.first
        slug, says = _judge(one, _oldest(evidence))
        if slug:
            facts = {"host": host_of(one.identity)}
            yield self.finding(slug, subject, says, facts=facts, origins=(reading.origin,))


def _judge(one: EwsEndpointProbe, oldest: tuple[int, ...]) -> tuple[str, str]:
    """Cause and sentence for one answer; ("", "") for a good one."""
    host = host_of(one.identity)
    if one.status not in (200, 500):
        return "", ""
    build = ".".join(str(number) for number in one.server_version)
    if one.fault_code == "ErrorInvalidServerVersion":
        return "version-refused", f"{host} ({build or 'of unknown version'}) does not know the version it is asked in."
    if one.body != "xml" and one.status == 200:
        shown = f": '{one.beginning}'" if one.beginning else ""
        return (
            f"answer-{one.body}",
            f"{host} answered a question about availability with a body that is {one.body}{shown}.",
        )
    if one.server_version and oldest and one.server_version[:2] < oldest[:2]:
        wanted = ".".join(str(number) for number in oldest)
        return (
            "legacy-server",
            f"{host} leads to a server of build {build}; the oldest of the organization has {wanted}.",
        )
    return "", ""


def _oldest(evidence: Evidence) -> tuple[int, ...]:
    """The oldest build among the servers, () where none is known."""
    servers = evidence.all(ExchangeServer, ON)
    builds = [version_of(one.admin_display_version) for one in servers.records] if isinstance(servers, Seen) else []
    return min((tuple(build) for build in builds if build), default=())

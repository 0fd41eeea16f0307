r"""Each protocol of Exchange has a page that says whether it is healthy; balancers send requests by it.

## How it is decided

`/autodiscover/healthcheck.htm`, `/ews/healthcheck.htm` and `/api/healthcheck.htm` are asked at the public names without
credentials. 200 is healthy, 503 is not: a component of the server is inactive, or its health monitoring took it out.
Any other answer says nothing, because these pages are often not published.

## How to cure it by hand

```powershell
Get-ServerComponentState -Identity EX1 | Format-Table Component, State
Set-ServerComponentState -Identity EX1 -Component EwsProxy -Requester HealthAPI -State Active
```

A component set inactive by the requester Maintenance belongs to somebody's work: ask first. Every requester that set it
inactive must set it active again.

## How hybridge cures it

It does not: it cannot know why a component was taken out. It prints the steps.

## How to undo

Set the component inactive with the same cmdlet and requester.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.edge import EDGE
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import HealthPageProbe
from hybridge.org.records import PublishedPath
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _unhealthy(organization: Organization) -> Organization:
    return organization.edit(PublishedPath, lambda one: one.path == "/ews", healthy=False)


class HealthPages(Check):
    """Judges what the protocols say of themselves."""

    title = "Do Autodiscover, EWS and the REST API call themselves healthy?"
    why = "A balancer takes a server out whose page says 503; with the last one the service is gone."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((HealthPageProbe, ON),)
    symptom = True
    explained_by = EDGE
    sources = (sources.SERVER_COMPONENT_STATE,)
    covers = ("PROBE-04",)
    causes = (
        Cause(
            slug="unhealthy",
            says="A protocol of Exchange calls itself unhealthy.",
            breaks=_unhealthy,
            heals=steps(
                "Find out why the protocol behind <url> is not healthy.",
                "Get-ServerComponentState -Identity <server> | Format-Table Component, State",
                "Get-HealthReport -Identity <server> | Where-Object AlertValue -ne Healthy",
                "Set-ServerComponentState -Identity <server> -Component <component> -Requester <who> -State Active",
                verify="<url> answers 200.",
            ),
            healable=False,
            may_be_effect=True,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Every page that was answered."""
        reading = evidence.all(HealthPageProbe, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for one in reading.records:
            if one.status == 503:
                says = f"{one.identity} answered HTTP 503: the protocol calls itself unhealthy."
                yield self.finding("unhealthy", subject, says, facts={"url": one.identity}, origins=(reading.origin,))

"""Teams reads presence from the calendar by the REST API of Exchange, and by nothing else.

## How it is decided

`https://<host>/api` is asked without credentials, at the host Autodiscover names. Exchange answers 401, with headers
only it sets: then the API is published. A page, or a redirect to one, means that a device in front wants a sign-in
first; 403, 404 or another error means that the path is not published. A 401 without Exchange's headers proves nothing:
some devices take the headers out, others ask for a sign-in themselves. Teams has no fallback from this API to EWS.

An Exchange server older than 2016 CU3 has no such API; then `platform/exchange-version` is the cause.

## How to cure it by hand

On the reverse proxy or firewall publish `/api/*` of that host to Exchange, as `/ews/*` is, without pre-authentication.
From outside this must print 401:

```powershell
try { Invoke-WebRequest -Uri "https://mail.contoso.com/api" -UseBasicParsing }
catch { [int]$_.Exception.Response.StatusCode }
```

Where the path is published and presence still does not move, look for "query string too long" (event 1309) on the
servers: `maxQueryStringLength="4096"` belongs into `httpRuntime` of `FrontEnd\\HttpProxy\\Rest\\web.config`, and again
after every update.

## How hybridge cures it

It does not: the edge of your network is yours. It prints the steps.

## How to undo

Take the publishing rule away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.answers import host_of
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.edge import EDGE
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import RestApiProbe
from hybridge.org.records import PublishedPath
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_SIGN_IN = frozenset({200, 301, 302, 303, 307, 308, 407})


def _answered(word: str) -> Callable[[Organization], Organization]:
    return lambda organization: organization.edit(PublishedPath, lambda one: one.path == "/api", answered_by=word)


class RestApiPublished(Check):
    """Judges the answer of the REST root to a stranger."""

    title = "Is the REST API of Exchange published, without a sign-in in front of it?"
    why = "Presence in Teams follows the calendar only through this API: without it nobody is ever In a meeting."
    scope = Scope.ORGANIZATION
    needs = ((RestApiProbe, ON),)
    symptom = True
    explained_by = (*EDGE, "network/sign-in-methods", "platform/exchange-version")
    needs_publishing = True
    sources = (sources.RESOLVE, sources.HYBRID_REST)
    covers = ("PRES-02",)
    causes = (
        Cause(
            slug="not-published",
            says="The REST API is not published.",
            breaks=_answered("nothing-there"),
            may_be_effect=True,
            heals=steps(
                "Publish https://<host>/api/ to the Internet.",
                "On the device that publishes <host>, publish /api/* to Exchange, as /ews/* is.",
                "Allow it without pre-authentication, from Microsoft's addresses at the least.",
                verify="From outside, https://<host>/api answers 401.",
            ),
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
        ),
        Cause(
            slug="pre-authenticated",
            says="A device in front of Exchange wants a sign-in for the REST API.",
            breaks=_answered("login-page"),
            may_be_effect=True,
            heals=steps(
                "Exempt /api/ at <host> from pre-authentication.",
                "On the device that publishes <host>, pass /api/* through to Exchange without pre-authentication.",
                "Exchange signs callers in itself; the presence service comes with a token that no login page knows.",
                verify="From outside, https://<host>/api answers 401, not a page.",
            ),
            symptoms=(Symptom.PRESENCE_STUCK,),
            healable=False,
            covers=("MRCA-28",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host."""
        reading = evidence.all(RestApiProbe, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if not reading.records:
            yield Unseen(what="RestApiProbe", reason="not-asked", says="No REST address was asked.", how="GET /api")
        for probe in reading.records:
            host = host_of(probe.identity)
            if probe.status == 0 or (probe.status == 401 and not probe.reached_exchange):
                yield _undecided(probe, host)
            elif probe.status != 401:
                slug = "pre-authenticated" if probe.status in _SIGN_IN else "not-published"
                yield self.finding(
                    slug,
                    subject,
                    f"{probe.identity} answered HTTP {probe.status} to a stranger; published, it answers 401.",
                    facts={"host": host, "status": str(probe.status)},
                    origins=(reading.origin,),
                )


def _undecided(probe: RestApiProbe, host: str) -> Unseen:
    if probe.status == 0:
        return Unseen(
            what="RestApiProbe",
            reason="unreachable",
            says=f"{host} gave no answer; a firewall that admits Microsoft's addresses only would also cause that.",
            how="ask from outside your network",
        )
    return Unseen(
        what="RestApiProbe",
        reason="malformed",
        says=f"{host} answered 401 without Exchange's own headers: Exchange, or a device in front of it, asked.",
        how="look into the log of the device in front, or compare with an answer from inside",
    )

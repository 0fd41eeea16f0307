r"""Clients ask classic Autodiscover with a sign-in of their own; a page in front of it stops them.

## How it is decided

`https://autodiscover.<domain>/autodiscover/autodiscover.xml` is asked without credentials. Exchange answers 401 and
sets headers only it has. A page (200), or a redirect to one where people sign in, without these headers is a device
that wants a sign-in first. Autodiscover V2 has a check of its own (`autodiscover/v2-route`), as have EWS
(`oauth/bearer-challenge`) and the REST API (`presence/rest-api-published`): devices are often told to exempt one path
and forget the others.

## How to cure it by hand

On the device that publishes Autodiscover, pass all of `/autodiscover/*` through to Exchange. This must print 401:

```powershell
try { Invoke-WebRequest -Uri "https://autodiscover.contoso.com/autodiscover/autodiscover.xml" -UseBasicParsing }
catch { [int]$_.Exception.Response.StatusCode }
```

## How hybridge cures it

It does not: the edge of your network is yours. It prints the steps.

## How to undo

Take the exemption back.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.network.strangers import REDIRECTS, answers, asks_to_sign_in, is_classic
from hybridge.checks.tls.hosts import ON
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import PublishedPathProbe
from hybridge.org.records import PublishedPath

_PATH = "/autodiscover/autodiscover.xml"


def _page_for_classic(organization: Organization) -> Organization:
    return organization.put(
        *(
            PublishedPath(
                premises=ON, identity=f"{one.host}{_PATH}", host=one.host, path=_PATH, answered_by="login-page"
            )
            for one in organization.all(PublishedPath, ON)
            if one.path == "/autodiscover" and one.host.startswith("autodiscover.")
        )
    )


class PreAuthentication(Check):
    """Judges who asks a stranger to sign in at classic Autodiscover."""

    title = "Is classic Autodiscover published without a sign-in in front of it?"
    why = (
        "Outlook and other clients cannot fill in a form: they ask for the password again and again, and find nothing."
    )
    scope = Scope.ORGANIZATION
    needs = ((PublishedPathProbe, ON),)
    symptom = True
    explained_by = ("autodiscover/v2-route",)
    sources = (sources.CONNECTIVITY_ANALYZER, sources.HYBRID_PREREQUISITES)
    covers = ("ADC-06", "X-04")
    causes = (
        Cause(
            slug="classic",
            says="A device in front of Exchange wants a sign-in for classic Autodiscover.",
            breaks=_page_for_classic,
            may_be_effect=True,
            heals=steps(
                "Exempt <path> at <host> from pre-authentication.",
                "On the device that publishes <host>, pass /autodiscover/* through without pre-authentication.",
                "Exchange signs clients in itself.",
                verify="From outside, https://<host><path> answers 401, not a page.",
            ),
            healable=False,
            covers=("MRCA-28",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host."""
        for answer in answers(evidence, is_classic):
            if isinstance(answer, Unseen):
                yield answer
                continue
            probe, origin = answer
            if not probe.reached_exchange and (
                probe.status == 200 or (probe.status in REDIRECTS and asks_to_sign_in(probe))
            ):
                yield self.finding(
                    "classic",
                    subject,
                    f"{probe.identity} answered a stranger with HTTP {probe.status} and a page, not with Exchange's "
                    "question for a sign-in.",
                    facts={"host": probe.host, "path": probe.path, "status": str(probe.status)},
                    origins=(origin,),
                )

r"""What a stranger gets at the published paths tells whether Exchange answered or something in front of it.

## How it is decided

`/autodiscover/autodiscover.xml`, EWS and the REST API are asked without credentials. Exchange answers 401 and sets
headers only it has (`X-FEServer`, `request-id`). Otherwise:

| seen | means |
| --- | --- |
| 403 without Exchange's headers | a proxy denies the URL |
| 500 or 502 without them | a proxy that opens TLS gets no good connection to the server inside |
| a redirect, but not to a sign-in | the path is moved |

A page, or a redirect to one, where people sign in is pre-authentication: that of EWS is found by
`oauth/bearer-challenge`, of the REST API by `presence/rest-api-published`, of Autodiscover by `autodiscover/v2-route`
and `autodiscover/pre-authentication`.

## How to cure it by hand

On the device in front publish `/autodiscover/*`, `/ews/*` and `/api/*` to Exchange without rewriting, redirecting or
signing in. Where it opens TLS, the name it calls the server by must be in the server's certificate, and it must trust
the authority of that certificate. This prints what a stranger gets:

```powershell
try { Invoke-WebRequest -Uri "https://mail.contoso.com/EWS/Exchange.asmx" -MaximumRedirection 0 -UseBasicParsing }
catch { $_.Exception.Response.StatusCode; $_.Exception.Response.Headers }
```

## How hybridge cures it

It does not: the edge of your network is yours. It prints the steps.

## How to undo

Take the changed rule back.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.network.strangers import REDIRECTS, answered_strangely, answers, asks_to_sign_in, felt
from hybridge.checks.tls.hosts import ON
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedPathProbe
from hybridge.terms.symptoms import Symptom

_EVERY = tuple(Symptom)
_BRIDGE = frozenset({500, 502})
_AGAIN = "hybridge doctor no longer finds network/publishing."


class Publishing(Check):
    """Judges who answers a stranger at each published path."""

    title = "Does Exchange itself answer at every published path?"
    why = "A proxy that answers in Exchange's place keeps every service of Teams out."
    scope = Scope.ORGANIZATION
    needs = ((PublishedPathProbe, ON),)
    symptom = True
    sources = (sources.CONNECTIVITY_ANALYZER, sources.HYBRID_PREREQUISITES)
    needs_publishing = True
    causes = (
        Cause(
            slug="url-denied",
            says="A proxy in front of Exchange denies the URL.",
            breaks=answered_strangely("proxy-denied"),
            heals=steps(
                "Let the proxy at <host> pass <path>: it answers 403 itself.",
                "On the device that publishes <host>, publish <path> to Exchange, with everything below it.",
                "Look for rules about addresses, countries, methods or names that the request met.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-16",),
        ),
        Cause(
            slug="bridge-error",
            says="A proxy in front of Exchange gets no good connection to the server inside.",
            breaks=answered_strangely("bridge-error"),
            heals=steps(
                "Let the proxy at <host> accept the certificate of the server inside: it answers <status> itself.",
                "The name by which its rule calls the server must be in the certificate of that server.",
                "The proxy must trust the authority of that certificate, and the certificate must be valid.",
                "Where Extended Protection is on, the proxy must show the same certificate as the server.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-17",),
        ),
        Cause(
            slug="unexpected-redirect",
            says="A published path redirects to somewhere else.",
            breaks=answered_strangely("moved"),
            heals=steps(
                "Take away the redirect of <path> at <host> to <location>.",
                "On the device that publishes <host>, exempt <path> from rules that redirect.",
                "In IIS on every server, switch HTTP Redirect off for the virtual directory: a redirect of Default Web "
                "Site is inherited by those below it.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-18",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per path."""
        for answer in answers(evidence):
            if isinstance(answer, Unseen):
                yield answer
                continue
            probe, origin = answer
            slug = judge(probe)
            if not slug:
                continue
            yield self.finding(
                slug,
                subject,
                _says(slug, probe),
                facts={
                    "host": probe.host,
                    "path": probe.path,
                    "status": str(probe.status),
                    "location": probe.location,
                },
                symptoms=felt(probe),
                origins=(origin,),
            )


def judge(probe: PublishedPathProbe) -> str:
    """The cause the answer shows; "" for a good one, and for what another check tells."""
    if probe.status in REDIRECTS and not asks_to_sign_in(probe):
        return "unexpected-redirect"
    if probe.reached_exchange:
        return ""
    if probe.status == 403:
        return "url-denied"
    return "bridge-error" if probe.status in _BRIDGE else ""


def _says(slug: str, probe: PublishedPathProbe) -> str:
    answered = f"{probe.identity} answered a stranger with HTTP {probe.status}"
    if slug == "unexpected-redirect":
        return f"{answered}, a redirect to {probe.location or 'nowhere'}."
    return f"{answered} and without Exchange's own headers: a proxy answered."

r"""Port 80 of the Autodiscover host may redirect to https, or be silent; anything else misleads clients.

## How it is decided

`http://autodiscover.<domain>/autodiscover/autodiscover.xml` is asked, as the fourth step of the discovery order. No
answer is fine where https answers. A redirect (301, 302, 307) to an https address is what the step expects. A page with
status 200 is not Autodiscover, and 403.4 (SSL is required) ends the step: both are what clients that come so far meet.

## How to cure it by hand

On the device or IIS that serves port 80, redirect `/autodiscover/*` to the https address, or close the port:

```powershell
$filter = "/system.webServer/httpRedirect"
Set-WebConfigurationProperty -Filter $filter -PSPath "IIS:\Sites\Redirect" -Name enabled -Value $true
```

## How hybridge cures it

It does not: port 80 belongs to your web server or proxy. It prints the steps.

## How to undo

Take the redirect away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.discovery import published, seen_host, steps_by
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import DiscoveryStepProbe
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _port_80(word: str) -> Callable[[Organization], Organization]:
    return lambda organization: published(organization, seen_host(organization, "autodiscover."), plain_http=word)


class PlainHttp(Check):
    """Judges what port 80 of the Autodiscover host does."""

    title = "Does port 80 of the Autodiscover host redirect, or stay silent?"
    why = "A client that tries the redirect and gets something else stops there instead of going on."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((DiscoveryStepProbe, ON),)
    symptom = True
    sources = (sources.AUTODISCOVER_CLIENTS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="positive-answer",
            says="Port 80 answers with something other than a redirect.",
            breaks=_port_80("page"),
            heals=steps(
                "Let port 80 of <host> redirect /autodiscover/* to https, or close it.",
                "On what serves <host>, answer /autodiscover/* on port 80 with a redirect (302) to <secure>.",
                verify="<url> answers 302 with that address, or does not answer.",
            ),
            healable=False,
            covers=("MRCA-19",),
        ),
        Cause(
            slug="ssl-required",
            says="Port 80 answers that SSL is required (403.4) instead of redirecting.",
            breaks=_port_80("ssl-required"),
            heals=steps(
                "Let port 80 of <host> redirect to https instead of answering 403.4.",
                "In IIS, keep 'Require SSL' on the virtual directories, and make a site on port 80 of its own that "
                "redirects /autodiscover/* to <secure>; or close port 80.",
                verify="<url> answers 302 with that address, or does not answer.",
            ),
            healable=False,
            covers=("MRCA-15",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most."""
        asked = evidence.all(DiscoveryStepProbe, ON)
        if isinstance(asked, Unseen):
            yield asked
            return
        for one in steps_by(asked, "redirect"):
            slug = "positive-answer" if 200 <= one.status < 300 else "ssl-required" if one.status == 403 else ""
            if slug:
                host = f"autodiscover.{evidence.domain}"
                what = "not with a redirect" if slug == "positive-answer" else "which says that SSL is required"
                yield self.finding(
                    slug,
                    subject,
                    f"{one.url} answers HTTP {one.status}, {what}.",
                    facts={"host": host, "url": one.url, "secure": f"https://{host}/autodiscover/autodiscover.xml"},
                    origins=(asked.origin,),
                )

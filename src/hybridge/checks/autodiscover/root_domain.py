r"""The bare domain is the first address Outlook asks; a web site that answers everything misleads it.

## How it is decided

`https://<domain>/autodiscover/autodiscover.xml` is asked without signing in. A challenge of Exchange, a 404, or no
answer at all lets a client go on to `autodiscover.<domain>`. A page with status 200 does not: it is no Autodiscover,
and clients stumble over it, ask for a password again and again, or report that the answer cannot be read. A certificate
for another name (a hoster's) makes Outlook warn before it goes on.

## How to cure it by hand

On the web site, answer `/autodiscover/*` with 404, or do not serve it for that path at all.

## How hybridge cures it

It does not: the web site is yours. It prints the steps.

## How to undo

Take the rule for that path away again.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.discovery import published, seen_host, steps_by
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import DiscoveryStepProbe
from hybridge.org.records import PublishedPath
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _greets_everybody(organization: Organization) -> Organization:
    domain = seen_host(organization, "autodiscover.").partition(".")[2]
    path = PublishedPath(
        premises=ON, identity=f"{domain}/autodiscover", host=domain, path="/autodiscover", answered_by="login-page"
    )
    return organization.put(path)


def _for_another_name(organization: Organization) -> Organization:
    domain = seen_host(organization, "autodiscover.").partition(".")[2]
    return published(organization, domain, certificate="wrong-name")


class RootDomain(Check):
    """Judges what the bare domain answers at Autodiscover's path."""

    title = "Does the web site at the bare domain stay out of Autodiscover's way?"
    why = "Outlook asks the bare domain first, and a page there is taken for a broken Autodiscover."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((DiscoveryStepProbe, ON),)
    symptom = True
    covers = ("ADC-01",)
    sources = (sources.AUTODISCOVER_CLIENTS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="foreign-site",
            says="A web site at the bare domain answers for Autodiscover with a page.",
            breaks=_greets_everybody,
            heals=steps(
                "Let the web site at <domain> answer /autodiscover/* with 404.",
                "On the web server of <domain>, add a rule that answers /autodiscover/* with status 404.",
                verify="https://<domain>/autodiscover/autodiscover.xml answers 404.",
            ),
            healable=False,
        ),
        Cause(
            slug="foreign-certificate",
            says="The web site at the bare domain shows a certificate that clients do not accept for it.",
            breaks=_for_another_name,
            heals=steps(
                "Give the web site at <domain> a certificate for that name, or close port 443 there.",
                "Where the web site is another's (a hoster's page), let it not answer https for <domain>, or order a "
                "certificate with <domain> in it.",
                verify="https://<domain>/ is opened by a browser without a warning, or does not answer.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most."""
        asked = evidence.all(DiscoveryStepProbe, ON)
        if isinstance(asked, Unseen):
            yield asked
            return
        for one in steps_by(asked, "root"):
            if one.reason == "certificate":
                yield self.finding(
                    "foreign-certificate",
                    subject,
                    f"{one.url} is asked first and shows a certificate that is not accepted: {one.says}",
                    facts={"domain": evidence.domain, "url": one.url},
                    origins=(asked.origin,),
                )
            if one.status == 200 and not one.reached_exchange:
                yield self.finding(
                    "foreign-site",
                    subject,
                    f"{one.url} answers HTTP 200 with {'a page' if one.page else 'something'} that is no Autodiscover.",
                    facts={"domain": evidence.domain, "url": one.url},
                    origins=(asked.origin,),
                )

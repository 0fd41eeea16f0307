r"""Clients that know nothing but a mail address find Autodiscover by names made of its domain.

## How it is decided

DNS is asked for the bare domain, for `autodiscover.<domain>` and for the SRV record `_autodiscover._tcp.<domain>`, and
every address they lead to is asked without signing in. One address that answers with a challenge is enough. A bare
domain that is a web site and answers 404 is usual and does no harm.

Where DNS has neither the name nor the SRV record, and the bare domain does not answer either, nothing is published.
Where there are names but none of them answers as Exchange, the causes are found beside this one. An address that gives
no answer at all makes this inconclusive: other checks judge names, certificates and connections.

## How to cure it by hand

Publish an address record (or CNAME) `autodiscover.<domain>` that leads to Exchange; where the certificate cannot hold
that name, an SRV record that leads to a name it does hold:

```powershell
Resolve-DnsName autodiscover.contoso.com
Resolve-DnsName _autodiscover._tcp.contoso.com -Type SRV
```

## How hybridge cures it

It does not: public DNS is yours. It prints the steps.

## How to undo

Take the record away again.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.discovery import autodiscover_host, lost, published, seen_host
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps, symptom_of
from hybridge.checks.edge import EDGE
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import DiscoveryNameProbe, DiscoveryStepProbe
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
PUBLIC = ("root", "host", "redirected", "srv")
"""Methods open to a client outside."""


def _unpublished(organization: Organization) -> Organization:
    return published(organization, seen_host(organization, "autodiscover."), resolves=False)


class Published(Check):
    """Judges whether any way of the discovery order leads to Autodiscover."""

    title = "Can clients find Autodiscover of this domain at all?"
    why = "Outlook, phones and other organizations know nothing but the domain: without a name they ask nobody."
    scope = Scope.ORGANIZATION
    needs = ((DiscoveryNameProbe, ON), (DiscoveryStepProbe, ON))
    symptom = True
    covers = ("ADC-01",)
    explained_by = (
        "autodiscover/v2-route",
        "autodiscover/redirect-only",
        "autodiscover/pre-authentication",
        "platform/exchange-version",
        *EDGE,
    )
    sources = (sources.AUTODISCOVER_CLIENTS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="no-record",
            says="DNS has neither autodiscover.<domain> nor the SRV record of Autodiscover.",
            breaks=_unpublished,
            heals=steps(
                "Publish <host> in public DNS, or an SRV record in its place.",
                "Add an address record or CNAME <host> that leads to where Exchange is published.",
                "Or add the SRV record <service>: 0 0 443 and the name in the certificate of Exchange.",
                verify="Resolve-DnsName <host> shows an address.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
            covers=("MRCA-20",),
        ),
        Cause(
            slug="nothing-answers",
            says="No address made of the domain answers as Autodiscover.",
            breaks=None,
            heals=symptom_of,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding at most."""
        names = evidence.all(DiscoveryNameProbe, ON)
        asked = evidence.all(DiscoveryStepProbe, ON)
        yield from (one for one in (names, asked) if isinstance(one, Unseen))
        if isinstance(names, Unseen) or isinstance(asked, Unseen):
            return
        if any(one.usable for one in asked.records if one.method in PUBLIC):
            return
        host = autodiscover_host(evidence)
        service = f"_autodiscover._tcp.{evidence.domain}"
        facts = {"host": host, "service": service}
        if not any(_found(names, name) for name in (host, service)):
            says = f"DNS knows neither {host} nor {service}, so clients outside find no Autodiscover."
            yield self.finding("no-record", subject, says, facts=facts, origins=(names.origin,))
            return
        gaps = tuple(lost(asked, "host", "srv"))
        if gaps:
            yield from gaps
            return
        answers = ", ".join(f"{one.url} HTTP {one.status}" for one in asked.records if one.method in PUBLIC)
        says = f"No address of {evidence.domain} answers as Autodiscover: {answers}."
        yield self.finding("nothing-answers", subject, says, facts=facts, origins=(asked.origin,))


def _found(names: Seen[DiscoveryNameProbe], name: str) -> bool:
    return any(one.records for one in names.records if one.name.lower() == name.lower())

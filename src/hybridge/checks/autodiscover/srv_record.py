r"""An SRV record of Autodiscover sends clients somewhere; it must lead to an Exchange that answers.

## How it is decided

Where `_autodiscover._tcp.<domain>` exists, every target is asked for Autodiscover without signing in. A target that
does not resolve, does not answer, or does not answer with a challenge of Exchange is found. No SRV record at all is no
fault: it is one of several ways (see `autodiscover/published`).

## How to cure it by hand

Correct the record in public DNS: priority 0, weight 0, port 443 and the name in the certificate of Exchange. Where
`autodiscover.<domain>` is published, the SRV record can simply go.

```powershell
Resolve-DnsName _autodiscover._tcp.contoso.com -Type SRV
```

## How hybridge cures it

It does not: public DNS is yours. It prints the steps.

## How to undo

Put the former record back.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.autodiscover.discovery import seen_host, steps_by
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import DiscoveryNameProbe, DiscoveryStepProbe
from hybridge.org.records import PublishedService
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def _astray(organization: Organization) -> Organization:
    domain = seen_host(organization, "autodiscover.").partition(".")[2]
    service = PublishedService(premises=ON, identity=f"_autodiscover._tcp.{domain}", target=f"legacy.{domain}")
    return organization.put(service)


class SrvRecord(Check):
    """Judges where the SRV record of Autodiscover leads."""

    title = "Does the SRV record of Autodiscover lead to Exchange?"
    why = "Clients that come so far in the discovery order end at a host that knows nothing of their mailbox."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((DiscoveryNameProbe, ON), (DiscoveryStepProbe, ON))
    symptom = True
    covers = ("ADC-01",)
    sources = (sources.AUTODISCOVER_CLIENTS, sources.CONNECTIVITY_ANALYZER)
    causes = (
        Cause(
            slug="target-unusable",
            says="The SRV record of Autodiscover leads to a host that does not answer as Exchange.",
            breaks=_astray,
            heals=steps(
                "Correct the SRV record <service>, or take it away.",
                "Let it name the host in the certificate of Exchange: priority 0, weight 0, port 443, and that name.",
                "Where <host> is published, the SRV record is not needed: remove it.",
                verify="Resolve-DnsName <service> -Type SRV shows a name at which Exchange answers, or nothing.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per target."""
        names = evidence.all(DiscoveryNameProbe, ON)
        asked = evidence.all(DiscoveryStepProbe, ON)
        yield from (one for one in (names, asked) if isinstance(one, Unseen))
        if isinstance(names, Unseen) or isinstance(asked, Unseen):
            return
        service = f"_autodiscover._tcp.{evidence.domain}"
        if not any(one.records for one in names.records if one.rdtype == "SRV"):
            if names.records:
                return
            yield NotApplicable("DNS was not asked for an SRV record.")
            return
        for one in steps_by(asked, "srv"):
            if not one.usable:
                what = f"HTTP {one.status}" if one.status else one.says or "no answer"
                yield self.finding(
                    "target-unusable",
                    subject,
                    f"The SRV record {service} leads to {one.url}, which does not answer as Autodiscover ({what}).",
                    facts={"service": service, "url": one.url, "host": f"autodiscover.{evidence.domain}"},
                    origins=(names.origin, asked.origin),
                )

r"""Names may have one address inside and another outside; what was judged holds only for the side it was asked from.

## How it is decided

The addresses that DNS gives here for `autodiscover.<domain>` are looked at. Private ones (10/8, 172.16/12, 192.168/16,
fc00::/7) show that this run sees the inside view: Teams, Exchange Online and people outside are given other addresses,
and what they meet (certificate, pre-authentication, path rules) can differ. That is no fault, but a limit of the run.
One run asks one name server; to compare both views, run once with an internal and once with a public name server
(`net.nameserver`).

## How to cure it by hand

Nothing is broken. Ask again from outside, or with a public name server:

```powershell
Resolve-DnsName autodiscover.contoso.com
Resolve-DnsName autodiscover.contoso.com -Server 9.9.9.9
```

## How hybridge cures it

There is nothing to cure; it says how to see the other side.

## How to undo

Nothing was changed, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.probes import DiscoveryNameProbe
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


class SplitDns(Check):
    """Tells whether names were seen as they are inside."""

    title = "Were the names seen as the world outside sees them?"
    why = "What works inside can fail for Teams, which sees other addresses of the same names."
    scope = Scope.ORGANIZATION
    severity = Severity.ADVICE
    needs = ((DiscoveryNameProbe, ON),)
    symptom = True
    covers = ("X-17",)
    sources = (sources.AUTODISCOVER_CLIENTS, sources.RESOLVE)
    causes = (
        Cause(
            slug="inside-view",
            says="DNS gives private addresses here: the outside was not seen.",
            breaks=None,
            heals=steps(
                "See <name> as the world outside sees it.",
                "Run hybridge doctor on a machine outside, or with a public name server as net.nameserver.",
                "Compare both reports: hybridge doctor --since REPORT.",
                verify="DNS gives a public address for <name> there.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per name."""
        names = evidence.all(DiscoveryNameProbe, ON)
        if isinstance(names, Unseen):
            yield names
            return
        for one in names.records:
            private = [record for record in one.records if one.rdtype in ("A", "AAAA") and _is_private(record)]
            if private and one.name.lower() != evidence.domain.lower():
                yield self.finding(
                    "inside-view",
                    subject,
                    f"DNS gives {', '.join(private)} for {one.name}: this is the view from inside.",
                    facts={"name": one.name},
                    origins=(names.origin,),
                )


def _is_private(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in _PRIVATE)

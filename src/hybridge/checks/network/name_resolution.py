r"""Before anything else, the name has to lead somewhere.

## How it is decided

The names of Autodiscover, EWS and REST are looked up as for any other connection: by `net.nameserver`, or as this
machine does. Found is a name without any address. Inside and outside may differ: what Teams sees is the public zone,
so let hybridge ask a public name server, or run it outside.

## How to cure it by hand

Add the record to the public DNS zone, or correct the URL that names the host:

```powershell
Resolve-DnsName -Name "mail.contoso.com" -Type A -Server 1.1.1.1
Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-Table Identity, ExternalUrl
```

## How hybridge cures it

It does not: the zone is yours. It prints the steps.

## How to undo

Take the record away again.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken, hosts
from hybridge.evidence import Evidence
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedHostProbe
from hybridge.terms.symptoms import Symptom


class NameResolution(Check):
    """Judges whether each public name has an address."""

    title = "Does every public name have an address in DNS?"
    why = "A name that leads nowhere cannot be called: Teams finds neither mailbox nor calendar behind it."
    scope = Scope.ORGANIZATION
    needs = ((PublishedHostProbe, ON),)
    symptom = True
    explained_by = ("autodiscover/published",)
    needs_publishing = True
    sources = (sources.CONNECTIVITY_ANALYZER,)
    causes = (
        Cause(
            slug="no-address",
            says="A public name has no address in DNS.",
            breaks=broken(resolves=False),
            may_be_effect=True,
            heals=steps(
                "Give <host> an address in the public DNS zone.",
                "Add an A record (or a CNAME) for <host> that leads to the device that publishes Exchange.",
                "Where the name is spelt wrongly, correct the ExternalUrl that names it.",
                verify="Resolve-DnsName <host> shows its address, asked of a name server outside.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
            covers=("MRCA-21",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per name without an address."""
        for one in hosts(evidence):
            if not isinstance(one, tuple):
                yield one
            elif one[0].stopped == "name-not-found":
                probe, origin = one
                yield self.finding(
                    "no-address",
                    subject,
                    f"DNS has no address for {probe.identity}.",
                    facts={"host": probe.identity},
                    origins=(origin,),
                )

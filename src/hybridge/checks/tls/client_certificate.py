r"""No service of Teams has a certificate of its own to show.

## How it is decided

In the handshake with each public name it is noted whether the server asks the client for a certificate. Exchange asks
for none on `/ews`, `/autodiscover` and `/api`. IIS can also ask later, for one virtual directory alone, when it has
seen the path; such a question is not seen in a handshake, but then requests for that path fail.

## How to cure it by hand

On the device in front switch client certificates off for the public names. On the servers set SSL Settings of the
virtual directories to Ignore:

```powershell
Import-Module WebAdministration
Set-WebConfigurationProperty -PSPath "IIS:\" -Location "Default Web Site/EWS" `
  -Filter "system.webServer/security/access" -Name sslFlags -Value "Ssl,Ssl128"
```

## How hybridge cures it

It does not: IIS and devices are yours. It prints the steps.

## How to undo

Set the former value of SSL Settings again.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken, hosts, unreached
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedHostProbe
from hybridge.terms.symptoms import Symptom


class ClientCertificate(Check):
    """Judges whether clients are asked for a certificate."""

    title = "Can every public name be reached without a client certificate?"
    why = "The services of Teams sign in with tokens; asked for a certificate, they have none and get no further."
    scope = Scope.ORGANIZATION
    needs = ((PublishedHostProbe, ON),)
    symptom = True
    needs_publishing = True
    sources = (sources.CONNECTIVITY_ANALYZER, sources.HYBRID_PREREQUISITES)
    covers = ("TLS-03",)
    causes = (
        Cause(
            slug="asked-for",
            says="Clients are asked for a certificate.",
            breaks=broken(client_certificate_requested=True),
            heals=steps(
                "Ask no client certificate at <host>.",
                "On the device that ends TLS for <host>, switch client certificates off.",
                "In IIS on every server, set SSL Settings of EWS, Autodiscover and API in Default Web Site to Ignore.",
                verify="openssl s_client -connect <host>:443 -servername <host> says that no client certificate CA "
                "names were sent.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host that asks."""
        for one in hosts(evidence):
            if not isinstance(one, tuple):
                yield one
                continue
            probe, origin = one
            if probe.stopped and not probe.client_certificate:
                yield unreached(probe)
            elif probe.client_certificate is None:
                yield Unseen(
                    what=PublishedHostProbe.__name__,
                    reason="not-asked",
                    says=f"It could not be seen whether {probe.identity} asks for a client certificate.",
                    how=f"openssl s_client -connect {probe.identity}:443",
                )
            elif probe.client_certificate:
                yield self.finding(
                    "asked-for",
                    subject,
                    f"{probe.identity} asks clients for a certificate.",
                    facts={"host": probe.identity},
                    origins=(origin,),
                )

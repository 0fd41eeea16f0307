r"""Microsoft's services speak TLS 1.2 and newer; a server that knows older versions only cannot be talked to.

## How it is decided

Handshakes are made with each public name, one for each version of TLS alone. One that accepts TLS 1.2 passes. Where
only older versions come about, nothing of Microsoft 365 gets in: on the servers this shows as "the underlying
connection was closed". A version this machine cannot offer is not judged.

## How to cure it by hand

Enable TLS 1.2 for Schannel and for .NET on every server, and on the device that ends TLS in front of them; then
restart:

```powershell
$path = "HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server"
New-Item -Path $path -Force
Set-ItemProperty -Path $path -Name Enabled -Value 1 -Type DWord
Set-ItemProperty -Path $path -Name DisabledByDefault -Value 0 -Type DWord
```

## How hybridge cures it

It does not: the registry and devices are yours. It prints the steps.

## How to undo

Set the values back to what they were, and restart.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken, connected
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedHostProbe
from hybridge.terms.symptoms import Symptom

_NEEDED = ("1.2", "1.3")


class Version(Check):
    """Judges whether each public name speaks a version of TLS that Microsoft's services speak."""

    title = "Does every public name speak TLS 1.2 or newer?"
    why = "Teams and Exchange Online speak nothing older: every connection of theirs fails before a request is sent."
    scope = Scope.ORGANIZATION
    needs = ((PublishedHostProbe, ON),)
    symptom = True
    needs_publishing = True
    sources = (sources.EXCHANGE_TLS, sources.FREE_BUSY_TLS)
    covers = ("TLS-02", "X-05")
    causes = (
        Cause(
            slug="too-old",
            says="Only versions of TLS older than 1.2 are spoken.",
            breaks=broken(oldest_tls="1.0", newest_tls="1.1"),
            heals=steps(
                "Enable TLS 1.2 at <host>, which speaks <accepted> only.",
                "On the device that ends TLS for <host>, allow TLS 1.2 and 1.3.",
                "On every server enable TLS 1.2 for Schannel (Enabled 1, DisabledByDefault 0, Client and Server) and "
                "for .NET (SchUseStrongCrypto 1, SystemDefaultTlsVersions 1, both registry views), and restart it.",
                verify="openssl s_client -connect <host>:443 -servername <host> -tls1_2 shows a certificate.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host that accepts nothing new enough."""
        for one in connected(evidence):
            if not isinstance(one, tuple):
                yield one
                continue
            probe, origin = one
            if any(version in probe.accepted for version in _NEEDED):
                continue
            if not probe.accepted or any(version in probe.untried for version in _NEEDED):
                yield Unseen(
                    what=PublishedHostProbe.__name__,
                    reason="malformed",
                    says=f"It could not be seen whether {probe.identity} speaks TLS 1.2.",
                    how="openssl s_client -tls1_2",
                )
                continue
            accepted = ", ".join(probe.accepted)
            yield self.finding(
                "too-old",
                subject,
                f"{probe.identity} speaks TLS {accepted} and nothing newer.",
                facts={"host": probe.identity, "accepted": f"TLS {accepted}"},
                origins=(origin,),
            )

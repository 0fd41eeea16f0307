r"""Everybody who calls Exchange verifies its certificate first, and Teams accepts no exception.

## How it is decided

A TLS handshake is made with each public name (Autodiscover, EWS and REST), and nothing is sent after it. The
certificate must be valid today, name the host among its alternative names, and lead by the certificates sent to an
authority that is trusted. Trusted are the authorities of this machine and those of `net.ca_file`: where that file
holds your own authority, a certificate passes here that Microsoft refuses.

A leaf that comes alone, of an issuer nobody here knows, is told apart from an unknown authority: mostly the
intermediate certificate is missing. Browsers and Windows often fetch it by themselves; services do not.

## How to cure it by hand

Get a certificate of a public authority that names every public host, install it with its intermediate certificates on
the servers and on whatever ends TLS in front of them, and assign it:

```powershell
Get-ExchangeCertificate -Server EX1 | Format-List Thumbprint, CertificateDomains, NotAfter, Services
Enable-ExchangeCertificate -Server EX1 -Thumbprint "0123456789ABCDEF0123456789ABCDEF01234567" -Services IIS
```

## How hybridge cures it

It does not: a certificate is ordered from an authority. It prints the steps.

## How to undo

Assign the former certificate again with `Enable-ExchangeCertificate`.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.tls.hosts import ON, broken, connected
from hybridge.evidence import Evidence
from hybridge.findings import Scope, Subject
from hybridge.org.probes import PublishedHostProbe
from hybridge.terms.symptoms import Symptom

_EVERY = tuple(Symptom)
_AGAIN = "hybridge doctor no longer finds tls/certificate."
_SHOWN = "openssl s_client -connect <host>:443 -servername <host> -showcerts shows what is sent."


class Certificate(Check):
    """Judges the certificate each public name shows."""

    title = "Is the certificate of every public name valid, for that name, and of a trusted authority?"
    why = "Teams and Exchange Online end the connection at once when a certificate is not good: nothing works then."
    scope = Scope.ORGANIZATION
    needs = ((PublishedHostProbe, ON),)
    symptom = True
    needs_publishing = True
    sources = (sources.CONNECTIVITY_ANALYZER, sources.HYBRID_PREREQUISITES)
    covers = ("TLS-01",)
    causes = (
        Cause(
            slug="expired",
            says="The certificate has expired.",
            breaks=broken(certificate="expired"),
            heals=steps(
                "Renew the certificate of <host>: it expired on <until>.",
                "Order a new certificate for the same names, or renew it at its authority.",
                "Install it on every server and on the device that ends TLS in front of them.",
                "Enable-ExchangeCertificate -Server <server> -Thumbprint <new thumbprint> -Services IIS",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="not-yet-valid",
            says="The certificate is not valid yet.",
            breaks=broken(certificate="not-yet-valid"),
            heals=steps(
                "Show a certificate that is valid today at <host>: this one begins on <since>.",
                "Look at the clock of this machine first: a wrong one makes good certificates look like that.",
                "Assign the former certificate until the new one begins: Enable-ExchangeCertificate "
                "-Server <server> -Thumbprint <former thumbprint> -Services IIS",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="wrong-name",
            says="The certificate is for other names.",
            breaks=broken(certificate="wrong-name"),
            heals=steps(
                "Show a certificate at <host> that names it; this one names <names>.",
                "Look whether DNS leads <host> to the right device, and that device to the right site.",
                "Order a certificate that has <host> among its subject alternative names.",
                "Install it, and assign it with Enable-ExchangeCertificate -Services IIS.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-23",),
        ),
        Cause(
            slug="self-signed",
            says="The certificate is self-signed.",
            breaks=broken(certificate="self-signed"),
            heals=steps(
                "Replace the self-signed certificate at <host> by one of a public authority.",
                "Setup of Exchange makes a self-signed certificate; it is meant for the servers among themselves.",
                "Order a certificate of a public authority, install it, and assign it with "
                "Enable-ExchangeCertificate -Services IIS.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
        ),
        Cause(
            slug="untrusted",
            says="The certificate comes from an authority that is not trusted.",
            breaks=broken(certificate="untrusted"),
            heals=steps(
                "Replace the certificate at <host>: its issuer <issuer> is not trusted.",
                "Microsoft trusts public authorities only, never the one of your own organization.",
                "Where a device breaks up TLS on the way, exempt <host> from that.",
                "Order a certificate of a public authority, install it, and assign it with "
                "Enable-ExchangeCertificate -Services IIS.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-24",),
        ),
        Cause(
            slug="incomplete-chain",
            says="The certificate is sent without the intermediate certificates.",
            breaks=broken(certificate="no-chain"),
            heals=steps(
                "Let <host> send the intermediate certificate of <issuer> with its own.",
                "Get the intermediate certificates from the authority.",
                "On Windows install them into the store Intermediate Certification Authorities of the computer and "
                "restart IIS; on a device append them to the certificate's file.",
                _SHOWN,
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
            covers=("MRCA-25",),
        ),
        Cause(
            slug="refused",
            says="The certificate was refused for another reason.",
            breaks=None,
            heals=steps(
                "Look at the certificates that <host> sends.",
                _SHOWN,
                "Look for weak keys, a forbidden use, or an authority that may not sign.",
                verify=_AGAIN,
            ),
            symptoms=_EVERY,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per host whose certificate is not good."""
        for one in connected(evidence):
            if not isinstance(one, tuple):
                yield one
                continue
            probe, origin = one
            if probe.verification in ("", "good", "unknown"):
                continue
            slug = "refused" if probe.verification == "other" else probe.verification
            yield self.finding(
                slug,
                subject,
                _says(probe),
                facts={
                    "host": probe.identity,
                    "names": ", ".join(probe.names) or "nothing",
                    "issuer": probe.issuer,
                    "since": f"{probe.not_before:%Y-%m-%d}" if probe.not_before else "an unknown day",
                    "until": f"{probe.not_after:%Y-%m-%d}" if probe.not_after else "an unknown day",
                    "thumbprint": probe.thumbprint,
                },
                origins=(origin,),
            )


def _says(probe: PublishedHostProbe) -> str:
    host = probe.identity
    match probe.verification:
        case "expired":
            return (
                f"The certificate of {host}, or one behind it, has expired; its own end is {probe.not_after:%Y-%m-%d}."
            )
        case "not-yet-valid":
            return f"The certificate of {host} begins on {probe.not_before:%Y-%m-%d} only."
        case "wrong-name":
            return f"The certificate of {host} is for {', '.join(probe.names[:8]) or 'no name'}."
        case "self-signed":
            return f"The certificate of {host} is signed by itself, so nobody vouches for it."
        case "untrusted":
            return f"The certificate of {host} comes from {probe.issuer}, which leads to no trusted authority."
        case "incomplete-chain":
            return f"{host} sends its certificate alone, without the one of its issuer {probe.issuer}."
        case _:
            return f"The certificate of {host} was refused: {probe.says}"

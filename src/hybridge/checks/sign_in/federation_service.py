"""People of a federated domain sign in at the organization's own service, which must be reached from everywhere.

## How it is decided

The host people are sent to (realm discovery tells it) is looked up in DNS, a TLS handshake is made with it, and its
metadata are asked for, all without credentials. Each failure is a cause of its own: no name, no connection, an expired
certificate, one for another name, one nobody trusts.

## How to cure it by hand

On the Web Application Proxy and on the AD FS servers:

```powershell
Resolve-DnsName sts.contoso.com -Server 8.8.8.8
Test-NetConnection sts.contoso.com -Port 443
Get-Service adfssrv, appproxysvc
Get-AdfsSslCertificate; Get-WebApplicationProxySslCertificate
Set-AdfsSslCertificate -Thumbprint $thumbprint
Set-WebApplicationProxySslCertificate -Thumbprint $thumbprint
```

## How hybridge cures it

Not at all: names, firewalls and certificates are not its to change. It prints the steps.

## How to undo

Nothing is done, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import FederationServiceProbe
from hybridge.org.records import FederationService, PublishedHost
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_NO_NAME = "name-not-found"
_OF_CERTIFICATE = {
    "expired": "certificate-expired",
    "not-yet-valid": "certificate-expired",
    "wrong-name": "certificate-wrong-name",
    "self-signed": "certificate-not-trusted",
    "untrusted": "certificate-not-trusted",
    "incomplete-chain": "certificate-not-trusted",
}
"""How a verification ended -> the cause it is."""
_VERIFY = "hybridge doctor no longer finds sign_in/federation-service."


def _published(**how: object) -> Break:
    """Publishes the host of the federation service like that."""

    def breaks(organization: Organization) -> Organization:
        return organization.put(
            *(
                msgspec.structs.replace(_host(organization, one.identity), **how)
                for one in organization.all(FederationService, ON)
            )
        )

    return breaks


def _host(organization: Organization, name: str) -> PublishedHost:
    return organization.one(PublishedHost, ON, name) or PublishedHost(premises=ON, identity=name)


class FederationServiceReached(Check):
    """Judges how the federation service of the domain is reached from outside."""

    title = "Is the federation service of the domain reached, with a good certificate?"
    why = "Nobody of the domain can sign in: neither to Teams nor to Outlook."
    scope = Scope.ORGANIZATION
    symptom = True
    needs = ((FederationServiceProbe, ON),)
    sources = (sources.CONNECTIVITY_ANALYZER, sources.AD_FS)
    causes = (
        Cause(
            slug="name-not-found",
            says="The name of the federation service does not resolve.",
            breaks=_published(resolves=False),
            heals=steps(
                "DNS has no address for <host>.",
                "Add an A record for <host> to the public zone; it leads to the Web Application Proxy.",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-4",),
        ),
        Cause(
            slug="unreachable",
            says="The federation service does not answer.",
            breaks=_published(network="refused"),
            heals=steps(
                "<host> does not answer on port 443: <says>",
                "Web Application Proxy: Get-Service appproxysvc. AD FS: Get-Service adfssrv. Start what stands.",
                "Let the firewall pass TCP 443 from the internet to the proxy, and from the proxy to AD FS.",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-5",),
        ),
        Cause(
            slug="certificate-expired",
            says="The certificate of the federation service has expired.",
            breaks=_published(certificate="expired"),
            heals=steps(
                "The certificate of <host> is not valid now: <says>",
                "Install a new one for <host> on AD FS and on the proxy.",
                "Set-AdfsSslCertificate -Thumbprint <new>; Set-WebApplicationProxySslCertificate -Thumbprint <new>",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-6",),
        ),
        Cause(
            slug="certificate-wrong-name",
            says="The certificate of the federation service is for another name.",
            breaks=_published(certificate="wrong-name"),
            heals=steps(
                "The certificate shown at <host> is for another name: <says>",
                "Bind the certificate for <host> on AD FS and on the proxy (or at the load balancer before them).",
                "Set-AdfsSslCertificate -Thumbprint <new>; Set-WebApplicationProxySslCertificate -Thumbprint <new>",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-7",),
        ),
        Cause(
            slug="certificate-not-trusted",
            says="The certificate of the federation service is of an authority nobody trusts.",
            breaks=_published(certificate="untrusted"),
            heals=steps(
                "The certificate of <host> is not trusted: <says>",
                "Get one of a public certificate authority, with its intermediate certificates.",
                "Set-AdfsSslCertificate -Thumbprint <new>; Set-WebApplicationProxySslCertificate -Thumbprint <new>",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-8",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for what keeps people from the service."""
        reading = evidence.all(FederationServiceProbe, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for probe in reading.records:
            slug = verdict(probe)
            if not slug:
                continue
            why = probe.says.rstrip(".") or f"HTTP {probe.status}"
            yield self.finding(
                slug,
                subject,
                f"The federation service {probe.identity} is not reached as it should be: {why}.",
                facts={"host": probe.identity, "says": f"{why}.", "new": "<thumbprint of the new certificate>"},
                origins=(reading.origin,),
            )


def verdict(probe: FederationServiceProbe) -> str:
    """The cause a look at the service shows, "" for a good one."""
    if probe.stopped:
        return "name-not-found" if probe.stopped == _NO_NAME else "unreachable"
    if found := _OF_CERTIFICATE.get(probe.verification, ""):
        return found
    return "unreachable" if probe.status == 0 or probe.status >= 500 else ""

"""Entra takes the federation service's word for who somebody is, by the certificate it signs with: it must know it.

## How it is decided

The service's metadata name the certificates it signs tokens with, the one in use first. Its thumbprint is compared with
the two the tenant has in the federation configuration of the domain: the present and the next. Neither of them means
that every sign-in is refused ("token not accepted"). One that has expired is refused too. AD FS makes new ones by
itself (AutoCertificateRollover) twenty days before the end, and Entra looks for them in the metadata once a day,
which fails when the metadata are not reached from outside.

## How to cure it by hand

```powershell
Get-AdfsCertificate -CertificateType Token-Signing | Format-List IsPrimary, Thumbprint, Certificate
Get-MgDomainFederationConfiguration -DomainId "contoso.com" | Format-List SigningCertificate, NextSigningCertificate
Update-AdfsCertificate -CertificateType Token-Signing -Urgent
$new = @{ DomainId="contoso.com"; InternalDomainFederationId=$id; SigningCertificate=$base64 }
Update-MgDomainFederationConfiguration @new
```

`Update-AdfsCertificate -Urgent` only where the certificate has expired: it ends every trust at once that has not read
the new one.

## How hybridge cures it

Not at all: a wrong certificate here would let a stranger's service vouch for everybody. It prints the steps.

## How to undo

Nothing is done, so there is nothing to undo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.sign_in.fault_certificates import OLD, OTHER
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import FederationServiceProbe
from hybridge.org.records import EntraDomain, FederationService
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_VERIFY = "hybridge doctor no longer finds sign_in/token-signing."


def _signs_with_another(organization: Organization) -> Organization:
    return organization.edit(FederationService, signing_certificates=(OTHER,))


def _signs_with_an_old_one(organization: Organization) -> Organization:
    return organization.edit(FederationService, signing_certificates=(OLD,)).edit(EntraDomain, signing_certificate=OLD)


def thumbprint(der: bytes) -> str:
    """SHA-1 of ``der`` as Windows prints it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


class TokenSigning(Check):
    """Compares the certificate the federation service signs with and those the tenant knows."""

    title = "Does Entra know the certificate the federation service signs with?"
    why = "Entra refuses every token of the service: nobody of the domain can sign in."
    scope = Scope.ORGANIZATION
    symptom = True
    needs = ((FederationServiceProbe, ON), (EntraDomain, ONLINE))
    sources = (sources.CONNECTIVITY_ANALYZER, sources.AD_FS, sources.INTERNAL_DOMAIN_FEDERATION)
    causes = (
        Cause(
            slug="differs",
            says="The federation service signs tokens with a certificate that the tenant does not know.",
            breaks=_signs_with_another,
            heals=steps(
                "Tell Entra the certificate <host> signs with (<used>); it knows <known>.",
                "On AD FS: Get-AdfsCertificate -CertificateType Token-Signing; compare the primary one with <used>.",
                "If it is that one: Update-MgDomainFederationConfiguration with its base64 as SigningCertificate.",
                "If not: somebody else answers at <host>. Stop, and find out who.",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-9",),
        ),
        Cause(
            slug="expired",
            says="The certificate the federation service signs tokens with has expired.",
            breaks=_signs_with_an_old_one,
            heals=steps(
                "Let <host> sign with a new certificate; <used> has expired.",
                "On AD FS: Update-AdfsCertificate -CertificateType Token-Signing -Urgent",
                "Then tell Entra: Update-MgDomainFederationConfiguration with the new one as SigningCertificate.",
                verify=_VERIFY,
            ),
            healable=False,
            covers=("MRCA-10",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one finding per service: that it has expired, else that it differs."""
        services, domains = evidence.all(FederationServiceProbe, ON), evidence.all(EntraDomain, ONLINE)
        if isinstance(services, Unseen):
            yield services
            return
        if not services.records:
            yield NotApplicable("The mail domain is not federated.")
        for probe in services.records:
            if not probe.signing_certificates:
                continue  # sign_in/federation-service tells why
            used = probe.signing_certificates[0]
            facts = {"host": probe.identity, "used": used.thumbprint, "known": "nothing"}
            if used.not_after is not None and used.not_after <= evidence.now:
                yield self.finding(
                    "expired",
                    subject,
                    f"{probe.identity} signs tokens with {used.thumbprint}, expired on {used.not_after:%Y-%m-%d}.",
                    facts=facts,
                    origins=(services.origin,),
                )
                continue
            if isinstance(domains, Unseen):
                yield domains
                continue
            known = [
                thumbprint(der)
                for one in domains.records
                for der in (one.signing_certificate, one.next_signing_certificate)
                if der
            ]
            if known and used.thumbprint not in known:
                yield self.finding(
                    "differs",
                    subject,
                    f"{probe.identity} signs tokens with {used.thumbprint}; the tenant knows {', '.join(known)}.",
                    facts=facts | {"known": ", ".join(known)},
                    origins=(services.origin, domains.origin),
                )

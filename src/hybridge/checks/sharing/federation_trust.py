r"""Where no connector applies, the two sides trust each other by the federation gateway, whose metadata goes stale.

## How it is decided

`Get-FederationTrust` is read. The organization's own certificate must not have ended, nor the issuer's certificate as
Exchange last learned it: that one is renewed at the issuer, and Exchange goes on with the old one until its metadata is
refreshed. Free/busy then often works in one direction only.

## How to cure it by hand

```powershell
Get-FederationTrust | Set-FederationTrust -RefreshMetadata
Test-FederationTrust -UserIdentity ada@contoso.com
```

Run the first line twice. A certificate of the organization that has ended is replaced with
`Set-FederationTrust -Thumbprint` and published with `-PublishFederationCertificate`, see Microsoft's page.

## How hybridge cures it

It does not: the gateway is asked by Exchange itself. It prints the steps.

## How to undo

Nothing is changed by hybridge. Refreshed metadata needs no undoing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import FederationTrust
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_LONG_AGO = datetime(2024, 1, 31, tzinfo=UTC)


def _stale(organization: Organization) -> Organization:
    return organization.edit(FederationTrust, token_issuer_certificate_not_after=_LONG_AGO)


def _ended(organization: Organization) -> Organization:
    return organization.edit(FederationTrust, org_certificate_not_after=_LONG_AGO)


class FederationTrustCheck(Check):
    """Judges the certificates of the federation trust."""

    title = "Is the federation trust up to date?"
    why = (
        "Whatever goes by federation (sharing with others, and free/busy where no connector applies) fails without it."
    )
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((FederationTrust, ON),)
    sources = (sources.FREE_BUSY_CHECKER, sources.FEDERATION)
    covers = ("FB-02",)
    needs_online = True
    causes = (
        Cause(
            slug="stale-metadata",
            says="Exchange knows only a certificate of the federation gateway that has ended.",
            breaks=_stale,
            heals=steps(
                "Refresh the metadata of the federation trust <name>.",
                "Get-FederationTrust | Set-FederationTrust -RefreshMetadata",
                "Run it a second time: the first may only learn the certificate that comes next.",
                verify="Test-FederationTrust -UserIdentity <a mailbox on-premises> shows Success for every step.",
            ),
            healable=False,
            covers=("X-09",),
        ),
        Cause(
            slug="certificate-expired",
            says="The certificate Exchange shows the federation gateway has ended.",
            breaks=_ended,
            heals=steps(
                "Replace the certificate of the federation trust <name>.",
                "Make a certificate and name it: Set-FederationTrust -Identity <name> -Thumbprint <thumbprint>",
                "Publish it: Set-FederationTrust -Identity <name> -PublishFederationCertificate",
                verify="Test-FederationTrustCertificate shows the certificate on every server.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """No trust at all is nothing wrong: an organization that uses OAuth alone needs none."""
        reading = evidence.all(FederationTrust, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        for one in reading.records:
            ends = (
                ("stale-metadata", one.token_issuer_certificate_not_after, "of the gateway that Exchange knows"),
                ("certificate-expired", one.org_certificate_not_after, "Exchange shows the gateway"),
            )
            for slug, end, which in ends:
                if end is not None and end <= evidence.now:
                    says = f"The certificate {which} (trust {one.identity}) ended on {end:%Y-%m-%d}."
                    facts = {"name": one.identity}
                    yield self.finding(slug, subject, says, address=one.address, facts=facts, origins=(reading.origin,))

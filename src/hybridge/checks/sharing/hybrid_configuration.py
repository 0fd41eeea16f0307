r"""The Hybrid Configuration Wizard keeps what it was told; a wrong service or a missing domain leaves half a hybrid.

## How it is decided

`Get-HybridConfiguration` is read. `ServiceInstance` must be 0 (worldwide) or 1 (operated by 21Vianet), and fit the
cloud of the configuration where that is one of the two. `Domains` must hold the organization's domain. Without a
record the wizard never ran here, and nothing is judged.

## How to cure it by hand

```powershell
Get-HybridConfiguration | Format-List Domains, Features, TlsCertificateName, ServiceInstance
```

Run the Hybrid Configuration Wizard again, choose where the tenant is hosted, and tick the domain.

## How hybridge cures it

It does not: the wizard changes much more than this record. It prints the steps.

## How to undo

Run the Hybrid Configuration Wizard again with the former choices.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.sharing.ways import covers
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import HybridConfiguration
from hybridge.terms.clouds import CHINA, GCC, WORLDWIDE
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
_INSTANCES = {WORLDWIDE.name: 0, GCC.name: 0, CHINA.name: 1}


def _elsewhere(organization: Organization) -> Organization:
    return organization.edit(HybridConfiguration, service_instance=1)


def _other_domain(organization: Organization) -> Organization:
    return organization.edit(HybridConfiguration, domains=("fabrikam.com",))


class HybridConfigurationCheck(Check):
    """Judges what the wizard was told."""

    title = "Was the Hybrid Configuration Wizard run for this service and this domain?"
    why = "The wizard configures the service and the domains it was told, and nothing else."
    scope = Scope.ORGANIZATION
    needs = ((HybridConfiguration, ON),)
    sources = (sources.FREE_BUSY_CHECKER,)
    covers = ("OAUTH-12",)
    needs_online = True
    causes = (
        Cause(
            slug="wrong-service",
            says="The hybrid configuration is for another service than the tenant's.",
            breaks=_elsewhere,
            heals=steps(
                "Run the Hybrid Configuration Wizard for the service the tenant is in (<expected>).",
                "Start the wizard, choose the right hosting service and sign in to the tenant.",
                verify="Get-HybridConfiguration shows ServiceInstance <expected>.",
            ),
            healable=False,
        ),
        Cause(
            slug="domain-missing",
            says="The hybrid configuration does not hold the organization's domain.",
            breaks=_other_domain,
            heals=steps(
                "Add <domain> to the hybrid domains.",
                "Start the Hybrid Configuration Wizard and tick <domain> among the hybrid domains.",
                verify="Get-HybridConfiguration shows <domain> in Domains.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """At most one record."""
        reading = evidence.all(HybridConfiguration, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        if reading.first is None:
            yield NotApplicable("The Hybrid Configuration Wizard has not run here.")
            return
        one = reading.first
        expected = _INSTANCES.get(evidence.cloud.name)
        odd = expected is not None and one.service_instance not in (None, expected)
        if odd:
            says = f"ServiceInstance of the hybrid configuration is {one.service_instance}; this cloud's is {expected}."
            facts = {"expected": str(expected)}
            yield self.finding(
                "wrong-service", subject, says, address=one.address, facts=facts, origins=(reading.origin,)
            )
        if evidence.domain and one.domains and not covers((_plain(name) for name in one.domains), evidence.domain):
            says = f"The hybrid configuration is for {', '.join(one.domains)}, not for {evidence.domain}."
            facts = {"domain": evidence.domain}
            yield self.finding(
                "domain-missing", subject, says, address=one.address, facts=facts, origins=(reading.origin,)
            )


def _plain(name: str) -> str:
    """The domain of an entry; the one Autodiscover is published for is written "autod:contoso.com"."""
    return name.rpartition(":")[2]

r"""An enabled connector on each side makes the two organizations use OAuth; without it they fall back to federation.

## How it is decided

`Get-IntraOrganizationConnector` is read on both sides. On-premises an enabled connector must lead to the tenant; online
an enabled connector must hold the organization's domain. Where there is none, or it is disabled, the organization
relationships and the federation trust are used, which serve fewer features.

## How to cure it by hand

```powershell
Get-IntraOrganizationConnector | Format-List Name, Enabled, TargetAddressDomains, DiscoveryEndpoint
Set-IntraOrganizationConnector -Identity "HybridIOC" -Enabled $true
```

The same cmdlets exist in Exchange Online. A connector that is not there is made by the Hybrid Configuration Wizard.

## How hybridge cures it

It enables a connector on-premises that is there and disabled. For all else it prints the steps.

## How to undo

`hybridge repair undo` disables the connector again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.sharing.ways import connectors_to_cloud, covers
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import IntraOrganizationConnector
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _enable(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    connector = organization.at(finding.address) if finding.address else None
    if not isinstance(connector, IntraOrganizationConnector):
        return by_hand(
            finding, "Enable the connector to the tenant.", "Get-IntraOrganizationConnector", verify="Enabled is True."
        )
    after = msgspec.structs.replace(connector, enabled=True)
    return put(finding, organization, after, f"Enable the connector {connector.identity}.", Risk.MEDIUM)


_WIZARD = steps(
    "Make the connector that is missing <where>.",
    "Run the Hybrid Configuration Wizard and let it configure OAuth.",
    verify="Get-IntraOrganizationConnector shows an enabled connector on both sides.",
)


def _drop(premises: Premises) -> Break:
    def breaks(organization: Organization) -> Organization:
        return organization.drop(*(one.address for one in organization.all(IntraOrganizationConnector, premises)))

    return breaks


def _disable(premises: Premises) -> Break:
    def breaks(organization: Organization) -> Organization:
        return organization.edit(IntraOrganizationConnector, lambda one: one.premises is premises, enabled=False)

    return breaks


class ConnectorEnabled(Check):
    """Judges whether each side has an enabled connector to the other."""

    title = "Do both sides use OAuth for each other?"
    why = "Without an enabled connector free/busy goes by federation, and newer features do not work at all."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((IntraOrganizationConnector, ON), (IntraOrganizationConnector, ONLINE))
    sources = (sources.EXCHANGE_OAUTH, sources.FREE_BUSY_CHECKER)
    covers = ("OAUTH-06", "FB-02")
    causes = (
        Cause(
            slug="disabled",
            says="The connector of Exchange Server to the tenant is disabled.",
            breaks=_disable(ON),
            heals=_enable,
        ),
        Cause(
            slug="missing",
            says="Exchange Server has no connector to the tenant.",
            breaks=_drop(ON),
            heals=_WIZARD,
            healable=False,
        ),
        Cause(
            slug="online-disabled",
            says="The connector of Exchange Online to the servers is disabled.",
            breaks=_disable(ONLINE),
            heals=steps(
                "Enable the connector <name> in Exchange Online.",
                'Set-IntraOrganizationConnector -Identity "<name>" -Enabled $true',
                verify="Get-IntraOrganizationConnector in Exchange Online shows Enabled True.",
            ),
            healable=False,
        ),
        Cause(
            slug="online-missing",
            says="Exchange Online has no connector to the servers.",
            breaks=_drop(ONLINE),
            heals=_WIZARD,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One side after the other."""
        here = evidence.all(IntraOrganizationConnector, ON)
        there = evidence.all(IntraOrganizationConnector, ONLINE)
        if isinstance(here, Unseen):
            yield here
        else:
            yield from self._side(here, connectors_to_cloud(here.records), "", "on-premises", subject)
        if isinstance(there, Unseen):
            yield there
            return
        mine = [
            one
            for one in there.records
            if not evidence.domain or covers(one.target_address_domains, evidence.domain) or len(there.records) == 1
        ]
        yield from self._side(there, tuple(mine), "online-", "in Exchange Online", subject)

    def _side(
        self,
        reading: Seen[IntraOrganizationConnector],
        leading: tuple[IntraOrganizationConnector, ...],
        prefix: str,
        where: str,
        subject: Subject,
    ) -> Iterator[Finding]:
        if any(one.enabled for one in leading):
            return
        if not leading:
            says = f"There is no connector to the other side {where}."
            yield self.finding(f"{prefix}missing", subject, says, facts={"where": where}, origins=(reading.origin,))
            return
        found = leading[0]
        says = f"The connector {found.identity} {where} is disabled."
        yield self.finding(
            f"{prefix}disabled",
            subject,
            says,
            address=found.address,
            facts={"name": found.identity, "where": where},
            origins=(reading.origin,),
        )

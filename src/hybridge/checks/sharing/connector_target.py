r"""An enabled connector is all Exchange looks at: one that leads to the wrong place has no way back to federation.

## How it is decided

`Get-IntraOrganizationConnector` is read on both sides. On-premises an enabled connector must hold the tenant's routing
domain (`<tenant>.mail.onmicrosoft.com`) and look for it at Exchange Online's Autodiscover. Online it must hold the
organization's domain and name an Autodiscover address of the servers.

## How to cure it by hand

```powershell
$endpoint = "https://outlook.office365.com/autodiscover/autodiscover.svc"
Set-IntraOrganizationConnector -Identity "HybridIOC" -TargetAddressDomains @{Add="contoso.mail.onmicrosoft.com"}
Set-IntraOrganizationConnector -Identity "HybridIOC" -DiscoveryEndpoint $endpoint
```

## How hybridge cures it

It adds the routing domain, or sets the discovery endpoint of the cloud, on-premises. Online it prints the steps.

## How to undo

`hybridge repair undo` takes the domain out again or sets the former endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.sharing.ways import connectors_to_cloud, covers, is_cloud, routing_domain
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import IntraOrganizationConnector
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.hybrid_application import is_routing_domain
from hybridge.terms.premises import Premises
from hybridge.terms.sharing import DISCOVERY_PATH

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _correct(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    connector = organization.at(finding.address) if finding.address else None
    domain, endpoint = finding.facts.get("domain", ""), finding.facts.get("endpoint", "")
    if not isinstance(connector, IntraOrganizationConnector) or not (domain or endpoint):
        return by_hand(
            finding,
            "Add the tenant's routing domain to the connector.",
            "Get-IntraOrganizationConnector | Format-List Name, TargetAddressDomains, DiscoveryEndpoint",
            verify="TargetAddressDomains holds <tenant>.mail.onmicrosoft.com.",
        )
    if endpoint:
        after = msgspec.structs.replace(connector, discovery_endpoint=endpoint)
        says = f"Let the connector {connector.identity} look for the tenant at {endpoint}."
        return put(finding, organization, after, says, Risk.MEDIUM)
    if covers(connector.target_address_domains, domain):
        return ()
    after = msgspec.structs.replace(connector, target_address_domains=(*connector.target_address_domains, domain))
    return put(finding, organization, after, f"Add {domain} to the connector {connector.identity}.", Risk.MEDIUM)


_ONLINE_STEPS = steps(
    "Correct the connector <name> in Exchange Online.",
    'Set-IntraOrganizationConnector -Identity "<name>" -TargetAddressDomains @{Add="<domain>"}',
    'Set-IntraOrganizationConnector -Identity "<name>" -DiscoveryEndpoint <endpoint>',
    verify="Get-IntraOrganizationConnector in Exchange Online shows <domain> and your own Autodiscover address.",
)


def _no_domain(organization: Organization) -> Organization:
    return organization.edit(
        IntraOrganizationConnector, lambda one: one.premises is ON, target_address_domains=("contoso.com",)
    )


def _astray(organization: Organization) -> Organization:
    wrong = "https://autodiscover.contoso.com/autodiscover/autodiscover.svc"
    return organization.edit(IntraOrganizationConnector, lambda one: one.premises is ON, discovery_endpoint=wrong)


def _other_domain(organization: Organization) -> Organization:
    return organization.edit(
        IntraOrganizationConnector, lambda one: one.premises is ONLINE, target_address_domains=("fabrikam.com",)
    )


def _no_endpoint(organization: Organization) -> Organization:
    return organization.edit(IntraOrganizationConnector, lambda one: one.premises is ONLINE, discovery_endpoint="")


class ConnectorTarget(Check):
    """Judges where the enabled connectors of both sides lead."""

    title = "Do the connectors of both sides lead to the other side?"
    why = "Where a connector applies and leads astray, calendars of the other side stay hatched: nothing else is tried."
    scope = Scope.ORGANIZATION
    needs = ((IntraOrganizationConnector, ON), (IntraOrganizationConnector, ONLINE))
    sources = (sources.EXCHANGE_OAUTH, sources.FREE_BUSY_CHECKER)
    covers = ("OAUTH-06", "OAUTH-07")
    causes = (
        Cause(
            slug="routing-domain-missing",
            says="The connector of Exchange Server does not hold the tenant's routing domain.",
            breaks=_no_domain,
            heals=_correct,
        ),
        Cause(
            slug="wrong-endpoint",
            says="The connector of Exchange Server does not look for the tenant at Exchange Online.",
            breaks=_astray,
            heals=_correct,
        ),
        Cause(
            slug="online-domain-missing",
            says="The connector of Exchange Online does not hold the organization's domain.",
            breaks=_other_domain,
            heals=_ONLINE_STEPS,
            healable=False,
        ),
        Cause(
            slug="online-endpoint-wrong",
            says="The connector of Exchange Online names no Autodiscover address of the servers.",
            breaks=_no_endpoint,
            heals=_ONLINE_STEPS,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """Enabled connectors only: what is disabled leads nowhere."""
        here = evidence.all(IntraOrganizationConnector, ON)
        there = evidence.all(IntraOrganizationConnector, ONLINE)
        yield from (one for one in (here, there) if isinstance(one, Unseen))
        if isinstance(here, Seen):
            mine = tuple(one for one in connectors_to_cloud(here.records) if one.enabled)
            yield from self._on_premises(mine, evidence, subject, here.origin)
        if isinstance(there, Seen):
            enabled = tuple(one for one in there.records if one.enabled)
            yield from self._online(enabled, evidence, subject, there.origin)

    def _on_premises(
        self, mine: tuple[IntraOrganizationConnector, ...], evidence: Evidence, subject: Subject, origin: Origin
    ) -> Iterator[Finding]:
        if not mine:
            return
        if not any(is_routing_domain(name) for one in mine for name in one.target_address_domains):
            domain = routing_domain(evidence)
            says = f"The connector {mine[0].identity} holds no routing domain of the tenant."
            yield self.finding(
                "routing-domain-missing",
                subject,
                says,
                address=mine[0].address,
                facts={"domain": domain},
                origins=(origin,),
            )
        for one in mine:
            if not is_cloud(one.discovery_endpoint) or DISCOVERY_PATH not in one.discovery_endpoint.lower():
                endpoint = f"https://{evidence.cloud.exchange}{DISCOVERY_PATH}"
                says = f"The connector {one.identity} looks for the tenant at '{one.discovery_endpoint}'."
                yield self.finding(
                    "wrong-endpoint",
                    subject,
                    says,
                    address=one.address,
                    facts={"endpoint": endpoint},
                    origins=(origin,),
                )

    def _online(
        self, enabled: tuple[IntraOrganizationConnector, ...], evidence: Evidence, subject: Subject, origin: Origin
    ) -> Iterator[Finding]:
        endpoint = f"https://autodiscover.{evidence.domain}{DISCOVERY_PATH}"
        if not enabled or not evidence.domain:
            return
        mine = [one for one in enabled if covers(one.target_address_domains, evidence.domain)]
        if not mine:
            names = ", ".join(one.identity for one in enabled)
            says = f"No enabled connector in Exchange Online ({names}) holds {evidence.domain}."
            facts = {"name": enabled[0].identity, "domain": evidence.domain, "endpoint": endpoint}
            yield self.finding(
                "online-domain-missing", subject, says, address=enabled[0].address, facts=facts, origins=(origin,)
            )
        for one in mine:
            if not one.discovery_endpoint.lower().startswith("https://") or is_cloud(one.discovery_endpoint):
                says = f"The connector {one.identity} online looks for the servers at '{one.discovery_endpoint}'."
                facts = {"name": one.identity, "domain": evidence.domain, "endpoint": endpoint}
                yield self.finding(
                    "online-endpoint-wrong", subject, says, address=one.address, facts=facts, origins=(origin,)
                )

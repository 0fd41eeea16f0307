r"""Teams cannot reach Exchange through a Hybrid Agent: it serves free/busy and mailbox moves, nothing else.

## How it is decided

The addresses at which Exchange Online looks for the servers are read there: the discovery endpoint of each enabled
connector (`Get-IntraOrganizationConnector`), and the addresses of each enabled relationship
(`Get-OrganizationRelationship`). A host that ends with `.resource.mailboxmigration.his.msappproxy.net` is a Hybrid
Agent. Microsoft supports neither the calendar app, nor delegate scheduling, nor presence of the calendar for mailboxes
behind it. What the published ways of Teams answer is then not examined: it makes no difference.

## How to cure it by hand

Publish Autodiscover and EWS of the servers to the Internet, and run the Hybrid Configuration Wizard again with the
classic topology.

```powershell
Get-IntraOrganizationConnector | Format-List Name, Enabled, DiscoveryEndpoint
Get-OrganizationRelationship | Format-List Name, Enabled, TargetAutodiscoverEpr, TargetSharingEpr
```

## How hybridge cures it

It does not: names, certificates and the firewall have to change. It prints the steps.

## How to undo

Run the Hybrid Configuration Wizard with the modern topology again.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.sharing.ways import host_of
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import IntraOrganizationConnector, OrganizationRelationship
from hybridge.terms.hybrid_kinds import AGENT_SUFFIX, is_hybrid_agent
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ONLINE = Premises.ONLINE
_AGENT = f"8d1f2c3b-5a47-4e09-9b1d-6c0ffee0a9e7{AGENT_SUFFIX}"


def _behind_an_agent(organization: Organization) -> Organization:
    connectors = (
        msgspec.structs.replace(one, discovery_endpoint=_through(one.discovery_endpoint))
        for one in organization.all(IntraOrganizationConnector, ONLINE)
    )
    relationships = (
        msgspec.structs.replace(one, target_autodiscover_epr=_through(one.target_autodiscover_epr))
        for one in organization.all(OrganizationRelationship, ONLINE)
    )
    return organization.put(*connectors, *relationships)


def _through(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=_AGENT))


class HybridAgent(Check):
    """Judges whether the cloud reaches the servers directly."""

    title = "Does Microsoft 365 reach Exchange directly, not through a Hybrid Agent?"
    why = "Behind a Hybrid Agent neither the Teams calendar, nor delegate scheduling, nor calendar presence works."
    scope = Scope.ORGANIZATION
    needs = ((IntraOrganizationConnector, ONLINE), (OrganizationRelationship, ONLINE))
    sources = (sources.INTEROPERATION, sources.FREE_BUSY_CHECKER)
    covers = ("OAUTH-07", "X-02", "CAL-09")
    causes = (
        Cause(
            slug="teams-unsupported",
            says="Microsoft 365 reaches Exchange through a Hybrid Agent, which Teams cannot use.",
            breaks=_behind_an_agent,
            heals=steps(
                "Publish Exchange directly in place of the Hybrid Agent <host>.",
                "Publish Autodiscover, EWS and the REST API of the servers, with a public certificate.",
                "Run the Hybrid Configuration Wizard and choose the classic topology.",
                "Remove the Hybrid Agent once free/busy works in both directions.",
                verify="Get-IntraOrganizationConnector in Exchange Online shows a DiscoveryEndpoint of your own.",
            ),
            symptoms=tuple(Symptom),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for the first agent met: it is one thing, said once."""
        connectors = evidence.all(IntraOrganizationConnector, ONLINE)
        relationships = evidence.all(OrganizationRelationship, ONLINE)
        met: list[tuple[str, Origin, object]] = []
        if isinstance(connectors, Seen):
            met += [
                (host_of(one.discovery_endpoint), connectors.origin, one.address)
                for one in connectors.records
                if one.enabled
            ]
        if isinstance(relationships, Seen):
            met += [
                (host_of(url), relationships.origin, one.address)
                for one in relationships.records
                if one.enabled
                for url in (one.target_autodiscover_epr, one.target_sharing_epr)
            ]
        agents = [one for one in met if is_hybrid_agent(one[0])]
        for host, origin, address in agents[:1]:
            says = f"Microsoft 365 reaches Exchange through the Hybrid Agent {host}, which Teams cannot use."
            yield self.finding(
                "teams-unsupported", subject, says, address=address, facts={"host": host}, origins=(origin,)
            )
        if not agents:
            yield from (one for one in (connectors, relationships) if isinstance(one, Unseen))

r"""With the dedicated hybrid application Exchange must be told where the cloud's EWS is: it no longer looks it up.

## How it is decided

Every enabled organization relationship whose `TargetAutodiscoverEpr` is at a host of Microsoft must have a
`TargetSharingEpr`. It is the address free/busy, MailTips and photos are asked at. The right value is looked up
anonymously by Autodiscover V2, for an arbitration mailbox that exists in every tenant:

```
https://outlook.office365.com/autodiscover/autodiscover.json/v1.0/
  Migration.8f3e7716-2011-43e4-96b1-aba62d229136@contoso.onmicrosoft.com?Protocol=EWS&ServerLocation=true
```

An answer counts when `ServerLocation` says Exchange Online. Where it could not be asked, the address of the cloud that
the relationship's own Autodiscover belongs to is taken.

## How to cure it by hand

```powershell
Get-OrganizationRelationship | Format-List Name, Enabled, DomainNames, TargetAutodiscoverEpr, TargetSharingEpr
Set-OrganizationRelationship -Identity "On-premises to O365" `
  -TargetSharingEpr "https://outlook.office365.com/EWS/Exchange.asmx"
```

## How hybridge cures it

It sets the address that was found. Where another server than Exchange Online answered, it prints the steps.

## How to undo

`hybridge repair undo` takes the address away again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.oauth import hybrid
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import ServerLocationProbe
from hybridge.org.records import OrganizationRelationship
from hybridge.plan import Change, Manual
from hybridge.terms import hybrid_application as terms
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


def _name_address(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    relationship = organization.at(finding.address) if finding.address else None
    if not isinstance(relationship, OrganizationRelationship) or relationship.target_sharing_epr:
        return ()
    url = finding.facts["url"]
    if not url:
        return by_hand(
            finding,
            f"Find out where the other side of the relationship {relationship.identity} has its EWS: Autodiscover V2 "
            "did not say that it is Exchange Online.",
            "Get-OrganizationRelationship | Format-List Name, DomainNames, TargetAutodiscoverEpr",
            f'Set-OrganizationRelationship -Identity "{relationship.identity}" -TargetSharingEpr <EWS address>',
            verify="hybridge doctor no longer finds oauth/organization-relationship-epr.",
        )
    after = msgspec.structs.replace(relationship, target_sharing_epr=url)
    return put(finding, organization, after, f"Tell the relationship {relationship.identity} to ask at {url}.")


def _without_address(organization: Organization) -> Organization:
    return organization.edit(OrganizationRelationship, hybrid.leads_to_the_cloud, target_sharing_epr="")


class OrganizationRelationshipEpr(Check):
    """Judges the organization relationships that lead to Exchange Online."""

    title = "Does Exchange know where free/busy of the cloud is asked for?"
    why = "Without the address Exchange looks for it in a way that may fail, and then shows no free/busy of the cloud."
    scope = Scope.ORGANIZATION
    severity = Severity.WARNING
    needs = ((OrganizationRelationship, ON),)
    covers = ("OAUTH-11",)
    sources = (
        sources.DEDICATED_APPLICATION,
        sources.CONFIGURE_APPLICATION,
        sources.SET_ORGANIZATION_RELATIONSHIP,
    )
    causes = (
        Cause(
            slug="address-missing",
            says="An organization relationship with Exchange Online does not say where its EWS is.",
            breaks=_without_address,
            heals=_name_address,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding per relationship without an address."""
        reading = evidence.all(OrganizationRelationship, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        mine = [one for one in reading.records if hybrid.leads_to_the_cloud(one)]
        if not mine:
            yield NotApplicable("No enabled organization relationship leads to Exchange Online.")
        places = evidence.all(ServerLocationProbe, ONLINE)
        for one in mine:
            if one.target_sharing_epr:
                continue
            origins = (reading.origin, places.origin) if isinstance(places, Seen) else (reading.origin,)
            yield self.finding(
                "address-missing",
                subject,
                f"The relationship {one.identity} leads to Exchange Online, and its TargetSharingEpr is empty.",
                address=one.address,
                facts={"url": _url(one, places)},
                origins=origins,
            )


def _url(relationship: OrganizationRelationship, places: Seen[ServerLocationProbe] | Unseen) -> str:
    """EWS of the other side: as Autodiscover told, else as its cloud has it; "" when another server answered."""
    usual = f"https://{hybrid.ews_host(relationship.target_autodiscover_epr)}/EWS/Exchange.asmx"
    asked = {terms.initial_domain(name) for name in relationship.domain_names} | set(relationship.domain_names)
    for place in () if isinstance(places, Unseen) else places.records:
        if place.identity.lower() in {name.lower() for name in asked}:
            told = place.server_location == terms.EXCHANGE_ONLINE_NAME and hybrid.ews_host(place.url)
            return place.url if told else ""
    return usual

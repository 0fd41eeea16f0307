r"""The organization relationships say what each side may see of the other's calendars, and where to ask.

## How it is decided

`Get-OrganizationRelationship` is read on both sides. The one with the other side must be enabled, must allow free/busy
(`FreeBusyAccessEnabled`, and a `FreeBusyAccessLevel` other than None), and must say where the other side is
(`TargetAutodiscoverEpr`) and how it is called in tokens (`TargetApplicationUri`). Where connectors are enabled,
free/busy itself goes by OAuth; MailTips, photos and the dedicated hybrid application use the relationship nevertheless.

## How to cure it by hand

```powershell
Get-OrganizationRelationship | Format-List Name, Enabled, DomainNames, FreeBusyAccess*, Target*
Set-OrganizationRelationship -Identity "On-premises to O365" -Enabled $true -FreeBusyAccessEnabled $true
Set-OrganizationRelationship -Identity "On-premises to O365" -FreeBusyAccessLevel LimitedDetails
```

The same cmdlets exist in Exchange Online.

## How hybridge cures it

On-premises it enables the relationship, or allows free/busy again. How much is shown is for a person to say, so it
never raises the level; and online it prints the steps.

## How to undo

`hybridge repair undo` sets `Enabled` or `FreeBusyAccessEnabled` back to `$false`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.checks.sharing.ways import relationships_to_cloud, relationships_to_servers
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import OrganizationRelationship
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _switch_on(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    found = organization.at(finding.address) if finding.address else None
    if not isinstance(found, OrganizationRelationship):
        return by_hand(
            finding,
            "Enable the organization relationship.",
            "Get-OrganizationRelationship | Format-List Name, Enabled, FreeBusyAccessEnabled",
            verify="Both are True.",
        )
    after = msgspec.structs.replace(found, **{finding.facts["field"]: True})
    says = f"Set {finding.facts['property']} of the relationship {found.identity} to true."
    return put(finding, organization, after, says, Risk.MEDIUM)


_BY_HAND = steps(
    "Correct the relationship <name> <where>.",
    'Set-OrganizationRelationship -Identity "<name>" -<property> <value>',
    verify="Get-OrganizationRelationship <where> shows the new value of <property>.",
)
_MAKE = steps(
    "Make the organization relationship that is missing <where>.",
    "Run the Hybrid Configuration Wizard: it makes the relationships of both sides.",
    verify="Get-OrganizationRelationship <where> shows a relationship with the other side.",
)


def _set(premises: Premises, **changes: Any) -> Break:
    def breaks(organization: Organization) -> Organization:
        return organization.edit(OrganizationRelationship, lambda one: one.premises is premises, **changes)

    return breaks


def _gone(premises: Premises) -> Break:
    def breaks(organization: Organization) -> Organization:
        return organization.drop(*(one.address for one in organization.all(OrganizationRelationship, premises)))

    return breaks


_VALUES = {
    "disabled": ("Enabled", "enabled", "$true"),
    "free-busy-off": ("FreeBusyAccessEnabled", "free_busy_access_enabled", "$true"),
    "level-none": ("FreeBusyAccessLevel", "free_busy_access_level", "LimitedDetails"),
    "autodiscover-address-missing": ("TargetAutodiscoverEpr", "target_autodiscover_epr", "<address>"),
    "application-uri-missing": ("TargetApplicationUri", "target_application_uri", "<uri>"),
}
"""Slug -> the cmdlet's property, the record's field, and the value to give it by hand."""


class OrganizationRelationshipCheck(Check):
    """Judges the relationships both sides have with each other."""

    title = "Do the organization relationships of both sides allow free/busy?"
    why = "What a relationship does not allow, or does not know where to ask for, nobody of the other side sees."
    scope = Scope.ORGANIZATION
    needs = ((OrganizationRelationship, ON), (OrganizationRelationship, ONLINE))
    sources = (sources.FREE_BUSY_CHECKER, sources.SET_ORGANIZATION_RELATIONSHIP)
    covers = ("FB-01",)
    needs_online = True
    causes = (
        Cause(
            slug="missing",
            says="Exchange Server has no relationship with the tenant.",
            breaks=_gone(ON),
            heals=_MAKE,
            healable=False,
        ),
        Cause(
            slug="disabled",
            says="The relationship of Exchange Server with the tenant is disabled.",
            breaks=_set(ON, enabled=False),
            heals=_switch_on,
        ),
        Cause(
            slug="free-busy-off",
            says="The relationship of Exchange Server with the tenant does not allow free/busy.",
            breaks=_set(ON, free_busy_access_enabled=False),
            heals=_switch_on,
        ),
        Cause(
            slug="level-none",
            says="The relationship of Exchange Server with the tenant shows nothing of calendars.",
            breaks=_set(ON, free_busy_access_level="None"),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="autodiscover-address-missing",
            says="The relationship of Exchange Server with the tenant does not say where the tenant is.",
            breaks=_set(ON, target_autodiscover_epr="", target_sharing_epr=""),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="application-uri-missing",
            says="The relationship of Exchange Server with the tenant does not say how the tenant is called in tokens.",
            breaks=_set(ON, target_application_uri=""),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="online-missing",
            says="Exchange Online has no relationship with the servers.",
            breaks=_gone(ONLINE),
            heals=_MAKE,
            healable=False,
        ),
        Cause(
            slug="online-disabled",
            says="The relationship of Exchange Online with the servers is disabled.",
            breaks=_set(ONLINE, enabled=False),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="online-free-busy-off",
            says="The relationship of Exchange Online with the servers does not allow free/busy.",
            breaks=_set(ONLINE, free_busy_access_enabled=False),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="online-level-none",
            says="The relationship of Exchange Online with the servers shows nothing of calendars.",
            breaks=_set(ONLINE, free_busy_access_level="None"),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="online-autodiscover-address-missing",
            says="The relationship of Exchange Online with the servers does not say where they are.",
            breaks=_set(ONLINE, target_autodiscover_epr="", target_sharing_epr=""),
            heals=_BY_HAND,
            healable=False,
        ),
        Cause(
            slug="online-application-uri-missing",
            says="The relationship of Exchange Online with the servers does not say how they are called in tokens.",
            breaks=_set(ONLINE, target_application_uri=""),
            heals=_BY_HAND,
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One side after the other; of several relationships one good one is enough."""
        here = evidence.all(OrganizationRelationship, ON)
        there = evidence.all(OrganizationRelationship, ONLINE)
        yield from (one for one in (here, there) if isinstance(one, Unseen))
        if isinstance(here, Seen):
            yield from self._side(here, relationships_to_cloud(here.records), "", "on-premises", subject)
        if isinstance(there, Seen) and evidence.domain:
            mine = relationships_to_servers(there.records, evidence.domain)
            yield from self._side(there, mine, "online-", "in Exchange Online", subject)

    def _side(
        self,
        reading: Seen[OrganizationRelationship],
        mine: tuple[OrganizationRelationship, ...],
        prefix: str,
        where: str,
        subject: Subject,
    ) -> Iterator[Finding]:
        if not mine:
            says = f"There is no organization relationship with the other side {where}."
            yield self.finding(f"{prefix}missing", subject, says, facts={"where": where}, origins=(reading.origin,))
            return
        one = min(mine, key=lambda relationship: len(_wrong(relationship)))
        for slug in _wrong(one):
            name, field, value = _VALUES[slug]
            says = f"{name} of the relationship {one.identity} {where} is {getattr(one, field) or 'not set'}."
            facts = {"name": one.identity, "where": where, "property": name, "field": field, "value": value}
            yield self.finding(
                f"{prefix}{slug}", subject, says, address=one.address, facts=facts, origins=(reading.origin,)
            )


def _wrong(one: OrganizationRelationship) -> tuple[str, ...]:
    """Slugs of what is wrong with ``one``; of a disabled one nothing else is said."""
    if not one.enabled:
        return ("disabled",)
    found = []
    if not one.free_busy_access_enabled:
        found.append("free-busy-off")
    elif one.free_busy_access_level.lower() == "none":
        found.append("level-none")
    if not one.target_autodiscover_epr and not one.target_sharing_epr:
        found.append("autodiscover-address-missing")
    if not one.target_application_uri:
        found.append("application-uri-missing")
    return tuple(found)

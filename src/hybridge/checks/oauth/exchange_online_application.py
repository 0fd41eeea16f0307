r"""Exchange Online comes to the servers as the partner application "Exchange Online", with the roles of its account.

## How it is decided

`Get-PartnerApplication` must show the application `00000002-0000-0ff1-ce00-000000000000` enabled, with an empty
`Realm`, `UseAuthServer` true and a linked account. `Get-ManagementRoleAssignment` of that account must hold the role
`UserApplication`, by which calendars are read; without it every call ends with "The caller has not assigned any of the
RBAC roles requested in the management role header."

## How to cure it by hand

```powershell
Get-PartnerApplication "Exchange Online" | Format-List Enabled, Realm, UseAuthServer, LinkedAccount
Set-PartnerApplication "Exchange Online" -Enabled $true
Get-ManagementRoleAssignment -RoleAssignee "Exchange Online-ApplicationAccount" | Format-Table Role, Enabled
New-ManagementRoleAssignment -Role UserApplication -User "Exchange Online-ApplicationAccount"
```

## How hybridge cures it

It enables the application, or assigns the role again. An application that is not there, or has a realm, is made by
Exchange's own set-up: it prints the steps.

## How to undo

`hybridge repair undo` disables the application again, or removes the assignment.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put, steps
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import IntraOrganizationConnector, ManagementRoleAssignment, PartnerApplication
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.premises import Premises
from hybridge.terms.sharing import CALENDAR_ROLE

ON = Premises.ON_PREMISES


def is_exchange_online(one: PartnerApplication) -> bool:
    """Whether ``one`` is the application Exchange Online comes as."""
    return one.application_identifier.lower() == EXCHANGE_ONLINE


def _is_calendar_role(one: ManagementRoleAssignment) -> bool:
    return one.role.lower() == CALENDAR_ROLE.lower()


def _enable(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    found = organization.at(finding.address) if finding.address else None
    if not isinstance(found, PartnerApplication):
        return by_hand(
            finding, "Enable the application.", "Get-PartnerApplication", verify="Get-PartnerApplication shows Enabled."
        )
    after = msgspec.structs.replace(found, enabled=True)
    return put(finding, organization, after, f"Enable the partner application {found.identity}.", Risk.MEDIUM)


def _assign(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    account = finding.facts["account"]
    identity = f"{CALENDAR_ROLE}-{account}"
    present = organization.one(ManagementRoleAssignment, ON, identity)
    after = ManagementRoleAssignment(premises=ON, identity=identity, role=CALENDAR_ROLE, role_assignee=account)
    if present is not None:
        after = msgspec.structs.replace(present, enabled=True)
    return put(finding, organization, after, f"Assign the role {CALENDAR_ROLE} to {account}.", Risk.MEDIUM)


def _disabled(organization: Organization) -> Organization:
    return organization.edit(PartnerApplication, is_exchange_online, enabled=False)


def _in_a_realm(organization: Organization) -> Organization:
    return organization.edit(PartnerApplication, is_exchange_online, realm="fabrikam.com")


def _gone(organization: Organization) -> Organization:
    mine = (one.address for one in organization.all(PartnerApplication, ON) if is_exchange_online(one))
    return organization.drop(*mine)


def _without_role(organization: Organization) -> Organization:
    accounts = {one.linked_account for one in organization.all(PartnerApplication, ON) if is_exchange_online(one)}
    mine = (
        one.address
        for one in organization.all(ManagementRoleAssignment, ON)
        if one.role_assignee in accounts and _is_calendar_role(one)
    )
    return organization.drop(*mine)


class ExchangeOnlineApplication(Check):
    """Judges how Exchange Online may come to the servers."""

    title = "May Exchange Online read calendars on the servers?"
    why = "People online see no free/busy of people on-premises, and nothing else of the servers either."
    scope = Scope.ORGANIZATION
    needs = ((PartnerApplication, ON), (ManagementRoleAssignment, ON), (IntraOrganizationConnector, ON))
    sources = (sources.FREE_BUSY_CHECKER, sources.EXCHANGE_OAUTH)
    covers = ("OAUTH-08", "PA-05", "PA-06")
    needs_online = True
    causes = (
        Cause(
            slug="disabled",
            says="The partner application of Exchange Online is disabled.",
            breaks=_disabled,
            heals=_enable,
        ),
        Cause(
            slug="missing",
            says="There is no partner application of Exchange Online.",
            breaks=_gone,
            heals=steps(
                "Let Exchange's set-up make the partner application Exchange Online again.",
                "Run Setup.exe /PrepareAD of the newest Exchange build on a domain member.",
                "Run the Hybrid Configuration Wizard and let it configure OAuth.",
                verify="Get-PartnerApplication shows Exchange Online, enabled, with its linked account.",
            ),
            healable=False,
        ),
        Cause(
            slug="realm-set",
            says="The partner application of Exchange Online has a realm.",
            breaks=_in_a_realm,
            heals=steps(
                "Empty the realm of the partner application <name>.",
                'Set-PartnerApplication -Identity "<name>" -Realm ""',
                verify="Get-PartnerApplication shows an empty Realm.",
            ),
            healable=False,
        ),
        Cause(
            slug="calendar-role-missing",
            says="The account of Exchange Online does not hold the role UserApplication.",
            breaks=_without_role,
            heals=_assign,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """The application first; the roles of its account only where there is one."""
        partners = evidence.all(PartnerApplication, ON)
        connectors = evidence.all(IntraOrganizationConnector, ON)
        if isinstance(partners, Unseen):
            yield partners
            return
        if isinstance(connectors, Unseen):
            yield connectors
        mine = [one for one in partners.records if is_exchange_online(one)]
        if not mine:
            if isinstance(connectors, Seen) and not connectors.records:
                yield NotApplicable("OAuth between Exchange and Exchange Online is not configured.")
                return
            says = f"There is no partner application {EXCHANGE_ONLINE}."
            yield self.finding("missing", subject, says, origins=(partners.origin,))
            return
        yield from self._application(mine[0], subject, partners)
        yield from self._roles(mine[0], evidence, subject)

    def _application(
        self, one: PartnerApplication, subject: Subject, reading: Seen[PartnerApplication]
    ) -> Iterator[Finding]:
        facts, origins = {"name": one.identity}, (reading.origin,)
        if not one.enabled:
            says = f"The partner application {one.identity} is disabled."
            yield self.finding("disabled", subject, says, address=one.address, facts=facts, origins=origins)
        if one.realm:
            says = f"The partner application {one.identity} has the realm '{one.realm}'; it must have none."
            yield self.finding("realm-set", subject, says, address=one.address, facts=facts, origins=origins)

    def _roles(self, one: PartnerApplication, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        reading = evidence.all(ManagementRoleAssignment, ON)
        if isinstance(reading, Unseen):
            yield reading
            return
        account = one.linked_account
        held = [
            assignment
            for assignment in reading.records
            if assignment.enabled and assignment.role_assignee.lower() == account.lower()
        ]
        if account and not any(_is_calendar_role(assignment) for assignment in held):
            says = f"{account} does not hold the role {CALENDAR_ROLE}."
            yield self.finding(
                "calendar-role-missing", subject, says, facts={"account": account}, origins=(reading.origin,)
            )

"""Without the Teams service in a licence a person has no Teams, and so no calendar in it.

## How it is decided

Among the services of the person's licences (Microsoft Graph, `licenseDetails`) must be one whose name begins with
`TEAMS1`, switched on. It may be missing because there is no licence with Teams, or because it was taken out of the
licence (*Disabled*). Where the person lives does not matter. Licences sold without Teams need Teams beside them.

## How to cure it by hand

In the Microsoft 365 admin centre: **Users** > **Active users**, choose the person, **Licenses and apps**, tick a
licence with Teams, and **Microsoft Teams** below *Apps*. Or:

```powershell
Connect-MgGraph -Scopes User.ReadWrite.All, Organization.Read.All
Get-MgUserLicenseDetail -UserId "ada@contoso.com" | Select-Object -ExpandProperty ServicePlans
Get-MgSubscribedSku | Format-Table SkuPartNumber, SkuId, ConsumedUnits
```

It takes up to a day until Teams shows.

## How hybridge cures it

It does not: licences cost money. It prints the steps.

## How to undo

Take the licence away in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.teams.licences import TEAMS, licence_of, without
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.records import UserLicense
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom


class TeamsLicence(Check):
    """Looks for the Teams service among a person's licences."""

    title = "Is the person licensed for Teams?"
    why = "Without it there is no Teams for the person: no calendar, no meetings, no presence."
    scope = Scope.MAILBOX
    needs = ((UserLicense, Premises.ONLINE),)
    sources = (sources.LICENCES, sources.INTEROPERATION)
    covers = ("CAL-04",)
    causes = (
        Cause(
            slug="no-teams",
            says="No licence of the person has the Teams service switched on.",
            breaks=without(TEAMS),
            heals=steps(
                "Give <mailbox> a licence with Microsoft Teams.",
                "Microsoft 365 admin centre: Users > Active users, choose the person, Licenses and apps.",
                "Tick a licence with Teams, and Microsoft Teams below Apps; Save changes.",
                "Wait up to a day until Teams shows.",
                verify='Get-MgUserLicenseDetail -UserId "<mailbox>" shows TEAMS1 as Success.',
            ),
            symptoms=(Symptom.CALENDAR_MISSING,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the service is missing."""
        licence = licence_of(evidence, subject.mailbox)
        if isinstance(licence, Unseen):
            yield licence
        elif licence.first is not None and not licence.first.has(TEAMS):
            names = ", ".join(plan.name for plan in licence.first.service_plans if plan.on) or "nothing"
            yield self.finding(
                "no-teams",
                subject,
                f"{subject.mailbox} is not licensed for Teams; licensed is {names}.",
                address=licence.first.address,
                facts={"mailbox": subject.mailbox},
                origins=(licence.origin,),
            )

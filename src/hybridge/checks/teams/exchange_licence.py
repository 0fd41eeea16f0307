"""Microsoft asks for an Exchange plan in the licences of all who use the calendar in Teams, wherever the mailbox is.

## How it is decided

Among the services of the person's licences (Microsoft Graph, `licenseDetails`) there should be one whose name begins
with `EXCHANGE_S_`, switched on. For a mailbox on-premises its absence is found as a warning: Teams works in most such
tenants all the same, and nobody notices. A mailbox in Exchange Online without it is about to be deleted.

## How to cure it by hand

In the Microsoft 365 admin centre: **Users** > **Active users**, choose the person, **Licenses and apps**, tick a
licence with Exchange Online, and **Exchange Online** below *Apps*. First make sure that Exchange Online knows the
person's mailbox on-premises, or it makes a second, empty one:

```powershell
Get-MailUser -Identity "ada@contoso.com" | Format-List ExchangeGuid
```

A value of zeros means that it does not know it.

## How hybridge cures it

It does not: licences cost money. It prints the steps.

## How to undo

Take the plan out of the licence in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.teams.licences import EXCHANGE, licence_of, without
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.records import UserLicense
from hybridge.terms.premises import Premises


class ExchangeLicence(Check):
    """Looks for an Exchange service among a person's licences."""

    title = "Is the person licensed for Exchange?"
    why = "Microsoft documents the Teams calendar for people with an Exchange licence, and supports nobody else."
    scope = Scope.MAILBOX
    severity = Severity.WARNING
    needs = ((UserLicense, Premises.ONLINE),)
    sources = (sources.INTEROPERATION, sources.LICENCES)
    covers = ("CAL-04",)
    causes = (
        Cause(
            slug="no-exchange",
            says="No licence of the person has an Exchange service switched on.",
            breaks=without(EXCHANGE),
            heals=steps(
                "Give <mailbox> a licence with Exchange Online.",
                'Exchange Online PowerShell: Get-MailUser -Identity "<mailbox>" shows the ExchangeGuid of the mailbox '
                "on-premises; while it is zeros, let directory synchronization write it first.",
                "Microsoft 365 admin centre: Users > Active users, choose the person, Licenses and apps.",
                "Tick a licence with Exchange Online, and Exchange Online below Apps; Save changes.",
                verify='Get-MgUserLicenseDetail -UserId "<mailbox>" shows an EXCHANGE_S_ plan as Success.',
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the service is missing."""
        licence = licence_of(evidence, subject.mailbox)
        if isinstance(licence, Unseen):
            yield licence
        elif licence.first is not None and not licence.first.has(EXCHANGE):
            yield self.finding(
                "no-exchange",
                subject,
                f"{subject.mailbox} is not licensed for Exchange.",
                address=licence.first.address,
                facts={"mailbox": subject.mailbox},
                origins=(licence.origin,),
            )

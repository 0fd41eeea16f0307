"""In Office 365 GCC High nobody schedules in Teams for a person with a mailbox on-premises, however well it is set up.

## How it is decided

The configured cloud (`organization.cloud`) and where the delegator's mailbox is. Teams schedules on behalf of a
mailbox on-premises in every cloud but GCC High; a mailbox in Exchange Online is served in GCC High too. Every other
check of the pair is made all the same: the rights that Teams would need are those Outlook needs.

## How to cure it by hand

There is no setting for it. Move the mailboxes of the delegator and of the delegates to Exchange Online together, or
let the delegate schedule in Outlook and paste the details of a meeting of their own:

```powershell
New-MigrationBatch -Name "delegates" -SourceEndpoint "Hybrid" -CSVData $csv -TargetDeliveryDomain $routing
```

## How hybridge cures it

Not at all: it prints these steps.

## How to undo

Nothing is done, so there is nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.records import Mailbox
from hybridge.terms.symptoms import Symptom


class OfferedInCloud(Check):
    """Asks whether the tenant's cloud lets anybody schedule for a mailbox on-premises."""

    title = "Does this cloud let a delegate schedule for a mailbox on-premises?"
    why = "Where the cloud does not offer it, no setting helps: the delegate cannot schedule a Teams meeting."
    scope = Scope.DELEGATION
    needs = MAILBOX_NEEDS
    sources = (sources.INTEROPERATION,)
    covers = ("DEL-10",)
    causes = (
        Cause(
            slug="not-offered",
            says="The cloud does not let a delegate schedule for a mailbox on-premises.",
            breaks=None,
            given=True,
            heals=steps(
                "<cloud> has no scheduling for <delegator>, whose mailbox is on-premises.",
                "Move the mailboxes of <delegator> and of the delegates to Exchange Online, in one migration batch.",
                "Until then: the delegate makes the meeting in Outlook and adds the details of a Teams meeting of "
                "their own.",
                verify="hybridge doctor --delegation <delegator>:<delegate> finds it offered.",
            ),
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding for a delegator on-premises where the cloud offers it not."""
        cloud = evidence.cloud
        if cloud.delegates_on_premises:
            yield NotApplicable(f"{cloud.title} lets delegates schedule for mailboxes on-premises.")
            return
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        yield self.finding(
            "not-offered",
            subject,
            f"{subject.delegate} cannot schedule Teams meetings for {subject.mailbox}: in {cloud.title} that is not "
            "supported for a mailbox on-premises.",
            address=place.address,
            facts={"cloud": cloud.title, "delegator": subject.mailbox, "delegate": subject.delegate},
        )

"""Teams asks the delegator's mailbox for its delegates; a right on the calendar alone makes nobody a delegate.

## How it is decided

The scheduler of Teams calls the EWS operation GetDelegate on the delegator's mailbox. The delegate must be in its
answer. Folder permissions given by cmdlet or by sharing a calendar do not put anybody on that list: it lies in a
hidden item of the mailbox. A delegator whose mailbox is online is not judged here.

## How to cure it by hand

The delegator (or somebody with full access to the mailbox) does it in classic Outlook:

1. **File** > **Account Settings** > **Delegate Access**.
2. **Add**, choose the delegate, then **Permissions**.
3. Give **Editor** (or **Author**) on **Calendar**, then **OK** twice.

Exchange Server has no cmdlet that adds a delegate. `Set-MailboxFolderPermission -SharingPermissionFlags Delegate`
exists in Exchange Online only.

## How hybridge cures it

It does not: it prints these steps.

## How to undo

In the same dialog, choose the delegate and **Remove**.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, on_premises_mailbox
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES


def _forget(organization: Organization) -> Organization:
    return organization.drop(organization.all(DelegateUser, ON)[0].address)


class DelegateListed(Check):
    """Looks for the delegate in what GetDelegate returns for the delegator."""

    title = "Is the delegate on the delegator's list of delegates?"
    why = "Teams lets only people on that list schedule meetings for the delegator, whatever their folder rights are."
    scope = Scope.DELEGATION
    needs = ((DelegateUser, ON), *MAILBOX_NEEDS)
    sources = (sources.RESOLVE, sources.GET_DELEGATE)
    causes = (
        Cause(
            slug="not-listed",
            says="The delegate is not on the delegator's list of delegates.",
            breaks=_forget,
            heals=steps(
                "Add <delegate> as a delegate of <delegator> in Outlook; Exchange Server has no cmdlet for it.",
                "Open classic Outlook as <delegator>.",
                "Choose File > Account Settings > Delegate Access.",
                "Choose Add, select <delegate>, then Permissions.",
                "Give Editor on Calendar, and choose OK twice.",
                verify="hybridge doctor --delegation <delegator>:<delegate> finds the delegate listed.",
            ),
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the delegate is missing."""
        place = on_premises_mailbox(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        reading = evidence.all(DelegateUser, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        if any(one.delegate.lower() == subject.delegate.lower() for one in reading.records):
            return
        listed = ", ".join(one.delegate for one in reading.records) or "nobody"
        yield self.finding(
            "not-listed",
            subject,
            f"{subject.delegate} is not a delegate of {subject.mailbox}; the list holds {listed}.",
            address=place.address,
            facts={"delegator": subject.mailbox, "delegate": subject.delegate},
            origins=(reading.origin,),
        )

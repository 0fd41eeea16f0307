r"""Teams asks the delegator's mailbox for its delegates; a right on the calendar alone makes nobody a delegate.

## How it is decided

The scheduler of Teams calls the EWS operation GetDelegate on the delegator's mailbox. The delegate must be in its
answer. Folder permissions given by cmdlet or by sharing a calendar do not put anybody on that list: it lies in a
hidden item of the mailbox. For a delegator in Exchange Online the calendar's permissions say it: the delegate's entry
must carry the flag `Delegate`. That entry is read there, and Exchange Online prints display names.

## How to cure it by hand

The delegator (or somebody with full access to the mailbox) does it in classic Outlook:

1. **File** > **Account Settings** > **Delegate Access**.
2. **Add**, choose the delegate, then **Permissions**.
3. Give **Editor** (or **Author**) on **Calendar**, then **OK** twice.

Exchange Server has no cmdlet that adds a delegate. Exchange Online has (`Add-` where there is no entry yet), and takes
the flag beside Editor only:

```powershell
$who = @{Identity="linus@contoso.com:\Calendar"; User="marie@contoso.com"}
Set-MailboxFolderPermission @who -AccessRights Editor -SharingPermissionFlags Delegate
```

## How hybridge cures it

It asks EWS to add the delegate (AddDelegate), acting for the delegator: the account needs the role
ApplicationImpersonation for that mailbox, and the host must be one of `exchange.hosts`. Only the list changes. The
delegate gets no copies of meeting messages and no view of private items, the present right on the calendar stays as it
is, and so do the permission to send on behalf and the rule that says who gets meeting requests: each has a check of its
own. Where Exchange changes one of them all the same, hybridge puts it back. For a delegate whose mailbox is online it
prints steps instead: rights across the two sides are not supported. For a delegator in Exchange Online it gives the
entry Editor and the flag Delegate, by the cmdlet above; the delegate then gets copies of meeting messages.

## How to undo

`hybridge repair undo` takes the delegate off the list (RemoveDelegate). Exchange then also takes the rights on the
mailbox's folders and the permission to send on behalf away; hybridge gives back what was there. By hand: in the same
dialog, choose the delegate and **Remove**, then give back rights that shall stay:

```powershell
Add-MailboxFolderPermission -Identity "ada@contoso.com:\Calendar" -User "grace@contoso.com" -AccessRights Editor
Set-Mailbox -Identity "ada@contoso.com" -GrantSendOnBehalfTo @{Add="grace@contoso.com"}
```

In Exchange Online it takes the flag away again; where Exchange Online keeps it all the same, it removes the entry and
gives the former right anew:

```powershell
Set-MailboxFolderPermission @who -AccessRights Editor -SharingPermissionFlags None
```
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.delegation import online
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES


def _forget(organization: Organization) -> Organization:
    return organization.drop(organization.all(DelegateUser, ON)[0].address)


def _list(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    delegator, delegate = finding.facts["delegator"], finding.facts["delegate"]
    if organization.one(Mailbox, Premises.ONLINE, delegate):
        return by_hand(
            finding,
            f"{delegate} is online and {delegator} is not: a delegate needs a mailbox on the same side.",
            "Move one of the two mailboxes to the other's side.",
            f"Then make {delegate} a delegate of {delegator}, in classic Outlook or with hybridge repair.",
            verify=f"hybridge doctor --delegation {delegator}:{delegate} finds the delegate listed.",
        )
    after = DelegateUser(premises=ON, identity=f"{delegator}/{delegate}", delegator=delegator, delegate=delegate)
    if organization.at(after.address):
        return ()
    return put(finding, organization, after, f"Make {delegate} a delegate of {delegator}.", Risk.MEDIUM)


class DelegateListed(Check):
    """Looks for the delegate in what GetDelegate returns for the delegator."""

    title = "Is the delegate on the delegator's list of delegates?"
    why = "Teams lets only people on that list schedule meetings for the delegator, whatever their folder rights are."
    scope = Scope.DELEGATION
    needs = ((DelegateUser, ON), (MailboxFolderPermission, Premises.ONLINE), *MAILBOX_NEEDS)
    needs_on_premises = False
    sources = (sources.RESOLVE, sources.GET_DELEGATE, sources.ADD_DELEGATE)
    covers = ("DEL-01",)
    causes = (
        Cause(
            slug="not-listed",
            says="The delegate is not on the delegator's list of delegates.",
            breaks=_forget,
            heals=_list,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        ),
        Cause(
            slug="not-delegate-online",
            says="The delegate's entry on a calendar in Exchange Online lacks the flag Delegate, or there is none.",
            breaks=online.spoiled(sharing_permission_flags=()),
            heals=online.make_delegate,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the delegate is missing."""
        place = mailbox_anywhere(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        if place.premises is Premises.ONLINE:
            yield from online.find_unlisted(self, evidence, subject, place)
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

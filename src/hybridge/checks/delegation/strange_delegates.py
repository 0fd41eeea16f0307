"""One entry that is no person can spoil a list of delegates: a group makes GetDelegate fail for everybody on it.

## How it is decided

* **A group.** Groups cannot be delegates for Teams, and while one is on the list, GetDelegate fails as a whole. Since
  GetDelegate then lists nobody, the group is looked for among those who may send on behalf (`Get-Recipient` says what
  each is). It is a finding when GetDelegate failed for that mailbox, or when it names the group itself; a group that
  may send on behalf and is no delegate does no harm.
* **Somebody who is gone.** An entry without an address, of which only the security identifier is left, or an error in
  a delegate's place.

Disabled accounts are found by `teams/recipient-state`.

## How to cure it by hand

The delegator does it in classic Outlook: **File** > **Account Settings** > **Delegate Access**, choose the entry,
**Remove**. Rights that are left on the calendar, and the permission to send on behalf:

```powershell
Get-MailboxFolderPermission -Identity "ada@contoso.com:\\Calendar"
Remove-MailboxFolderPermission -Identity "ada@contoso.com:\\Calendar" -User "Board"
Set-Mailbox -Identity "ada@contoso.com" -GrantSendOnBehalfTo @{Remove="Board"}
```

Then make each member of the group who needs it a delegate.

## How hybridge cures it

It does not: who shall act for whom is the delegator's to say. It prints the steps.

## How to undo

Add the entry again in the same dialog.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import NotApplicable, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.probes import GetDelegateProbe
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission, Recipient
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON = Premises.ON_PREMISES
_ABOUT_US = ("accessdenied", "impersonat", "nonexistentmailbox", "missingemailaddress", "schemavalidation")
"""Parts of codes that speak of the caller or the question, not of the list."""


def _list_group(organization: Organization) -> Organization:
    """The first group is a delegate of the first delegator, the way Outlook writes it."""
    delegator = organization.all(DelegateUser, ON)[0].delegator
    group = next(one for one in organization.all(Recipient, ON) if one.is_group).identity
    mailbox = organization.one(Mailbox, ON, delegator)
    assert mailbox is not None
    granted = (*mailbox.grant_send_on_behalf_to, group)
    return organization.put(
        DelegateUser(premises=ON, identity=f"{delegator}/{group}", delegator=delegator, delegate=group),
        MailboxFolderPermission(
            premises=ON,
            identity=f"{delegator}:\\Calendar/{group}",
            mailbox=delegator,
            user=group,
            access_rights=("Editor",),
        ),
        msgspec.structs.replace(mailbox, grant_send_on_behalf_to=granted),
    )


def _list_nobody(organization: Organization) -> Organization:
    delegator = organization.all(DelegateUser, ON)[0].delegator
    gone = "S-1-5-21-3623811015-3361044348-30300820-1013"
    return organization.put(
        DelegateUser(premises=ON, identity=f"{delegator}/{gone}", delegator=delegator, delegate=gone)
    )


class StrangeDelegates(Check):
    """Looks for entries among the delegates that are no people."""

    title = "Is everybody among the delegates a person?"
    why = "A group among them makes Teams refuse every delegate of the mailbox; others are left over and in the way."
    scope = Scope.DELEGATION
    symptom = True
    needs = ((GetDelegateProbe, ON), (Recipient, ON), (DelegateUser, ON), *MAILBOX_NEEDS)
    sources = (sources.GET_DELEGATE, sources.RESOLVE)
    covers = ("DEL-07",)
    causes = (
        Cause(
            slug="group",
            says="A group is among the delegates, and GetDelegate fails because of it.",
            breaks=_list_group,
            heals=steps(
                "Take the group <stranger> off the list of delegates of <delegator>.",
                "As <delegator>, in classic Outlook: File > Account Settings > Delegate Access, choose <stranger>, "
                "Remove.",
                'Set-Mailbox -Identity "<delegator>" -GrantSendOnBehalfTo @{Remove="<stranger>"}',
                "Make each member who needs it a delegate.",
                verify="hybridge doctor --delegation <delegator>:<delegate> finds the delegate listed.",
            ),
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
            healable=False,
        ),
        Cause(
            slug="gone",
            says="Somebody who no longer exists is among the delegates.",
            breaks=_list_nobody,
            heals=steps(
                "Take <stranger> off the list of delegates of <delegator>: nobody is behind it any more.",
                "As <delegator>, in classic Outlook: File > Account Settings > Delegate Access, choose the entry "
                "without a name, Remove.",
                'Where rights are left over: Get-MailboxFolderPermission -Identity "<delegator>:\\Calendar" shows an '
                "entry that begins with NT:S-1-5-21; remove it.",
                verify="hybridge doctor --delegation <delegator>:<delegate> no longer finds "
                "delegation/strange-delegates.",
            ),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """A finding per entry that is no person."""
        place = mailbox_anywhere(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        if place.premises is not ON:
            yield NotApplicable("Exchange Online takes people for delegates only.")
            return
        probe = evidence.one(GetDelegateProbe, ON, subject.mailbox, subject.mailbox)
        recipients = evidence.all(Recipient, ON, subject.mailbox)
        yield from (one for one in (probe, recipients) if isinstance(one, Unseen))
        if isinstance(probe, Seen) and probe.first is not None:
            yield from self._gone(probe.first, probe, subject)
            if isinstance(recipients, Seen):
                yield from self._groups(evidence, probe.first, recipients, subject)

    def _gone(self, probe: GetDelegateProbe, reading: Seen[GetDelegateProbe], subject: Subject) -> Iterator[Saying]:
        for nameless in probe.nameless:
            yield self.finding(
                "gone",
                subject,
                f"The list of delegates of {subject.mailbox} holds {nameless}, behind which there is nobody any more.",
                facts=_facts(subject, nameless),
                origins=(reading.origin,),
            )

    def _groups(
        self, evidence: Evidence, probe: GetDelegateProbe, recipients: Seen[Recipient], subject: Subject
    ) -> Iterator[Saying]:
        listed = evidence.all(DelegateUser, ON, subject.mailbox)
        if isinstance(listed, Unseen) and probe.code == "NoError":
            yield listed
        names = {one.delegate.lower() for one in listed.records} if isinstance(listed, Seen) else set()
        failed = probe.code != "NoError" and not any(word in probe.code.lower() for word in _ABOUT_US)
        for one in recipients.records:
            if one.is_group and (failed or one.identity.lower() in names):
                why = f"GetDelegate answered {probe.code}" if failed else "GetDelegate lists it"
                yield self.finding(
                    "group",
                    subject,
                    f"The group {one.identity} may act for {subject.mailbox}, and {why}: Teams takes no delegate of a "
                    "mailbox that has a group among them.",
                    address=one.address,
                    facts=_facts(subject, one.identity),
                    origins=(recipients.origin,),
                )


def _facts(subject: Subject, stranger: str) -> dict[str, str]:
    return {"delegator": subject.mailbox, "delegate": subject.delegate, "stranger": stranger}

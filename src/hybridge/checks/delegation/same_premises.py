r"""A delegate works only where the delegator's mailbox is: rights on a calendar do not reach across to the other side.

## How it is decided

It is looked up on which side the delegator's mailbox is and on which the delegate's. Both on-premises or both in
Exchange Online pass. On different sides the right on the calendar is not supported, even where somebody gave it: full
access and sending on behalf are, the calendar's permissions and the list of delegates are not. The delegate meets an
error in Teams, or the meeting is made without its Teams part.

## How to cure it by hand

Keep people who work for each other together: move the delegate's mailbox to the delegator's side, or the other way
round, with the permissions in the same batch. In Exchange Online, for a delegate who is still on-premises:

```powershell
New-MoveRequest -Identity "grace@contoso.com" -Remote -RemoteHostName "mail.contoso.com" `
  -TargetDeliveryDomain "contoso.mail.onmicrosoft.com" -RemoteCredential (Get-Credential)
```

Then give the right again and make the delegate a delegate again, on that side. Where mailboxes must stay apart, let
Exchange at least keep rights that move, with `Set-OrganizationConfig -ACLableSyncedObjectEnabled $true` on-premises
and Exchange hybrid writeback in Microsoft Entra Connect; scheduling in Teams for the delegator stays unsupported.

## How hybridge cures it

It does not: moving a mailbox is a project of its own. It prints the steps.

## How to undo

Move the mailbox back.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import (
    CalendarEvent,
    CasMailbox,
    DelegateUser,
    Mailbox,
    MailboxFolderPermission,
    MailUser,
    RemoteMailbox,
    UserOofSettings,
)
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_SIDES = {ON: "on-premises", ONLINE: "in Exchange Online"}


def _move_delegate(organization: Organization) -> Organization:
    """The last on-premises delegate's mailbox is in Exchange Online."""
    moved = organization.all(DelegateUser, ON)[-1].delegate
    mailbox = organization.one(Mailbox, ON, moved)
    assert mailbox is not None
    left = (
        one.address
        for kind in (CasMailbox, UserOofSettings, MailboxFolderPermission, CalendarEvent)
        for one in organization.all(kind, ON, moved)
    )
    mail_users = (one.address for one in organization.all(MailUser, ONLINE) if one.identity.lower() == moved.lower())
    return organization.drop(mailbox.address, *left, *mail_users).put(
        Mailbox(
            premises=ONLINE,
            identity=moved,
            user_principal_name=mailbox.user_principal_name,
            display_name=mailbox.display_name,
            exchange_guid=mailbox.exchange_guid,
        ),
        CasMailbox(premises=ONLINE, identity=moved),
        MailboxFolderPermission(
            premises=ONLINE,
            identity=f"{moved}:\\Calendar/Default",
            mailbox=moved,
            user="Default",
            access_rights=("AvailabilityOnly",),
        ),
        *(
            msgspec.structs.replace(
                like,
                identity=moved,
                user_principal_name=mailbox.user_principal_name,
                remote_routing_address=f"{moved.partition('@')[0]}@{like.remote_routing_address.partition('@')[2]}",
            )
            for like in organization.all(RemoteMailbox, ON)[:1]
        ),
    )


class SamePremises(Check):
    """Compares where the delegator's mailbox is with where the delegate's is."""

    title = "Are the mailboxes of delegator and delegate on the same side?"
    why = "Across the two sides rights on a calendar are not supported: the delegate meets an error in Teams."
    scope = Scope.DELEGATION
    severity = Severity.WARNING
    needs = MAILBOX_NEEDS
    sources = (sources.HYBRID_PERMISSIONS, sources.RESOLVE)
    covers = ("DEL-04",)
    causes = (
        Cause(
            slug="apart",
            says="The delegator's mailbox is on one side, the delegate's on the other.",
            breaks=_move_delegate,
            heals=steps(
                "Bring the mailboxes of <delegator> (<here>) and <delegate> (<there>) to the same side.",
                "Move one of the two mailboxes in a hybrid move, with those of everybody they share calendars with.",
                "Afterwards give <delegate> the right on the calendar of <delegator> again.",
                "Make <delegate> a delegate of <delegator> again, in classic Outlook or with hybridge repair.",
                verify="hybridge doctor --delegation <delegator>:<delegate> no longer finds delegation/same-premises.",
            ),
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
            healable=False,
            covers=("X-15",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the two sides differ."""
        places = [mailbox_anywhere(evidence, box) for box in (subject.mailbox, subject.delegate)]
        yield from (place for place in places if isinstance(place, Unseen))
        found = [place for place in places if isinstance(place, Mailbox)]
        if len(found) < 2 or found[0].premises is found[1].premises:
            return
        here, there = (_SIDES[place.premises] for place in found)
        readings = (evidence.origin_of(place.address) for place in found)
        yield self.finding(
            "apart",
            subject,
            f"The mailbox of {subject.mailbox} is {here}, the one of its delegate {subject.delegate} {there}.",
            address=found[1].address,
            facts={"delegator": subject.mailbox, "delegate": subject.delegate, "here": here, "there": there},
            origins=tuple(origin for origin in readings if origin),
        )

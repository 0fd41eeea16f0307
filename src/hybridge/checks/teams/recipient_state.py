"""A person has one mailbox, and both sides must agree on which: Teams goes where the cloud says it is.

## How it is decided

* **Two mailboxes.** Exchange on-premises and Exchange Online both have a mailbox of that address. Teams uses the one
  online, which is mostly empty. It comes about when a licence with Exchange Online was given before the cloud knew of
  the mailbox on-premises.
* **Deleted.** No side has the mailbox, but Exchange Online keeps a deleted one of that address, which can be restored
  for thirty days.
* **Disabled.** The account of a person's mailbox may not sign in. Rooms and shared mailboxes always have such accounts
  and are no finding.
* **The mailbox's id.** For a mailbox on-premises the cloud keeps a mail user whose `ExchangeGuid` is the mailbox's own.
  Zeros mean that directory synchronization did not write it, and that a licence would make a second mailbox; another
  value means that it stands for another mailbox. Nobody notices either yet.
* **Unknown to Teams.** Teams knows nobody by the mailbox's address or by the user principal name.

## How to cure it by hand

Look at both sides first:

```powershell
Get-Mailbox -Identity "ada@contoso.com" | Format-List UserPrincipalName, ExchangeGuid, AccountDisabled
Get-MailUser -Identity "ada@contoso.com" | Format-List ExchangeGuid
Get-Mailbox -SoftDeletedMailbox -Identity "ada@contoso.com"
Undo-SoftDeletedMailbox -SoftDeletedObject "ada@contoso.com"
```

A second, empty mailbox is turned into a mail user by taking the Exchange licence away and then
`Set-User -Identity "ada@contoso.com" -PermanentlyClearPreviousMailboxInfo` in Exchange Online, which loses whatever is
in it: export that before.

## How hybridge cures it

It does not: each of these can lose mail when it is done in the wrong order. It prints the steps.

## How to undo

By what you noted before; a mailbox that was cleared cannot be brought back.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.checks import sources
from hybridge.checks.base import Break, Cause, Check, Saying
from hybridge.checks.cures import steps
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere, of_person
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import (
    CalendarEvent,
    CasMailbox,
    CsOnlineUser,
    Mailbox,
    MailboxFolderPermission,
    MailUser,
    SoftDeletedMailbox,
    UserOofSettings,
)
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_NONE = "00000000-0000-0000-0000-000000000000"


# Breaking -------------------------------------------------------------------------------------------------------------


def _first(organization: Organization) -> Mailbox:
    return organization.all(Mailbox, ON)[0]


def _second_mailbox(organization: Organization) -> Organization:
    first = _first(organization)
    stands = (one.address for one in organization.all(MailUser, ONLINE) if one.identity == first.identity)
    return organization.drop(*stands).put(
        Mailbox(
            premises=ONLINE,
            identity=first.identity,
            user_principal_name=first.user_principal_name,
            display_name=first.display_name,
            exchange_guid="5ec0d000-0000-4000-8000-000000000001",
        ),
        CasMailbox(premises=ONLINE, identity=first.identity),
        MailboxFolderPermission(
            premises=ONLINE,
            identity=f"{first.identity}:\\Calendar/Default",
            mailbox=first.identity,
            user="Default",
            access_rights=("AvailabilityOnly",),
        ),
    )


def _delete(organization: Organization) -> Organization:
    """The last mailbox on-premises was moved to Exchange Online and deleted there."""
    gone = organization.all(Mailbox, ON)[-1]
    left = (
        one.address
        for kind in (CasMailbox, MailboxFolderPermission, UserOofSettings, CalendarEvent)
        for one in organization.all(kind, ON, gone.identity)
    )
    mail_users = (one.address for one in organization.all(MailUser, ONLINE, gone.identity))
    kept = SoftDeletedMailbox(
        premises=ONLINE,
        identity=gone.identity,
        user_principal_name=gone.user_principal_name,
        display_name=gone.display_name,
        exchange_guid=gone.exchange_guid,
    )
    return organization.drop(gone.address, *left, *mail_users).put(kept)


def _disable(organization: Organization) -> Organization:
    first = _first(organization)
    return organization.edit(Mailbox, lambda one: one.address == first.address, account_disabled=True)


def _other_guid(guid: str) -> Break:
    def breaks(organization: Organization) -> Organization:
        first = _first(organization).identity
        return organization.edit(
            MailUser, lambda one: one.premises is ONLINE and one.identity == first, exchange_guid=guid
        )

    return breaks


def _forget(organization: Organization) -> Organization:
    users = organization.all(CsOnlineUser, ONLINE, _first(organization).identity)
    return organization.drop(*(one.address for one in users))


# The check ------------------------------------------------------------------------------------------------------------


class RecipientState(Check):
    """Judges whether both sides agree on a person's one mailbox, and Teams on the person."""

    title = "Do both sides agree on the person's mailbox, and does Teams know the person?"
    why = "Where they do not, Teams looks into the wrong mailbox, or into none."
    scope = Scope.MAILBOX
    needs = (
        *MAILBOX_NEEDS,
        (MailUser, ONLINE),
        (SoftDeletedMailbox, ONLINE),
        (CsOnlineUser, ONLINE),
    )
    sources = (sources.INTEROPERATION, sources.HYBRID_PERMISSIONS, sources.RESOLVE)
    covers = ("CAL-05",)
    causes = (
        Cause(
            slug="two-mailboxes",
            says="The person has a mailbox on-premises and another one in Exchange Online.",
            breaks=_second_mailbox,
            heals=steps(
                "Decide which mailbox of <mailbox> stays; Teams uses the one in Exchange Online.",
                "Look into both, and export whatever is in the one that goes.",
                "If the one on-premises stays: take the Exchange plan out of the person's licence, then in Exchange "
                'Online Set-User -Identity "<mailbox>" -PermanentlyClearPreviousMailboxInfo, let directory '
                "synchronization write the ExchangeGuid, and only then give the plan back.",
                "If the one online stays: import the other's content, then on-premises Disable-Mailbox and "
                "Enable-RemoteMailbox.",
                verify='In Exchange Online, Get-Recipient -Identity "<mailbox>" shows a MailUser.',
            ),
            symptoms=tuple(Symptom),
            healable=False,
        ),
        Cause(
            slug="deleted",
            says="The mailbox was deleted lately and can be restored.",
            breaks=_delete,
            heals=steps(
                "Restore the mailbox of <mailbox>, if it was not meant to go.",
                "Restore the account first, where it was deleted: Microsoft 365 admin centre, Users > Deleted users.",
                "Give it a licence with Exchange, or in Exchange Online: Undo-SoftDeletedMailbox -SoftDeletedObject "
                '"<mailbox>"',
                verify='Get-Mailbox -Identity "<mailbox>" shows the mailbox.',
            ),
            symptoms=(Symptom.CALENDAR_MISSING, Symptom.PRESENCE_STUCK),
            healable=False,
        ),
        Cause(
            slug="disabled",
            says="The account of the mailbox is disabled.",
            breaks=_disable,
            heals=steps(
                "Enable the account of <mailbox>, if the person is still there.",
                "If the person is back: enable the account in Active Directory, and let it synchronize.",
                "If the person has left: take them off the delegates of others, and end their own delegations.",
                verify='Get-Mailbox -Identity "<mailbox>" shows AccountDisabled as False, or nobody lists the person.',
            ),
            healable=False,
            covers=("DEL-07",),
        ),
        Cause(
            slug="guid-missing",
            says="The cloud's mail user does not say which mailbox on-premises it stands for.",
            breaks=_other_guid(_NONE),
            heals=steps(
                "Let directory synchronization write the mailbox's id to the mail user <mailbox>.",
                "Microsoft Entra Connect: turn Exchange hybrid deployment on: it synchronizes msExchMailboxGuid.",
                "Give no licence with Exchange Online before: it would make a second mailbox.",
                verify='In Exchange Online, Get-MailUser -Identity "<mailbox>" shows the ExchangeGuid <guid>.',
            ),
            healable=False,
        ),
        Cause(
            slug="guid-differs",
            says="The cloud's mail user stands for another mailbox than the one on-premises.",
            breaks=_other_guid("5ec0d000-0000-4000-8000-000000000002"),
            heals=steps(
                "Find out which mailbox of <mailbox> is the right one; the cloud knows another than Exchange here.",
                "On-premises, look for one that was disabled and made anew: Get-MailboxDatabase | "
                'Get-MailboxStatistics | Where-Object DisconnectReason -eq "Disabled"',
                "Connect the right one again (Connect-Mailbox), or let synchronization write the present id: in "
                'Exchange Online, Set-MailUser -Identity "<mailbox>" -ExchangeGuid "<guid>".',
                verify="Both sides show the same ExchangeGuid.",
            ),
            healable=False,
        ),
        Cause(
            slug="unknown-to-teams",
            says="Teams knows nobody by the mailbox's address or user principal name.",
            breaks=_forget,
            heals=steps(
                "Let the account of <mailbox> be in Microsoft Entra, under the user principal name <name>.",
                "Microsoft Entra admin centre, Users: look for <name>, and for the address.",
                "Nobody found: put the account into the scope of Microsoft Entra Connect, with a user principal name "
                "in a domain the tenant has verified.",
                "Found under another name: set the user principal name on-premises to the same.",
                verify='Get-CsOnlineUser -Identity "<name>" shows the person.',
            ),
            symptoms=(Symptom.CALENDAR_MISSING,),
            healable=False,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """A finding for each thing the two sides do not agree on."""
        here = evidence.one(Mailbox, ON, subject.mailbox, subject.mailbox)
        there = evidence.one(Mailbox, ONLINE, subject.mailbox, subject.mailbox)
        place = mailbox_anywhere(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield from self._deleted(evidence, subject, place)
            return
        if place.account_disabled and place.recipient_type_details == "UserMailbox":
            says = f"The account of {subject.mailbox} is disabled: nobody can sign in to it."
            yield self._found("disabled", subject, says, place, here if place.premises is ON else there)
        if place.premises is ON:
            yield from self._both(subject, place, here, there)
            yield from self._guid(evidence, subject, place)
        yield from self._unknown(evidence, subject, place)

    def _deleted(self, evidence: Evidence, subject: Subject, nobody: Unseen) -> Iterator[Saying]:
        gone = evidence.all(SoftDeletedMailbox, ONLINE, subject.mailbox)
        if isinstance(gone, Seen) and gone.first is not None:
            says = f"No side has the mailbox {subject.mailbox}, but Exchange Online keeps a deleted one."
            yield self._found("deleted", subject, says, gone.first, gone)
        else:
            yield nobody

    def _both(
        self, subject: Subject, place: Mailbox, here: Seen[Mailbox] | Unseen, there: Seen[Mailbox] | Unseen
    ) -> Iterator[Saying]:
        if isinstance(there, Unseen):
            yield there
        elif there.first is not None:
            says = f"{subject.mailbox} has a mailbox on-premises and another one in Exchange Online."
            yield self._found("two-mailboxes", subject, says, place, here, there)

    def _guid(self, evidence: Evidence, subject: Subject, place: Mailbox) -> Iterator[Saying]:
        reading = evidence.one(MailUser, ONLINE, subject.mailbox, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        stands = reading.first.exchange_guid if reading.first else None
        if stands is None or not place.exchange_guid or stands == place.exchange_guid:
            return
        if stands in ("", _NONE):
            says = f"The mail user {subject.mailbox} in the cloud does not say which mailbox it stands for."
            yield self._found("guid-missing", subject, says, place, reading)
            return
        says = (
            f"The mail user {subject.mailbox} in the cloud stands for the mailbox {stands}, but the one on-premises is "
            f"{place.exchange_guid}."
        )
        yield self._found("guid-differs", subject, says, place, reading)

    def _unknown(self, evidence: Evidence, subject: Subject, place: Mailbox) -> Iterator[Saying]:
        reading = of_person(evidence, CsOnlineUser, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
        elif reading.first is None:
            says = f"Teams knows nobody by {subject.mailbox} or the user principal name {place.user_principal_name}."
            yield self._found("unknown-to-teams", subject, says, place, reading)

    def _found(
        self,
        slug: str,
        subject: Subject,
        says: str,
        record: Mailbox,
        *readings: Seen[Mailbox] | Seen[SoftDeletedMailbox] | Seen[MailUser] | Seen[CsOnlineUser] | Unseen,
    ) -> Finding:
        return self.finding(
            slug,
            subject,
            says,
            address=record.address,
            facts={
                "mailbox": subject.mailbox,
                "guid": record.exchange_guid,
                "name": record.user_principal_name,
            },
            origins=tuple(one.origin for one in readings if isinstance(one, Seen)),
        )

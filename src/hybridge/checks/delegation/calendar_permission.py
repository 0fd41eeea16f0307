r"""A delegate needs Author or Editor on the calendar; more than that is taken for less.

## How it is decided

The delegate's entry of `Get-MailboxFolderPermission` on the delegator's calendar is read. Author and Editor pass. No
entry, None, Reviewer, AvailabilityOnly, LimitedDetails, Contributor and NonEditingAuthor are too low. Owner,
PublishingEditor, PublishingAuthor and other mixtures that hold everything Author holds look higher and are refused all
the same: GetDelegate, the only thing the scheduler of Teams asks, calls them Custom. Older guidance asks for Editor;
Author is the documented minimum. Rights given to a group do not count. For a delegator in Exchange Online the same
entry is read there and judged by the same rule; Exchange Online prints display names, so the delegate's must be known.

## How to cure it by hand

```powershell
Get-MailboxFolderPermission -Identity "ada@contoso.com:\Calendar"
Set-MailboxFolderPermission -Identity "ada@contoso.com:\Calendar" -User "grace@contoso.com" -AccessRights Editor
```

`Set-` fails for a user without an entry; then it is `Add-`:

```powershell
Add-MailboxFolderPermission -Identity "ada@contoso.com:\Calendar" -User "grace@contoso.com" -AccessRights Editor
```

The calendar's name follows the mailbox's language (`:\Kalender`). Leave out `-SharingPermissionFlags`: on-premises
there are none, and online a delegate keeps them while only the right changes. Leave out `-SendNotificationToUser` as
well: online it takes the flag of a delegate away.

## How hybridge cures it

It gives the delegate Editor, changing or adding that one entry. Rights which were only seen as Custom could not be
given back, so there it prints the steps instead.

## How to undo

`hybridge repair undo` gives the former rights back, or removes an entry that was added. By hand, with the rights the
plan showed:

```powershell
Set-MailboxFolderPermission -Identity "ada@contoso.com:\Calendar" -User "grace@contoso.com" -AccessRights Reviewer
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.delegation import online
from hybridge.checks.delegation.rights import Level, level
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import Finding, Scope, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _giving(right: str) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        pair = organization.all(DelegateUser, ON)[0]
        return organization.edit(
            MailboxFolderPermission,
            lambda one: (one.mailbox, one.user) == (pair.delegator, pair.delegate),
            access_rights=(right,),
        )

    return breaks


def _make_editor(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    delegator, delegate, folder = (finding.facts[name] for name in ("delegator", "delegate", "folder"))
    entries = organization.all(MailboxFolderPermission, ON, delegator)
    present = next((one for one in entries if one.user.lower() == delegate.lower()), None)
    if present is None:
        after = MailboxFolderPermission(
            premises=ON,
            identity=f"{delegator}:\\{folder}/{delegate}",
            mailbox=delegator,
            folder=folder,
            user=delegate,
            access_rights=("Editor",),
        )
        return put(finding, organization, after, f"Give {delegate} Editor on the calendar of {delegator}.")
    if level(present.access_rights) is Level.ACCEPTED:
        return ()
    had = ", ".join(present.access_rights) or "no right"
    if "custom" in had.lower():
        return _by_hand(finding, delegator, delegate, folder)
    after = msgspec.structs.replace(present, access_rights=("Editor",))
    lowers = level(present.access_rights) is Level.LOOKS_HIGHER
    says = f"Give {delegate} Editor in place of {had} on the calendar of {delegator}."
    return put(finding, organization, after, says, Risk.MEDIUM if lowers else Risk.LOW)


def _by_hand(finding: Finding, delegator: str, delegate: str, folder: str) -> Manual:
    calendar = f'"{delegator}:\\{folder}"'
    return by_hand(
        finding,
        f"The rights of {delegate} were only seen as Custom, so that they could not be given back: read them first.",
        f'Note the present rights: Get-MailboxFolderPermission -Identity {calendar} -User "{delegate}"',
        f'Set-MailboxFolderPermission -Identity {calendar} -User "{delegate}" -AccessRights Editor',
        verify=f"hybridge doctor --delegation {delegator}:{delegate} no longer finds delegation/calendar-permission.",
    )


class CalendarPermission(Check):
    """Judges the delegate's rights on the delegator's calendar."""

    title = "May the delegate write into the delegator's calendar, in the way Teams accepts?"
    why = "Without Author or Editor the delegate is told that there is no permission to schedule for this account."
    scope = Scope.DELEGATION
    needs = ((MailboxFolderPermission, ON), (MailboxFolderPermission, ONLINE), *MAILBOX_NEEDS)
    needs_on_premises = False
    sources = (
        sources.RESOLVE,
        sources.DELEGATES_BLOG,
        sources.GET_DELEGATE,
        sources.SET_MAILBOX_FOLDER_PERMISSION,
    )
    covers = ("DEL-01", "DEL-03")
    causes = (
        Cause(
            slug="too-low",
            says="The delegate has no entry on the calendar, or one below Author.",
            breaks=_giving("Reviewer"),
            heals=_make_editor,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        ),
        Cause(
            slug="looks-higher",
            says="The delegate has a right above Editor, which Teams sees as Custom and refuses.",
            breaks=_giving("Owner"),
            heals=_make_editor,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        ),
        Cause(
            slug="too-low-online",
            says="The delegate of a mailbox in Exchange Online has no entry on its calendar, or one below Author.",
            breaks=online.spoiled(access_rights=("Reviewer",)),
            heals=online.make_editor,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        ),
        Cause(
            slug="looks-higher-online",
            says="The delegate of a mailbox in Exchange Online has a right above Editor, which Teams refuses.",
            breaks=online.spoiled(access_rights=("Owner",)),
            heals=online.make_editor,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding unless the delegate is Author or Editor."""
        place = mailbox_anywhere(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        if place.premises is ONLINE:
            yield from online.find_wrong_right(self, evidence, subject, place)
            return
        reading = evidence.all(MailboxFolderPermission, ON, subject.mailbox)
        if isinstance(reading, Unseen):
            yield reading
            return
        delegator, delegate = subject.mailbox, subject.delegate
        entry = next((one for one in reading.records if one.user.lower() == delegate.lower()), None)
        folder = reading.first.folder if reading.first else "Calendar"
        found = level(entry.access_rights) if entry else Level.TOO_LOW
        if found is Level.ACCEPTED:
            return
        had = ", ".join(entry.access_rights) or "no right" if entry else "no entry"
        says = f"{delegate} has {had} on the calendar of {delegator}; Teams accepts Author and Editor only."
        if found is Level.LOOKS_HIGHER:
            says = (
                f"{delegate} has {had} on the calendar of {delegator}: it looks higher, but GetDelegate calls it "
                "Custom, and Teams accepts Author and Editor only."
            )
        yield self.finding(
            found,
            subject,
            says,
            address=entry.address if entry else place.address,
            facts={"delegator": delegator, "delegate": delegate, "folder": folder, "rights": had},
            origins=(reading.origin,),
        )

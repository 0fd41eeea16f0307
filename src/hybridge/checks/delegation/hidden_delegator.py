"""Whoever is hidden from address lists cannot be looked up, and a meeting made for them has no way to join.

## How it is decided

`HiddenFromAddressListsEnabled` of the delegator's mailbox is read. While it is `True`, the Teams Meeting add-in of the
delegate's Outlook does not find the delegator in the address book, and makes the meeting without join details. The
delegate's own mailbox may be hidden.

## How to cure it by hand

On-premises:

```powershell
Set-Mailbox -Identity "ada@contoso.com" -HiddenFromAddressListsEnabled $false
```

For a mailbox in Exchange Online whose account is synchronized, the same is set on-premises:

```powershell
Set-RemoteMailbox -Identity "linus@contoso.com" -HiddenFromAddressListsEnabled $false
```

It shows after the next synchronization, and in Outlook after its address book was downloaded again (up to a day).

## How hybridge cures it

It sets the property to `False` for a mailbox on-premises. For one in Exchange Online it prints the steps, because
which side may set it depends on where the account is kept.

## How to undo

`hybridge repair undo` hides the mailbox again. By hand:

```powershell
Set-Mailbox -Identity "ada@contoso.com" -HiddenFromAddressListsEnabled $true
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put, steps
from hybridge.checks.delegation import online
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere
from hybridge.evidence import Evidence, Seen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox
from hybridge.plan import Change, Risk
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _hiding(premises: Premises, delegator: Callable[[Organization], str]) -> Callable[[Organization], Organization]:
    def breaks(organization: Organization) -> Organization:
        wanted = delegator(organization).lower()
        return organization.edit(
            Mailbox,
            lambda one: one.premises is premises and one.identity.lower() == wanted,
            hidden_from_address_lists_enabled=True,
        )

    return breaks


def _show(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    mailbox = organization.at(finding.address) if finding.address else None
    if not isinstance(mailbox, Mailbox) or not mailbox.hidden_from_address_lists_enabled:
        return ()
    after = msgspec.structs.replace(mailbox, hidden_from_address_lists_enabled=False)
    return put(finding, organization, after, f"Show {mailbox.identity} in address lists.", Risk.MEDIUM)


class HiddenDelegator(Check):
    """Judges whether the delegator can be found in the address book."""

    title = "Can the delegator be found in the address book?"
    why = "For somebody who is hidden there the delegate's Outlook makes meetings without a way to join."
    scope = Scope.DELEGATION
    severity = Severity.WARNING
    needs = MAILBOX_NEEDS
    sources = (sources.MEETING_ADD_IN, sources.SET_MAILBOX)
    covers = ("DEL-06",)
    causes = (
        Cause(
            slug="hidden",
            says="The delegator's mailbox is hidden from address lists.",
            breaks=_hiding(ON, lambda organization: organization.all(DelegateUser, ON)[0].delegator),
            heals=_show,
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
            covers=("X-19",),
        ),
        Cause(
            slug="hidden-online",
            says="The delegator's mailbox in Exchange Online is hidden from address lists.",
            breaks=_hiding(ONLINE, lambda organization: online.first_online(organization).mailbox),
            heals=steps(
                "Show <delegator> in address lists; the meetings of a hidden delegator have no way to join.",
                'If the account is synchronized, on-premises: Set-RemoteMailbox -Identity "<delegator>" '
                "-HiddenFromAddressListsEnabled $false",
                'If it is kept in the cloud, in Exchange Online: Set-Mailbox -Identity "<delegator>" '
                "-HiddenFromAddressListsEnabled $false",
                "Wait for the next synchronization, and let the delegate's Outlook download the address book.",
                verify='In Exchange Online, Get-Mailbox -Identity "<delegator>" shows the property as False.',
            ),
            symptoms=(Symptom.DELEGATE_CANNOT_SCHEDULE,),
            healable=False,
            covers=("X-19",),
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the delegator is hidden."""
        place = mailbox_anywhere(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        if not place.hidden_from_address_lists_enabled:
            return
        reading = evidence.one(Mailbox, place.premises, subject.mailbox, subject.mailbox)
        yield self.finding(
            "hidden-online" if place.premises is ONLINE else "hidden",
            subject,
            f"{subject.mailbox} is hidden from address lists (HiddenFromAddressListsEnabled is True): "
            f"{subject.delegate} makes meetings for it without a way to join.",
            address=place.address,
            facts={"delegator": subject.mailbox, "delegate": subject.delegate},
            origins=(reading.origin,) if isinstance(reading, Seen) else (),
        )

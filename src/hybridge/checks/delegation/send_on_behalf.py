"""The invitation a delegate sends carries both names only if the delegator lets the delegate send on behalf.

## How it is decided

`GrantSendOnBehalfTo` of the delegator's mailbox must hold the delegate. Outlook's Delegate Access dialog sets it
together with the rest; scripts that only give folder permissions forget it. Older guidance calls a missing grant an
error, newer guidance does not mention it, and the scheduler of Teams does not look at it: hence a warning. Where
Exchange printed names instead of addresses and none of them is the delegate's, the check is inconclusive. A mailbox in
Exchange Online is judged in the same way; the cmdlets are the same there.

## How to cure it by hand

```powershell
Get-Mailbox -Identity "ada@contoso.com" | Format-List GrantSendOnBehalfTo
Set-Mailbox -Identity "ada@contoso.com" -GrantSendOnBehalfTo @{Add="grace@contoso.com"}
```

Never assign the list without `@{Add=...}`: that takes the grant from everybody else.

## How hybridge cures it

It adds the delegate to the list and leaves everybody else on it.

## How to undo

`hybridge repair undo` puts the former list back. By hand:

```powershell
Set-Mailbox -Identity "ada@contoso.com" -GrantSendOnBehalfTo @{Remove="grace@contoso.com"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.checks import sources
from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.cures import put
from hybridge.checks.delegation import online
from hybridge.checks.location import MAILBOX_NEEDS, mailbox_anywhere, names_of
from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox
from hybridge.plan import Change
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def _take_away(organization: Organization) -> Organization:
    return _granting_nobody(organization, ON, organization.all(DelegateUser, ON)[0].delegator)


def _take_away_online(organization: Organization) -> Organization:
    return _granting_nobody(organization, ONLINE, online.first_online(organization).mailbox)


def _granting_nobody(organization: Organization, premises: Premises, delegator: str) -> Organization:
    return organization.edit(
        Mailbox,
        lambda one: one.premises is premises and one.identity.lower() == delegator.lower(),
        grant_send_on_behalf_to=(),
    )


def _grant(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    return _granted(finding, organization, ON)


def _grant_online(finding: Finding, organization: Organization) -> tuple[Change, ...]:
    return _granted(finding, organization, ONLINE)


def _granted(finding: Finding, organization: Organization, premises: Premises) -> tuple[Change, ...]:
    delegator, delegate = finding.facts["delegator"], finding.facts["delegate"]
    mailbox = organization.one(Mailbox, premises, delegator)
    if mailbox is None or any(_is(name, delegate) for name in mailbox.grant_send_on_behalf_to):
        return ()
    after = msgspec.structs.replace(mailbox, grant_send_on_behalf_to=(*mailbox.grant_send_on_behalf_to, delegate))
    return put(finding, organization, after, f"Let {delegate} send on behalf of {delegator}.")


def _is(name: str, *names: str) -> bool:
    """Whether ``name``, as Exchange printed it ("contoso.com/Users/Grace Hopper" too), is one of ``names``."""
    return name.rpartition("/")[2].lower() in {one.lower() for one in names if one}


class SendOnBehalf(Check):
    """Looks for the delegate in GrantSendOnBehalfTo of the delegator's mailbox."""

    title = "May the delegate send on behalf of the delegator?"
    why = "Without it the invitation cannot be sent in the delegator's name, or arrives in the delegate's alone."
    scope = Scope.DELEGATION
    severity = Severity.WARNING
    needs = MAILBOX_NEEDS
    needs_on_premises = False
    sources = (sources.RESOLVE, "Microsoft: the same article, edition of October 2023", sources.SET_MAILBOX)
    covers = ("DEL-02",)
    causes = (
        Cause(
            slug="missing",
            says="The delegate may not send on behalf of the delegator.",
            breaks=_take_away,
            heals=_grant,
        ),
        Cause(
            slug="missing-online",
            says="The delegate may not send on behalf of the delegator, whose mailbox is in Exchange Online.",
            breaks=_take_away_online,
            heals=_grant_online,
        ),
    )

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        """One finding when the grant is missing."""
        place = mailbox_anywhere(evidence, subject.mailbox)
        if not isinstance(place, Mailbox):
            yield place
            return
        delegator, delegate = subject.mailbox, subject.delegate
        granted = place.grant_send_on_behalf_to
        if any(_is(name, *names_of(evidence, delegate)) for name in granted):
            return
        printed = [name for name in granted if "@" not in name]
        if printed:
            yield Unseen(
                what="GrantSendOnBehalfTo",
                reason="not-exported",
                says=f"GrantSendOnBehalfTo of {delegator} holds names, and none is known to be {delegate}: {printed}.",
                how=f'Get-Recipient -Identity "{printed[0]}" | Format-List PrimarySmtpAddress',
            )
            return
        reading = evidence.one(Mailbox, place.premises, delegator, delegator)
        yield self.finding(
            "missing-online" if place.premises is ONLINE else "missing",
            subject,
            f"{delegate} may not send on behalf of {delegator}; GrantSendOnBehalfTo holds "
            f"{', '.join(granted) or 'nobody'}.",
            address=place.address,
            facts={"delegator": delegator, "delegate": delegate},
            origins=(reading.origin,) if isinstance(reading, Seen) else (),
        )

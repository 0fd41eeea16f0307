"""Delegations in Exchange Online: one entry of the calendar says both who is a delegate and with what right.

The flag Delegate makes a delegate, the access right decides what the delegate may do; the rule for the right is the
same as on-premises. Exchange Online takes the flag beside the right Editor only, so a cure that sets the flag gives
Editor with it. Source: Microsoft's page on Set-MailboxFolderPermission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hybridge.checks.base import Check, Saying
from hybridge.checks.cures import by_hand, put
from hybridge.checks.delegation.rights import Level, level
from hybridge.checks.location import names_of
from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.findings import Finding, Subject
from hybridge.org.delegations import DELEGATE, has_flag, online_delegates
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox, MailboxFolderPermission
from hybridge.plan import Change, Manual, Risk
from hybridge.terms.premises import Premises

ONLINE = Premises.ONLINE
_BUILT_IN = ("default", "anonymous")


# Breaking -------------------------------------------------------------------------------------------------------------


def spoiled(**values: tuple[str, ...]) -> Callable[[Organization], Organization]:
    """A break that sets ``values`` on the entry of the first online delegate."""

    def breaks(organization: Organization) -> Organization:
        entry = first_online(organization)
        return organization.put(msgspec.structs.replace(entry, **values))

    return breaks


def first_online(organization: Organization) -> MailboxFolderPermission:
    """The calendar entry of the first online delegate."""
    entries = organization.all(MailboxFolderPermission, ONLINE)
    pair = online_delegates(entries)[0]
    return next(one for one in entries if (one.mailbox, one.user) == (pair.delegator, pair.delegate))


# Finding --------------------------------------------------------------------------------------------------------------


def find_unlisted(check: Check, evidence: Evidence, subject: Subject, place: Mailbox) -> Iterator[Saying]:
    """One finding ``not-delegate-online`` when the entry lacks the flag, or there is none."""
    seen = _entry(evidence, subject)
    if isinstance(seen, Unseen):
        yield seen
        return
    entry, facts, origin = seen
    if entry and has_flag(entry, DELEGATE):
        return
    had = "a right on the calendar without the flag Delegate" if entry else "no entry on the calendar"
    yield check.finding(
        "not-delegate-online",
        subject,
        f"{subject.delegate} is not a delegate of {subject.mailbox}, but has {had}.",
        address=entry.address if entry else place.address,
        facts=facts,
        origins=(origin,),
    )


def find_wrong_right(check: Check, evidence: Evidence, subject: Subject, place: Mailbox) -> Iterator[Saying]:
    """One finding ``too-low-online`` or ``looks-higher-online`` unless the right is Author or Editor."""
    seen = _entry(evidence, subject)
    if isinstance(seen, Unseen):
        yield seen
        return
    entry, facts, origin = seen
    found = level(entry.access_rights) if entry else Level.TOO_LOW
    if found is Level.ACCEPTED:
        return
    says = (
        f"{subject.delegate} has {facts['rights']} on the calendar of {subject.mailbox}; Teams accepts Author and "
        "Editor only."
    )
    if found is Level.LOOKS_HIGHER:
        says = says.replace("; Teams", ": it looks higher, but to a scheduler it is Custom, and Teams")
    yield check.finding(
        f"{found}-online",
        subject,
        says,
        address=entry.address if entry else place.address,
        facts=facts,
        origins=(origin,),
    )


def _entry(
    evidence: Evidence, subject: Subject
) -> tuple[MailboxFolderPermission | None, dict[str, str], Origin] | Unseen:
    """The delegate's entry or None, the facts a cure needs, and where they were seen."""
    reading = evidence.all(MailboxFolderPermission, ONLINE, subject.mailbox)
    if isinstance(reading, Unseen):
        return reading
    names = {name.lower() for name in names_of(evidence, subject.delegate)}
    entry = next((one for one in reading.records if one.user.lower() in names), None)
    if entry is None and len(names) == 1 and any(_is_name(one.user) for one in reading.records):
        return _nobody_known(subject)
    had = ", ".join(entry.access_rights) or "no right" if entry else "no entry"
    facts = {
        "delegator": subject.mailbox,
        "delegate": subject.delegate,
        "folder": reading.first.folder if reading.first else "Calendar",
        "rights": had,
    }
    return entry, facts, reading.origin


def _is_name(user: str) -> bool:
    return "@" not in user and user.lower() not in _BUILT_IN


def _nobody_known(subject: Subject) -> Unseen:
    """Exchange Online prints display names: without the delegate's, no entry can be told to be theirs."""
    return Unseen(
        what=MailboxFolderPermission.__name__,
        reason="not-exported",
        says=f"The calendar of {subject.mailbox} shows names, and the display name of {subject.delegate} is not known.",
        how=f'Get-MailboxFolderPermission -Identity "{subject.mailbox}:\\Calendar" -User "{subject.delegate}"',
    )


# Healing --------------------------------------------------------------------------------------------------------------


def make_delegate(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    """Editor with the flag Delegate, beside the flags that are there."""
    delegator, delegate = finding.facts["delegator"], finding.facts["delegate"]
    present = _present(finding, organization)
    if has_flag(present, DELEGATE):
        return ()
    if organization.one(Mailbox, Premises.ON_PREMISES, delegate):
        return by_hand(
            finding,
            f"{delegate} is on-premises and {delegator} is not: a delegate needs a mailbox on the same side.",
            "Move one of the two mailboxes to the other's side.",
            f"Then make {delegate} a delegate of {delegator}, with Outlook or with hybridge repair.",
            verify=f"hybridge doctor --delegation {delegator}:{delegate} finds the delegate listed.",
        )
    if _custom(present):
        return _by_hand(finding)
    after = msgspec.structs.replace(
        present,
        access_rights=("Editor",),
        sharing_permission_flags=(*present.sharing_permission_flags, DELEGATE),
    )
    says = f"Make {delegate} a delegate of {delegator}, with Editor; meeting requests go to {delegate} too."
    return put(finding, organization, after, says, Risk.MEDIUM)


def make_editor(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    """Editor in place of the right that is there; flags stay."""
    delegator, delegate = finding.facts["delegator"], finding.facts["delegate"]
    present = _present(finding, organization)
    found = level(present.access_rights)
    if found is Level.ACCEPTED:
        return ()
    if _custom(present):
        return _by_hand(finding)
    had = f" in place of {', '.join(present.access_rights)}" if present.access_rights else ""
    after = msgspec.structs.replace(present, access_rights=("Editor",))
    says = f"Give {delegate} Editor{had} on the calendar of {delegator}."
    return put(finding, organization, after, says, Risk.MEDIUM if found is Level.LOOKS_HIGHER else Risk.LOW)


def _present(finding: Finding, organization: Organization) -> MailboxFolderPermission:
    """The entry as it is, or an empty one where there is none."""
    delegator, delegate, folder = (finding.facts[name] for name in ("delegator", "delegate", "folder"))
    entries = organization.all(MailboxFolderPermission, ONLINE, delegator)
    named = next((one for one in entries if one.user.lower() == delegate.lower()), None)
    found = next((one for one in entries if one.address == finding.address), named)
    return found or MailboxFolderPermission(
        premises=ONLINE,
        identity=f"{delegator}:\\{folder}/{delegate}",
        mailbox=delegator,
        folder=folder,
        user=delegate,
    )


def _custom(entry: MailboxFolderPermission) -> bool:
    return "custom" in {right.lower() for right in entry.access_rights}


def _by_hand(finding: Finding) -> Manual:
    delegator, delegate, folder = (finding.facts[name] for name in ("delegator", "delegate", "folder"))
    entry = f'-Identity "{delegator}:\\{folder}" -User "{delegate}"'
    return by_hand(
        finding,
        f"The rights of {delegate} were only seen as Custom, so that they could not be given back: read them first.",
        f"Note the present rights: Get-MailboxFolderPermission {entry}",
        f"Set-MailboxFolderPermission {entry} -AccessRights Editor -SharingPermissionFlags Delegate",
        verify=f"hybridge doctor --delegation {delegator}:{delegate} finds nothing about this delegate.",
    )

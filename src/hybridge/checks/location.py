"""Where a mailbox lives, and which Teams user is behind it: what checks of mailboxes and delegations ask first."""

from __future__ import annotations

from typing import TypeVar

from hybridge.evidence import Evidence, Seen, Unseen
from hybridge.findings import NotApplicable
from hybridge.org.probes import MailboxLocation
from hybridge.org.records import Mailbox, Record
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE

MAILBOX_NEEDS: tuple[tuple[type[Record], Premises], ...] = ((Mailbox, ON), (Mailbox, ONLINE))
"""What ``on_premises_mailbox`` reads."""


def on_premises_mailbox(evidence: Evidence, address: str) -> Mailbox | NotApplicable | Unseen:
    """The on-premises mailbox ``address``; NotApplicable when it is online, Unseen when nobody knows it."""
    here = evidence.one(Mailbox, ON, address, address)
    if isinstance(here, Seen) and here.first:
        return here.first
    there = evidence.one(Mailbox, ONLINE, address, address)
    if _known(there) or _known(evidence.one(MailboxLocation, ONLINE, address, address)):
        return NotApplicable(f"The mailbox {address} is online.")
    if isinstance(here, Unseen):
        return here
    if isinstance(there, Unseen):
        return there
    return Unseen(
        what=Mailbox.__name__,
        reason="not-found",
        says=f"No mailbox {address} was found, neither on-premises nor online.",
        how=f'Get-Mailbox -Identity "{address}"',
    )


def _known(reading: Seen[R] | Unseen) -> bool:
    return isinstance(reading, Seen) and reading.first is not None


def mailbox_anywhere(evidence: Evidence, address: str) -> Mailbox | Unseen:
    """The mailbox ``address`` on either side; Unseen when nobody knows it, or Exchange Online could not be read."""
    here = on_premises_mailbox(evidence, address)
    if not isinstance(here, NotApplicable):
        return here
    there = evidence.one(Mailbox, ONLINE, address, address)
    if isinstance(there, Unseen):
        return there
    return there.first or no_record(Mailbox, address)


def names_of(evidence: Evidence, address: str) -> tuple[str, ...]:
    """What Exchange may print for the person with mailbox ``address``: address, display name, user principal name."""
    found = [address]
    for premises in (ON, ONLINE):
        reading = evidence.one(Mailbox, premises, address, address)
        if isinstance(reading, Seen) and reading.first:
            found += [reading.first.display_name, reading.first.user_principal_name]
    return tuple(dict.fromkeys(name for name in found if name))


def no_record(kind: type[Record], address: str) -> Unseen:
    """Unseen for a record that must exist when ``address`` does, but was not among those read."""
    return Unseen(
        what=kind.__name__,
        reason="not-found",
        says=f"{kind.__name__} of {address} was not among the records that were read.",
        how=kind.cmdlet,
    )


def of_person(evidence: Evidence, kind: type[R], address: str) -> Seen[R] | Unseen:
    """The online record of ``kind`` for the person with mailbox ``address``: one record or none.

    Exchange names people by their address, Teams by their user principal name, and the two may differ.
    """
    reading = evidence.all(kind, ONLINE, address)
    if isinstance(reading, Seen) and reading.first:
        return Seen(reading.records[:1], reading.origin)
    name = _user_principal_name(evidence, address)
    return reading if name.lower() == address.lower() else evidence.one(kind, ONLINE, name, name)


def _user_principal_name(evidence: Evidence, address: str) -> str:
    for premises in (ON, ONLINE):
        reading = evidence.one(Mailbox, premises, address, address)
        if isinstance(reading, Seen) and reading.first and reading.first.user_principal_name:
            return reading.first.user_principal_name
    return address

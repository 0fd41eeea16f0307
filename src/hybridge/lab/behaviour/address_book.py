"""The address book people look each other up in, and where their mailboxes are."""

from __future__ import annotations

from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises


def side_of(organization: Organization, address: str) -> Premises | None:
    """Where the mailbox of ``address`` is; None when nobody has one. One on-premises hides a second one online."""
    return next((side for side in Premises if organization.one(Mailbox, side, address)), None)


def in_address_book(organization: Organization, address: str) -> bool:
    """Whether ``address`` can be looked up: it has a mailbox that is not hidden."""
    found = (organization.one(Mailbox, side, address) for side in Premises)
    return any(one is not None and not one.hidden_from_address_lists_enabled for one in found)

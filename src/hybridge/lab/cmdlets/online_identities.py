"""Which recipient of Exchange Online an ``-Identity`` or ``-User`` means: the rules of ``identities``, online."""

from __future__ import annotations

from typing import TypeVar

from hybridge.lab.cmdlets.base import Call
from hybridge.lab.cmdlets.identities import bare, names, search_on
from hybridge.lab.cmdlets.outcome import CmdletRefused, not_found
from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)

ONLINE = Premises.ONLINE
DIRECTORY = "EURPR04A002.PROD.OUTLOOK.COM"
"""What Exchange Online names as the place it looked in."""


def absent(identity: str) -> CmdletRefused:
    """The error for an object that does not exist."""
    return not_found(identity, DIRECTORY)


def search(call: Call, kind: type[R], identity: str) -> tuple[R, ...]:
    """Every online record of ``kind`` that ``identity`` means; all for "". One that means none is an error."""
    return search_on(ONLINE, call, kind, identity, absent)


def mailbox_of(call: Call, identity: str) -> r.Mailbox:
    """The online mailbox ``identity`` means."""
    found = search(call, r.Mailbox, identity) if identity else ()
    if len(found) != 1:
        raise absent(identity)
    return found[0]


def recipient(call: Call, identity: str) -> str | None:
    """Primary address of the recipient ``identity`` means, None when there is none.

    Mailboxes on-premises count too: online they are mail users.
    """
    wanted = bare(identity).casefold()
    for one in (*call.organization.all(r.Mailbox), *call.organization.all(r.MailUser, ONLINE)):
        if wanted in {name.casefold() for name in names(one)}:
            return one.identity
    return None

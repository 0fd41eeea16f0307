"""Which object an ``-Identity`` means. Exchange takes any value that is unique to one object, compared without case.

A mailbox answers to its address, user principal name, alias, display name and canonical name
("contoso.com/Users/Ada Lovelace"); configuration objects answer to their name, and some to an id of their own. The
wildcard ``*`` is understood where a cmdlet searches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import TypeVar

from hybridge.lab.cmdlets.base import ON, Call
from hybridge.lab.cmdlets.outcome import CmdletRefused
from hybridge.org import records as r
from hybridge.org.records import Record
from hybridge.terms.callers import matches
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)

UNLISTED_ACCOUNTS = ("Exchange Online-ApplicationAccount",)
"""Accounts Exchange's own setup makes; they exist in the directory although no record here describes them."""


def search(call: Call, kind: type[R], identity: str) -> tuple[R, ...]:
    """Every on-premises record of ``kind`` that ``identity`` means: all of them for "", several for a wildcard.

    Raises "couldn't be found" for one that means none; a wildcard may mean none.
    """
    return search_on(ON, call, kind, identity, call.absent)


def search_on(
    premises: Premises, call: Call, kind: type[R], identity: str, absent: Callable[[str], CmdletRefused]
) -> tuple[R, ...]:
    """As ``search``, on either side; ``absent`` makes the error for what means none."""
    if not identity:
        return call.organization.all(kind, premises)
    wanted = bare(identity)
    direct = call.organization.one(kind, premises, wanted)
    if direct is not None:
        return (direct,)
    everything = call.organization.all(kind, premises)
    found = tuple(one for one in everything if any(matches(wanted, name) for name in (*names(one), one.identity)))
    if not found and "*" not in identity:
        raise absent(identity)
    return found


def single(call: Call, kind: type[R], parameter: str = "Identity") -> R:
    """The one on-premises record the argument of ``parameter`` means; an error when it is none or several."""
    identity = call.text(parameter)
    found = search(call, kind, identity) if identity else ()
    if not found:
        raise call.absent(identity)
    if len(found) > 1:
        raise CmdletRefused(
            f"The operation couldn't be performed because '{identity}' matches multiple entries.",
            "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException",
            "InvalidArgument",
        )
    return found[0]


def mailbox_of(call: Call, identity: str) -> r.Mailbox:
    """The on-premises mailbox ``identity`` means."""
    found = search(call, r.Mailbox, identity) if identity else ()
    if len(found) != 1:
        raise call.absent(identity)
    return found[0]


def recipient(call: Call, identity: str) -> str | None:
    """Primary address of the recipient ``identity`` means, None when there is none.

    Mailboxes online count too: on-premises they are remote mailboxes. A mail user is named by its Name.
    """
    wanted = bare(identity).casefold()
    direct = call.organization.one(r.Mailbox, ON, wanted)
    if direct is not None:
        return direct.identity
    for one in (*call.organization.all(r.Mailbox), *call.organization.all(r.MailUser, ON)):
        if wanted in {name.casefold() for name in names(one)}:
            return one.identity
    for group in call.organization.all(r.Recipient, ON):
        if wanted in {name.casefold() for name in (group.identity, group.name)}:
            return group.identity
    return None


def account(call: Call, identity: str) -> str:
    """Name of the directory account ``identity`` means. Raises "couldn't be found"."""
    wanted = bare(identity).casefold()
    for known in UNLISTED_ACCOUNTS:
        if wanted == known.casefold():
            return known
    found = recipient(call, identity)
    if found is None:
        raise call.absent(identity)
    return found


def bare(identity: str) -> str:
    """The last part of a canonical name or the CN of a distinguished name; anything else as it is."""
    if identity.upper().startswith("CN="):
        return identity[3:].partition(",")[0]
    if "/" in identity and "\\" not in identity and "://" not in identity:
        return identity.rpartition("/")[2]
    return identity


@singledispatch
def names(record: Record) -> tuple[str, ...]:
    """Everything that means ``record`` as an identity."""
    return (record.identity,)


@names.register
def _(record: r.Mailbox) -> tuple[str, ...]:
    alias = record.identity.partition("@")[0]
    return tuple(filter(None, (record.identity, record.user_principal_name, record.display_name, alias)))


@names.register
def _(record: r.MailUser) -> tuple[str, ...]:
    alias = record.identity.partition("@")[0]
    return tuple(filter(None, (record.identity, record.user_principal_name, record.external_email_address, alias)))


@names.register
def _(record: r.ManagementRole) -> tuple[str, ...]:
    return (record.identity, f"{record.parent}\\{record.identity}")


@names.register
def _(record: r.PartnerApplication) -> tuple[str, ...]:
    return (record.identity, record.application_identifier)


@names.register
def _(record: r.ExchangeServer) -> tuple[str, ...]:
    return tuple(filter(None, (record.identity, record.fqdn)))


@names.register
def _(record: r.ExchangeCertificate) -> tuple[str, ...]:
    return (record.thumbprint, f"{record.server}\\{record.thumbprint}")

"""Servers that go down and come back, and mailboxes that move between them.

Both change the organization, as they do really: the databases of a server that is down are mounted at the other one,
and Get-Mailbox names the new server from then on. Clients meet that in three ways: the server's own name refuses, its
open streams break off, and the subscriptions of every mailbox that moved are not found any more.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.behaviour.publishing import facing
from hybridge.lab.estate import Estate
from hybridge.lab.mail.affinity import is_up
from hybridge.lab.mail.subscriptions import subscriptions_of
from hybridge.org.records import ExchangeServer, Mailbox
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


class NotPossible(LookupError):
    """There is no such server or mailbox, or nowhere to move to. Its text is one sentence."""


def servers(estate: Estate) -> dict[str, dict[str, object]]:
    """Every server: whether it is up, and the mailboxes it holds."""
    organization = estate.organization
    return {
        one.identity: {
            "up": is_up(organization, one),
            "mailboxes": [box.identity for box in organization.all(Mailbox, ON) if _holds(one, box)],
        }
        for one in organization.all(ExchangeServer, ON)
    }


def take_down(estate: Estate, name: str) -> None:
    """Let server ``name`` go down; another one mounts its databases. Raises ``NotPossible``."""
    server = _server(estate, name)
    organization = estate.organization
    others = [one for one in organization.all(ExchangeServer, ON) if one != server and is_up(organization, one)]
    if not others:
        raise NotPossible(f"{server.identity} is the last server that is up; bring another one up first.")
    moved = [box for box in organization.all(Mailbox, ON) if _holds(server, box)]
    refusing = msgspec.structs.replace(facing(organization, server.fqdn), network="refused")
    estate.organization = organization.put(
        refusing, *(msgspec.structs.replace(box, server_name=others[0].identity) for box in moved)
    )
    known = subscriptions_of(estate)
    for stream in tuple(known.streams):
        if stream.server == server.identity:
            stream.tear()
    known.look_again()


def bring_up(estate: Estate, name: str) -> None:
    """Let server ``name`` come back and have its own mailboxes again. Raises ``NotPossible``."""
    server = _server(estate, name)
    organization = estate.organization
    own = {box.identity for box in estate.healthy.all(Mailbox, ON) if _holds(server, box)}
    back = [
        msgspec.structs.replace(box, server_name=server.identity)
        for box in organization.all(Mailbox, ON)
        if box.identity in own
    ]
    good = msgspec.structs.replace(facing(organization, server.fqdn), network="good")
    estate.organization = organization.put(good, *back)
    subscriptions_of(estate).look_again()


def move(estate: Estate, mailbox: str, name: str) -> None:
    """Move ``mailbox`` to server ``name``. Raises ``NotPossible``."""
    server = _server(estate, name)
    found = estate.organization.one(Mailbox, ON, mailbox)
    if found is None:
        raise NotPossible(f'There is no mailbox "{mailbox}" on-premises.')
    estate.organization = estate.organization.put(msgspec.structs.replace(found, server_name=server.identity))
    subscriptions_of(estate).look_again()


def _server(estate: Estate, name: str) -> ExchangeServer:
    known = estate.organization.all(ExchangeServer, ON)
    for one in known:
        if name.lower() in (one.identity.lower(), one.fqdn.lower()):
            return one
    raise NotPossible(f'There is no server "{name}"; there are {", ".join(one.identity for one in known)}.')


def _holds(server: ExchangeServer, box: Mailbox) -> bool:
    return box.server_name.lower() == server.identity.lower()

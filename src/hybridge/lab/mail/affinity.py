"""Which server a request of EWS ends at, and what the ids of subscriptions look like.

A front end sends a request to the server that holds the mailbox it is about: the X-AnchorMailbox, else whom it acts
for. A client that wants all requests of a group at one server says X-PreferServerAffinity; the first answer then sets
the cookie X-BackEndOverrideCookie, and who sends it back (with the header) comes to that server whatever the anchor.
The cookie of a server that is down counts for nothing.

Ids are those of a capture of Exchange 2016: base64 of the server's name with its length, two ids of 16 bytes with their
length, and the time in ticks of .NET between them; so an id names its server.
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from uuid import NAMESPACE_URL, UUID, uuid5

from hybridge.lab.apps.base import Request
from hybridge.lab.behaviour.publishing import facing
from hybridge.lab.behaviour.servers import back_end
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer
from hybridge.terms.premises import Premises

COOKIE = "X-BackEndOverrideCookie"
PREFERS = "x-preferserveraffinity"
_ON = Premises.ON_PREMISES
_BEGIN = datetime(1, 1, 1, tzinfo=UTC)
_TAIL = struct.Struct("<I16sqI16s")


def is_up(organization: Organization, server: ExchangeServer) -> bool:
    """Whether ``server`` runs."""
    return facing(organization, server.fqdn).network != "refused"


def routed(organization: Organization, request: Request, acting: str, front: ExchangeServer) -> ExchangeServer:
    """The server that runs ``request`` for the mailbox ``acting`` ("" for none), taken by ``front``."""
    chosen = _by_cookie(organization, request)
    if chosen is not None:
        return chosen
    anchor = request.headers.get("x-anchormailbox", "")
    return back_end(organization, anchor) or back_end(organization, acting) or front


def prefers_affinity(request: Request) -> bool:
    """Whether the client wants to stay at one server."""
    return request.headers.get(PREFERS, "").lower() == "true"


def affinity_cookie(request: Request, server: ExchangeServer) -> tuple[tuple[str, str], ...]:
    """The Set-Cookie for a client that wants affinity and has no cookie yet, as headers."""
    if not prefers_affinity(request) or _cookie(request):
        return ()
    return (("set-cookie", f"{COOKIE}={server.fqdn}~{_number(server)}; path=/; secure; HttpOnly"),)


def _number(server: ExchangeServer) -> int:
    """Stands for the version of the server's back end, which a real cookie ends with."""
    return 1941996336 + len(server.identity)


def _by_cookie(organization: Organization, request: Request) -> ExchangeServer | None:
    if not prefers_affinity(request):
        return None
    name = _cookie(request).rpartition("~")[0].lower()
    servers = organization.all(ExchangeServer, _ON)
    return next((one for one in servers if one.fqdn.lower() == name and is_up(organization, one)), None)


def _cookie(request: Request) -> str:
    try:
        jar = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    found = next((one for name, one in jar.items() if name.lower() == COOKIE.lower()), None)
    return found.value if found else ""


def subscription_id(server: str, mailbox: str, number: int, at: datetime) -> str:
    """The id of subscription ``number`` to ``mailbox``, made at ``server`` (its full name)."""
    name = server.encode()
    ticks = int((at - _BEGIN).total_seconds()) * 10_000_000
    ids = uuid5(NAMESPACE_URL, f"subscription:{number}"), uuid5(NAMESPACE_URL, f"mailbox:{mailbox.lower()}")
    body = struct.pack("<I16s", 16, ids[0].bytes_le) + struct.pack("<q", ticks)
    return base64.b64encode(
        struct.pack("<H", len(name)) + name + body + struct.pack("<I16s", 16, ids[1].bytes_le)
    ).decode()


def server_of(identity: str) -> str:
    """The full name of the server in an id, "" for what is no id."""
    try:
        raw = base64.b64decode(identity, validate=True)
        length = struct.unpack_from("<H", raw)[0]
        first, _, _, second, _ = _TAIL.unpack(raw[2 + length :])
        return raw[2 : 2 + length].decode("ascii") if first == second == len(UUID(int=0).bytes) else ""
    except (binascii.Error, struct.error, UnicodeDecodeError, ValueError):
        return ""

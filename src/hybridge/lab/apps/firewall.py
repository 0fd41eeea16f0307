"""The firewall in front of Exchange: whom it admits, the list it does so by, and the device that cuts long queries.

The lab stands in one process, so a call says by ``X-Forwarded-For`` where it comes from; without it a call comes from
an address the firewall admits. The list is kept where firewalls fetch such lists: one CIDR a line.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import quote, urlencode

from hybridge.lab.apps import base
from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.org.records import ExchangeServer, FirewallAllowList, PublishedPath
from hybridge.rules.endpoints import Network
from hybridge.terms.premises import Premises
from hybridge.wire.allow_list import write_list
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

ON = Premises.ON_PREMISES
SOURCE_HEADER = "X-Forwarded-For"


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """The list as it is now."""
    wanted = f"https://{request.host}{request.path}"
    found = estate.organization.one(FirewallAllowList, ON, wanted)
    return base.text(write_list(found.ranges)) if found else base.not_found()


def stopped(estate: Estate, request: Request) -> HttpAnswer | None:
    """What stands in Exchange's place for a request that does not get through; None for one that does."""
    organization = estate.organization
    if any(one.fqdn.lower() == request.host for one in organization.all(ExchangeServer, ON)):
        return None
    source = request.headers.get(SOURCE_HEADER.lower(), "")
    lists = organization.all(FirewallAllowList, ON)
    if source and lists and not any(_admits(one.ranges, source) for one in lists):
        says = f"Nothing answered at {request.host}: the firewall drops what comes from {source}."
        return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says=says))
    limit = _longest_query(organization.all(PublishedPath, ON), request)
    return base.not_found("The request is too long.") if limit and query_length(request.query) > limit else None


def query_length(query: dict[str, str]) -> int:
    """Characters of ``query`` as it was sent."""
    return len(urlencode(query, quote_via=quote, safe="$:,"))


def _longest_query(paths: tuple[PublishedPath, ...], request: Request) -> int:
    """The limit of the device for the path asked, 0 for none."""
    path = request.path.lower()
    mine = [one for one in paths if one.host.lower() == request.host and f"{path}/".startswith(f"{one.path}/")]
    return max(mine, key=lambda one: len(one.path)).longest_query if mine else 0


def _admits(ranges: tuple[str, ...], source: str) -> bool:
    address = ip_address(source)
    return any(address in network for network in _networks(ranges))


@lru_cache(maxsize=16)
def _networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in ranges)

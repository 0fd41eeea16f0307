"""The edge of the network: what a request from outside meets before Exchange does.

Public names (``mail``, ``autodiscover``) pass the edge, where each published path has its own rule; the servers' own
names are reached from inside and meet no edge. A path nobody published is answered 404 by the edge itself, never by
Exchange, so none of these answers carries Exchange's headers. Before any request stands the connection: the name in
DNS, the network, TLS. How a host does there is ``facing``, for public and inner names alike.
"""

from __future__ import annotations

from enum import StrEnum

from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer, PublishedHost, PublishedPath
from hybridge.terms.callers import matches
from hybridge.terms.premises import Premises


class Edge(StrEnum):
    """Who answers, and how: the words of ``PublishedPath.answered_by``, and one more."""

    EXCHANGE = "exchange"
    NOTHING_THERE = "nothing-there"
    LOGIN_PAGE = "login-page"
    DENIED = "denied"
    PROXY_DENIED = "proxy-denied"
    BRIDGE_ERROR = "bridge-error"
    MOVED = "moved"
    ANONYMOUS = "anonymous"
    NO_METHODS = "no-methods"
    ONLY_DIGEST = "only-digest"
    ONLY_FORMS = "only-forms"
    LACKS_NEGOTIATE = "lacks-negotiate"
    CUT = "cut"
    AGENT_REFUSED = "agent-refused"
    """A filtering device refuses this user agent."""


PASSED_ON = frozenset(
    {
        Edge.EXCHANGE,
        Edge.ANONYMOUS,
        Edge.NO_METHODS,
        Edge.ONLY_DIGEST,
        Edge.ONLY_FORMS,
        Edge.LACKS_NEGOTIATE,
        Edge.CUT,
    }
)
"""What reaches Exchange: its own answer comes back, however strange."""


def facing(organization: Organization, host: str) -> PublishedHost:
    """How ``host`` is published; a name the organization says nothing of (Microsoft's) is published well."""
    found = organization.one(PublishedHost, Premises.ON_PREMISES, host)
    return found or PublishedHost(premises=Premises.ON_PREMISES, identity=host.lower())


def edge(organization: Organization, host: str, path: str, user_agent: str) -> Edge:
    """Who answers a request for ``path`` at ``host`` from ``user_agent``.

    The longest published path that holds ``path`` decides. A device that filters user agents stands before the
    proxy's sign-in.
    """
    if _is_inside(organization, host):
        return Edge.EXCHANGE
    published = _published(organization, host, path)
    if published is None:
        return Edge.NOTHING_THERE
    verdict = Edge(published.answered_by)
    if verdict is Edge.NOTHING_THERE:
        return verdict
    if any(matches(pattern, user_agent) for pattern in published.refused_user_agents):
        return Edge.AGENT_REFUSED
    return verdict


def _is_inside(organization: Organization, host: str) -> bool:
    servers = organization.all(ExchangeServer, Premises.ON_PREMISES)
    return any(server.fqdn.lower() == host.lower() for server in servers)


def _published(organization: Organization, host: str, path: str) -> PublishedPath | None:
    wanted = path.lower()
    holding = [
        record
        for record in organization.all(PublishedPath, Premises.ON_PREMISES)
        if record.host.lower() == host.lower() and _holds(record.path, wanted)
    ]
    return max(holding, key=lambda record: len(record.path), default=None)


def _holds(prefix: str, path: str) -> bool:
    stem = prefix.lower().rstrip("/")
    return path == stem or path.startswith(f"{stem}/")


def published_path(organization: Organization, host: str, path: str) -> PublishedPath | None:
    """The published path that holds ``path`` at ``host``; None for what is not published, as servers' own names."""
    return _published(organization, host, path)

"""What the edge of the network makes of Exchange. No cmdlet shows it: the doctor can only probe its effect."""

from __future__ import annotations

from hybridge.org.records.base import Record


class PublishedPath(Record, frozen=True, kw_only=True):
    """How the edge of the network publishes a path of an Exchange host. ``identity`` is ``<host><path>``.

    No cmdlet shows it: the doctor can only probe its effect.
    """

    host: str
    path: str
    """Lower-case prefix such as "/api"."""
    answered_by: str = "exchange"
    """exchange | nothing-there (404) | login-page (a proxy's pre-authentication) | denied (a proxy's 403)."""
    refused_user_agents: tuple[str, ...] = ()
    """Patterns of user agents a filtering device in front answers with its own 403."""


class PublishedHost(Record, frozen=True, kw_only=True):
    """How a public name of the organization is published. ``identity`` is the host name."""

    resolves: bool = True
    """Whether DNS has an address for it."""
    network: str = "good"
    """good | refused (nothing listens) | reset (cut in the middle of an answer) | silent (never answers)."""
    certificate: str = "good"
    """good | expired | not-yet-valid | wrong-name | self-signed | untrusted | no-chain (intermediates not sent)."""
    client_certificate_requested: bool = False
    oldest_tls: str = "1.2"
    """Oldest version of TLS the host still speaks: "1.0", "1.1", "1.2" or "1.3"."""
    newest_tls: str = "1.3"
    clock_skew_seconds: int = 0
    """How far the clock of the servers behind it is ahead of true time."""
    plain_http: str = "nothing"
    """What port 80 does: nothing | redirect (to https) | page (no redirect) | ssl-required (403.4)."""


class PublishedService(Record, frozen=True, kw_only=True):
    """An SRV record of the public DNS zone (RFC 2782). ``identity`` is its name, ``_autodiscover._tcp.contoso.com``."""

    target: str
    port: int = 443
    priority: int = 0
    weight: int = 0

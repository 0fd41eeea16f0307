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
    """Who answers, and how. By the edge itself, so without Exchange's headers: nothing-there (404) | login-page (a
    proxy's pre-authentication) | denied, proxy-denied (403) | bridge-error (500: the proxy does not accept the
    certificate inside) | moved (301 to another page). By Exchange: exchange | anonymous (200 to a stranger) |
    no-methods (401 without any offer) | only-digest | only-forms (a redirect to a form) | lacks-negotiate (neither
    Negotiate nor NTLM is offered) | cut (the connection ends in the middle of the answer)."""
    refused_user_agents: tuple[str, ...] = ()
    """Patterns of user agents a filtering device in front answers with its own 403."""
    longest_query: int = 0
    """Characters of a query from which on a device in front answers 404 itself; 0 for no limit."""
    tls_offloaded: bool = False
    """Whether the device in front ends TLS and passes plain HTTP on: Exchange sees http:// where callers say https://."""
    legacy_version: str = ""
    """Version of an older server the path leads to, as it would print it; "" for the servers there are."""
    broken_body: str = ""
    """What becomes of answers about availability on the way: cut | foreign (a page of the device) | ""."""
    healthy: bool = True
    """Whether the protocol behind it calls itself healthy at its health page, by which balancers choose servers."""


class PublishedHost(Record, frozen=True, kw_only=True):
    """How a public name of the organization is published. ``identity`` is the host name."""

    resolves: bool = True
    """Whether DNS has an address for it."""
    network: str = "good"
    """good | refused (nothing listens) | reset (cut in the middle of an answer) | silent (never answers)."""
    certificate: str = "good"
    """good | other-subject (trusted; the host is an alternative name only) | expired | not-yet-valid | wrong-name |
    self-signed | untrusted | no-chain (intermediates not sent)."""
    client_certificate_requested: bool = False
    oldest_tls: str = "1.2"
    """Oldest version of TLS the host still speaks: "1.0", "1.1", "1.2" or "1.3"."""
    newest_tls: str = "1.3"
    clock_skew_seconds: int = 0
    """How far the clock of the servers behind it is ahead of true time."""
    plain_http: str = "nothing"
    """What port 80 does: nothing | redirect (to https) | page (no redirect) | ssl-required (403.4)."""
    redirects_to: str = ""
    """Host the redirect of port 80 leads to; "" for the same one."""


class PublishedService(Record, frozen=True, kw_only=True):
    """An SRV record of the public DNS zone (RFC 2782). ``identity`` is its name, ``_autodiscover._tcp.contoso.com``."""

    target: str
    port: int = 443
    priority: int = 0
    weight: int = 0

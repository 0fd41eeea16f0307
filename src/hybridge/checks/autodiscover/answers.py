"""What the end of an Autodiscover V2 route says about who answered: Exchange, the cloud, or something in front."""

from __future__ import annotations

from hybridge.org.probes import AutodiscoverV2Probe
from hybridge.terms.clouds import CLOUDS
from hybridge.terms.urls import parts_of

_CLOUD_SUFFIXES = (
    ".office365.com",
    ".office.com",
    ".outlook.com",
    ".office365.us",
    ".outlook.cn",
    ".office365.cn",
    ".sovcloud.fr",
    ".sovcloud.de",
)
"""Domains of Exchange Online in every cloud. Source: Get-CloudServiceEndpoint of CSS-Exchange."""

_OURS = frozenset({"", "redirect-loop", "not-https", "not-json", "foreign-redirect"})
"""Words of the collector; every other error code was sent by Exchange."""

_UNKNOWN_PROTOCOL = frozenset({"invalidprotocol", "protocolnotsupported"})
_ASKS_TO_SIGN_IN = frozenset({200, 301, 302, 303, 307, 308, 401, 407})
_NOT_THERE = frozenset({403, 404, 405, 410})


def host_of(url: str) -> str:
    """Host of ``url`` in lower case, "" when it has none."""
    return (parts_of(url).hostname or "").lower()


def said(message: str) -> str:
    """What a server said, to stand at the end of a sentence of ours."""
    return message.rstrip(". ") or "no text"


def in_cloud(url: str) -> bool:
    """Whether ``url`` leads to Exchange Online."""
    host = host_of(url)
    return host in {cloud.exchange for cloud in CLOUDS.values()} or host.endswith(_CLOUD_SUFFIXES)


def verdict(probe: AutodiscoverV2Probe) -> str:
    """The cause a route to an on-premises mailbox shows; "" for a good one.

    A page that asks strangers to sign in is told by its status and by redirects that leave Autodiscover.
    """
    if probe.url:
        if in_cloud(probe.url):
            return "routed-online"
        return "" if probe.url.lower().startswith("https://") else "no-route"
    code = probe.error_code.lower()
    if code in _UNKNOWN_PROTOCOL:
        return "protocol-unknown"
    last = probe.hops[-1] if probe.hops else ""
    if probe.status == 0 or code in {"redirect-loop", "not-https"} or code not in _OURS or in_cloud(last):
        return "no-route"
    left = any("/autodiscover.json" not in parts_of(hop).path.lower() for hop in probe.hops)
    if left or probe.status in _ASKS_TO_SIGN_IN:
        return "pre-authenticated"
    return "not-published" if probe.status in _NOT_THERE else "no-route"

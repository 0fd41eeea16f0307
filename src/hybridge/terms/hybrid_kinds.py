"""The kinds of organization: what of Exchange there is on which side, and how the two sides are joined.

Source: Microsoft's pages on Exchange hybrid deployments, on the Hybrid Agent, and on how Exchange and Teams interact.
"""

from __future__ import annotations

from enum import StrEnum


class HybridKind(StrEnum):
    """How an organization is built. The words are those of ``organization.hybrid`` in hybridge.toml."""

    CLASSIC = "classic"
    """Both sides; Exchange Server is published for the cloud to reach."""
    MODERN = "modern"
    """Both sides; the cloud reaches Exchange Server through the Hybrid Agent, which serves free/busy and moves only."""
    ON_PREMISES = "on-premises"
    """Exchange Server alone: no tenant belongs to it."""
    ONLINE = "online"
    """Exchange Online alone: no Exchange Server."""
    UNKNOWN = "unknown"
    """What was read does not tell."""


AUTO = "auto"
"""The word of ``organization.hybrid`` that leaves it to what is read."""

CHOICES = (AUTO, *(kind.value for kind in HybridKind if kind is not HybridKind.UNKNOWN))
"""Every word of ``organization.hybrid``."""

AGENT_SUFFIX = ".resource.mailboxmigration.his.msappproxy.net"
"""What follows the id in the host name Microsoft gives a Hybrid Agent."""


def is_hybrid_agent(host: str) -> bool:
    """Whether ``host`` is the name of a Hybrid Agent."""
    return host.lower().rstrip(".").endswith(AGENT_SUFFIX)

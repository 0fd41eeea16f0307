"""Address ranges against each other: what of a range no other covers. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from hybridge.rules.endpoints import Network


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks of a list, joined where they touch; what is none is left out."""
    four: list[IPv4Network] = []
    six: list[IPv6Network] = []
    for text in texts:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            continue
        if isinstance(network, IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return (*collapse_addresses(four), *collapse_addresses(six))


def uncovered(wanted: Iterable[Network], allowed: Sequence[Network]) -> tuple[Network, ...]:
    """The networks of ``wanted`` of which ``allowed`` lacks something, each whole.

    IPv6 counts only where ``allowed`` names any: who publishes no IPv6 address needs no rule for it.
    """
    versions = {4} | {one.version for one in allowed}
    return tuple(one for one in wanted if one.version in versions and not covered(one, allowed))


def covered(wanted: Network, allowed: Sequence[Network]) -> bool:
    """Whether every address of ``wanted`` is in ``allowed``, whose networks do not overlap."""
    within = [one for one in allowed if one.version == wanted.version and one.overlaps(wanted)]
    return sum(min(one.num_addresses, wanted.num_addresses) for one in within) >= wanted.num_addresses

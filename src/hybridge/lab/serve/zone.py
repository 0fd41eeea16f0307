"""The lab's DNS zone as a value: an address for every host served, from the ranges RFC 5737 keeps for documentation.

The name server and the in-process answerer both ask it. The addresses lead nowhere; the printed configuration maps
them (``net.connect_to``) to the listener, so that a name resolves as it would in the world before it is mapped.
"""

from __future__ import annotations

from collections.abc import Iterable

NETWORKS = ("203.0.113.", "198.51.100.", "192.0.2.")
"""The documentation ranges, used in this order from .10 to .250."""

_PER_NETWORK = range(10, 251)


class Zone:
    """``addresses`` maps a host, lower-case, to its IPv4 address; change it to move a host or take its name away."""

    def __init__(self, hosts: Iterable[str]) -> None:
        names = sorted({host.lower() for host in hosts})
        room = (f"{network}{number}" for network in NETWORKS for number in _PER_NETWORK)
        self.addresses: dict[str, str] = dict(zip(names, room, strict=False))
        if len(names) > len(self.addresses):
            raise ValueError(f"The lab has no addresses for more than {len(self.addresses)} hosts, not {len(names)}.")

    def records(self, name: str, rdtype: str) -> tuple[str, ...] | None:
        """Records in presentation form; empty when the name has none of that type, None when there is no such name."""
        wanted = name.lower().rstrip(".")
        address = self.addresses.get(wanted)
        if address is not None:
            return (address,) if rdtype.upper() in ("A", "ANY") else ()
        within = any(host.endswith(f".{wanted}") for host in self.addresses)
        return () if within else None

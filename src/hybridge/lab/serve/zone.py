"""The lab's DNS zone as a value: an address for every host served, from the ranges RFC 5737 keeps for documentation.

The name server and the in-process answerer both ask it. The addresses lead nowhere; the printed configuration maps
them (``net.connect_to``) to the listener, so that a name resolves as it would in the world before it is mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hybridge.org.records import PublishedHost, PublishedService

NETWORKS = ("203.0.113.", "198.51.100.", "192.0.2.")
"""The documentation ranges, used in this order from .10 to .250."""

REFUSING = "192.0.2.251"
"""An address at which every connection is refused."""
_PER_NETWORK = range(10, 251)


class Zone:
    """``addresses`` maps a host, lower-case, to its IPv4 address; change it to move a host or take its name away.

    ``services`` gives the SRV records published now, ``facing`` how a host is published: a name that does not resolve
    is not there, and one where nothing listens has the address ``REFUSING``.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        services: Callable[[], Iterable[PublishedService]] = lambda: (),
        facing: Callable[[str], PublishedHost] | None = None,
    ) -> None:
        names = sorted({host.lower() for host in hosts})
        room = (f"{network}{number}" for network in NETWORKS for number in _PER_NETWORK)
        self._services = services
        self._facing = facing
        self.addresses: dict[str, str] = dict(zip(names, room, strict=False))
        if len(names) > len(self.addresses):
            raise ValueError(f"The lab has no addresses for more than {len(self.addresses)} hosts, not {len(names)}.")

    def records(self, name: str, rdtype: str) -> tuple[str, ...] | None:
        """Records in presentation form; empty when the name has none of that type, None when there is no such name."""
        wanted = name.lower().rstrip(".")
        address = self.addresses.get(wanted)
        how = self._facing(wanted) if self._facing and address is not None else None
        if how is not None and not how.resolves:
            return None
        if how is not None and how.network == "refused":
            address = REFUSING
        if address is not None:
            return (address,) if rdtype.upper() in ("A", "ANY") else ()
        published = tuple(_shown(one) for one in self._services() if one.identity.lower() == wanted)
        if published:
            return published if rdtype.upper() == "SRV" else ()
        within = any(host.endswith(f".{wanted}") for host in self.addresses)
        return () if within else None


def _shown(service: PublishedService) -> str:
    """An SRV record in presentation form: priority, weight, port, target."""
    return f"{service.priority} {service.weight} {service.port} {service.target.rstrip('.')}."

"""Address ranges of Microsoft 365, as its endpoint service publishes them: sets per instance (cloud).

The service lists where clients connect to. The same ranges are where its services come from when they call Exchange:
set 12 (46 for the connectivity analyzer, 1 for Exchange Online) must pass a firewall in front of Exchange.
"""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec

Network = IPv4Network | IPv6Network

EXCHANGE_ONLINE, TEAMS_MEDIA, TEAMS, OFFICE, SIGN_IN = 1, 11, 12, 46, 56
KEPT = (EXCHANGE_ONLINE, TEAMS_MEDIA, TEAMS, OFFICE, SIGN_IN)
"""Sets a snapshot keeps of the whole list (worldwide numbering)."""

INSTANCES = {
    "worldwide": "Worldwide",
    "gcc": "Worldwide",
    "gcc-high": "USGovGCCHigh",
    "dod": "USGovDoD",
    "china": "China",
}
"""Cloud, as hybridge.toml names it -> instance of the endpoint service."""


class EndpointSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One set, in the shape of the service; whatever is absent is empty. Ports are such as "80,443"."""

    id: int
    service_area: str = ""
    service_area_display_name: str = ""
    urls: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    tcp_ports: str = ""
    udp_ports: str = ""
    category: str = ""
    express_route: bool = False
    required: bool = False
    notes: str = ""

    @property
    def networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(text, strict=False) for text in self.ips)


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """The sets of one cloud. ``version`` is the service's own, ``YYYYMMDDNN``, "" where it is not known."""

    version: str
    sets: tuple[EndpointSet, ...]
    dropped: tuple[str, ...] = ()
    """Ranges that were Microsoft's once and are in no set any more."""

    def ranges(self, *, area: str, number: int, tcp: str = "443") -> tuple[Network, ...]:
        """Networks of set ``number``; where the cloud does not number so, of every set of ``area`` with TCP ``tcp``."""
        own = [one for one in self.sets if one.id == number and one.service_area in ("", area)]
        found = own or [one for one in self.sets if one.service_area == area and tcp in one.tcp_ports.split(",")]
        return tuple(dict.fromkeys(network for one in found for network in one.networks))


class Endpoints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A snapshot of the endpoint service; ``instances`` by the service's names."""

    as_of: date
    source: str
    instances: dict[str, Instance]

    def of_cloud(self, cloud: str) -> Instance | None:
        """The instance of a cloud of hybridge.toml; None where the snapshot has none."""
        return self.instances.get(INSTANCES.get(cloud, cloud))

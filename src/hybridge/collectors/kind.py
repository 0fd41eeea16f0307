"""Which kind of organization was read. Pure: the same readings and the same wish always give the same kind.

A side counts as absent only where something says so: that nothing of it could be read proves nothing. Servers without
a tenant's id, without connector, relationship or trusted issuer stand alone; a tenant stands alone when Exchange
Server was never configured to be read and no connector or relationship online leads anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from hybridge.collectors.reading import Reading, key
from hybridge.evidence import Key, Seen, Unseen
from hybridge.org import records as r
from hybridge.org.probes import AutodiscoverV2Probe
from hybridge.terms.hybrid_application import ews_host_of
from hybridge.terms.hybrid_kinds import AUTO, HybridKind, is_hybrid_agent
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=r.Record)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


def decide(readings: Mapping[Key, Reading], tenant_id: str, wanted: str = AUTO) -> HybridKind:
    """The kind; ``wanted`` is ``organization.hybrid`` and wins over what was read unless it is "auto"."""
    if wanted != AUTO:
        return HybridKind(wanted)
    if any(is_hybrid_agent(urlsplit(url).hostname or "") for url in _ways_on_premises(readings)):
        return HybridKind.MODERN
    servers = readings.get(key(r.ExchangeServer, ON))
    joined = any(True for _ in _joined_on_premises(readings))
    if isinstance(servers, Seen) and servers.records:
        if joined:
            return HybridKind.CLASSIC
        return HybridKind.ON_PREMISES if not tenant_id and _all_seen(readings, ON) else HybridKind.UNKNOWN
    if _not_configured(servers) and _all_seen(readings, ONLINE) and not any(_ways_on_premises(readings)):
        return HybridKind.ONLINE
    return HybridKind.UNKNOWN


_WAYS: tuple[type[r.Record], ...] = (r.IntraOrganizationConnector, r.OrganizationRelationship)


def _of(readings: Mapping[Key, Reading], kind: type[R], premises: Premises) -> Iterator[R]:
    reading = readings.get(key(kind, premises))
    if isinstance(reading, Seen):
        yield from (one for one in reading.records if isinstance(one, kind))


def _ways_on_premises(readings: Mapping[Key, Reading]) -> Iterator[str]:
    """Addresses at which the cloud looks for the servers: of enabled connectors and relationships, and of routes."""
    for connector in _of(readings, r.IntraOrganizationConnector, ONLINE):
        if connector.enabled and connector.discovery_endpoint:
            yield connector.discovery_endpoint
    for relationship in _of(readings, r.OrganizationRelationship, ONLINE):
        if relationship.enabled:
            yield from filter(None, (relationship.target_autodiscover_epr, relationship.target_sharing_epr))
    for at, reading in readings.items():
        if at.kind == AutodiscoverV2Probe.__name__ and isinstance(reading, Seen):
            probes = (one for one in reading.records if isinstance(one, AutodiscoverV2Probe))
            yield from (url for probe in probes for url in (*probe.hops[1:], probe.url) if _is_elsewhere(url))


def _is_elsewhere(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return bool(host) and not ews_host_of(host)


def _joined_on_premises(readings: Mapping[Key, Reading]) -> Iterator[r.Record]:
    """What joins the servers to a tenant."""
    yield from (one for one in _of(readings, r.IntraOrganizationConnector, ON) if one.enabled)
    yield from (one for one in _of(readings, r.OrganizationRelationship, ON) if _to_cloud(one))
    yield from (one for one in _of(readings, r.AuthServer, ON) if one.enabled)
    yield from _of(readings, r.HybridConfiguration, ON)


def _to_cloud(relationship: r.OrganizationRelationship) -> bool:
    host = urlsplit(relationship.target_autodiscover_epr).hostname or ""
    return relationship.enabled and bool(ews_host_of(host))


def _all_seen(readings: Mapping[Key, Reading], premises: Premises) -> bool:
    return all(isinstance(readings.get(key(kind, premises)), Seen) for kind in _WAYS)


def _not_configured(reading: Reading | None) -> bool:
    return isinstance(reading, Unseen) and reading.reason == "not-configured"

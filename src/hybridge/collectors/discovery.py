"""The discovery order of classic Autodiscover, asked as a stranger: names in DNS, then every address there may be.

Outlook tries the service connection point, https at the bare domain, https at autodiscover.<domain>, the redirect of
port 80 there, and the SRV record, one after the other. Asked as a stranger they can all be asked at once: what answers
with a challenge is where somebody who signs in would be answered. No credential is sent here, and none may follow to
where a redirect leads unless its host is configured (``net.rules`` sees to that).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from hybridge.collectors.reading import Reading, Readings, http_origin, key
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.terms.premises import Premises
from hybridge.terms.urls import host_of, parts_of
from hybridge.wire import autodiscover_pox as pox
from hybridge.wire import exchange_rest, mapi_http
from hybridge.wire.ask import Answerer, DnsAsk, FailureReason, HttpAnswer, HttpAsk

ON = Premises.ON_PREMISES
ORDER = ("scp", "root", "host", "redirected", "srv")
"""Methods whose address can answer for itself, in the order in which Outlook tries them."""
UNSETTLED = frozenset({FailureReason.NOT_EXPORTED, FailureReason.NOT_CONFIGURED})
"""Reasons that say nothing about the network: the answer is not at hand."""
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Discovery:
    """What was seen of one domain. ``asked`` holds what came of each step, with where it was seen."""

    names: Reading
    asked: tuple[tuple[p.DiscoveryStepProbe, Origin], ...]

    def readings(self) -> Readings:
        """As evidence."""
        return {key(p.DiscoveryNameProbe, ON): self.names, key(p.DiscoveryStepProbe, ON): self._steps()}

    def _steps(self) -> Reading:
        lost = next((probe for probe, _ in self.asked if probe.reason in UNSETTLED), None)
        if lost is not None:
            return Unseen(
                what="DiscoveryStepProbe",
                reason=lost.reason,
                says=lost.says,
                how="Keep it from a live run: hybridge snapshot save DIR",
            )
        return _seen([probe for probe, _ in self.asked], [origin for _, origin in self.asked])

    def usable(self) -> tuple[str, ...]:
        """Addresses where Autodiscover answers, in the discovery order, each once."""
        found = [probe.url for method in ORDER for probe, _ in self.asked if probe.method == method and probe.usable]
        return tuple({url.lower(): url for url in reversed(found)}[one] for one in dict.fromkeys(map(str.lower, found)))


def url_at(host: str, port: int = 443) -> str:
    """Address of POX at ``host``."""
    return f"https://{host}{'' if port == 443 else f':{port}'}{pox.PATH}"


async def discover(answerer: Answerer, domain: str) -> Discovery:
    """Every step for ``domain`` that needs nothing but its name."""
    host = f"autodiscover.{domain}"
    names, root, own, plain, srv = await asyncio.gather(
        _names(answerer, domain),
        ask_step(answerer, "root", url_at(domain)),
        ask_step(answerer, "host", url_at(host)),
        _plain(answerer, host),
        _srv(answerer, domain),
    )
    return Discovery(names, (root, own, *plain, *srv))


async def with_connection_points(answerer: Answerer, discovery: Discovery, services: Reading | None) -> Discovery:
    """``discovery`` and the addresses that service connection points name."""
    records = services.records if isinstance(services, Seen) else ()
    uris = {
        one.auto_discover_service_internal_uri.lower(): one.auto_discover_service_internal_uri
        for one in records
        if isinstance(one, r.ClientAccessService) and one.auto_discover_service_internal_uri
    }
    known = {probe.url.lower(): (probe, origin) for probe, origin in discovery.asked}
    steps = []
    for lowered, uri in uris.items():
        if lowered in known:
            probe, origin = known[lowered]
            steps.append((msgspec.structs.replace(probe, method="scp", identity=f"scp/{uri}"), origin))
    asked = await asyncio.gather(
        *(ask_step(answerer, "scp", uri) for lowered, uri in uris.items() if lowered not in known)
    )
    return Discovery(discovery.names, (*steps, *asked, *discovery.asked))


async def _names(answerer: Answerer, domain: str) -> Reading:
    wanted = ((domain, "A"), (f"autodiscover.{domain}", "A"), (f"_autodiscover._tcp.{domain}", "SRV"))
    answers = await asyncio.gather(*(answerer.dns(DnsAsk(name=name, rdtype=kind)) for name, kind in wanted))
    probes = []
    for (name, kind), answer in zip(wanted, answers, strict=True):
        if answer.failure is not None and answer.failure.reason in (*UNSETTLED, FailureReason.REFUSED):
            return Unseen(
                what="DiscoveryNameProbe",
                reason=answer.failure.reason,
                says=answer.failure.says,
                how=answer.failure.next_step or "Set net.nameserver.",
            )
        probes.append(
            p.DiscoveryNameProbe(
                premises=ON,
                identity=f"{name}/{kind}",
                name=name,
                rdtype=kind,
                records=answer.records,
                reason=answer.failure.reason if answer.failure else "",
            )
        )
    source = f"DNS {', '.join(f'{kind} {name}' for name, kind in wanted)}"
    shown = "; ".join(f"{one.name}: {', '.join(one.records) or one.reason or 'none'}" for one in probes)
    return Seen(tuple(probes), Origin(source=source, excerpt=shown))


Step = tuple[p.DiscoveryStepProbe, Origin]


async def ask_step(answerer: Answerer, method: str, url: str) -> Step:
    """Ask ``url`` as a stranger."""
    schemes = ("http",) if method == "redirect" else ("https",)
    if parts_of(url).scheme.lower() not in schemes or not host_of(url):
        says = f"{url} is no {schemes[0]} address, so it was not asked."
        probe = p.DiscoveryStepProbe(
            premises=ON, identity=f"{method}/{url}", method=method, url=url, reason=FailureReason.REFUSED, says=says
        )
        return probe, Origin(source=url, excerpt=says)
    ask = HttpAsk(method="GET", url=url)
    answer = await answerer.http(ask)
    return _probe(method, url, answer), http_origin(ask, answer, f"Autodiscover, {method}")


def _probe(method: str, url: str, answer: HttpAnswer) -> p.DiscoveryStepProbe:
    if answer.failure is not None:
        return p.DiscoveryStepProbe(
            premises=ON,
            identity=f"{method}/{url}",
            method=method,
            url=url,
            reason=answer.failure.reason,
            says=answer.failure.says,
        )
    return p.DiscoveryStepProbe(
        premises=ON,
        identity=f"{method}/{url}",
        method=method,
        url=url,
        status=answer.status,
        location=answer.header("location") if answer.status in _REDIRECTS else "",
        schemes=mapi_http.schemes(answer),
        reached_exchange=exchange_rest.reached_exchange(answer),
        page="html" in answer.header("content-type").lower() or b"<html" in answer.body[:2000].lower(),
    )


async def _plain(answerer: Answerer, host: str) -> tuple[Step, ...]:
    """Port 80, and where it redirects to."""
    step = await ask_step(answerer, "redirect", f"http://{host}{pox.PATH}")
    location = step[0].location
    if not location or not location.lower().startswith("https://"):
        return (step,)
    return step, await ask_step(answerer, "redirected", location)


async def _srv(answerer: Answerer, domain: str) -> tuple[Step, ...]:
    """The targets of the SRV record, best first."""
    answer = await answerer.dns(DnsAsk(name=f"_autodiscover._tcp.{domain}", rdtype="SRV"))
    targets = sorted(found for record in answer.records if (found := _target(record)) is not None)
    return tuple(
        await asyncio.gather(*(ask_step(answerer, "srv", url_at(host, port)) for _, _, port, host in targets[:4]))
    )


def _target(record: str) -> tuple[int, int, int, str] | None:
    """Priority, weight (negative, so that the heaviest sorts first), port and target of an SRV record as text."""
    parts = record.split()
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts[:3]):
        return None
    host = parts[3].rstrip(".").lower()
    return (int(parts[0]), -int(parts[1]), int(parts[2]), host) if host and 0 < int(parts[2]) < 65536 else None


def _seen(probes: list[p.DiscoveryStepProbe], origins: list[Origin]) -> Seen[r.Record]:
    together = Origin(
        source="; ".join(origin.source for origin in origins),
        seen_at=next((origin.seen_at for origin in origins if origin.seen_at), None),
        excerpt="\n".join(
            f"{probe.method} {probe.url}: {f'HTTP {probe.status}' if probe.status else probe.says}" for probe in probes
        ),
        took_ms=sum(origin.took_ms for origin in origins),
    )
    return Seen(tuple({probe.address: probe for probe in probes}.values()), together)

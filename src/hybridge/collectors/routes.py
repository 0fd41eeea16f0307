"""Autodiscover V2: the whole route from Exchange Online to the server that holds a mailbox.

Redirects are followed here under our own rule, one hop at a time: https only, never the same URL twice, at most
``MAX_HOPS``, and every hop anonymous. Where the route leads outside the organization's own domain and the cloud, it is
reported and not followed: an Autodiscover answer decides nothing about where a credential may go.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, unseen
from hybridge.evidence import Seen
from hybridge.org.probes import AutodiscoverV2Probe
from hybridge.org.records import WebServicesVirtualDirectory
from hybridge.terms.premises import Premises
from hybridge.terms.urls import host_of, parts_of
from hybridge.wire import autodiscover_v2 as v2
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk

MAX_HOPS = 10
PROTOCOLS = ("EWS", "REST", "AutodiscoverV1")

_SETTLED = frozenset({FailureReason.NOT_EXPORTED, FailureReason.NOT_CONFIGURED, FailureReason.REFUSED})
"""Failures that tell nothing about the server: the route was not asked."""


@dataclass(frozen=True)
class Route:
    """Where one mailbox is found: ``ews`` and ``rest`` are URLs or "", ``online`` tells that the cloud holds it."""

    readings: Readings
    ews: str = ""
    rest: str = ""
    online: bool = False


async def collect_route(answerer: Answerer, mailbox: str, cloud_host: str, domain: str) -> Route:
    """Ask Exchange Online where ``mailbox`` is, for EWS, for REST and for classic Autodiscover."""
    probes = await asyncio.gather(*(_follow(answerer, mailbox, protocol, cloud_host, domain) for protocol in PROTOCOLS))
    seen = [probe for probe, _ in probes if isinstance(probe, AutodiscoverV2Probe)]
    found = {probe.protocol: probe.url for probe in seen if probe.url}
    readings: Readings = {
        key(AutodiscoverV2Probe, Premises.ONLINE, mailbox): joined(
            AutodiscoverV2Probe, [reading for _, reading in probes]
        )
    }
    online = _is_at(found.get("EWS", ""), cloud_host)
    return Route(readings, ews=found.get("EWS", ""), rest=found.get("REST", ""), online=online)


async def ews_address(answerer: Answerer, mailbox: str, cloud_host: str, domain: str) -> str | Failure:
    """The EWS address of an on-premises mailbox: as Autodiscover tells it, else as the virtual directories do."""
    probe, _ = await _follow(answerer, mailbox, "EWS", cloud_host, domain)
    if probe and probe.url and not _is_at(probe.url, cloud_host):
        return probe.url
    asked = cmdlets.ask_web_services_virtual_directory()
    directories = cmdlets.read_answer(asked, await answerer.cmdlet(asked))
    if isinstance(directories, Failure):
        return directories
    for one in directories:
        if isinstance(one, WebServicesVirtualDirectory) and one.external_url:
            return one.external_url
    return Failure(
        reason=FailureReason.NOT_CONFIGURED,
        says=f"No EWS address is known for {mailbox}.",
        next_step="Make Autodiscover V2 answer for the mailbox, or set ExternalUrl of the EWS virtual directory.",
    )


def _is_at(url: str, host: str) -> bool:
    return host_of(url) == host.lower()


async def _follow(
    answerer: Answerer, mailbox: str, protocol: str, cloud_host: str, domain: str
) -> tuple[AutodiscoverV2Probe | None, Reading]:
    ask = v2.ask(cloud_host, mailbox, protocol)
    probe = AutodiscoverV2Probe(
        premises=Premises.ONLINE, identity=f"{mailbox}/{protocol}", mailbox=mailbox, protocol=protocol
    )
    while True:
        probe = msgspec.structs.replace(probe, hops=(*probe.hops, ask.url))
        answer = await answerer.http(ask)
        if answer.failure is not None:
            if answer.failure.reason in _SETTLED:
                return None, unseen("AutodiscoverV2Probe", answer.failure)
            return _end(probe, ask, answer, error_code=answer.failure.reason)
        outcome = v2.read_answer(answer)
        if isinstance(outcome, v2.Redirected):
            stopped, target = _next(outcome.location, ask.url, probe, domain, cloud_host)
            if target is None:
                return _end(probe, ask, answer, error_code=stopped)
            ask = target
            continue
        if isinstance(outcome, v2.Found):
            return _end(probe, ask, answer, url=outcome.url)
        code = outcome.error_code if isinstance(outcome, v2.Refused) else "not-json"
        return _end(probe, ask, answer, error_code=code)


def _end(
    probe: AutodiscoverV2Probe, ask: HttpAsk, answer: HttpAnswer, url: str = "", error_code: str = ""
) -> tuple[AutodiscoverV2Probe, Reading]:
    ended = msgspec.structs.replace(probe, status=answer.status, url=url, error_code=error_code)
    origin = http_origin(ask, answer, f"Autodiscover V2 {probe.protocol}")
    if isinstance(answer.failure, Failure):
        origin = msgspec.structs.replace(origin, excerpt=answer.failure.says)
    return ended, Seen((ended,), origin)


def _next(
    location: str, url: str, probe: AutodiscoverV2Probe, domain: str, cloud_host: str
) -> tuple[str, HttpAsk | None]:
    """The next hop, or why there is none."""
    target = parts_of(location)
    host = (target.hostname or "").lower()
    if target.scheme != "https" or not host:
        return "not-https", None
    if location == url or location in probe.hops or len(probe.hops) >= MAX_HOPS:
        return "redirect-loop", None
    own = host == cloud_host.lower() or host == domain.lower() or host.endswith("." + domain.lower())
    if not own:
        return "foreign-redirect", None
    return "", HttpAsk(method="GET", url=location, headers=(("Accept", "application/json"),))

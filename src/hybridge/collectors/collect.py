"""Asks everything one examination needs, at once, and returns it as evidence.

Order follows need only: the route of a mailbox gives its EWS address, the address is then asked. Everything else goes
out together; the answerer limits what a single host gets at a time and answers a repeated question once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from hybridge.collectors.cloud import collect_cloud, collect_user
from hybridge.collectors.configuration import ON, collect_configuration
from hybridge.collectors.hybrid_application import collect_hybrid_application
from hybridge.collectors.mailboxes import collect_mailbox, known
from hybridge.collectors.online import collect_online, resolve_names
from hybridge.collectors.probes import collect_anonymous, collect_callers
from hybridge.collectors.reading import Readings, key, merged
from hybridge.collectors.routes import Route, collect_route
from hybridge.evidence import Evidence, Origin, Seen
from hybridge.org import records as r
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer


@dataclass(frozen=True)
class Target:
    """What to collect. ``user_agent`` is how our own EWS requests present themselves."""

    domain: str
    tenant_id: str
    cloud: Cloud
    mailboxes: tuple[str, ...]
    user_agent: str


async def collect(answerer: Answerer, target: Target, now: datetime) -> Evidence:
    """All evidence about ``target``, judged at ``now`` (aware UTC)."""
    configuration, cloud, routes = await asyncio.gather(
        collect_configuration(answerer),
        collect_cloud(answerer, target.cloud),
        asyncio.gather(
            *(collect_route(answerer, box, target.cloud.exchange, target.domain) for box in target.mailboxes)
        ),
    )
    ews, rest = _published(routes, configuration)
    anonymous, hybrid, *boxes = await asyncio.gather(
        collect_anonymous(answerer, ews, rest, target.domain),
        collect_hybrid_application(answerer, target.cloud, configuration),
        *(_mailbox(answerer, target, box, route, ews) for box, route in zip(target.mailboxes, routes, strict=True)),
    )
    readings = await resolve_names(answerer, merged((configuration, cloud, anonymous, hybrid, *boxes)))
    return Evidence(now=now, readings=readings, domain=target.domain, tenant_id=target.tenant_id)


def _published(routes: list[Route], configuration: Readings) -> tuple[str, str]:
    """The external EWS and REST addresses: as Autodiscover tells them, else as the virtual directories do."""
    for route in routes:
        if route.ews and not route.online:
            return route.ews, route.rest
    directories = configuration.get(key(r.WebServicesVirtualDirectory, ON))
    if isinstance(directories, Seen):
        for one in directories.records:
            if isinstance(one, r.WebServicesVirtualDirectory) and one.external_url:
                return one.external_url, ""
    return "", ""


async def _mailbox(answerer: Answerer, target: Target, box: str, route: Route, ews: str) -> Readings:
    address = route.ews if route.ews and not route.online else ews
    own, user = await asyncio.gather(
        collect_mailbox(answerer, box, address, target.user_agent), collect_user(answerer, target.cloud, box)
    )
    readings = merged((route.readings, own, user))
    if known(own[key(r.Mailbox, ON, box)]):
        readings |= await collect_callers(answerer, box, address)
        readings[key(r.Mailbox, Premises.ONLINE, box)] = Seen((), Origin(source="Get-Mailbox on-premises"))
        return readings
    return readings | await collect_online(answerer, box, elsewhere_known=_is_online(box, route, readings))


def _is_online(box: str, route: Route, readings: Readings) -> bool:
    """Whether everything but Exchange Online says so: not on-premises, routed to the cloud, and known to Teams.

    Exchange Online's Autodiscover may answer for addresses nobody has, so its answer alone proves nothing.
    """
    on_premises = readings[key(r.Mailbox, ON, box)]
    user = readings[key(r.CsOnlineUser, Premises.ONLINE, box)]
    return isinstance(on_premises, Seen) and not on_premises.records and route.online and known(user)

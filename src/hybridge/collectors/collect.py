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
from hybridge.collectors.mailboxes import collect_mailbox, known
from hybridge.collectors.probes import collect_anonymous, collect_callers
from hybridge.collectors.reading import Readings, key, merged
from hybridge.collectors.routes import Route, collect_route
from hybridge.evidence import Evidence, Origin, Seen, Unseen
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
    anonymous, *boxes = await asyncio.gather(
        collect_anonymous(answerer, ews, rest, target.domain),
        *(_mailbox(answerer, target, box, route, ews) for box, route in zip(target.mailboxes, routes, strict=True)),
    )
    readings = merged((configuration, cloud, anonymous, *boxes))
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
    readings[key(r.Mailbox, Premises.ONLINE, box)] = _online(box, route, readings)
    return readings


def _online(box: str, route: Route, readings: Readings) -> Seen[r.Record] | Unseen:
    """Whether the mailbox is online: not on-premises, routed to the cloud, and known to Teams.

    Exchange Online may answer for addresses nobody has, so its answer alone proves nothing.
    """
    on_premises = readings[key(r.Mailbox, ON, box)]
    user = readings[key(r.CsOnlineUser, Premises.ONLINE, box)]
    origin = Origin(source="Autodiscover V2 and Microsoft Graph")
    if known(on_premises):
        return Seen((), origin)
    if isinstance(on_premises, Unseen):
        return on_premises
    if isinstance(user, Unseen):
        return user
    if route.online and user.records:
        return Seen((r.Mailbox(premises=Premises.ONLINE, identity=box, user_principal_name=box),), origin)
    return Seen((), origin)

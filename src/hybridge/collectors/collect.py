"""Asks everything one examination needs, at once, and returns it as evidence.

Order follows need only: the route of a mailbox gives its EWS address, the address is then asked. Everything else goes
out together; the answerer limits what a single host gets at a time and answers a repeated question once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hybridge.collectors.cloud import collect_cloud, collect_user
from hybridge.collectors.configuration import ON, Configuring, ask
from hybridge.collectors.crossing import Crossing, collect_crossing, midnight
from hybridge.collectors.discovery import discover
from hybridge.collectors.ews_access import AccessAsked, collect_ews_access
from hybridge.collectors.exchange_online import collect_online_organization
from hybridge.collectors.hybrid_application import collect_hybrid_application
from hybridge.collectors.kind import decide
from hybridge.collectors.mailboxes import collect_mailbox, known
from hybridge.collectors.network import AllowList, collect_network
from hybridge.collectors.online import collect_online, resolve_names
from hybridge.collectors.outlook import Outlook, collect_classic, domains_of
from hybridge.collectors.people import collect_by_user_name, collect_counterpart, collect_deleted
from hybridge.collectors.probes import collect_anonymous, collect_callers
from hybridge.collectors.publishing import collect_publishing
from hybridge.collectors.reading import Readings, key, merged, read_cmdlet
from hybridge.collectors.routes import Route, collect_route
from hybridge.collectors.sharing import collect_sharing
from hybridge.collectors.sides import one_sided
from hybridge.collectors.sign_in import collect_entra_user, collect_sign_in, user_name
from hybridge.evidence import Evidence, Seen
from hybridge.org import records as r
from hybridge.rules import Rules, built_in
from hybridge.terms.clouds import Cloud
from hybridge.terms.hybrid_kinds import AUTO
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer


@dataclass(frozen=True)
class Target:
    """What to collect. ``user_agent`` is how our own EWS requests present themselves; ``hybrid`` a word of
    ``terms.hybrid_kinds.CHOICES``: what the organization is said to be. ``rules`` are
    the dated rules to ask and judge by, ``allow_list`` is where the firewall's list lies."""

    domain: str
    tenant_id: str
    cloud: Cloud
    mailboxes: tuple[str, ...]
    user_agent: str
    hybrid: str = AUTO
    rules: Rules = field(default_factory=built_in)
    allow_list: AllowList = AllowList()
    ews_access: AccessAsked | None = None
    """Set where the test of EWS access is asked for, which writes into the mailboxes; None leaves it out."""


async def collect(answerer: Answerer, target: Target, now: datetime) -> Evidence:
    """All evidence about ``target``, judged at ``now`` (aware UTC)."""
    answerer = one_sided(answerer, target.hybrid, target.cloud, target.domain)
    domains = domains_of(target.mailboxes, target.domain)
    async with asyncio.TaskGroup() as group:
        # The longest chain begins with the mailbox: it is asked for first. What it gives is remembered by the answerer.
        for box in target.mailboxes:
            group.create_task(read_cmdlet(answerer, r.Mailbox, ask("Get-Mailbox", Identity=box)))
        configuring = Configuring(group, answerer)
        whole = asyncio.gather(
            collect_cloud(answerer, target.cloud),
            collect_sharing(answerer),
            collect_sign_in(answerer, target.cloud, target.domain),
        )
        discovered = asyncio.gather(*(discover(answerer, domain) for domain in domains))
        routes = await asyncio.gather(
            *(collect_route(answerer, box, target.cloud.exchange, target.domain) for box in target.mailboxes)
        )
        # Where a route tells the published addresses, nothing that needs them waits for the configuration.
        ews, rest = _published(routes, {})
        if not ews:
            ews, rest = _published(routes, await configuring.wide())
        online = next((box for box, route in zip(target.mailboxes, routes, strict=True) if route.online), "")
        early = asyncio.gather(
            collect_anonymous(answerer, ews, rest, target.domain),
            collect_publishing(answerer, ews, rest, target.domain),
            collect_online_organization(answerer, target.cloud, online, target.user_agent),
            _mailboxes(answerer, target, routes, ews, now),
        )
        found, wide = await discovered, await configuring.wide()
        late = asyncio.gather(
            collect_network(answerer, target.allow_list, wide, ews, rest),
            collect_hybrid_application(answerer, target.cloud, wide),
            collect_classic(
                answerer,
                target.mailboxes,
                dict(zip(domains, found, strict=True)),
                wide,
                Outlook(target.user_agent, target.cloud.exchange, target.domain),
            ),
        )
        parts = (await configuring.all(), *await whole, *await early, *await late)
    readings = await resolve_names(answerer, merged(parts))
    return Evidence(
        now=now,
        readings=readings,
        domain=target.domain,
        tenant_id=target.tenant_id,
        cloud=target.cloud,
        rules=target.rules,
        kind=decide(readings, target.tenant_id, target.hybrid),
    )


async def _mailboxes(answerer: Answerer, target: Target, routes: Sequence[Route], ews: str, now: datetime) -> Readings:
    """What is known of every mailbox, and what the sides see of each other."""
    boxes = await asyncio.gather(
        *(_mailbox(answerer, target, box, route, ews) for box, route in zip(target.mailboxes, routes, strict=True))
    )
    here, there = (_on(boxes, target.mailboxes, side) for side in (ON, Premises.ONLINE))
    at = Crossing(here, there, ews, target.domain, target.cloud, target.user_agent, midnight(now))
    crossed = await collect_crossing(answerer, at)
    return merged((crossed, *boxes))


def _on(boxes: Sequence[Readings], names: Sequence[str], premises: Premises) -> tuple[str, ...]:
    """The mailboxes that were found on one side."""
    return tuple(box for box, own in zip(names, boxes, strict=True) if known(own.get(key(r.Mailbox, premises, box))))


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
        further = await asyncio.gather(
            collect_callers(answerer, box, address, target.rules.callers.callers),
            collect_counterpart(answerer, box),
            _access(answerer, target, box, address),
            collect_by_user_name(answerer, target.cloud, box, readings),
            collect_entra_user(answerer, target.cloud, box, user_name(own[key(r.Mailbox, ON, box)], box)),
        )
        return merged((readings, *further))
    readings |= await collect_online(answerer, box, elsewhere_known=_is_online(box, route, readings))
    deleted, named = await asyncio.gather(
        collect_deleted(answerer, box, readings), collect_by_user_name(answerer, target.cloud, box, readings)
    )
    return merged((readings, deleted, named))


async def _access(answerer: Answerer, target: Target, box: str, address: str) -> Readings:
    """The test that writes, where it is asked for."""
    if target.ews_access is None:
        return {}
    return await collect_ews_access(answerer, target.ews_access, box, address, target.user_agent)


def _is_online(box: str, route: Route, readings: Readings) -> bool:
    """Whether everything but Exchange Online says so: not on-premises, routed to the cloud, and known to Teams.

    Exchange Online's Autodiscover may answer for addresses nobody has, so its answer alone proves nothing.
    """
    on_premises = readings[key(r.Mailbox, ON, box)]
    user = readings[key(r.CsOnlineUser, Premises.ONLINE, box)]
    return isinstance(on_premises, Seen) and not on_premises.records and route.online and known(user)

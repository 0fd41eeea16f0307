"""Asks everything one examination needs, at once, and returns it as evidence.

Order follows need only: the route of a mailbox gives its EWS address, the address is then asked. Everything else goes
out together; the answerer limits what a single host gets at a time and answers a repeated question once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hybridge.collectors.cloud import collect_cloud, collect_user
from hybridge.collectors.configuration import ON, Configuring, ask
from hybridge.collectors.crossing import Crossing, ask_health_pages, collect_crossing, midnight
from hybridge.collectors.discovery import discover
from hybridge.collectors.ews_access import AccessAsked, collect_ews_access
from hybridge.collectors.exchange_online import collect_online_organization
from hybridge.collectors.hybrid_application import ask_applications, collect_hybrid_application
from hybridge.collectors.kind import decide
from hybridge.collectors.mailboxes import collect_mailbox, known
from hybridge.collectors.network import AllowList, collect_network, public_host
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
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, CmdletAsk, HttpAsk
from hybridge.wire.exchange_rest import ask_long_query


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
    async with asyncio.TaskGroup() as group:
        _ask_ahead(group, answerer, target)
        configuring = Configuring(group, answerer)
        whole = group.create_task(_whole(answerer, target))
        late = group.create_task(_after_configuration(answerer, target, configuring))
        published = group.create_task(_by_routes(answerer, target, configuring, now))
        parts = (await configuring.all(), *await whole, *await published, *await late)
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


def _ask_ahead(group: asyncio.TaskGroup, answerer: Answerer, target: Target) -> None:
    """Ask where the longest chains begin; the answers are remembered by the answerer."""
    for box in target.mailboxes:
        group.create_task(read_cmdlet(answerer, r.Mailbox, ask("Get-Mailbox", Identity=box)))
    group.create_task(answerer.http(ask_applications(target.cloud)))


async def _whole(answerer: Answerer, target: Target) -> Sequence[Readings]:
    """What needs neither the configuration nor a route."""
    return await asyncio.gather(
        collect_cloud(answerer, target.cloud),
        collect_sharing(answerer),
        collect_sign_in(answerer, target.cloud, target.domain),
    )


async def _after_configuration(answerer: Answerer, target: Target, configuring: Configuring) -> Sequence[Readings]:
    """What needs a part of the configuration: each begins when its part is there."""
    domains = domains_of(target.mailboxes, target.domain)

    async def classic() -> Readings:
        outlook = Outlook(target.user_agent, target.cloud.exchange, target.domain)
        found = asyncio.gather(*(discover(answerer, domain) for domain in domains))
        known_there = await configuring.some(r.ClientAccessService, r.MapiVirtualDirectory)
        discovered = dict(zip(domains, await found, strict=True))
        return await collect_classic(answerer, target.mailboxes, discovered, known_there, outlook)

    async def application() -> Readings:
        wanted = await configuring.some(r.AuthServer, r.OrganizationRelationship, r.OrganizationConfig)
        return await collect_hybrid_application(answerer, target.cloud, wanted)

    return await asyncio.gather(classic(), application())


async def _by_routes(answerer: Answerer, target: Target, configuring: Configuring, now: datetime) -> Sequence[Readings]:
    """What needs to know where the servers are published, and everything of the mailboxes."""
    routes = await asyncio.gather(
        *(collect_route(answerer, box, target.cloud.exchange, target.domain) for box in target.mailboxes)
    )
    # Where a route tells the published addresses, nothing that needs them waits for the configuration.
    ews, rest = _published(routes, {})
    if not ews:
        ews, rest = _published(routes, await configuring.wide())
    online = next((box for box, route in zip(target.mailboxes, routes, strict=True) if route.online), "")
    ahead = asyncio.gather(
        *(answerer.http(asked) for asked in _as_strangers(ews, rest, target.domain)),
        *(answerer.cmdlet(asked) for asked in _of_counterparts(target.mailboxes, routes)),
    )

    async def network() -> Readings:
        return await collect_network(answerer, target.allow_list, await configuring.some(r.ExchangeServer), ews, rest)

    parts = await asyncio.gather(
        network(),
        collect_anonymous(answerer, ews, rest, target.domain),
        collect_publishing(answerer, ews, rest, target.domain),
        collect_online_organization(answerer, target.cloud, online, target.user_agent),
        _crossing(answerer, target, ews, now),
        *(_mailbox(answerer, target, box, route, ews) for box, route in zip(target.mailboxes, routes, strict=True)),
    )
    await ahead
    return parts


def _as_strangers(ews: str, rest: str, domain: str) -> tuple[HttpAsk, ...]:
    """Questions without credentials that others would hold up, were they asked with what follows from a mailbox."""
    host = public_host(ews, rest)
    return (*ask_health_pages(ews, domain), *((ask_long_query(host),) if host else ()))


def _of_counterparts(boxes: Sequence[str], routes: Sequence[Route]) -> Iterator[CmdletAsk]:
    """What ``collect_counterpart`` asks first, for mailboxes whose route says that they are on-premises."""
    for box, route in zip(boxes, routes, strict=True):
        if route.ews and not route.online:
            yield cmdlets.ask_mail_user(Premises.ONLINE, box)


async def _crossing(answerer: Answerer, target: Target, ews: str, now: datetime) -> Readings:
    """What the sides see of each other: begins when it is known which mailbox is where."""
    sides = await asyncio.gather(*(_sides(answerer, box) for box in target.mailboxes))
    here, there = (
        tuple(box for box, found in zip(target.mailboxes, sides, strict=True) if side in found)
        for side in (ON, Premises.ONLINE)
    )
    at = Crossing(here, there, ews, target.domain, target.cloud, target.user_agent, midnight(now))
    return await collect_crossing(answerer, at)


async def _sides(answerer: Answerer, box: str) -> set[Premises]:
    """Where ``box`` was found, which may be on both sides; the questions are those ``_mailbox`` asks as well."""
    if known(await read_cmdlet(answerer, r.Mailbox, ask("Get-Mailbox", Identity=box))):
        second = (await collect_counterpart(answerer, box))[key(r.Mailbox, Premises.ONLINE, box)]
        return {ON, Premises.ONLINE} if known(second) else {ON}
    online = await read_cmdlet(answerer, r.Mailbox, cmdlets.ask_mailbox(Premises.ONLINE, box))
    return {Premises.ONLINE} if known(online) else set()


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
    """What is known of ``box`` on the side that has it."""
    address = route.ews if route.ews and not route.online else ews
    user = asyncio.ensure_future(collect_user(answerer, target.cloud, box))
    first = await read_cmdlet(answerer, r.Mailbox, ask("Get-Mailbox", Identity=box))
    if known(first):
        parts = await asyncio.gather(
            collect_mailbox(answerer, box, address, target.user_agent),
            user,
            collect_callers(answerer, box, address, target.rules.callers.callers),
            collect_counterpart(answerer, box),
            collect_entra_user(answerer, target.cloud, box, user_name(first, box)),
        )
        readings = merged((route.readings, *parts))
        readings |= await _access(answerer, target, box, address)
        return readings | await collect_by_user_name(answerer, target.cloud, box, readings)
    own = await collect_mailbox(answerer, box, address, target.user_agent)
    readings = merged((route.readings, own, await user))
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

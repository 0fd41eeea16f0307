"""The dedicated hybrid application in Entra, and where the cloud's EWS is.

Which application it is follows from two names: the one Microsoft's tools give it, and the application id the AuthServer
uses. Both are asked for, because either may be missing or point elsewhere. The place of EWS is only asked for where an
organization relationship with the cloud does not say it.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import msgspec

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, read_cmdlet, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org.probes import DeletedApplication, ServerLocationProbe
from hybridge.org.records import (
    AppRoleAssignment,
    AuthServer,
    EntraApplication,
    OrganizationConfig,
    OrganizationRelationship,
)
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.clouds import Cloud
from hybridge.terms.hybrid_application import (
    NAME_PREFIX,
    ROUTING_MAILBOX,
    ews_host_of,
    initial_domain,
    is_routing_domain,
    is_tenant_domain,
)
from hybridge.terms.premises import Premises
from hybridge.wire import autodiscover_v2 as v2
from hybridge.wire.ask import Answerer, CmdletAsk, Failure, FailureReason, HttpAsk
from hybridge.wire.graph import app_role_assignments as permissions
from hybridge.wire.graph import applications

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE


async def collect_hybrid_application(answerer: Answerer, cloud: Cloud, configuration: Readings) -> Readings:
    """Applications that may be the dedicated one, what was consented to for them, and the places of EWS."""
    servers = configuration.get(key(AuthServer, ON))
    named = {one.application_identifier.lower() for one in _records(servers) if isinstance(one, AuthServer)}
    found, places = await asyncio.gather(
        _applications(answerer, cloud, tuple(sorted(named - {"", EXCHANGE_ONLINE}))),
        _places(answerer, cloud, configuration.get(key(OrganizationRelationship, ON))),
    )
    permitted, deleted = await asyncio.gather(
        _permissions(answerer, cloud, found), _deleted(answerer, cloud, found, _usual_name(configuration))
    )
    return {
        key(EntraApplication, ONLINE): found,
        key(AppRoleAssignment, ONLINE): permitted,
        key(DeletedApplication, ONLINE): deleted,
        key(ServerLocationProbe, ONLINE): places,
    }


def ask_applications(cloud: Cloud) -> HttpAsk:
    """The question which applications have the usual name: it needs nothing, and others follow from it."""
    return applications.ask_beginning_with(cloud.graph, NAME_PREFIX)


def _usual_name(configuration: Readings) -> str:
    """The name the application of this organization usually has, "" where it is not known."""
    configs = _records(configuration.get(key(OrganizationConfig, ON)))
    guids = (one.guid for one in configs if isinstance(one, OrganizationConfig) and one.guid)
    return next((f"{NAME_PREFIX}{guid}" for guid in guids), "")


def _records(reading: Reading | None) -> tuple[object, ...]:
    return reading.records if isinstance(reading, Seen) else ()


async def _applications(answerer: Answerer, cloud: Cloud, named: tuple[str, ...]) -> Reading:
    """Every application with the usual name, and those with an application id of ``named``."""
    ask = ask_applications(cloud)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return await _exported(answerer, EntraApplication, answer.failure)
    listed = applications.read_all(answer)
    if isinstance(listed, Failure):
        return unseen(EntraApplication.__name__, listed)
    known = {one.application_id.lower() for one in listed}
    others = [app_id for app_id in named if app_id not in known]
    each = await asyncio.gather(
        *(_application(answerer, applications.ask_one(cloud.graph, one.object_id)) for one in listed),
        *(_application(answerer, applications.ask_with_app_id(cloud.graph, app_id)) for app_id in others),
    )
    if gap := next((one for one in each if isinstance(one, Unseen)), None):
        return gap
    found = [record for one in each if isinstance(one, Seen) for record in one.records]
    records = applications.distinct(record for record in found if isinstance(record, EntraApplication))
    return Seen(records, http_origin(ask, answer))


async def _application(answerer: Answerer, ask: HttpAsk) -> Reading:
    answer = await answerer.http(ask)
    read = applications.read_one(answer)
    if isinstance(read, Failure):
        return unseen(EntraApplication.__name__, read)
    return Seen((read,) if read else (), http_origin(ask, answer))


async def _deleted(answerer: Answerer, cloud: Cloud, found: Reading, name: str) -> Reading:
    """Deleted applications called ``name``; not asked for where there is one."""
    there = any(
        isinstance(one, EntraApplication) and one.display_name.lower() == name.lower() for one in _records(found)
    )
    if isinstance(found, Unseen) or there or not name:
        return Seen((), Origin(source=DeletedApplication.cmdlet, excerpt="not asked"))
    ask = applications.ask_deleted(cloud.graph, name)
    answer = await answerer.http(ask)
    listed = applications.read_all(answer)
    if isinstance(listed, Failure):
        return unseen(DeletedApplication.__name__, listed)
    records = (DeletedApplication(**msgspec.structs.asdict(one)) for one in listed)
    return Seen(tuple(records), http_origin(ask, answer))


async def _permissions(answerer: Answerer, cloud: Cloud, found: Reading) -> Reading:
    """What was consented to for each application; nothing where there is no application."""
    if isinstance(found, Unseen):
        return Unseen(what=AppRoleAssignment.__name__, reason=found.reason, says=found.says, how=found.how)
    if not found.records:
        return Seen((), Origin(source=found.origin.source, seen_at=found.origin.seen_at, excerpt="no application"))
    each = await asyncio.gather(
        *(_consented(answerer, cloud, one) for one in found.records if isinstance(one, EntraApplication))
    )
    return joined(AppRoleAssignment, each)


async def _consented(answerer: Answerer, cloud: Cloud, application: EntraApplication) -> Reading:
    ask = permissions.ask_all(cloud.graph, application.application_id)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return await _exported(answerer, AppRoleAssignment, answer.failure)
    read = permissions.read_all(answer, application.identity)
    return (
        unseen(AppRoleAssignment.__name__, read) if isinstance(read, Failure) else Seen(read, http_origin(ask, answer))
    )


async def _exported(
    answerer: Answerer, kind: type[EntraApplication] | type[AppRoleAssignment], failure: Failure
) -> Reading:
    """Where Graph cannot be asked, an export of the same objects serves; a live failure is told as it is."""
    reading = await read_cmdlet(answerer, kind, CmdletAsk(premises=ONLINE, name=kind.cmdlet))
    if isinstance(reading, Unseen) and failure.reason is not FailureReason.NOT_EXPORTED:
        return unseen(kind.__name__, failure)
    return reading


# Where EWS is ---------------------------------------------------------------------------------------------------------


async def _places(answerer: Answerer, cloud: Cloud, relationships: Reading | None) -> Reading:
    domains = {_domain_to_ask(one) for one in _records(relationships) if isinstance(one, OrganizationRelationship)}
    each = await asyncio.gather(*(_place(answerer, cloud, domain) for domain in sorted(domains - {""})))
    return joined(ServerLocationProbe, each)


def _domain_to_ask(one: OrganizationRelationship) -> str:
    """The domain whose EWS ``one`` should name and does not; "" when there is nothing to ask.

    Preferred is the tenant's initial domain, or the one made of its routing domain; else the first domain.
    """
    if (
        not one.enabled
        or one.target_sharing_epr
        or not ews_host_of(urlsplit(one.target_autodiscover_epr).hostname or "")
    ):
        return ""
    own = [name for name in one.domain_names if is_tenant_domain(name)]
    best = sorted(own, key=is_routing_domain) or list(one.domain_names)
    return initial_domain(best[0]) if own else next(iter(best), "")


async def _place(answerer: Answerer, cloud: Cloud, domain: str) -> Reading:
    ask = v2.ask_server_location(cloud.exchange, f"{ROUTING_MAILBOX}@{domain}")
    answer = await answerer.http(ask)
    read = v2.read_answer(answer)
    if isinstance(read, v2.Redirected) and _of_microsoft(read.location):
        # Exchange Online sends whoever asks for a tenant of another cloud to that cloud, once.
        ask = v2.ask_location(read.location)
        answer = await answerer.http(ask)
        read = v2.read_answer(answer)
    if isinstance(read, Failure):
        return unseen(ServerLocationProbe.__name__, read)
    found = read if isinstance(read, v2.Found) else v2.Found("EWS", "")
    probe = ServerLocationProbe(
        premises=ONLINE, identity=domain, status=answer.status, url=found.url, server_location=found.server_location
    )
    return Seen((probe,), http_origin(ask, answer, "Autodiscover V2"))


def _of_microsoft(location: str) -> bool:
    target = urlsplit(location)
    return target.scheme == "https" and bool(ews_host_of(target.hostname or ""))

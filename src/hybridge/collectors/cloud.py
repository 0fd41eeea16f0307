"""Entra and Teams: service principals, policies, and what Teams shows of a person."""

from __future__ import annotations

import asyncio

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, read_cmdlet, unseen
from hybridge.evidence import Seen, Unseen
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.terms.applications import EXCHANGE_ONLINE, KEY_HOLDERS
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config
from hybridge.wire.ask import Answerer, CmdletAsk, Failure, FailureReason
from hybridge.wire.graph import presence, service_principals, user_configurations

ONLINE = Premises.ONLINE


async def collect_cloud(answerer: Answerer, cloud: Cloud) -> Readings:
    """Service principals that must hold the authentication certificate, the shared one of Exchange Online that need
    not, and the Teams policies."""
    principals, setup, upgrade = await asyncio.gather(
        asyncio.gather(*(_principal(answerer, cloud, app_id) for app_id in (*KEY_HOLDERS, EXCHANGE_ONLINE))),
        _policies(answerer, cloud, r.TeamsAppSetupPolicy, "TeamsAppSetupPolicy"),
        _policies(answerer, cloud, r.TeamsUpgradePolicy, "TeamsUpgradePolicy"),
    )
    return {
        key(r.ServicePrincipal, ONLINE): joined(r.ServicePrincipal, principals),
        key(r.TeamsAppSetupPolicy, ONLINE): setup,
        key(r.TeamsUpgradePolicy, ONLINE): upgrade,
    }


async def collect_principals(answerer: Answerer, cloud: Cloud) -> Readings:
    """The service principals that must hold the authentication certificate, and nothing else."""
    principals = await asyncio.gather(*(_principal(answerer, cloud, app_id) for app_id in KEY_HOLDERS))
    return {key(r.ServicePrincipal, ONLINE): joined(r.ServicePrincipal, principals)}


async def _principal(answerer: Answerer, cloud: Cloud, app_id: str) -> Reading:
    ask = service_principals.ask_one(cloud.graph, app_id)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return await _exported(answerer, r.ServicePrincipal, "Get-MgServicePrincipal", app_id, answer.failure)
    read = service_principals.read_one(answer)
    if isinstance(read, Failure):
        return unseen(r.ServicePrincipal.__name__, read)
    return Seen((read,) if read else (), http_origin(ask, answer))


async def _policies(answerer: Answerer, cloud: Cloud, kind: type[r.Record], policy_type: str) -> Reading:
    ask = teams_config.ask_all(cloud.teams_config, policy_type)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return await _exported(answerer, kind, kind.cmdlet, "", answer.failure)
    read = (
        teams_config.read_app_setup_policies(answer)
        if kind is r.TeamsAppSetupPolicy
        else teams_config.read_upgrade_policies(answer)
    )
    return unseen(kind.__name__, read) if isinstance(read, Failure) else Seen(tuple(read), http_origin(ask, answer))


async def collect_user(answerer: Answerer, cloud: Cloud, user: str) -> Readings:
    """The Teams policies of one person and the presence Teams shows."""
    policies, shown = await asyncio.gather(_user(answerer, cloud, user), _presence(answerer, cloud, user))
    return {key(r.CsOnlineUser, ONLINE, user): policies, key(p.TeamsPresence, ONLINE, user): shown}


async def _user(answerer: Answerer, cloud: Cloud, user: str) -> Reading:
    ask = user_configurations.ask_one(cloud.graph, user)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return await _exported(answerer, r.CsOnlineUser, "Get-CsOnlineUser", user, answer.failure)
    read = user_configurations.read_one(answer)
    if isinstance(read, Failure):
        return unseen(r.CsOnlineUser.__name__, read)
    return Seen((read,) if read else (), http_origin(ask, answer))


async def _presence(answerer: Answerer, cloud: Cloud, user: str) -> Reading:
    ask = presence.ask_one(cloud.graph, user)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return unseen(p.TeamsPresence.__name__, answer.failure)
    read = presence.read_one(answer, user)
    if isinstance(read, Failure):
        return unseen(p.TeamsPresence.__name__, read)
    return Seen((read,) if read else (), http_origin(ask, answer))


async def _exported(answerer: Answerer, kind: type[r.Record], cmdlet: str, identity: str, failure: Failure) -> Reading:
    """Where Graph cannot be asked, an export of the same objects serves; a live failure is told as it is."""
    parameters = (("Identity", identity),) if identity else ()
    reading = await read_cmdlet(answerer, kind, CmdletAsk(premises=ONLINE, name=cmdlet, parameters=parameters))
    if isinstance(reading, Unseen) and failure.reason is not FailureReason.NOT_EXPORTED:
        return unseen(kind.__name__, failure)
    return reading

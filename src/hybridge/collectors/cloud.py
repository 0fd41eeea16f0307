"""Entra and Teams: service principals, policies, and what Teams shows of a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hybridge.collectors.reading import Reading, Readings, http_origin, joined, key, read_cmdlet, unseen
from hybridge.evidence import Seen, Unseen
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.terms.applications import EXCHANGE_ONLINE, KEY_HOLDERS
from hybridge.terms.clouds import Cloud
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config
from hybridge.wire.ask import Answerer, CmdletAsk, Failure, FailureReason, HttpAnswer
from hybridge.wire.graph import licences, presence, service_principals, user_configurations

ONLINE = Premises.ONLINE


async def collect_cloud(answerer: Answerer, cloud: Cloud) -> Readings:
    """Service principals that must hold the authentication certificate, the shared one of Exchange Online that need
    not, and the Teams policies."""
    principals, setup, upgrade, permission, meeting = await asyncio.gather(
        asyncio.gather(*(_principal(answerer, cloud, app_id) for app_id in (*KEY_HOLDERS, EXCHANGE_ONLINE))),
        _policies(answerer, cloud, r.TeamsAppSetupPolicy, "TeamsAppSetupPolicy"),
        _policies(answerer, cloud, r.TeamsUpgradePolicy, "TeamsUpgradePolicy"),
        _policies(answerer, cloud, r.TeamsAppPermissionPolicy, teams_config.APP_PERMISSION),
        _policies(answerer, cloud, r.TeamsMeetingPolicy, teams_config.MEETING),
    )
    return {
        key(r.ServicePrincipal, ONLINE): joined(r.ServicePrincipal, principals),
        key(r.TeamsAppSetupPolicy, ONLINE): setup,
        key(r.TeamsUpgradePolicy, ONLINE): upgrade,
        key(r.TeamsAppPermissionPolicy, ONLINE): permission,
        key(r.TeamsMeetingPolicy, ONLINE): meeting,
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
    if not cloud.teams_config:
        return await _exported(answerer, kind, kind.cmdlet, "", _no_teams_config(cloud))
    ask = teams_config.ask_all(cloud.teams_config, policy_type)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        return await _exported(answerer, kind, kind.cmdlet, "", answer.failure)
    read = _READ[kind](answer)
    return unseen(kind.__name__, read) if isinstance(read, Failure) else Seen(tuple(read), http_origin(ask, answer))


_READ: dict[type[r.Record], Callable[[HttpAnswer], tuple[r.Record, ...] | Failure]] = {
    r.TeamsAppSetupPolicy: teams_config.read_app_setup_policies,
    r.TeamsUpgradePolicy: teams_config.read_upgrade_policies,
    r.TeamsAppPermissionPolicy: teams_config.read_app_permission_policies,
    r.TeamsMeetingPolicy: teams_config.read_meeting_policies,
}


async def collect_user(answerer: Answerer, cloud: Cloud, user: str) -> Readings:
    """The Teams policies of one person, the presence Teams shows, and what they are licensed for."""
    policies, shown, licensed = await asyncio.gather(
        _user(answerer, cloud, user), _presence(answerer, cloud, user), _licences(answerer, cloud, user)
    )
    return {
        key(r.CsOnlineUser, ONLINE, user): policies,
        key(p.TeamsPresence, ONLINE, user): shown,
        key(r.UserLicense, ONLINE, user): licensed,
    }


async def _licences(answerer: Answerer, cloud: Cloud, user: str) -> Reading:
    ask = licences.ask_one(cloud.graph, user)
    answer = await answerer.http(ask)
    if answer.failure is not None:
        exported = CmdletAsk(premises=ONLINE, name="Get-MgUserLicenseDetail", parameters=(("UserId", user),))
        reading = await read_cmdlet(answerer, r.UserLicense, exported)
        gap = isinstance(reading, Unseen) and answer.failure.reason is not FailureReason.NOT_EXPORTED
        return unseen(r.UserLicense.__name__, answer.failure) if gap else reading
    read = licences.read_one(answer, user)
    if isinstance(read, Failure):
        return unseen(r.UserLicense.__name__, read)
    return Seen((read,) if read else (), http_origin(ask, answer))


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


def _no_teams_config(cloud: Cloud) -> Failure:
    return Failure(
        reason=FailureReason.NOT_CONFIGURED,
        says=f"Where {cloud.title} keeps the policies of Teams is not known to hybridge.",
        next_step="Export them with Teams PowerShell: hybridge snapshot commands prints how.",
    )

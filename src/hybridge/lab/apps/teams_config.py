"""The Teams configuration service of the lab: lists policies, and merges what a PUT sends into one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.tokens import may_use
from hybridge.lab.estate import Estate
from hybridge.org.records import TeamsAppPermissionPolicy, TeamsAppSetupPolicy, TeamsMeetingPolicy, TeamsUpgradePolicy
from hybridge.terms.clouds import TEAMS_CONFIG_RESOURCE
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config as wire
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.cmdlets.teams_meetings import read_meeting, read_permission
from hybridge.wire.graph.errors import write_error

ONLINE = Premises.ONLINE
_KINDS: dict[str, type[wire.Policy]] = {
    "teamsappsetuppolicy": TeamsAppSetupPolicy,
    "teamsupgradepolicy": TeamsUpgradePolicy,
    "teamsapppermissionpolicy": TeamsAppPermissionPolicy,
    "teamsmeetingpolicy": TeamsMeetingPolicy,
}
_READ: dict[type[wire.Policy], Callable[[dict[str, Any]], wire.Policy]] = {
    TeamsAppSetupPolicy: wire.read_app_setup_policy,
    TeamsUpgradePolicy: wire.read_upgrade_policy,
    TeamsAppPermissionPolicy: read_permission,
    TeamsMeetingPolicy: read_meeting,
}


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What the service answers."""
    if not may_use(estate, request.headers.get("authorization", ""), (TEAMS_CONFIG_RESOURCE,)):
        return write_error(401, "Unauthorized", "Access token is missing or not for this service.", estate.now())
    if request.method == "PUT":
        return _merge(estate, request)
    asked = wire.read_ask(request.path)
    if request.method != "GET" or asked is None or asked[1]:
        return _nothing(estate, request)
    kind = _KINDS.get(asked[0].lower())
    return _nothing(estate, request) if kind is None else wire.write_policies(estate.organization.all(kind, ONLINE))


def _nothing(estate: Estate, request: Request) -> HttpAnswer:
    return write_error(404, "NotFound", f"There is nothing at {request.method} {request.path}.", estate.now())


def _merge(estate: Estate, request: Request) -> HttpAnswer:
    put = wire.read_put_ask(request.path, request.body)
    if put is None:
        return write_error(400, "BadRequest", "The request changes no policy.", estate.now())
    policy = _policy(estate, put)
    if policy is None:
        return _nothing(estate, request)
    sent = {**wire.properties_of(policy), **put.properties, "Identity": policy.identity}
    merged = msgspec.structs.replace(_READ[type(policy)](sent), identity=policy.identity)
    estate.organization = estate.organization.put(merged)
    return HttpAnswer(status=200)


def _policy(estate: Estate, put: wire.Put) -> wire.Policy | None:
    kind = _KINDS.get(put.type.lower())
    return None if kind is None else estate.organization.one(kind, ONLINE, put.identity)

"""The Teams configuration service of the lab: lists policies, and merges what a PUT sends into one of them."""

from __future__ import annotations

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.tokens import may_use
from hybridge.lab.estate import Estate
from hybridge.org.records import TeamsAppSetupPolicy, TeamsUpgradePolicy
from hybridge.terms.clouds import TEAMS_CONFIG_RESOURCE
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config as wire
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph.errors import write_error

ONLINE = Premises.ONLINE
Policy = TeamsAppSetupPolicy | TeamsUpgradePolicy


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What the service answers."""
    if not may_use(estate, request.headers.get("authorization", ""), (TEAMS_CONFIG_RESOURCE,)):
        return write_error(401, "Unauthorized", "Access token is missing or not for this service.", estate.now())
    if request.method == "PUT":
        return _merge(estate, request)
    asked = wire.read_ask(request.path)
    if request.method != "GET" or asked is None or asked[1]:
        return _nothing(estate, request)
    match asked[0].lower():
        case "teamsappsetuppolicy":
            return wire.write_policies(estate.organization.all(TeamsAppSetupPolicy, ONLINE))
        case "teamsupgradepolicy":
            return wire.write_policies(estate.organization.all(TeamsUpgradePolicy, ONLINE))
        case _:
            return _nothing(estate, request)


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
    read = wire.read_upgrade_policy if isinstance(policy, TeamsUpgradePolicy) else wire.read_app_setup_policy
    merged = msgspec.structs.replace(read(sent), identity=policy.identity)
    estate.organization = estate.organization.put(merged)
    return HttpAnswer(status=200)


def _policy(estate: Estate, put: wire.Put) -> Policy | None:
    match put.type.lower():
        case "teamsappsetuppolicy":
            return estate.organization.one(TeamsAppSetupPolicy, ONLINE, put.identity)
        case "teamsupgradepolicy":
            return estate.organization.one(TeamsUpgradePolicy, ONLINE, put.identity)
        case _:
            return None

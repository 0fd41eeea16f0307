"""Microsoft Graph as far as the lab needs it: applications, service principals and their keys, Teams policies of users,
presence.

Every request needs a token made for Graph, and a permission of the lab's application (``lab.rights``). Presence is what
the presence service last worked out, not what the mailbox says now.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.graph_applications import answer_applications, answer_permissions
from hybridge.lab.apps.graph_principals import answer_principals
from hybridge.lab.apps.presence_board import last_known
from hybridge.lab.apps.tokens import may_use
from hybridge.lab.estate import Estate
from hybridge.lab.rights import rights_of
from hybridge.org.organization import Organization
from hybridge.org.records import CsOnlineUser, Record, TeamsAppSetupPolicy, TeamsUpgradePolicy
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import app_role_assignments, applications, service_principals, user_configurations
from hybridge.wire.graph import presence as presence_wire
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE
AUDIENCES = (f"https://{WORLDWIDE.graph}", "00000003-0000-0000-c000-000000000000")

_POLICIES: dict[str, tuple[type[Record], str]] = {
    user_configurations.APP_SETUP: (TeamsAppSetupPolicy, "teams_app_setup_policy"),
    user_configurations.UPGRADE: (TeamsUpgradePolicy, "teams_upgrade_policy"),
}
"""Policy type -> its record, and the field of CsOnlineUser that names it."""


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What Graph answers."""
    if not may_use(estate, request.headers.get("authorization", ""), AUDIENCES):
        return write_error(401, "InvalidAuthenticationToken", "Access token is missing or not for Graph.", estate.now())
    if not rights_of(estate).allow_graph(request.method, request.path):
        says = "Insufficient privileges to complete the operation."
        return write_error(403, "Authorization_RequestDenied", says, estate.now())
    for fits, page in _PAGES:
        if fits(request):
            return page(estate, request)
    says = f"There is nothing at {request.method} {request.path}."
    return write_error(404, "Request_ResourceNotFound", says, estate.now())


def _presence(estate: Estate, request: Request) -> HttpAnswer:
    user = _user(estate.organization, presence_wire.read_path(request.path))
    if user is None:
        return write_error(404, "NotFound", "There is no such user.", estate.now())
    return presence_wire.write_one(last_known(estate, user.identity), user.object_id)


def _configuration(estate: Estate, request: Request) -> HttpAnswer:
    wanted = user_configurations.read_filter(request.query.get("$filter", ""))
    if not wanted:
        return write_error(400, "BadRequest", "The lab reads $filter=userPrincipalName eq '...' only.", estate.now())
    return user_configurations.write_one(estate.organization.one(CsOnlineUser, ONLINE, wanted))


def _policy_id(estate: Estate, request: Request) -> HttpAnswer:
    match = _POLICY_ID.fullmatch(request.path)
    policy_type, name = (match["type"], match["name"].replace("''", "'")) if match else ("", "")
    if not _policy_exists(estate.organization, policy_type, name):
        return write_error(404, "NotFound", f"There is no {policy_type} '{name}'.", estate.now())
    return user_configurations.write_policy_id(policy_type, name)


def _assign(estate: Estate, request: Request) -> HttpAnswer:
    """All assignments of a request, or none when one names what is not there."""
    organization = estate.organization
    try:
        for one in user_configurations.read_assign(request.body):
            organization = _assigned(organization, one)
    except JsonRefused as refused:
        return write_error(400, "BadRequest", str(refused), estate.now())
    estate.organization = organization
    return HttpAnswer(status=204)


def _assigned(organization: Organization, one: user_configurations.Assignment) -> Organization:
    user = _user(organization, one.user_id)
    if user is None:
        raise JsonRefused(f"There is no user '{one.user_id}'.")
    name = one.policy_id.removeprefix(f"{one.policy_type}:")
    if one.policy_type not in _POLICIES or (name and not _policy_exists(organization, one.policy_type, name)):
        raise JsonRefused(f"There is no {one.policy_type} '{name}'.")
    return organization.put(msgspec.structs.replace(user, **{_POLICIES[one.policy_type][1]: name}))


def _policy_exists(organization: Organization, policy_type: str, name: str) -> bool:
    kind = _POLICIES.get(policy_type)
    return kind is not None and organization.one(kind[0], ONLINE, name) is not None


def _user(organization: Organization, name: str) -> CsOnlineUser | None:
    """The user with this user principal name or object id."""
    named = organization.one(CsOnlineUser, ONLINE, name)
    users = organization.all(CsOnlineUser, ONLINE)
    return named or next((one for one in users if name and one.object_id.lower() == name.lower()), None)


_POLICY_ID = re.compile(
    r"/beta/admin/teams/policy/getPolicyId\(type='(?P<type>[^/]*?)',\s*name='(?P<name>[^/]*)'\)", re.I
)
_PAGES: tuple[tuple[Callable[[Request], bool], Callable[[Estate, Request], HttpAnswer]], ...] = (
    (lambda request: service_principals.read_path(request.path) is not None, answer_principals),
    (lambda request: applications.read_path(request.path) is not None, answer_applications),
    (lambda request: app_role_assignments.read_path(request.path) is not None, answer_permissions),
    (lambda request: request.method == "GET" and presence_wire.read_path(request.path) != "", _presence),
    (lambda request: request.method == "GET" and request.path == user_configurations.PATH, _configuration),
    (lambda request: request.method == "GET" and bool(_POLICY_ID.fullmatch(request.path)), _policy_id),
    (lambda request: request.method == "POST" and request.path == user_configurations.ASSIGN_PATH, _assign),
)

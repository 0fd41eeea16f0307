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
from hybridge.lab.apps.graph_batch import answer_batch
from hybridge.lab.apps.graph_calendar import answer_calendar, is_calendar
from hybridge.lab.apps.graph_configuration import answer_configuration, belongs
from hybridge.lab.apps.graph_principals import answer_principals
from hybridge.lab.apps.graph_subscriptions import answer_subscriptions
from hybridge.lab.apps.teams_presence import answer_presence
from hybridge.lab.apps.teams_presence import belongs as is_presence
from hybridge.lab.apps.tokens import may_use, read_bearer
from hybridge.lab.estate import Estate
from hybridge.lab.rights import rights_of
from hybridge.org.organization import Organization
from hybridge.org.records import (
    CsOnlineUser,
    EntraDomain,
    EntraUser,
    Record,
    TeamsAppSetupPolicy,
    TeamsUpgradePolicy,
    UserLicense,
)
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import (
    app_role_assignments,
    applications,
    batch,
    domains,
    licences,
    service_principals,
    subscriptions,
    user_configurations,
    users,
)
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

ONLINE = Premises.ONLINE
GRAPH = "00000003-0000-0000-c000-000000000000"
"""Application id of Graph."""

_POLICIES: dict[str, tuple[type[Record], str]] = {
    user_configurations.APP_SETUP: (TeamsAppSetupPolicy, "teams_app_setup_policy"),
    user_configurations.UPGRADE: (TeamsUpgradePolicy, "teams_upgrade_policy"),
}
"""Policy type -> its record, and the field of CsOnlineUser that names it."""


def answer(estate: Estate, request: Request) -> HttpAnswer:
    """What Graph answers."""
    audiences = (f"https://{estate.cloud.graph}", GRAPH)
    if not may_use(estate, request.headers.get("authorization", ""), audiences):
        says = "Access token is missing or not for Graph."
        token = read_bearer(estate, request.headers.get("authorization", ""))
        if token is not None and token.signed and token.expires_at <= estate.now():
            says = "Lifetime validation failed, the token is expired."
        return write_error(401, "InvalidAuthenticationToken", says, estate.now())
    if not rights_of(estate).allow_graph(request.method, request.path):
        says = "Insufficient privileges to complete the operation."
        return write_error(403, "Authorization_RequestDenied", says, estate.now())
    for fits, page in _PAGES:
        if fits(request) and (estate.cloud.assigns_teams_policies or page not in (_policy_id, _assign)):
            return page(estate, request)
    says = f"There is nothing at {request.method} {request.path}."
    return write_error(404, "Request_ResourceNotFound", says, estate.now())


def _batch(estate: Estate, request: Request) -> HttpAnswer:
    return answer_batch(estate, request, answer)


def _domain(estate: Estate, request: Request) -> HttpAnswer:
    name, federation = domains.read_path(request.path) or ("", False)
    found = estate.organization.one(EntraDomain, ONLINE, name)
    if found is None:
        return write_error(404, "Request_ResourceNotFound", f"Resource '{name[:80]}' does not exist.", estate.now())
    return domains.write_federation(found) if federation else domains.write_one(found)


def _person(estate: Estate, request: Request) -> HttpAnswer:
    name = users.read_path(request.path)
    found = estate.organization.one(EntraUser, ONLINE, name)
    if found is None:
        says = f"Resource '{name[:80]}' does not exist."
        return write_error(404, "Request_ResourceNotFound", says, estate.now())
    return users.write_one(found)


def _licences(estate: Estate, request: Request) -> HttpAnswer:
    user = _user(estate.organization, licences.read_path(request.path))
    if user is None:
        return write_error(404, "Request_ResourceNotFound", "There is no such user.", estate.now())
    return licences.write_one(estate.organization.one(UserLicense, ONLINE, user.identity))


def _configuration(estate: Estate, request: Request) -> HttpAnswer:
    wanted = user_configurations.read_filter(request.query.get("$filter", ""))
    if not request.query.get("$filter"):
        return _everybody(estate, request)
    if not wanted:
        return write_error(400, "BadRequest", "The lab reads $filter=userPrincipalName eq '...' only.", estate.now())
    return user_configurations.write_one(estate.organization.one(CsOnlineUser, ONLINE, wanted))


def _everybody(estate: Estate, request: Request) -> HttpAnswer:
    """A page of all users; the token of the next is where it begins."""
    token = request.query.get("$skiptoken", "0")
    start = int(token) if token.isascii() and token.isdigit() and len(token) < 9 else 0
    users = estate.organization.all(CsOnlineUser, ONLINE)
    end = start + USERS
    more = f"https://{request.host}{user_configurations.PATH}?$skiptoken={end}" if end < len(users) else ""
    return user_configurations.write_users(users[start:end], more)


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


USERS = 999
"""Users in a page."""

_POLICY_ID = re.compile(
    r"/beta/admin/teams/policy/getPolicyId\(type='(?P<type>[^/]*?)',\s*name='(?P<name>[^/]*)'\)", re.I
)


_PAGES: tuple[tuple[Callable[[Request], bool], Callable[[Estate, Request], HttpAnswer]], ...] = (
    (lambda request: service_principals.read_path(request.path) is not None, answer_principals),
    (lambda request: applications.read_path(request.path) is not None, answer_applications),
    (lambda request: app_role_assignments.read_path(request.path) is not None, answer_permissions),
    (belongs, answer_configuration),
    (lambda request: request.method == "GET" and domains.read_path(request.path) is not None, _domain),
    (lambda request: request.method == "GET" and users.read_path(request.path) != "", _person),
    (lambda request: request.method == "GET" and licences.read_path(request.path) != "", _licences),
    (is_presence, answer_presence),
    (lambda request: request.method == "POST" and batch.read_path(request.path) != "", _batch),
    (lambda request: request.method == "GET" and request.path == user_configurations.PATH, _configuration),
    (lambda request: request.method == "GET" and bool(_POLICY_ID.fullmatch(request.path)), _policy_id),
    (lambda request: request.method == "POST" and request.path == user_configurations.ASSIGN_PATH, _assign),
    (is_calendar, answer_calendar),
    (lambda request: subscriptions.read_path(request.path) is not None, answer_subscriptions),
)

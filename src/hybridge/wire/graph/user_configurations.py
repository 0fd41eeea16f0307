"""Graph: which Teams policies a user really has (``/admin/teams/userConfigurations``), and how to assign one.

The answer names effective policies, it does not hold them; a policy type that is absent means Global. Reading is in
v1.0, assigning is in beta and exists in the worldwide cloud only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from hybridge.org.records import CsOnlineUser
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, quoted, read_done, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text
from hybridge.wire.xml import malformed

APP_SETUP = "TeamsAppSetupPolicy"
UPGRADE = "TeamsUpgradePolicy"
APP_PERMISSION = "TeamsAppPermissionPolicy"
MEETING = "TeamsMeetingPolicy"
NEXT = "@odata.nextLink"
PATH = "/v1.0/admin/teams/userConfigurations"
ASSIGN_PATH = "/beta/admin/teams/policy/userAssignments/assign"
_ASSIGNMENT = "#microsoft.graph.teamsAdministration.teamsPolicyUserAssignment"


class Assignment(msgspec.Struct, frozen=True):
    """A policy given to a user; ``policy_id`` is the policy's id, "" takes the user back to Global."""

    user_id: str
    policy_type: str
    policy_id: str


def ask_one(graph_host: str, upn: str) -> HttpAsk:
    """Ask for the policies of the user ``upn``."""
    wanted = quote(f"userPrincipalName eq '{quoted(upn)}'", safe="'@")
    return ask("GET", graph_host, f"{PATH}?$filter={wanted}")


class Users(msgspec.Struct, frozen=True):
    """A page of users; ``next_link`` is the address of the next, "" for the last."""

    users: tuple[CsOnlineUser, ...]
    next_link: str = ""


def ask_all(graph_host: str) -> HttpAsk:
    """Ask for the policies of every user: the first page."""
    return ask("GET", graph_host, PATH)


def ask_next(graph_host: str, link: str) -> HttpAsk | None:
    """Ask for the page at ``link``; None where it leads elsewhere, which is not followed."""
    try:
        url = urlsplit(link)
        here = (url.scheme, (url.hostname or "").lower(), url.port or 443, url.path) == (
            "https",
            graph_host.lower(),
            443,
            PATH,
        )
    except ValueError:
        here = False
    return ask("GET", graph_host, f"{PATH}?{url.query}") if here else None


def read_page(answer: HttpAnswer) -> Users | Failure:
    """A page of users, or why it could not be read."""
    if answer.failure or answer.status != 200:
        return read_error(answer, "the users' Teams configurations")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The users' Teams configurations cannot be read: {error}")
    found = (_read_user(user) for user in objects(body.get("value")))
    return Users(tuple(user for user in found if user is not None), text(body.get(NEXT)))


def write_users(users: Iterable[CsOnlineUser], next_link: str = "") -> HttpAnswer:
    """A page of users."""
    shown: dict[str, Any] = {"value": [_write_user(user) for user in users]}
    return json_answer(200, shown | ({NEXT: next_link} if next_link else {}))


def read_one(answer: HttpAnswer) -> CsOnlineUser | None | Failure:
    """The user, None when Teams knows no such user, or why it could not be read."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status != 200:
        return read_error(answer, "the user's Teams configuration")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The user's Teams configuration cannot be read: {error}")
    users = objects(body.get("value")) if "value" in body else (body,)
    if not users:
        return None
    return _read_user(users[0]) or malformed("The user's Teams configuration has no userPrincipalName.")


def _read_user(user: dict[str, Any]) -> CsOnlineUser | None:
    upn = text(user.get("userPrincipalName"))
    if not upn:
        return None
    policies = _policies(user)
    return CsOnlineUser(
        premises=Premises.ONLINE,
        identity=upn,
        object_id=text(user.get("id")),
        teams_app_setup_policy=policies.get(APP_SETUP.lower(), ""),
        teams_upgrade_policy=policies.get(UPGRADE.lower(), ""),
        teams_app_permission_policy=policies.get(APP_PERMISSION.lower(), ""),
        teams_meeting_policy=policies.get(MEETING.lower(), ""),
    )


def _policies(user: dict[str, Any]) -> dict[str, str]:
    assigned = {
        text(one.get("policyType")).lower(): text(mapping(one.get("policyAssignment")).get("displayName"))
        for one in objects(user.get("effectivePolicyAssignments"))
    }
    return {kind: "" if name.lower() == "global" else name for kind, name in assigned.items()}


def read_filter(filter_: str) -> str:
    """The user principal name of a ``$filter``, "" when it is another filter."""
    name, _, literal = filter_.strip().partition(" eq ")
    value = literal.strip()
    if name.strip().lower() != "userprincipalname" or len(value) < 2 or value[0] != "'" or value[-1] != "'":
        return ""
    return value[1:-1].replace("''", "'")


def write_one(user: CsOnlineUser | None) -> HttpAnswer:
    """The answer to a filter: a list of one user, or of none."""
    return json_answer(200, {"value": [] if user is None else [_write_user(user)]})


def _write_user(user: CsOnlineUser) -> dict[str, Any]:
    named = (
        (APP_SETUP, user.teams_app_setup_policy),
        (UPGRADE, user.teams_upgrade_policy),
        (APP_PERMISSION, user.teams_app_permission_policy),
        (MEETING, user.teams_meeting_policy),
    )
    return {
        "id": user.object_id,
        "userPrincipalName": user.identity,
        "accountType": "user",
        "featureTypes": ["Teams"],
        "isEnterpriseVoiceEnabled": False,
        "effectivePolicyAssignments": [
            {
                "policyType": kind,
                "policyAssignment": {
                    "displayName": name,
                    "assignmentType": "direct",
                    "policyId": policy_id(kind, name),
                    "groupId": None,
                },
            }
            for kind, name in named
            if name
        ],
    }


def ask_policy_id(graph_host: str, policy_type: str, name: str) -> HttpAsk:
    """Ask for the id of the policy called ``name``."""
    inside = f"type='{quote(quoted(policy_type))}',name='{quote(quoted(name))}'"
    return ask("GET", graph_host, f"/beta/admin/teams/policy/getPolicyId({inside})")


def read_policy_id(answer: HttpAnswer) -> str | Failure:
    """The id Graph knows a policy by."""
    if answer.failure or answer.status != 200:
        return read_error(answer, "the id of the policy")
    try:
        found = text(read_object(answer.body).get("value"))
    except JsonRefused as error:
        return malformed(f"The id of the policy cannot be read: {error}")
    return found or malformed("Graph's answer holds no id of the policy.")


def policy_id(policy_type: str, name: str) -> str:
    """The id the lab gives a policy: its type and name, so that both can be read from it."""
    return f"{policy_type}:{name}"


def write_policy_id(policy_type: str, name: str) -> HttpAnswer:
    """The answer to ``ask_policy_id``."""
    return json_answer(200, {"value": policy_id(policy_type, name)})


def ask_assign(graph_host: str, user_id: str, policy_type: str, policy_id: str) -> HttpAsk:
    """Ask for a policy to be assigned to the user with the object id ``user_id``."""
    value = {"@odata.type": _ASSIGNMENT, "userId": user_id, "policyType": policy_type, "policyId": policy_id}
    return ask("POST", graph_host, ASSIGN_PATH, msgspec.json.encode({"value": [value]}))


def read_assigned(answer: HttpAnswer) -> Failure | None:
    """None when the policy was assigned, else why not."""
    return read_done(answer, "the assignment of the policy")


def read_assign(body: bytes) -> tuple[Assignment, ...]:
    """The assignments of a request. Raises ``JsonRefused`` when Graph would answer 400."""
    given = objects(read_object(body).get("value"))
    found = tuple(
        Assignment(text(one.get("userId")), text(one.get("policyType")), text(one.get("policyId"))) for one in given
    )
    if not found or any(not one.user_id or not one.policy_type for one in found):
        raise JsonRefused("The request assigns nothing: it needs value with userId, policyType and policyId.")
    return found

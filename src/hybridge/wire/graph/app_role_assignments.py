"""Graph: application permissions that were consented to, as assignments of app roles to a service principal.

Granting needs AppRoleAssignment.ReadWrite.All. The assignment names the service principals on both ends by their
object ids, and says their display names beside.

Source: Microsoft Graph, Grant an appRoleAssignment to a service principal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec

from hybridge.org.records import AppRoleAssignment
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, quoted, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_object, text
from hybridge.wire.xml import malformed

_BELOW = "/v1.0/servicePrincipals"


def ask_all(graph_host: str, app_id: str) -> HttpAsk:
    """Ask for every permission given to the service principal of the application ``app_id``."""
    return ask("GET", graph_host, f"{_BELOW}(appId='{quote(quoted(app_id), safe='')}')/appRoleAssignments")


def ask_grant(graph_host: str, principal_id: str, resource_id: str, app_role_id: str) -> HttpAsk:
    """Ask for a permission to be given; the ids are object ids of service principals."""
    body = {"principalId": principal_id, "resourceId": resource_id, "appRoleId": app_role_id}
    return ask("POST", graph_host, f"{_BELOW}/{principal_id}/appRoleAssignments", msgspec.json.encode(body))


def ask_revoke(graph_host: str, principal_id: str, assignment_id: str) -> HttpAsk:
    """Ask for a permission to be taken back."""
    return ask("DELETE", graph_host, f"{_BELOW}/{principal_id}/appRoleAssignments/{quote(assignment_id, safe='')}")


def read_all(answer: HttpAnswer, principal: str) -> tuple[AppRoleAssignment, ...] | Failure:
    """The permissions of the application called ``principal``; () where it has no service principal (404)."""
    if not answer.failure and answer.status == 404:
        return ()
    if answer.failure or answer.status != 200:
        return read_error(answer, "the permissions of the application")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The permissions of the application cannot be read: {error}")
    if body.get("@odata.nextLink"):
        return malformed("Graph has more permissions of the application than it shows at once.")
    return tuple(_read(one, principal) for one in objects(body.get("value")))


def _read(one: dict[str, Any], principal: str) -> AppRoleAssignment:
    role = text(one.get("appRoleId"))
    return AppRoleAssignment(
        premises=Premises.ONLINE,
        identity=f"{principal}/{role}",
        principal=principal,
        app_role_id=role,
        resource_display_name=text(one.get("resourceDisplayName")),
        assignment_id=text(one.get("id")),
    )


# The server's half ----------------------------------------------------------------------------------------------------


class Grant(msgspec.Struct, frozen=True):
    """What a request to give a permission names: object ids of service principals, and the permission's id."""

    principal_id: str
    resource_id: str
    app_role_id: str


def read_path(path: str) -> tuple[str, str, str] | None:
    """("app" or "object", name of the principal, id of the assignment or ""), None for another path."""
    match = _PATHS.fullmatch(path)
    if match is None:
        return None
    by = ("app", match["app"].replace("''", "'")) if match["app"] else ("object", match["object"])
    return *by, match["assignment"] or ""


_PATHS = re.compile(
    r"/(?:v1\.0|beta)/servicePrincipals(?:\(appId='(?P<app>[^/]+)'\)|/(?P<object>[^/]+))"
    r"/appRoleAssignments(?:/(?P<assignment>[^/]+))?/?",
    re.I,
)


def read_grant(body: bytes) -> Grant:
    """What a POST asks for. Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body)
    grant = Grant(*(text(given.get(name)) for name in ("principalId", "resourceId", "appRoleId")))
    if not (grant.principal_id and grant.resource_id and grant.app_role_id):
        raise JsonRefused("An assignment needs principalId, resourceId and appRoleId.")
    return grant


def write_all(assignments: Iterable[AppRoleAssignment], principal_id: str, resource_ids: dict[str, str]) -> HttpAnswer:
    """The answer with a principal's permissions; ``resource_ids`` maps display names to object ids."""
    return json_answer(200, {"value": [_write(one, principal_id, resource_ids) for one in assignments]})


def write_one(assignment: AppRoleAssignment, principal_id: str, resource_ids: dict[str, str]) -> HttpAnswer:
    """The answer to a grant."""
    return json_answer(201, _write(assignment, principal_id, resource_ids))


def _write(one: AppRoleAssignment, principal_id: str, resource_ids: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.assignment_id,
        "deletedDateTime": None,
        "appRoleId": one.app_role_id,
        "principalDisplayName": one.principal,
        "principalId": principal_id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": one.resource_display_name,
        "resourceId": resource_ids.get(one.resource_display_name, ""),
    }

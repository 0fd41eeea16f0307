"""Graph: which services a person is licensed for (``/users/{id}/licenseDetails``), both halves.

The permission User.Read.All is enough. Source: Microsoft Graph, List licenseDetails.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from hybridge.org.records import UserLicense
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.cmdlets.licences import read_plans
from hybridge.wire.cmdlets.noun import Unreadable
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, objects, read_object
from hybridge.wire.xml import malformed

_PATH = re.compile(r"/v1\.0/users/(?P<user>[^/]+)/licenseDetails/?", re.I)


def ask_one(graph_host: str, user: str) -> HttpAsk:
    """Ask for the licences of ``user`` (user principal name or object id)."""
    return ask(
        "GET", graph_host, f"/v1.0/users/{quote(user, safe='@')}/licenseDetails?$select=skuPartNumber,servicePlans"
    )


def read_one(answer: HttpAnswer, user: str) -> UserLicense | None | Failure:
    """The licences of ``user``, None when Entra knows no such user, or why they could not be read."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status != 200:
        return read_error(answer, "the user's licences")
    try:
        plans = read_plans(tuple(objects(read_object(answer.body).get("value"))))
    except JsonRefused as error:
        return malformed(f"The user's licences cannot be read: {error}")
    except Unreadable:
        return malformed("The user's licences cannot be read: a service plan has no name.")
    return UserLicense(premises=Premises.ONLINE, identity=user, service_plans=plans)


def read_path(path: str) -> str:
    """The user of a request's path, "" for another path."""
    match = _PATH.fullmatch(path)
    return unquote(match["user"]) if match else ""


def write_one(license_: UserLicense | None) -> HttpAnswer:
    """The answer to ``ask_one``: one licence with all plans."""
    value: list[dict[str, Any]] = []
    if license_ is not None:
        plans = [
            {"servicePlanName": plan.name, "provisioningStatus": plan.provisioning_status, "appliesTo": "User"}
            for plan in license_.service_plans
        ]
        value = [{"skuPartNumber": "SPE_E5", "servicePlans": plans}]
    return json_answer(200, {"value": value})

"""Graph: a person of the tenant, both halves. The permission User.Read.All is enough.

Source: Microsoft Graph, Get a user.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from hybridge.org.records import EntraUser
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.cmdlets.federation import read_user, write_user
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, read_object
from hybridge.wire.xml import malformed

SELECTED = "id,userPrincipalName,mail,accountEnabled,onPremisesSyncEnabled"
_PATH = re.compile(r"/v1\.0/users/(?P<user>[^/]+)/?", re.I)


def ask_one(graph_host: str, user: str) -> HttpAsk:
    """Ask for ``user``, by user principal name or object id."""
    return ask("GET", graph_host, f"/v1.0/users/{quote(user, safe='@')}?$select={SELECTED}")


def read_one(answer: HttpAnswer) -> EntraUser | None | Failure:
    """The person, None when Entra knows nobody of that name, or why they could not be read."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status != 200:
        return read_error(answer, "the user")
    try:
        found = read_user(read_object(answer.body))
    except JsonRefused as error:
        return malformed(f"The user cannot be read: {error}")
    return found or malformed("Graph gave a user without a userPrincipalName.")


def read_path(path: str) -> str:
    """The user of a request's path, "" for another path."""
    match = _PATH.fullmatch(path)
    return unquote(match["user"]) if match else ""


def write_one(user: EntraUser) -> HttpAnswer:
    """The answer that shows ``user``."""
    return json_answer(200, write_user(user))

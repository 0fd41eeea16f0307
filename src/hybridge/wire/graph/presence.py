"""Graph: presence as Teams shows it, with the automatic replies behind "Out of Office"."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from hybridge.org.probes import TeamsPresence
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, read_object, text
from hybridge.wire.xml import malformed


def ask_one(graph_host: str, user: str) -> HttpAsk:
    """Ask for the presence of ``user``: a user principal name or an object id."""
    return ask("GET", graph_host, f"/v1.0/users/{quote(user, safe='@')}/presence")


def read_one(answer: HttpAnswer, user: str) -> TeamsPresence | None | Failure:
    """The presence of ``user``, None when there is no such user, or why it could not be read."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status != 200:
        return read_error(answer, f"the presence of {user}")
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The presence of {user} cannot be read: {error}")
    if not text(body.get("availability")):
        return malformed(f"The presence of {user} names no availability.")
    return TeamsPresence(
        premises=Premises.ONLINE,
        identity=user,
        availability=text(body.get("availability")),
        activity=text(body.get("activity")),
        out_of_office=mapping(body.get("outOfOfficeSettings")).get("isOutOfOffice") is True,
        seen_at=answer.answered_at,
    )


def read_path(path: str) -> str:
    """The user of a request's path, "" for another path."""
    match = _PATH.fullmatch(path)
    return unquote(match[1]) if match else ""


_PATH = re.compile(r"/(?:v1\.0|beta)/users/([^/]+)/presence/?", re.I)


def write_one(presence: TeamsPresence, object_id: str = "", message: str = "") -> HttpAnswer:
    """The answer with ``presence``; ``message`` is the automatic reply shown beside it."""
    return json_answer(
        200,
        {
            "id": object_id or presence.identity,
            "availability": presence.availability,
            "activity": presence.activity,
            "outOfOfficeSettings": {"message": message or None, "isOutOfOffice": presence.out_of_office},
        },
    )

"""Graph: presences in full, of one person or of up to 650 in one request (``getPresencesByUserId``), both halves.

``wire.graph.presence`` reads of a presence what the checks want. Here is everything Graph tells of one: the status
message, the automatic reply, and the number that orders two versions of it.

Sources: Microsoft Graph, resource presence; cloudCommunications: getPresencesByUserId; setStatusMessage, example 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.graph.status_message import StatusMessage, read_message, write_message
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text, texts
from hybridge.wire.xml import malformed

MAX_IDS = 650
PATH = "/v1.0/communications/getPresencesByUserId"


class SeenPresence(msgspec.Struct, frozen=True, kw_only=True):
    """What Graph shows of a person, in its own words. ``object_id`` is theirs."""

    object_id: str
    availability: str
    activity: str
    out_of_office: bool = False
    reply: str = ""
    """The automatic reply shown beside Out of Office."""
    message: StatusMessage = StatusMessage(content="")
    sequence_number: str = ""


def ask_many(graph_host: str, object_ids: Sequence[str]) -> HttpAsk:
    """Ask for the presences of up to ``MAX_IDS`` people by their object ids."""
    return ask("POST", graph_host, PATH, msgspec.json.encode({"ids": list(object_ids)}))


def read_many(answer: HttpAnswer) -> tuple[SeenPresence, ...] | Failure:
    """The presences, in no order that can be relied on; whom Graph does not know is left out."""
    if answer.failure or answer.status != 200:
        return read_error(answer, "presences")
    try:
        found = objects(read_object(answer.body).get("value"))
    except JsonRefused as error:
        return malformed(f"Presences cannot be read: {error}")
    return tuple(_read(one) for one in found if text(one.get("id")))


def read_seen(answer: HttpAnswer, user: str) -> SeenPresence | None | Failure:
    """One presence (the answer to ``presence.ask_one``), None when there is no such user, or why not."""
    if not answer.failure and answer.status == 404:
        return None
    if answer.failure or answer.status != 200:
        return read_error(answer, f"the presence of {user}")
    try:
        return _read(read_object(answer.body))
    except JsonRefused as error:
        return malformed(f"The presence of {user} cannot be read: {error}")


def _read(one: dict[str, Any]) -> SeenPresence:
    away = mapping(one.get("outOfOfficeSettings"))
    return SeenPresence(
        object_id=text(one.get("id")),
        availability=text(one.get("availability")),
        activity=text(one.get("activity")),
        out_of_office=away.get("isOutOfOffice") is True,
        reply=text(away.get("message")),
        message=read_message(one.get("statusMessage")),
        sequence_number=text(one.get("sequenceNumber")),
    )


# The server's half ----------------------------------------------------------------------------------------------------


def is_path(path: str) -> bool:
    """Whether a request's path is that of ``getPresencesByUserId``."""
    return path.lower().rstrip("/") in (PATH.lower(), PATH.lower().replace("/v1.0/", "/beta/"))


def read_ids(body: bytes) -> tuple[str, ...]:
    """Whose presence a request wants. Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body).get("ids")
    if not isinstance(given, list):
        raise JsonRefused("The request names no ids.")
    if len(given) > MAX_IDS:
        raise JsonRefused(f"At most {MAX_IDS} ids may be asked for.")
    return texts(given)


def write_many(presences: Iterable[SeenPresence]) -> HttpAnswer:
    """The answer with everybody's presence, as somebody else sees them."""
    return json_answer(200, {"value": [_written(one, own=False) for one in presences]})


def write_seen(presence: SeenPresence, *, own: bool = False) -> HttpAnswer:
    """The answer with one presence; ``own`` tells that the person reads their own."""
    return json_answer(200, _written(presence, own=own))


def _written(one: SeenPresence, *, own: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.object_id,
        "availability": one.availability,
        "activity": one.activity,
        "statusMessage": write_message(one.message, own=own),
        "outOfOfficeSettings": {"message": one.reply or None, "isOutOfOffice": one.out_of_office},
    }
    return shown | ({"sequenceNumber": one.sequence_number} if one.sequence_number else {})

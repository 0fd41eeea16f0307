"""Graph: a person's status message beside their presence, both halves.

Whoever reads the presence of somebody else is told the text, but neither when it was published nor when it expires:
a message that was overwritten can therefore not be put back as it was.

Sources: Microsoft Graph, presence: setStatusMessage (example 3), presenceStatusMessage, dateTimeTimeZone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from hybridge.wire.ask import HttpAsk
from hybridge.wire.graph.errors import ask
from hybridge.wire.graph.set_presence import path_of
from hybridge.wire.json_body import JsonRefused, instant, mapping, read_object, text


class StatusMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message; both instants are None where they are not told or not set. ``content`` "" is no message."""

    content: str
    expires_at: datetime | None = None
    published_at: datetime | None = None


def ask_message(graph_host: str, user: str, message: StatusMessage) -> HttpAsk:
    """Ask for the status message of ``user`` to be this one."""
    inner: dict[str, Any] = {"message": {"content": message.content, "contentType": "text"}}
    if message.expires_at is not None:
        inner["expiryDateTime"] = _written(message.expires_at)
    body = msgspec.json.encode({"statusMessage": inner})
    return ask("POST", graph_host, f"/v1.0{path_of(user, 'setStatusMessage')}", body)


def read_message(value: object) -> StatusMessage:
    """The ``statusMessage`` of a presence; an empty one where there is none."""
    given = mapping(value)
    return StatusMessage(
        content=text(mapping(given.get("message")).get("content")),
        expires_at=_instant(given.get("expiryDateTime")),
        published_at=instant(given.get("publishedDateTime")),
    )


# The server's half ----------------------------------------------------------------------------------------------------


def read_message_body(body: bytes) -> StatusMessage:
    """The message of a request. Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body).get("statusMessage")
    if not isinstance(given, dict):
        raise JsonRefused("The statusMessage is missing.")
    expiry = given.get("expiryDateTime")
    if expiry is not None and _instant(expiry) is None:
        raise JsonRefused("expiryDateTime is no dateTimeTimeZone in UTC.")
    return read_message(given)


def write_message(message: StatusMessage | None, *, own: bool) -> dict[str, Any] | None:
    """``message`` inside a presence; ``own`` tells that the person reads their own presence."""
    if message is None or not message.content:
        return None
    shown: dict[str, Any] = {"message": {"content": message.content, "contentType": "text"}}
    if own:
        shown["publishedDateTime"] = message.published_at
        shown["expiryDateTime"] = _written(message.expires_at) if message.expires_at else None
    return shown


def _written(at: datetime) -> dict[str, str]:
    return {"dateTime": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": "UTC"}


def _instant(value: object) -> datetime | None:
    """A dateTimeTimeZone in UTC, the only zone that is read."""
    given = mapping(value)
    if text(given.get("timeZone")).upper() not in ("UTC", "ETC/UTC", "GMT", "ETC/GMT"):
        return None
    return instant(given.get("dateTime"))

"""Graph: the automatic replies and the time zone of a mailbox, both halves.

``status`` alone tells whether replies go out: the times of an earlier schedule stay where replies are disabled or
always on. Needs MailboxSettings.Read. Source: Microsoft's pages on mailboxSettings and automaticRepliesSetting.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.graph.zoned import UTC_PREFERRED, read_zoned, write_zoned
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, read_object, text
from hybridge.wire.xml import malformed

STATUSES = ("disabled", "alwaysEnabled", "scheduled")


class AutomaticReplies(msgspec.Struct, frozen=True, kw_only=True):
    """automaticRepliesSetting without its two messages. Instants are aware UTC, None where there are none."""

    status: str
    start_at: datetime | None = None
    end_at: datetime | None = None
    external_audience: str = "none"


def ask_replies(host: str, user: str) -> HttpAsk:
    """Ask for the automatic replies of ``user``."""
    one = ask("GET", host, f"/v1.0/users/{quote(user, safe='@')}/mailboxSettings/automaticRepliesSetting")
    return msgspec.structs.replace(one, headers=(*one.headers, ("Prefer", UTC_PREFERRED)))


def read_replies(answer: HttpAnswer, user: str) -> AutomaticReplies | Failure:
    """The automatic replies of ``user``, or why they could not be read."""
    if answer.failure or answer.status != 200:
        return read_error(answer, f"the automatic replies of {user}")
    try:
        return _read(read_object(answer.body))
    except JsonRefused as error:
        return malformed(f"The automatic replies of {user} cannot be read: {error}")


def _read(body: dict[str, Any]) -> AutomaticReplies:
    status = next((one for one in STATUSES if one.lower() == text(body.get("status")).lower()), "")
    if not status:
        raise JsonRefused("They name no status that is known.")
    return AutomaticReplies(
        status=status,
        start_at=read_zoned(body.get("scheduledStartDateTime")),
        end_at=read_zoned(body.get("scheduledEndDateTime")),
        external_audience=text(body.get("externalAudience")) or "none",
    )


# The server's half ----------------------------------------------------------------------------------------------------


def read_path(path: str) -> tuple[str, str] | None:
    """(user, setting) of a request's path: the setting is "" for all of them, else as Graph spells it."""
    match = _PATH.fullmatch(path)
    if not match:
        return None
    named = (match["setting"] or "").lower()
    return unquote(match["user"]), {"automaticrepliessetting": "automaticRepliesSetting", "timezone": "timeZone"}.get(
        named, ""
    )


_PATH = re.compile(
    r"/(?:v1\.0|beta)/users/(?P<user>[^/]+)/mailboxSettings(?:/(?P<setting>automaticRepliesSetting|timeZone))?/?", re.I
)


def read_patch(body: bytes, before: AutomaticReplies) -> AutomaticReplies:
    """``before`` as a PATCH of mailboxSettings changes it. Raises ``JsonRefused``."""
    given = mapping(read_object(body).get("automaticRepliesSetting"))
    return _read(_written(before) | given)


def write_settings(replies: AutomaticReplies, zone: str, setting: str = "") -> HttpAnswer:
    """The answer with all settings, or with one of them."""
    if setting == "timeZone":
        return json_answer(200, {"value": zone})
    if setting:
        return json_answer(200, _written(replies))
    return json_answer(200, {"automaticRepliesSetting": _written(replies), "timeZone": zone})


def _written(replies: AutomaticReplies) -> dict[str, Any]:
    return {
        "status": replies.status,
        "externalAudience": replies.external_audience,
        "scheduledStartDateTime": write_zoned(replies.start_at),
        "scheduledEndDateTime": write_zoned(replies.end_at),
        "internalReplyMessage": "",
        "externalReplyMessage": "",
    }

"""Graph: an application's presence session of a person (``setPresence``, ``clearPresence``), both halves.

A session is named by the id of the application. It expires by itself, and what people see is made of all sessions of
the person; see ``lab.behaviour.presence_sessions``. The calls that set a *preferred* presence are read here for the
lab's sake, which serves other applications too: there is no function that asks for them, because a preferred presence
overrides what the person chose.

Sources: Microsoft Graph, presence: setPresence, clearPresence, setUserPreferredPresence; Manage presence state.
"""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote, unquote

import msgspec

from hybridge.wire.ask import HttpAsk
from hybridge.wire.graph.errors import ask
from hybridge.wire.iso_duration import read_duration, write_duration
from hybridge.wire.json_body import JsonRefused, read_object, text

Pair = tuple[str, str]
"""Availability and activity."""

PAIRS: frozenset[Pair] = frozenset(
    {("Available", "Available"), ("Busy", "InACall"), ("Busy", "InAConferenceCall"), ("Away", "Away")}
)
"""What a session may say."""

BETA_PAIRS = PAIRS | {("DoNotDisturb", "Presenting")}
"""What it may say by the beta version of the call."""

PREFERRED_PAIRS: frozenset[Pair] = frozenset(
    {
        *((one, one) for one in ("Available", "Busy", "DoNotDisturb", "BeRightBack", "Away")),
        ("Offline", "OffWork"),
    }
)
"""What a person, or an application in their name, may prefer."""

SHORTEST, LONGEST, USUAL = timedelta(minutes=5), timedelta(hours=4), timedelta(minutes=5)
"""How long a session may last, and how long it lasts where nothing is said."""


class SetPresence(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is to say; ``lasts`` None leaves it to Graph."""

    session_id: str
    availability: str
    activity: str
    lasts: timedelta | None = None


class Preferred(msgspec.Struct, frozen=True, kw_only=True):
    """A preferred presence."""

    availability: str
    activity: str
    lasts: timedelta | None = None


def ask_set(graph_host: str, user: str, wanted: SetPresence) -> HttpAsk:
    """Ask for the session of ``user`` to say this. What only the beta version takes is asked of that."""
    version = "v1.0" if (wanted.availability, wanted.activity) in PAIRS else "beta"
    body = {"sessionId": wanted.session_id, "availability": wanted.availability, "activity": wanted.activity}
    if wanted.lasts is not None:
        body["expirationDuration"] = write_duration(wanted.lasts)
    return ask("POST", graph_host, f"/{version}{path_of(user, 'setPresence')}", msgspec.json.encode(body))


def ask_clear(graph_host: str, user: str, session_id: str) -> HttpAsk:
    """Ask for the session to end. Graph answers 404 where there is none."""
    body = msgspec.json.encode({"sessionId": session_id})
    return ask("POST", graph_host, f"/v1.0{path_of(user, 'clearPresence')}", body)


def path_of(user: str, call: str) -> str:
    """The path of a call on the presence of ``user`` (user principal name or object id), without its version."""
    return f"/users/{quote(user, safe='@')}/presence/{call}"


# The server's half ----------------------------------------------------------------------------------------------------

CALLS = ("setPresence", "clearPresence", "setUserPreferredPresence", "clearUserPreferredPresence", "setStatusMessage")
_BY_NAME = {call.lower(): call for call in CALLS}
_PATH = re.compile(r"/(?P<version>v1\.0|beta)/users/(?P<user>[^/]+)/presence/(?P<call>[A-Za-z]+)/?", re.I)


class Named(msgspec.Struct, frozen=True):
    """What a request's path names. ``call`` is one of ``CALLS``."""

    user: str
    call: str
    beta: bool


def read_path(path: str) -> Named | None:
    """What the path of a request names, None for another path."""
    match = _PATH.fullmatch(path)
    call = _BY_NAME.get(match["call"].lower()) if match else None
    return Named(unquote(match["user"]), call, match["version"].lower() == "beta") if match and call else None


def read_set_body(body: bytes, *, beta: bool = False) -> SetPresence:
    """What a request sets. Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body)
    pair = (text(given.get("availability")), text(given.get("activity")))
    if pair not in (BETA_PAIRS if beta else PAIRS):
        raise JsonRefused(f"The combination of availability '{pair[0][:40]}' and activity '{pair[1][:40]}' is invalid.")
    lasts = _lasts(given.get("expirationDuration"))
    if lasts is not None and not SHORTEST <= lasts <= LONGEST:
        raise JsonRefused("expirationDuration must be between PT5M and PT4H.")
    return SetPresence(session_id=_session(given), availability=pair[0], activity=pair[1], lasts=lasts)


def read_clear_body(body: bytes) -> str:
    """The id of the session to clear. Raises ``JsonRefused`` when Graph would answer 400."""
    return _session(read_object(body))


def read_preferred_body(body: bytes) -> Preferred:
    """What is preferred from now on. Raises ``JsonRefused`` when Graph would answer 400."""
    given = read_object(body)
    pair = (text(given.get("availability")), text(given.get("activity")))
    if pair not in PREFERRED_PAIRS:
        raise JsonRefused(f"The combination of availability '{pair[0][:40]}' and activity '{pair[1][:40]}' is invalid.")
    return Preferred(availability=pair[0], activity=pair[1], lasts=_lasts(given.get("expirationDuration")))


def _session(given: dict[str, object]) -> str:
    session = text(given.get("sessionId")).strip()
    if not session:
        raise JsonRefused("The sessionId is missing.")
    return session.lower()


def _lasts(value: object) -> timedelta | None:
    if value is None:
        return None
    lasts = read_duration(text(value))
    if lasts is None:
        raise JsonRefused("expirationDuration is no duration of ISO 8601.")
    return lasts

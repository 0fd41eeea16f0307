"""Graph's presence API in the lab: sessions of applications, preferred presence, status messages, many people at once.

What people see is put together of the board (what the presence service last made of a mailbox, as late as it is) and of
the sessions kept here, in the lab's time: they expire and fade when its clock moves. Every request counts for the
application that makes it, alone or inside a batch, and is refused (429) above 1,500 in any 30 seconds.

Not published, and decided here: the code of a 400, and that of a call the cloud does not offer (404).

Sources: Microsoft Graph, presence: setPresence, clearPresence, setUserPreferredPresence, setStatusMessage,
cloudCommunications: getPresencesByUserId, throttling limits.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.presence_board import last_known
from hybridge.lab.apps.tokens import read_bearer
from hybridge.lab.behaviour.presence import ShownPresence
from hybridge.lab.behaviour.presence_sessions import PreferredPresence, Session, aggregated, preferred_for
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import CsOnlineUser
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import presence as presence_wire
from hybridge.wire.graph import presences, set_presence
from hybridge.wire.graph.errors import write_error
from hybridge.wire.graph.status_message import StatusMessage, read_message_body
from hybridge.wire.json_body import JsonRefused, json_answer

PERIOD = timedelta(seconds=30)
ALLOWED = 1500
"""Requests of one application in any ``PERIOD``."""

_NOT_IN = {"china"}
"""Clouds in which an application sets no presence."""
_MESSAGES_IN = {"worldwide", "gcc"}
"""Clouds in which it writes a status message."""


class PresenceSessions:
    """What the presence service keeps of the people of one estate. Users are user principal names in lower case.

    ``sessions`` maps a user to what was set, by the id of the session; ``signed_out`` are people without a Teams
    client: everybody else has one. ``allowed`` bounds the requests of an application, and a test may lower it.
    ``requests`` counts what was let through, ``changes`` numbers the versions of presences.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Session]] = {}
        self.preferred: dict[str, PreferredPresence] = {}
        self.messages: dict[str, StatusMessage] = {}
        self.signed_out: set[str] = set()
        self.allowed = ALLOWED
        self.requests = 0
        self.changes = 0
        self._asked: dict[str, deque[datetime]] = {}
        self._listed: tuple[CsOnlineUser, ...] = ()
        self._by_id: dict[str, CsOnlineUser] = {}

    def clear(self) -> None:
        """Back to the start."""
        for kept in (self.sessions, self.preferred, self.messages, self.signed_out, self._asked):
            kept.clear()
        self.allowed, self.requests, self.changes = ALLOWED, 0, 0

    def by_id(self, organization: Organization) -> dict[str, CsOnlineUser]:
        """The people of ``organization`` by their object ids in lower case."""
        users = organization.all(CsOnlineUser, Premises.ONLINE)
        if users is not self._listed:
            self._listed, self._by_id = users, {one.object_id.lower(): one for one in users}
        return self._by_id

    def wait(self, application: str, now: datetime) -> timedelta | None:
        """Count a request of ``application``; how long it has to wait where it is one too many."""
        asked = self._asked.setdefault(application, deque())
        while asked and not now - PERIOD < asked[0] <= now:
            asked.popleft()
        if len(asked) >= self.allowed:
            return asked[0] + PERIOD - now if asked else PERIOD
        asked.append(now)
        self.requests += 1
        return None

    def message_of(self, user: str, now: datetime) -> StatusMessage:
        """The status message of ``user``, an empty one where there is none or it has expired."""
        found = self.messages.get(user)
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return StatusMessage(content="")
        return found


def presence_sessions(estate: Estate) -> PresenceSessions:
    """What the presence service of ``estate`` keeps."""
    return estate.own(PresenceSessions, PresenceSessions, PresenceSessions.clear)


def shown_of(estate: Estate, user: str) -> ShownPresence:
    """What people see of ``user`` (user principal name) now."""
    kept, name, now = presence_sessions(estate), user.lower(), estate.now()
    board = last_known(estate, user)
    client = ShownPresence(board.availability, board.activity, board.out_of_office)
    sessions = kept.sessions.get(name, {}).values()
    signed_in = name not in kept.signed_out
    shown = aggregated(sessions, kept.preferred.get(name), client if signed_in else None, now)
    if shown.availability == "Offline" and board.out_of_office:
        return ShownPresence("Offline", "OutOfOffice", True)
    return ShownPresence(shown.availability, shown.activity, board.out_of_office)


# Graph ----------------------------------------------------------------------------------------------------------------


def belongs(request: Request) -> bool:
    """Whether a request is one of the presence API."""
    if request.method == "GET":
        return presence_wire.read_path(request.path) != ""
    named = set_presence.read_path(request.path) is not None
    return request.method == "POST" and (named or presences.is_path(request.path))


def answer_presence(estate: Estate, request: Request) -> HttpAnswer:
    """What the presence API answers."""
    token = read_bearer(estate, request.headers.get("authorization", ""))
    wait = presence_sessions(estate).wait(token.app_id if token else "", estate.now())
    if wait is not None:
        error = {"error": {"code": "TooManyRequests", "message": "Too many requests.", "innerError": {}}}
        return json_answer(429, error, ("retry-after", str(max(math.ceil(wait.total_seconds()), 1))))
    reader = token.user.lower() if token else ""
    named = set_presence.read_path(request.path)
    try:
        if named is not None:
            return _change(estate, named, request.body, reader)
        if presences.is_path(request.path):
            return _many(estate, presences.read_ids(request.body))
    except JsonRefused as refused:
        return write_error(400, "BadRequest", str(refused), estate.now())
    return _one(estate, presence_wire.read_path(request.path), reader)


def _one(estate: Estate, name: str, reader: str) -> HttpAnswer:
    user = _user(estate, name)
    if user is None:
        return write_error(404, "NotFound", "There is no such user.", estate.now())
    return presences.write_seen(_seen(estate, user), own=reader == user.identity.lower())


def _many(estate: Estate, ids: tuple[str, ...]) -> HttpAnswer:
    """People by their object ids; whom nobody knows is left out."""
    by_id = presence_sessions(estate).by_id(estate.organization)
    wanted = dict.fromkeys(one.lower() for one in ids)
    return presences.write_many(_seen(estate, by_id[one]) for one in wanted if one in by_id)


def _seen(estate: Estate, user: CsOnlineUser) -> presences.SeenPresence:
    kept = presence_sessions(estate)
    shown = shown_of(estate, user.identity)
    return presences.SeenPresence(
        object_id=user.object_id,
        availability=shown.availability,
        activity=shown.activity,
        out_of_office=shown.out_of_office,
        message=kept.message_of(user.identity.lower(), estate.now()),
        sequence_number=str(kept.changes),
    )


def _change(estate: Estate, named: set_presence.Named, body: bytes, reader: str) -> HttpAnswer:
    cloud = estate.cloud.name
    if cloud in _NOT_IN or (named.call == "setStatusMessage" and cloud not in _MESSAGES_IN):
        says = f"There is no {named.call} in {estate.cloud.title}."
        return write_error(404, "ResourceNotFound", says, estate.now())
    user = _user(estate, named.user)
    if user is None:
        return write_error(404, "NotFound", "There is no such user.", estate.now())
    name = user.identity.lower()
    if reader and reader != name:
        return write_error(401, "Unauthorized", "Cannot set the presence of another user.", estate.now())
    if _CHANGES[named.call](presence_sessions(estate), name, body, estate.now(), named.beta):
        presence_sessions(estate).changes += 1
        return HttpAnswer(status=200)
    return write_error(404, "NotFound", "The presence session does not exist.", estate.now())


def _set(kept: PresenceSessions, user: str, body: bytes, now: datetime, beta: bool) -> bool:
    wanted = set_presence.read_set_body(body, beta=beta)
    lasts = set_presence.USUAL if wanted.lasts is None else wanted.lasts
    session = Session(wanted.availability, wanted.activity, now, now + lasts)
    kept.sessions.setdefault(user, {})[wanted.session_id] = session
    return True


def _clear(kept: PresenceSessions, user: str, body: bytes, now: datetime, _: bool) -> bool:
    gone = kept.sessions.get(user, {}).pop(set_presence.read_clear_body(body), None)
    return gone is not None and now < gone.expires_at


def _prefer(kept: PresenceSessions, user: str, body: bytes, now: datetime, _: bool) -> bool:
    wanted = set_presence.read_preferred_body(body)
    lasts = preferred_for(wanted.availability) if wanted.lasts is None else wanted.lasts
    kept.preferred[user] = PreferredPresence(wanted.availability, wanted.activity, now + lasts)
    return True


def _prefer_nothing(kept: PresenceSessions, user: str, *_: object) -> bool:
    kept.preferred.pop(user, None)
    return True


def _say(kept: PresenceSessions, user: str, body: bytes, now: datetime, _: bool) -> bool:
    said = read_message_body(body)
    kept.messages[user] = StatusMessage(content=said.content, expires_at=said.expires_at, published_at=now)
    return True


_CHANGES: dict[str, Callable[[PresenceSessions, str, bytes, datetime, bool], bool]] = {
    "setPresence": _set,
    "clearPresence": _clear,
    "setUserPreferredPresence": _prefer,
    "clearUserPreferredPresence": _prefer_nothing,
    "setStatusMessage": _say,
}


def _user(estate: Estate, name: str) -> CsOnlineUser | None:
    """The user with this user principal name or object id."""
    named = estate.organization.one(CsOnlineUser, Premises.ONLINE, name)
    return named or presence_sessions(estate).by_id(estate.organization).get(name.lower())

"""Presence in Teams, by Microsoft Graph: a presence session of our application for each person.

``setPresence`` opens or renews the session, ``clearPresence`` ends it, and where nobody does, it expires: at the end of
what is shown, at the latest ``lease`` after the gateway said it last, never later than in four hours. So a gateway that
dies leaves nobody in a meeting. Graph knows no session shorter than five minutes; what ends sooner is withdrawn by the
gateway when it ends, and only a gateway that dies within those minutes leaves it that long.

What a person prefers is never touched: a preferred presence would override what people choose for themselves.
``teams_rules`` tells row by row what each state becomes.

Graph takes 1,500 requests in 30 seconds of an application in a tenant, and counts each request of a batch. The limits
say so in batches of 20, a little below, so that reading back finds room. It cannot refuse what an older lease decided:
``fence`` is not used here.

A status message is written only where ``status_messages`` is on, and only for people who have none or one of ours,
which begins with ``prefix``: Graph does not tell when somebody else's message expires, so that one which was
overwritten could never be put back. It is read before every write, because people write their own at any time.

Sources: Microsoft Graph, presence: setPresence, clearPresence, setStatusMessage; throttling limits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Limits, Published, Refused, Result, SinkDown
from hybridge.presence.sinks.graph_asks import ask_all, denied, not_done
from hybridge.presence.sinks.teams_rules import PRESENTING_RULES, TEAMS_RULES, Row
from hybridge.presence.states import PresenceState
from hybridge.wire.ask import Answerer, Failure, HttpAnswer, HttpAsk
from hybridge.wire.graph import batch, presences, set_presence, status_message
from hybridge.wire.graph import presence as presence_wire
from hybridge.wire.graph.set_presence import LONGEST, SHORTEST, SetPresence
from hybridge.wire.graph.status_message import StatusMessage

REQUESTS, PER = 1480, timedelta(seconds=30)
"""Requests we make in any ``PER``: 20 of Graph's 1,500 are left for reading back."""

MESSAGE_LENGTH = 280
"""Characters of a status message that Teams shows."""

NOBODY = "00000000-0000-0000-0000-000000000000"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_WORDLESS = frozenset({PresenceState.AVAILABLE, PresenceState.INVISIBLE, PresenceState.UNKNOWN})
"""States without a status message."""


class TeamsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the sink is configured. ``application`` is the client id of the Entra application, which names the session.

    ``lease`` is how long a state outlives the gateway at most: between 5 minutes and 4 hours. ``presenting`` allows
    Do not disturb, shown as Presenting, which Graph sets by its beta version only.
    """

    application: str
    graph_host: str = "graph.microsoft.com"
    name: str = "teams"
    lease: timedelta = timedelta(minutes=30)
    presenting: bool = False
    status_messages: bool = False
    prefix: str = "Calendar: "


class TeamsSink:
    """The sink. ``answerer`` holds the credential of the Entra application (``Sign.ENTRA``)."""

    def __init__(self, settings: TeamsSettings, answerer: Answerer) -> None:
        self.name = settings.name
        self.limits = limits_of(settings)
        self.rules = _rules(settings)
        self._settings = settings
        self._answerer = answerer
        self._ids: dict[str, str] = {}
        self._permitted = False
        """Whether Graph has taken anything of us."""

    async def open(self) -> None:
        """Ask for the presence of nobody: whether Graph answers us. Raises ``SinkDown``."""
        asked = presences.ask_many(self._settings.graph_host, (NOBODY,))
        answer = (await self._ask((asked,)))[0]
        refused = denied(answer, "presences")
        if refused is not None:
            raise refused

    def serves(self, person: Person) -> bool:
        """Whether the person is known as an Entra user."""
        return bool(person.user)

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """Set or clear the session of each; one result for each, in order. Raises ``SinkDown``."""
        asks = [self._ask_for(desired, now) for desired in batch if self.serves(desired.person)]
        answers = await self._ask(asks)
        self._stop_if_denied(answers)
        left = iter(answers)
        results = tuple(
            self._result(desired, next(left), now) if self.serves(desired.person) else _unknown(desired.person)
            for desired in batch
        )
        if not self._settings.status_messages:
            return results
        done = [one for one, result in zip(batch, results, strict=True) if isinstance(result, Published)]
        own = await self._say(done, now)
        return tuple(
            _with_note(result, own.get(one.person.user, "")) for one, result in zip(batch, results, strict=True)
        )

    async def close(self) -> None:
        """Nothing is held open; the sessions end by themselves."""

    async def read(self, people: Sequence[Person]) -> tuple[presences.SeenPresence | None, ...]:
        """What Graph shows of each now, None of whom it does not know. Raises ``SinkDown``.

        People known by their user principal name are read one by one the first time, which tells their object ids.
        """
        found: dict[str, presences.SeenPresence] = {}
        strange = [one.user for one in people if one.user and not self._id_of(one.user)]
        for user, seen in (await self._read_alone(strange)).items():
            self._ids[user] = seen.object_id.lower()
            found[seen.object_id.lower()] = seen
        ids = [one for one in dict.fromkeys(self._id_of(person.user) for person in people) if one and one not in found]
        for start in range(0, len(ids), presences.MAX_IDS):
            some = ids[start : start + presences.MAX_IDS]
            answer = (await self._ask((presences.ask_many(self._settings.graph_host, some),)))[0]
            found |= {seen.object_id.lower(): seen for seen in self._read_many(answer)}
        return tuple(found.get(self._id_of(person.user)) for person in people)

    def row(self, desired: Desired, now: datetime) -> Row | None:
        """The row of the rules for ``desired``; None where the session is to end, as what has passed by ``now`` is."""
        over = desired.expires_at <= now or (desired.until is not None and desired.until <= now)
        return None if desired.state is None or over else self.rules[desired.state]

    def lasts(self, desired: Desired, now: datetime) -> timedelta:
        """How long the session is to last."""
        ends = [desired.expires_at - now, self.limits.longest]
        if desired.until is not None:
            ends.append(desired.until - now)
        return max(min(ends), SHORTEST)

    def _ask_for(self, desired: Desired, now: datetime) -> HttpAsk:
        row, host, user = self.row(desired, now), self._settings.graph_host, desired.person.user
        if row is None or row.pair is None:
            return set_presence.ask_clear(host, user, self._settings.application)
        availability, activity = row.pair
        wanted = SetPresence(
            session_id=self._settings.application,
            availability=availability,
            activity=activity,
            lasts=self.lasts(desired, now),
        )
        return set_presence.ask_set(host, user, wanted)

    def _stop_if_denied(self, answers: Sequence[HttpAnswer]) -> None:
        """Raise ``SinkDown`` where Graph refuses the application, and not merely one person of all."""
        refusals = [refusal for answer in answers if (refusal := denied(answer, "the presence"))]
        one_person = self._permitted and [one.status for one in answers] == [403]
        if refusals and len(refusals) == len(answers) and not one_person:
            raise refusals[0]
        self._permitted = self._permitted or len(refusals) < len(answers)

    def _result(self, desired: Desired, answer: HttpAnswer, now: datetime) -> Result:
        row, user = self.row(desired, now), desired.person.user
        clearing = row is None or row.pair is None
        if answer.failure is None and (200 <= answer.status < 300 or (clearing and answer.status == 404)):
            return Published(shown=row.shown if row else "")
        if answer.failure is None and answer.status == 404:
            return _unknown(desired.person)
        return not_done(answer, f"the presence of {user}")

    async def _ask(self, asks: Sequence[HttpAsk]) -> tuple[HttpAnswer, ...]:
        return await ask_all(self._answerer, self._settings.graph_host, asks)

    # Reading back

    def _id_of(self, user: str) -> str:
        """The object id of ``user`` in lower case, "" where it is not known."""
        return user.lower() if _GUID.fullmatch(user) else self._ids.get(user, "")

    async def _read_alone(self, users: Sequence[str]) -> dict[str, presences.SeenPresence]:
        """The presences of users by whatever name; who cannot be read is left out."""
        answers = await self._ask([presence_wire.ask_one(self._settings.graph_host, user) for user in users])
        read = ((user, presences.read_seen(answer, user)) for user, answer in zip(users, answers, strict=True))
        return {user: seen for user, seen in read if isinstance(seen, presences.SeenPresence) and seen.object_id}

    def _read_many(self, answer: HttpAnswer) -> tuple[presences.SeenPresence, ...]:
        refused = denied(answer, "presences")
        read = presences.read_many(answer)
        if isinstance(read, Failure):
            raise refused or SinkDown(read.says, read.next_step)
        return read

    # Status messages

    async def _say(self, done: Sequence[Desired], now: datetime) -> dict[str, str]:
        """Write the status messages of ``done``; a note for each user whose message is their own.

        What fails here is tried again when the person is next published; it takes nothing from what was shown.
        """
        seen = await self._read_alone([one.person.user for one in done])
        asks: dict[str, HttpAsk] = {}
        notes: dict[str, str] = {}
        for desired in done:
            user = desired.person.user
            if user not in seen:
                continue
            there, wanted = seen[user].message.content, self._message(desired, now)
            if there and not there.startswith(self._settings.prefix):
                notes[user] = "the person's own status message" if wanted.content else ""
            elif there or wanted.content:
                asks[user] = status_message.ask_message(self._settings.graph_host, user, wanted)
        answers = await self._ask(tuple(asks.values()))
        refused = {user: one for user, one in zip(asks, answers, strict=True) if not 200 <= one.status < 300}
        return notes | {user: f"no status message (HTTP {one.status})" for user, one in refused.items()}

    def _message(self, desired: Desired, now: datetime) -> StatusMessage:
        if self.row(desired, now) is None or desired.state in _WORDLESS or not desired.text:
            return StatusMessage(content="")
        content = (self._settings.prefix + desired.text)[:MESSAGE_LENGTH]
        return StatusMessage(content=content, expires_at=now + self.lasts(desired, now))


def limits_of(settings: TeamsSettings) -> Limits:
    """Graph's limits in batches. A status message is read and written beside the presence: three requests in all.

    A state is silent where neither a session nor a message is left of it that could expire.
    """
    cost = batch.MAX_REQUESTS * (3 if settings.status_messages else 1)
    unset = {row.state for row in _rules(settings).values() if row.pair is None}
    return Limits(
        batch=batch.MAX_REQUESTS,
        requests=REQUESTS // cost,
        per=PER,
        shortest=SHORTEST,
        longest=min(settings.lease, LONGEST),
        silent=frozenset(unset & _WORDLESS if settings.status_messages else unset),
    )


def _rules(settings: TeamsSettings) -> Mapping[PresenceState, Row]:
    return PRESENTING_RULES if settings.presenting else TEAMS_RULES


def _unknown(person: Person) -> Refused:
    return Refused(
        f"Teams knows no user {person.user or person.address}.",
        "Check the person's user principal name or object id, and that they have a licence with Teams.",
    )


def _with_note(result: Result, note: str) -> Result:
    if not note or not isinstance(result, Published):
        return result
    return Published(shown=f"{result.shown}; {note}" if result.shown else note)

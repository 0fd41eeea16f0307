"""Presence in Cisco Unified CM IM and Presence, by its Presence Web Service (REST). Experimental.

The gateway signs in as an application user (CUCM access group ``Admin-3rd Party API``), signs in each person without a
password of theirs, and speaks as one more device of the person (``device``), which expires. That is how Cisco's own
sample of a meeting service does it; what the person chose is not set aside (``Presence-Override: false``).

What no public source tells, and what no one has tried against a real server, is listed in ``UNVERIFIED``; ``open``
refuses to start without ``experimental`` in the configuration, and names it.

The user of the server is the part of the person's ``jid`` before the ``@`` (CUCM names users as the directory does).
A person on another node is followed there when it is one of ``hosts``, and nowhere else. ``fence`` is not used: the
server cannot refuse what an older lease decided.

Sources: see ``wire.cisco_presence``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Refused, Result, SinkDown
from hybridge.presence.states import PresenceState
from hybridge.wire import cisco_presence as wire
from hybridge.wire.ask import Answerer, Failure, HttpAnswer, HttpAsk

UNVERIFIED = (
    "with which statuses the server refuses a password, a session key that ran out and a user it does not have",
    "how long a session of an end user lasts, and how many one application user may hold",
    "the shortest and the longest Presence-Expiry it takes",
    "how a device of ours is combined with Jabber and the telephone in every case",
    "how many requests it takes in a second",
)
"""What could not be seen: every one is met by a cautious guess."""

AT_ONCE = 8
WITHDRAWN_FOR = 60
"""Seconds for which a withdrawn device still says Available: the samples show no other way to take it back."""


class Look(NamedTuple):
    """What a device says, and what people see where that is less than the state."""

    activities: tuple[str, ...]
    shown: str = ""


_S = PresenceState
CISCO_LOOKS: Mapping[PresenceState, Look] = MappingProxyType(
    {
        _S.BUSY: Look(("busy",)),
        _S.IN_A_MEETING: Look(("busy", "meeting")),
        _S.PRESENTING: Look(("busy", "meeting"), "In a meeting"),
        _S.IN_A_CALL: Look(("busy",), "Busy"),
        _S.FOCUSING: Look(("busy",), "Busy"),
        _S.DO_NOT_DISTURB: Look(("busy",), "Busy"),
        _S.AWAY: Look(("away",)),
        _S.OUT_OF_OFFICE: Look(("away",), "Away"),
    }
)
"""States that are shown; all others withdraw what was shown."""


class CiscoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the sink is configured. ``hosts`` are the nodes (``host`` or ``host:port``), the first is asked first.

    ``domain`` is the presence domain of the people; ``lease`` how long a state outlives the gateway at most.
    """

    hosts: tuple[str, ...]
    application_user: str
    domain: str
    name: str = "cisco"
    device: str = "hybridge-calendar"
    lease: timedelta = timedelta(minutes=15)
    experimental: bool = False


class _Session(NamedTuple):
    place: str
    key: str


class CiscoSink:
    """The sink. ``password`` gives the application user's; it goes to ``hosts`` only, over https."""

    def __init__(self, settings: CiscoSettings, answerer: Answerer, password: Callable[[], str]) -> None:
        self.name = settings.name
        silent = frozenset(PresenceState) - frozenset(CISCO_LOOKS)
        self.limits = Limits(batch=20, requests=5, shortest=timedelta(minutes=1), longest=settings.lease, silent=silent)
        self._settings = settings
        self._answerer = answerer
        self._password = password
        self._places = tuple(_place(host) for host in settings.hosts)
        self._application: dict[str, str] = {}
        self._sessions: dict[str, _Session] = {}
        self._signing_in = asyncio.Lock()
        self._refused: SinkDown | None = None

    async def open(self) -> None:
        """Sign in the application user. Raises ``SinkDown``, also where nobody said that the sink may be tried.

        Nobody has seen this sink work with a real server; see ``UNVERIFIED``.
        """
        if not self._settings.experimental:
            raise SinkDown(
                f"The Cisco sink is experimental; it was never tried against a real server: {'; '.join(UNVERIFIED)}.",
                "Set experimental = true for this sink to try it.",
                credential=True,
            )
        if not self._places:
            raise SinkDown("The Cisco sink names no node.", "Set hosts for this sink.", credential=True)
        await self._application_key(self._places[0])

    def serves(self, person: Person) -> bool:
        """Whether the person's XMPP address is in the presence domain."""
        name, _, domain = person.jid.partition("@")
        return bool(name) and domain.lower() == self._settings.domain.lower()

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """Let the device of each say this; one result for each, in order. Raises ``SinkDown``."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(desired: Desired) -> Result:
            async with room:
                return await self._publish(desired, now)

        results = await asyncio.gather(*map(one, batch), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return tuple(result for result in results if not isinstance(result, BaseException))

    async def close(self) -> None:
        """Sign out the application user. What devices say ends by itself."""
        for place, key in tuple(self._application.items()):
            await self._answerer.http(wire.ask_sign_out(place, key, self._settings.application_user))
        self._application.clear()
        self._sessions.clear()

    async def _publish(self, desired: Desired, now: datetime) -> Result:
        if not self.serves(desired.person):
            return Refused(f"{desired.person.address} has no address in {self._settings.domain}.", "Set their jid.")
        user = desired.person.jid.partition("@")[0]
        answer = await self._tell(user, desired, now)
        if isinstance(answer, HttpAnswer) and answer.status in (401, 403):
            self._sessions.pop(user, None)  # it may have run out
            answer = await self._tell(user, desired, now)
        return self._result(answer, desired, now) if isinstance(answer, HttpAnswer) else answer

    async def _tell(self, user: str, desired: Desired, now: datetime) -> HttpAnswer | Result:
        """What the server answers to the device's state, or why it could not be told."""
        session = self._sessions.get(user) or await self._sign_in(user)
        if not isinstance(session, _Session):
            return session
        return await self._answerer.http(self._set(session, user, desired, now))

    def _set(self, session: _Session, user: str, desired: Desired, now: datetime) -> HttpAsk:
        look = _look(desired, now)
        presence = wire.RichPresence(
            entity=f"{user}@{self._settings.domain}",
            user=user,
            device=self._settings.device,
            activities=look.activities if look else ("available",),
        )
        seconds = int(self._lasts(desired, now).total_seconds()) if look else WITHDRAWN_FOR
        return wire.ask_set(session.place, session.key, presence, seconds)

    def _lasts(self, desired: Desired, now: datetime) -> timedelta:
        ends = [desired.expires_at - now, self._settings.lease]
        if desired.until is not None:
            ends.append(desired.until - now)
        return max(min(ends), self.limits.shortest)

    def _result(self, answer: HttpAnswer, desired: Desired, now: datetime) -> Result:
        if answer.failure is not None:
            raise SinkDown(answer.failure.says, answer.failure.next_step)
        if 200 <= answer.status < 300:
            look = _look(desired, now)
            return Published(shown=look.shown if look else "")
        return _not_done(answer, desired.person.jid)

    # Sessions

    async def _sign_in(self, user: str) -> _Session | Result:
        """A session of ``user``, on the node where they live."""
        place = self._places[0]
        for _ in range(len(self._places)):
            read = await self._user_key(place, user)
            if isinstance(read, str):
                self._sessions[user] = _Session(place, read)
                return self._sessions[user]
            if not isinstance(read, wire.Redirected):
                return read
            if read.place not in self._places:
                return Refused(f"{user} lives on {read.place}.", f"Add {read.place} to the hosts of this sink.")
            place = read.place
        return Later(f"The nodes send {user} from one to another.")

    async def _user_key(self, place: str, user: str) -> str | wire.Redirected | Result:
        """The key of ``user`` at ``place``; the application signs in anew once, where its own key may have run out."""
        answer = HttpAnswer()
        for again in (False, True):
            key = await self._application_key(place)
            answer = await self._answerer.http(wire.ask_for_user(place, key, user))
            if answer.failure is not None:
                raise SinkDown(answer.failure.says, answer.failure.next_step)
            if answer.status not in (401, 403) or again:
                break
            if self._application.get(place) == key:
                del self._application[place]
        read = wire.read_session(answer)
        if isinstance(read, Failure):
            return _not_done(answer, f"{user}@{self._settings.domain}")
        return read

    async def _application_key(self, place: str) -> str:
        """The application user's session key at ``place``. A refused password is tried once. Raises ``SinkDown``."""
        async with self._signing_in:
            if self._refused is not None:
                raise self._refused
            if place not in self._application:
                ask = wire.ask_sign_in(place, self._settings.application_user, self._password())
                answer = await self._answerer.http(ask)
                self._application[place] = self._key_of(wire.read_session(answer), answer, place)
            return self._application[place]

    def _key_of(self, read: str | wire.Redirected | Failure, answer: HttpAnswer, place: str) -> str:
        if isinstance(read, str):
            return read
        says = read.says if isinstance(read, Failure) else f"It redirects the application user to {read.place}."
        # Which status a wrong password has is not published: every refusal by the server counts as one.
        credential = answer.failure is None and answer.status < 500
        down = SinkDown(
            f"{place} did not sign in {self._settings.application_user}. {says}",
            "Check the application user's password, and that it is in the access group Admin-3rd Party API."
            if credential
            else "Check that the Presence Web Service is up and that its port is open.",
            credential=credential,
        )
        self._refused = down if credential else None
        raise down


def _place(host: str) -> str:
    name, _, port = host.partition(":")
    return f"{name.lower()}:{port or wire.PORT}"


def _look(desired: Desired, now: datetime) -> Look | None:
    """What the device is to say at ``now``; None takes it back."""
    over = desired.expires_at <= now or (desired.until is not None and desired.until <= now)
    return None if desired.state is None or over else CISCO_LOOKS.get(desired.state)


def _not_done(answer: HttpAnswer, user: str) -> Later | Refused:
    says = f"The Presence Web Service did not take {user} (HTTP {answer.status})."
    if answer.status >= 500 or answer.status == 429:
        return Later(says)
    return Refused(says, "Check that the user exists on the IM and Presence server under that name and is enabled.")

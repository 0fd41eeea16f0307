"""Presence for accounts of an XMPP server, through hybridge's own module on it.

A state becomes what contacts see of one more client of the person (resource ``calendar``, priority -1): a ``show``
(RFC 6121), a text and an activity (XEP-0108). Free, tentative and working elsewhere show nothing of ours, so that the
person's own clients speak for themselves; what is unknown shows nothing either. The module lives in
``presence/prosody``; its wire format is described there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Literal, NamedTuple, Protocol

from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Refused, Result, SinkDown
from hybridge.presence.states import PresenceState
from hybridge.wire.ask import Failure, FailureReason

NAMESPACE = "urn:hybridge:presence:1"
BATCH = 50
TTL = timedelta(minutes=15)
"""How long a state is shown without being told again: no more than ``hybridge_presence_ttl`` of the module."""


class Look(NamedTuple):
    """What contacts see. ``activity`` is ``general/specific`` of XEP-0108, "" for none."""

    show: str
    activity: str


LOOKS: Mapping[PresenceState, Look] = {
    PresenceState.BUSY: Look("dnd", "working/other"),
    PresenceState.IN_A_MEETING: Look("dnd", "working/in_a_meeting"),
    PresenceState.FOCUSING: Look("dnd", "working/other"),
    PresenceState.PRESENTING: Look("dnd", "working/other"),
    PresenceState.IN_A_CALL: Look("dnd", "talking/on_the_phone"),
    PresenceState.DO_NOT_DISTURB: Look("dnd", "working/other"),
    PresenceState.OUT_OF_OFFICE: Look("xa", "inactive/day_off"),
    PresenceState.AWAY: Look("away", "inactive/other"),
}
"""What every state that is shown looks like; the others show nothing."""
SILENT = frozenset(PresenceState) - frozenset(LOOKS)

_ILLEGAL = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_REFUSED = {
    "stranger": ("there is no such account", "Create the account, or correct the person's jid."),
    "elsewhere": ("the server does not serve that domain", "Correct the person's jid."),
    "older": ("a gateway that took over has spoken for this person", ""),
    "malformed": ("the server could not read the state", "Report this as a defect of hybridge."),
}


class Answered(Protocol):
    """What the module answered: its own attributes, and those of each person."""

    @property
    def payload(self) -> Mapping[str, str]: ...

    @property
    def children(self) -> tuple[Mapping[str, str], ...]: ...


class Component(Protocol):
    """A component connection to one XMPP host (``net.xmpp.XmppComponent``)."""

    @property
    def host(self) -> str: ...

    async def connect(self) -> Failure | None: ...

    async def ask(self, payload: str) -> Answered | Failure: ...

    def when_lost(self, tell: Callable[[Failure], None]) -> None: ...

    async def close(self) -> None: ...


class XmppSink:
    """Publishes for the accounts of ``component.host``. ``meeting_show`` is what a meeting looks like."""

    def __init__(
        self,
        name: str,
        component: Component,
        *,
        meeting_show: Literal["dnd", "away"] = "dnd",
        ttl: timedelta = TTL,
        batch: int = BATCH,
    ) -> None:
        self.name = name
        self.limits = Limits(
            batch=batch,
            requests=1000,
            shortest=min(timedelta(seconds=30), ttl),
            longest=ttl,
            silent=SILENT,
            forgets=True,
        )
        self._component = component
        self._looks = dict(LOOKS)
        self._looks[PresenceState.IN_A_MEETING] = Look(meeting_show, "working/in_a_meeting")
        self._looks[PresenceState.BUSY] = Look(meeting_show, "working/other")
        self._start = ""
        self._down: Callable[[SinkDown], None] = lambda _error: None
        component.when_lost(lambda failure: self._down(_down(failure)))

    def when_down(self, tell: Callable[[SinkDown], None]) -> None:
        """Call ``tell`` when the connection is lost."""
        self._down = tell

    def serves(self, person: Person) -> bool:
        """Whether the person has an account on this host."""
        return person.jid.rpartition("@")[2].lower() == self._component.host.lower()

    async def open(self) -> None:
        """Connect, and see that the module is there and shows a state as long as it is told to."""
        failure = await self._component.connect()
        if failure is not None:
            raise _down(failure)
        try:
            await self._look_at_the_module()
        except SinkDown:
            await self._component.close()
            raise

    async def _look_at_the_module(self) -> None:
        answer = await self._ask(f"<publish xmlns='{NAMESPACE}'/>")
        self._start = answer.payload.get("start", "")
        longest, wanted = float(answer.payload.get("ttl", "0")), self.limits.longest.total_seconds()
        if longest < wanted:
            raise SinkDown(
                f"{self._component.host} drops a state after {longest:g} s already.",
                f"Set hybridge_presence_ttl = {wanted:g} there, or a shorter ttl for this sink.",
            )

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """Show these: one stanza."""
        people = "".join([self._person(desired, now) for desired in batch])
        answer = await self._ask(f"<publish xmlns='{NAMESPACE}'>{people}</publish>")
        start = answer.payload.get("start", "")
        if start != self._start:
            self._start = start
            self._down(SinkDown(f"{self._component.host} was restarted; everybody is published again."))
        results = [child.get("result", "") for child in answer.children]
        results += ["missing"] * (len(batch) - len(results))
        return tuple(self._result(desired, word) for desired, word in zip(batch, results, strict=False))

    async def close(self) -> None:
        """Disconnect; what is shown lives on until its time is over."""
        await self._component.close()

    async def _ask(self, payload: str) -> Answered:
        answer = await self._component.ask(payload)
        if isinstance(answer, Failure):
            if answer.reason is FailureReason.UNREACHABLE:
                await self._component.close()
            raise _down(answer)
        return answer

    def _person(self, desired: Desired, now: datetime) -> str:
        jid = escape(_plain(desired.person.jid))
        look = self._looks.get(desired.state) if desired.state is not None else None
        if look is None:
            return f"<person jid='{jid}' fence='{desired.fence}'/>"
        ttl = max(1, round((desired.expires_at - now).total_seconds()))
        return (
            f"<person jid='{jid}' fence='{desired.fence}' ttl='{ttl}' show='{look.show}' activity='{look.activity}'>"
            f"{escape(_plain(desired.text), quote=False)}</person>"
        )

    def _result(self, desired: Desired, word: str) -> Result:
        if word == "done":
            return Published()
        reason = _REFUSED.get(word)
        if reason is None:
            return Later(f"{self._component.host} could not show the state of {desired.person.jid} ({word}).")
        return Refused(f"{desired.person.jid} is not published: {reason[0]}.", reason[1])


def _plain(text: str) -> str:
    """Text as XML 1.0 may carry it."""
    return _ILLEGAL.sub(" ", text)


def _down(failure: Failure) -> SinkDown:
    return SinkDown(failure.says, failure.next_step, credential=failure.reason is FailureReason.SIGN_IN)

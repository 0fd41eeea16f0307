"""What every sink is to the gateway.

Sinks are level-triggered: they are told what is to be shown, again before it expires, and never what has changed. What
a sink shows expires by itself (``expires_at``) where the system behind it can do that, and is bounded by the sink
where it cannot, so that a dead gateway leaves nothing stale. Queueing, rates, retries and the breaker are
``presence.outbox``'s; a sink publishes one batch when it is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import msgspec

from hybridge.presence.people import Person
from hybridge.presence.states import PresenceState


class Desired(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one person is to show. ``state`` None withdraws what the gateway published.

    ``until`` is when the state ends by what is known now (None: unknown); ``expires_at`` when the sink is to drop it
    unless it is told again. ``text`` is for people (``In a meeting until 15:00``), without subjects. ``fence`` is the
    revision of the lease under which it was decided: a sink that can, refuses what is older.
    """

    person: Person
    state: PresenceState | None
    until: datetime | None
    expires_at: datetime
    text: str = ""
    fence: int = 0


class Published(msgspec.Struct, frozen=True, tag=True):
    """Done. ``shown`` is what the system really shows where that is less than was asked ("" where it is the same)."""

    shown: str = ""


class Later(msgspec.Struct, frozen=True, tag=True):
    """Not now: try again after ``wait`` (the system's own word where it gave one)."""

    says: str
    wait: timedelta | None = None


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Not at all: the same request would be refused again. ``next_step`` says what a person must do."""

    says: str
    next_step: str = ""


Result = Published | Later | Refused


class SinkDown(Exception):
    """The whole sink is out of reach or refuses the gateway: one sentence and the next step.

    ``credential`` tells that it refused who we are: it is not tried again until the configuration changes.
    """

    def __init__(self, says: str, next_step: str = "", *, credential: bool = False) -> None:
        super().__init__(says)
        self.says = says
        self.next_step = next_step
        self.credential = credential


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink can take: ``batch`` people at once, ``requests`` in any ``per``; a request carries one batch.

    ``longest`` bounds how far in the future ``expires_at`` may lie, ``shortest`` how near.
    """

    batch: int = 1
    requests: int = 1000
    per: timedelta = timedelta(seconds=1)
    shortest: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=4)
    silent: frozenset[PresenceState] = frozenset()
    """States for which it shows nothing at all: there is nothing to expire, so they are never refreshed."""
    forgets: bool = False
    """Whether what it shows may be lost with the connection: after ``SinkDown`` everything is published again."""


class Sink(Protocol):
    """A sink. ``name`` is that of its configuration."""

    name: str
    limits: Limits

    async def open(self) -> None:
        """Connect. Raises ``SinkDown``."""

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """Show these; one result for each, in order. Raises ``SinkDown``."""

    def serves(self, person: Person) -> bool:
        """Whether this sink knows the person."""

    async def close(self) -> None:
        """Disconnect; nothing is withdrawn by that. Never raises."""


@runtime_checkable
class TellsWhenDown(Protocol):
    """A sink that notices by itself that its connection is lost, before the next ``publish`` does."""

    def when_down(self, tell: Callable[[SinkDown], None]) -> None:
        """Call ``tell`` (which never waits, never raises) when that happens."""

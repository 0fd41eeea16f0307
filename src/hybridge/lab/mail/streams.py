"""The long answer of GetStreamingEvents: what is written into it, and when.

A stream is a function of the lab's time and of what happened; it holds no socket and waits for nothing. Whoever writes
the answer asks it for what is due (``take``), is woken through ``opened`` when something happens, and looks again at
``next_at``. The first envelope says OK; a heartbeat follows whenever 45 seconds passed without an envelope; the last
says Closed when the time asked for is over, or names the subscriptions that died. When the server goes down the
connection ends in the middle.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hybridge.lab.mail.budgets import LATE_SECONDS
from hybridge.lab.mail.subscriptions import INVALID, SAYS, Subscription, Subscriptions
from hybridge.wire.ews.envelope import ServerVersion
from hybridge.wire.ews.get_streaming_events import CLOSED, HEARTBEAT_SECONDS, OK, Response, write_envelope

HEARTBEAT = timedelta(seconds=HEARTBEAT_SECONDS)
LATE = timedelta(seconds=LATE_SECONDS)
_NEVER = timedelta(days=3650)


class EventStream:
    """One connection to ``server`` (its name) that tells of ``read``; ``charged`` is the mailbox that pays for it."""

    def __init__(
        self,
        known: Subscriptions,
        read: tuple[Subscription, ...],
        *,
        server: str,
        minutes: int,
        charged: str,
        version: ServerVersion,
    ) -> None:
        self.server = server
        self.ended = False
        self.torn = False
        self._known = known
        self._read = read
        self.charged = charged
        self._version = version
        self._started = False
        self._closed = False
        self._written_at = known.estate.now()
        self._closes_at = self._written_at + timedelta(minutes=minutes)
        self._wake: Callable[[], None] = _nothing

    def opened(self, wake: Callable[[], None]) -> None:
        """From now on call ``wake`` when there may be something to write."""
        self._wake = wake
        self._known.streams.append(self)
        for one in self._read:
            one.wake = wake
        self._unwatch = self._known.estate.watch_clock(wake)

    def closed(self) -> None:
        """Nobody reads any more: the connection counts no longer; the subscriptions live on."""
        if self._wake is _nothing or self._closed:
            return
        self._closed = True
        self._known.streams.remove(self)
        self._unwatch()
        for one in self._read:
            if one.wake is self._wake:
                one.wake = None

    def tear(self) -> None:
        """End in the middle, as when the server goes down."""
        self.torn = self.ended = True
        self._wake()

    def wake(self) -> None:
        """Let the writer look what is due."""
        self._wake()

    @property
    def next_at(self) -> datetime:
        """When (the lab's time) something is due if nothing happens before."""
        if "silent" in self._known.budgets:
            return self._written_at + _NEVER
        due = [self._written_at + HEARTBEAT, self._closes_at]
        if "late" in self._known.budgets:
            due += [one.pending[0].change.at + LATE for one in self._read if one.pending]
        return min(due)

    def take(self) -> tuple[bytes, ...]:
        """The envelopes to write now."""
        if self.ended or "silent" in self._known.budgets:
            return ()
        now = self._known.estate.now()
        due = [] if self._started else [Response(connection_status=OK)]
        self._started = True
        gone = tuple(one.identity for one in self._read if one.wake is self._wake and not self._known.alive(one))
        if gone:
            due.append(bad_ids(INVALID, gone))
        else:
            due += self._told(now)
            if now >= self._closes_at:
                due.append(Response(connection_status=CLOSED))
            elif not due and now >= self._written_at + HEARTBEAT:
                due.append(Response(connection_status=OK))
        if due:
            self._written_at = now
            self.ended = due[-1].closed
        return tuple(write_envelope(one, self._version) for one in due)

    def _told(self, now: datetime) -> list[Response]:
        until = now - LATE if "late" in self._known.budgets else None
        told = tuple(
            said for one in self._read if one.wake is self._wake and (said := self._known.taken(one, until)) is not None
        )
        times = 2 if "duplicates" in self._known.budgets else 1
        return [Response(notifications=told, connection_status=OK)] * times if told else []


def bad_ids(code: str, identities: tuple[str, ...]) -> Response:
    """The envelope that names subscriptions which are not good, and closes."""
    return Response(code, SAYS.get(code, ""), error_subscription_ids=identities, connection_status=CLOSED)


def _nothing() -> None:
    """Nobody is to be woken yet."""

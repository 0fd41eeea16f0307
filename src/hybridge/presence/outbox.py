"""What is to be shown, what is shown, and what is sent next: the queue before one sink.

One entry a person holds the newest desired state and what the sink shows by our own doing; what to send follows from
the difference, never from a log of changes, so that nothing is sent twice and nothing old is sent at all. Everything
here is a function of what was told, the instant it is told at, and ``random``: no clock, no task, no connection
(``presence.delivery`` has those).

What goes first: a state that is not the one shown, be it the begin or the end of a meeting, first come, first served;
then what only has to be told again before it expires; last what is withdrawn without anybody being shown as occupied.

How long a state may be shown is the wish of whoever decided it (``Desired.expires_at`` at the instant it was
decided), bounded by the sink's ``Limits`` and by the state's own end: a state with an end outlives it by
``Limits.shortest`` at most, if the gateway dies. It is told again somewhere in the middle of its life, for each person
at another instant, so that a thousand people who were published together are not refreshed together. A state whose
end has passed is never sent: it is for the machine to decide what follows it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from itertools import zip_longest

from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Refused, Result, SinkDown
from hybridge.presence.sinks.pace import Bucket, Pace
from hybridge.presence.sinks.standing import Figures, Standing, Trouble
from hybridge.presence.states import PresenceState

__all__ = ["Figures", "Outbox", "Pace", "Standing", "Trouble"]

CHANGE, REFRESH, WITHDRAW, IDLE, SENT, HELD, REFUSED = range(7)
"""Where an entry stands: in one of the three queues, first one first, or in none of them."""
QUEUES = (CHANGE, REFRESH, WITHDRAW)
NEVER = float("inf")
"""Instants are seconds since 1970, rounded to what a datetime can hold: who waits until one must not be too early."""
SET_BACK = 5.0
"""Seconds the clock may go back, as clocks that are kept right do, before that is taken for a new time."""
LITTER = 10_000
"""Alarms beyond twice the people there are, before those that nobody waits for any more are swept out."""

OCCUPIED = frozenset(
    {
        PresenceState.BUSY,
        PresenceState.IN_A_MEETING,
        PresenceState.FOCUSING,
        PresenceState.PRESENTING,
        PresenceState.IN_A_CALL,
        PresenceState.DO_NOT_DISTURB,
    }
)
"""States in which others leave a person alone: to withdraw one is as urgent as to publish one."""


class _Entry:
    """One person. ``wake`` is when to look again, ``life`` seconds a state may be shown."""

    __slots__ = ("attempts", "desired", "expires", "life", "place", "shown", "since", "verdict", "wake")

    def __init__(self) -> None:
        self.desired: Desired | None = None
        self.shown: Desired | None = None
        self.expires = NEVER
        self.life = 0.0
        self.place = IDLE
        self.since = 0.0
        self.wake = NEVER
        self.attempts = 0
        self.verdict: Later | Refused | None = None


class Outbox:
    """The queue before one sink of the given ``limits``. ``random`` gives numbers from 0 up to 1."""

    def __init__(self, limits: Limits, random: Callable[[], float], pace: Pace | None = None) -> None:
        self.limits = limits
        self.draining = False
        self.trouble: Trouble | None = None
        self._random = random
        self._pace = pace or Pace()
        self._entries: dict[str, _Entry] = {}
        self._queues: tuple[deque[_Entry], ...] = tuple(deque() for _ in QUEUES)
        self._alarms: list[tuple[float, str]] = []
        self._bucket = Bucket(limits)
        self._shortest = limits.shortest.total_seconds()
        self._longest = limits.longest.total_seconds()
        self._silent = limits.silent
        self._pause_until = 0.0
        self._throttled_until = 0.0
        self._failures = 0
        self._seen = 0.0
        self._sent = 0
        self._pending = 0
        self._count = dict.fromkeys(("published", "refreshed", "retried", "refused", "overtaken", "late"), 0)

    # what is to be shown

    def want(self, desired: Desired, now: datetime) -> bool:
        """Take what a person is to show. False when it was decided under an older lease than what is known."""
        address = desired.person.address
        entry = self._entries.get(address)
        if entry is None:
            entry = self._entries[address] = _Entry()
        old = entry.desired
        if desired.fence < max(old.fence if old else 0, entry.shown.fence if entry.shown else 0):
            self._count["overtaken"] += 1
            return False
        instant = now.timestamp()
        entry.desired = desired
        entry.life = min(max(desired.expires_at.timestamp() - instant, self._shortest), self._longest)
        if entry.place in (SENT, HELD):
            return True
        if entry.place in (IDLE, REFUSED) and old is not None and _alike(old, desired):
            return True
        if entry.place == REFUSED:
            entry.attempts = 0
        self._consider(entry, now, instant)
        return True

    def forget(self, address: str) -> None:
        """Nothing more is sent for this person; what is shown expires by itself. Withdraw first if it must not."""
        entry = self._entries.pop(address, None)
        if entry is not None:
            self._move(entry, IDLE)

    def restored(self, published: Iterable[Desired], now: datetime) -> None:
        """What an earlier gateway published, as ``told`` gave it: only what differs from it goes out."""
        for shown in published:
            entry = self._entries.setdefault(shown.person.address, _Entry())
            entry.shown, entry.expires = shown, self._expiry(shown)
            if entry.desired is None:
                entry.life = self._longest
            if entry.desired is not None and entry.place not in (SENT, HELD, REFUSED):
                self._consider(entry, now, now.timestamp())

    def configured(self) -> None:
        """The configuration changed: what was refused is tried once more, a refused credential too."""
        self.trouble, self._pause_until, self._failures = None, 0.0, 0
        for address, entry in self._entries.items():
            if entry.place == REFUSED:
                self._alarm(entry, address, 0.0)

    # what is sent

    def take(self, now: datetime) -> tuple[Desired, ...]:
        """The next batch, () if there is none or none may be sent now. Each must come back by ``told`` or ``down``."""
        instant = now.timestamp()
        if instant < self._seen - SET_BACK:
            self._set_back(now, instant)
        self._seen = instant
        self._ring(now, instant)
        if not self._pending or not self._may_send(instant) or self._bucket.free_at(instant) > instant:
            return ()
        batch = tuple(self._next_ones(now, instant))
        if batch:
            self._bucket.spend(instant)
            self._sent += 1
        return batch

    def told(self, batch: Sequence[Desired], results: Sequence[Result], now: datetime) -> tuple[Desired, ...]:
        """What became of a batch. Returns what is shown now that was not before (for ``restored``, one day).

        A desired with ``state`` None among them shows nothing any more. If the sink told everybody of the batch to
        come later, and when, nobody is sent until then.
        """
        instant = now.timestamp()
        self._sent -= 1
        self.trouble, self._pause_until, self._failures = None, 0.0, 0
        waits = [r.wait.total_seconds() for r in results if isinstance(r, Later) and r.wait is not None]
        if waits and len(waits) == len(batch):
            self._throttled_until = max(self._throttled_until, round(instant + min(waits), 6))
        shown = []
        for desired, result in zip_longest(batch, results[: len(batch)]):
            entry = self._entries.get(desired.person.address)
            if entry is None or entry.place != SENT:
                continue
            entry.place = IDLE
            if isinstance(result, Published):
                self._done(entry, desired, now, instant)
                shown.append(desired)
            else:
                self._not_done(entry, desired, result or Later("The sink did not say what became of it."), now)
        return tuple(shown)

    def down(self, batch: Sequence[Desired], error: SinkDown, now: datetime) -> None:
        """The whole sink failed: ``batch`` waits again, and one attempt is made after a pause.

        A refused credential is not tried again until ``configured``.
        """
        instant = now.timestamp()
        if batch:
            self._sent -= 1
        pace = self._pace
        if instant >= self._pause_until:
            pause = min(pace.pause * 2.0 ** min(self._failures, 16), pace.longest_pause) * self._jitter()
            self._failures += 1
            self._pause_until = round(instant + pause, 6)
        if error.credential or (self.trouble is not None and self.trouble.credential):
            self._pause_until = NEVER
        self.trouble = Trouble(
            says=error.says,
            next_step=error.next_step,
            credential=self._pause_until == NEVER,
            since_at=self.trouble.since_at if self.trouble else now,
            again_at=_moment(self._pause_until),
        )
        for desired in reversed(batch):
            entry = self._entries.get(desired.person.address)
            if entry is not None and entry.place == SENT:
                entry.place = IDLE
                self._consider(entry, now, instant, front=True)
        if self.limits.forgets:
            self._forget_shown(now, instant)

    def opened(self) -> None:
        """The sink could be opened; that ends a trouble only when there is nothing to publish that would show it."""
        if not self._pending:
            self.trouble = None

    def may_try(self, now: datetime) -> bool:
        """Whether the sink may be asked anything now, to open it for example."""
        return self._may_send(now.timestamp())

    def next_at(self, now: datetime) -> datetime | None:
        """When ``take`` should be called again if nothing else happens; None: not before something does."""
        instant = now.timestamp()
        alarm = self._alarms[0][0] if self._alarms else NEVER
        send = NEVER
        paused_until = max(self._pause_until, self._throttled_until)
        if alarm <= instant and not self._may_send(instant):
            alarm = paused_until if paused_until > instant else NEVER  # nobody can be told again before that
        if paused_until > instant and (self.trouble is not None or self._pending):
            send = paused_until
        elif self._pending and self._may_send(instant):
            send = self._bucket.free_at(instant)
        return _moment(min(alarm, send))

    # what there is to know

    def shown(self) -> Iterator[Desired]:
        """What the sink shows as far as we know: for another outbox of the same sink (``restored``)."""
        return (entry.shown for entry in self._entries.values() if entry.shown is not None)

    def standing(self, address: str) -> Standing | None:
        """How this person stands, or None for a stranger."""
        entry = self._entries.get(address)
        if entry is None:
            return None
        again = NEVER if entry.wake == NEVER or entry.place not in (HELD, REFUSED) else entry.wake
        return Standing(
            desired=entry.desired,
            shown=entry.shown,
            pending=entry.place in (CHANGE, REFRESH, WITHDRAW, SENT, HELD),
            attempts=entry.attempts,
            says=entry.verdict.says if entry.verdict else "",
            next_step=entry.verdict.next_step if isinstance(entry.verdict, Refused) else "",
            again_at=_moment(again),
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting and nothing is on its way (retries and refreshes of later count as nothing)."""
        return not self._pending and not self._sent

    def figures(self, now: datetime) -> Figures:
        """The numbers."""
        oldest = NEVER
        for place in (CHANGE, WITHDRAW):
            queue = self._queues[place]
            while queue and queue[0].place != place:
                queue.popleft()
            oldest = min(oldest, queue[0].since if queue else NEVER)
        lag = max(0.0, now.timestamp() - oldest) if oldest != NEVER else 0.0
        return Figures(
            people=len(self._entries), pending=self._pending, lag=lag, down=self.trouble is not None, **self._count
        )

    # how

    def _consider(self, entry: _Entry, now: datetime, instant: float, *, front: bool = False) -> None:
        """Put an entry where it belongs by the difference of desired and shown."""
        place, wake = self._need(entry, now, instant)
        if place == IDLE:
            entry.wake = NEVER
            if wake != NEVER and not self.draining and entry.desired is not None:
                self._alarm(entry, entry.desired.person.address, wake)
        if place != entry.place:
            self._move(entry, place, instant, front=front)

    def _need(self, entry: _Entry, now: datetime, instant: float) -> tuple[int, float]:
        """(queue, -) or (IDLE, when to look again)."""
        desired, shown = entry.desired, entry.shown
        if desired is None:
            return IDLE, NEVER
        if desired.state is None or desired.state in self._silent:
            return self._need_of_nothing(desired, shown, instant >= entry.expires + self._shortest), NEVER
        if desired.until is not None and desired.until <= now:
            return IDLE, NEVER
        if shown is None or shown.state != desired.state or shown.text != desired.text:
            return CHANGE, NEVER
        if shown.until != desired.until or entry.expires <= instant:
            return REFRESH, NEVER
        if entry.expires > instant + entry.life + SET_BACK:
            return REFRESH, NEVER  # published by a clock that was ahead: by this one it may be gone any time
        if desired.until is not None and desired.until.timestamp() <= entry.expires:
            return IDLE, NEVER
        return IDLE, self._refresh_at(entry)

    def _need_of_nothing(self, desired: Desired, shown: Desired | None, expired: bool) -> int:
        if shown is None:
            return IDLE if desired.state is None else WITHDRAW
        if expired or shown.state is None or shown.state in self._silent:
            return IDLE
        return CHANGE if shown.state in OCCUPIED else WITHDRAW

    def _refresh_at(self, entry: _Entry) -> float:
        """Somewhere in the middle of the life that began with the last publication."""
        pace = self._pace
        share = pace.refresh_from + (pace.refresh_to - pace.refresh_from) * self._random()
        return entry.expires - entry.life * (1.0 - share)

    def _expiry(self, shown: Desired) -> float:
        nothing = shown.state is None or shown.state in self._silent
        return NEVER if nothing else shown.expires_at.timestamp()

    def _move(self, entry: _Entry, place: int, instant: float = 0.0, *, front: bool = False) -> None:
        was_waiting, waits = entry.place <= WITHDRAW, place <= WITHDRAW
        entry.place = place
        self._pending += waits - was_waiting
        if not waits:
            return
        if not was_waiting and not front:
            entry.since = instant
        queue = self._queues[place]
        if front:
            queue.appendleft(entry)
        else:
            queue.append(entry)

    def _alarm(self, entry: _Entry, address: str, at: float) -> None:
        entry.wake = at = round(at, 6)
        heappush(self._alarms, (at, address))
        if len(self._alarms) > 2 * len(self._entries) + LITTER:
            self._alarms = [(e.wake, a) for a, e in self._entries.items() if e.wake != NEVER]
            heapify(self._alarms)

    def _ring(self, now: datetime, instant: float) -> None:
        """Wake whoever is due: to be told again, tried again, or asked again after a refusal."""
        while self._alarms and self._alarms[0][0] <= instant:
            at, address = heappop(self._alarms)
            entry = self._entries.get(address)
            if entry is None or entry.wake != at:
                continue
            entry.wake = NEVER
            if entry.place == IDLE:
                place, again = self._need(entry, now, instant)
                if place != IDLE or again != NEVER:
                    self._move(entry, REFRESH if place == IDLE else place, instant)
            elif entry.place in (HELD, REFUSED):
                entry.place = IDLE
                self._count["retried"] += 1
                self._consider(entry, now, instant)

    def _next_ones(self, now: datetime, instant: float) -> Iterator[Desired]:
        left = self.limits.batch
        for place in QUEUES:
            queue = self._queues[place]
            while queue and left:
                entry = queue.popleft()
                if entry.place != place:
                    continue
                desired = entry.desired
                if desired is None or (
                    desired.state is not None and desired.until is not None and desired.until <= now
                ):
                    self._move(entry, IDLE)
                    continue
                self._move(entry, SENT)
                entry.desired = self._stamped(entry, desired, instant)
                left -= 1
                yield entry.desired

    def _stamped(self, entry: _Entry, desired: Desired, instant: float) -> Desired:
        """The same with the expiry it gets when it is sent now."""
        expires = instant + entry.life
        if desired.until is not None:
            expires = min(expires, max(desired.until.timestamp(), instant) + self._shortest)
        return Desired(
            person=desired.person,
            state=desired.state,
            until=desired.until,
            expires_at=datetime.fromtimestamp(expires, UTC),
            text=desired.text,
            fence=desired.fence,
        )

    def _done(self, entry: _Entry, desired: Desired, now: datetime, instant: float) -> None:
        shown = entry.shown
        if shown is not None and _alike(shown, desired):
            self._count["refreshed"] += 1
            self._count["late"] += entry.expires < instant
        else:
            self._count["published"] += 1
        entry.shown, entry.verdict, entry.attempts = desired, None, 0
        entry.expires = self._expiry(desired)
        self._consider(entry, now, instant)

    def _not_done(self, entry: _Entry, desired: Desired, result: Later | Refused, now: datetime) -> None:
        pace, instant = self._pace, now.timestamp()
        changed = entry.desired is not desired
        entry.verdict = result
        entry.attempts += 1
        if isinstance(result, Later):
            wait = min(pace.retry * 2.0 ** min(entry.attempts - 1, 16), pace.longest_retry) * self._jitter()
            if result.wait is not None:
                wait = max(result.wait.total_seconds(), 0.0) + pace.retry * self._random()
            entry.place = HELD
        else:
            self._count["refused"] += 1
            if changed and not (entry.desired is not None and _alike(entry.desired, desired)):
                self._consider(entry, now, instant)
                return
            wait = pace.refused_again * self._jitter()
            entry.place = REFUSED
        self._alarm(entry, desired.person.address, instant + wait)

    def _forget_shown(self, now: datetime, instant: float) -> None:
        for entry in self._entries.values():
            if entry.shown is not None and entry.expires != NEVER and entry.expires > instant:
                entry.expires = instant
                if entry.place == IDLE:
                    self._consider(entry, now, instant)

    def _set_back(self, now: datetime, instant: float) -> None:
        """The clock was set back: every instant we remember may be far too late, so all are counted anew."""
        if self._pause_until != NEVER:
            self._pause_until = min(self._pause_until, instant)
        self._throttled_until = min(self._throttled_until, instant)
        self._forget_shown(now, instant)
        for address, entry in self._entries.items():
            if entry.place in (HELD, REFUSED):
                self._alarm(entry, address, instant)

    def _may_send(self, instant: float) -> bool:
        """Not during a pause; and after a failure only one attempt at a time."""
        if self.trouble is not None and self._sent:
            return False
        return instant >= max(self._pause_until, self._throttled_until)

    def _jitter(self) -> float:
        return 0.5 + self._random()


def _alike(one: Desired, other: Desired) -> bool:
    return one.state == other.state and one.text == other.text and one.until == other.until


def _moment(instant: float) -> datetime | None:
    return None if instant == NEVER else datetime.fromtimestamp(instant, UTC)

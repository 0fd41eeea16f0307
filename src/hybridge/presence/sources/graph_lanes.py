"""How much is asked of one mailbox, and of Graph as a whole: places, budgets and rests. No waiting is done here."""

from __future__ import annotations

from datetime import datetime, timedelta

from hybridge.presence.sources.graph_settings import AT_ONCE, PER, REQUESTS

SHORT = timedelta(milliseconds=100)
"""When to look again for a place at a mailbox."""


class Lane:
    """One mailbox: requests under way, those of this span of ten minutes and the one before, and a rest."""

    __slots__ = ("before", "now", "rests_until", "span", "under_way")

    def __init__(self, span: datetime) -> None:
        self.under_way = 0
        self.span = span
        self.now = 0
        self.before = 0
        self.rests_until: datetime | None = None


class Lanes:
    """The lanes of every mailbox asked lately. ``waited`` counts how often there was no place or no budget."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self.waited = 0

    def enter(self, mailbox: str, now: datetime) -> timedelta | None:
        """Take a place for one request; or how long to wait before trying again."""
        lane = self._lane(mailbox, now)
        if lane.rests_until is not None and lane.rests_until > now:
            self.waited += 1
            return lane.rests_until - now
        part = min(max((now - lane.span) / PER, 0.0), 1.0)
        if lane.now + lane.before * (1 - part) >= REQUESTS:
            self.waited += 1
            return PER / 10
        if lane.under_way >= AT_ONCE:
            self.waited += 1
            return SHORT
        lane.under_way += 1
        lane.now += 1
        return None

    def count(self, mailbox: str, now: datetime) -> None:
        """One more request in a place already taken: the next page."""
        self._lane(mailbox, now).now += 1

    def leave(self, mailbox: str) -> None:
        """Give the place back."""
        lane = self._lanes.get(mailbox)
        if lane is not None:
            lane.under_way -= 1

    def rest(self, mailbox: str, now: datetime, until: datetime) -> None:
        """Ask nothing of this mailbox before ``until``."""
        lane = self._lane(mailbox, now)
        lane.rests_until = max(lane.rests_until or until, until)

    def forget(self, mailbox: str) -> None:
        """The mailbox is not watched any more."""
        lane = self._lanes.get(mailbox)
        if lane is not None and not lane.under_way:
            del self._lanes[mailbox]

    def resting(self, now: datetime) -> int:
        """How many mailboxes rest."""
        return sum(1 for lane in self._lanes.values() if lane.rests_until is not None and lane.rests_until > now)

    def _lane(self, mailbox: str, now: datetime) -> Lane:
        lane = self._lanes.get(mailbox)
        if lane is None:
            lane = self._lanes[mailbox] = Lane(now)
        passed = now - lane.span
        if passed >= PER or passed < -PER:
            lane.before = lane.now if PER <= passed < 2 * PER else 0
            lane.now, lane.span = 0, now
        return lane


class Rest:
    """When Graph as a whole is asked again after it failed: twice as long each time, and as it says itself."""

    def __init__(self, longest: timedelta = timedelta(minutes=1)) -> None:
        self._longest = longest
        self._failures = 0
        self.until: datetime | None = None

    def over(self, now: datetime) -> bool:
        """Whether it may be asked."""
        return self.until is None or self.until <= now

    def begin(
        self, now: datetime, wait: timedelta | None, *, first: timedelta, longest: timedelta | None = None
    ) -> None:
        """It failed: rest for ``wait``, or else longer than the last time."""
        if not self.over(now):
            return  # one of several that failed together
        self._failures += 1
        self.until = now + (wait or min(first * 2 ** (self._failures - 1), longest or self._longest))

    def end(self) -> None:
        """It answered."""
        self._failures = 0
        self.until = None

"""The servers of a source: which may be asked now, and what becomes of one that is busy, down or refuses us.

Each has a breaker of its own. A server that fails is left alone, each time for longer, and then asked one thing: only
when that is answered do the others follow. Meanwhile its mailboxes are read at the next configured server, and they
come back when it does. A credential refused before it was ever accepted is not sent again until the configuration
changes; one that has worked may have been refused for load, and is tried again after a minute, an hour at last, one
call at a time: too seldom to lock an account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hybridge.presence.sources.base import Health
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_settings import EWS_PATH, place_of
from hybridge.presence.sources.exchange_verdicts import Kind, Verdict
from hybridge.wire.streamed import Lines

FIRST_WAIT = {Kind.BUSY: 5.0, Kind.DOWN: 5.0, Kind.ELSEWHERE: 10.0, Kind.FAULT: 10.0, Kind.REFUSED: 60.0}
LONGEST_WAIT = {Kind.BUSY: 600.0, Kind.DOWN: 300.0, Kind.ELSEWHERE: 300.0, Kind.FAULT: 600.0, Kind.REFUSED: 3600.0}
NEVER = float("inf")
BEHIND = 60.0
"""Seconds by which servers that refused the same credential follow the one of them that is asked again."""


@dataclass
class Server:
    """One server, and how it does."""

    place: str
    url: str
    limit: int
    accepted: bool = False
    """It has taken our credential."""
    refused: bool = False
    """It took our credential before, and refused it last."""
    closed_until: float = 0.0
    """By ``Pace.tick``; ``NEVER`` until the configuration changes."""
    failures: int = 0
    under_way: int = 0
    trouble: str = ""
    next_step: str = ""
    throttled_until: datetime | None = None
    last_answer_at: datetime | None = None
    figures: dict[str, float] = field(default_factory=dict)

    def count(self, name: str, by: float = 1.0) -> None:
        """Add to a figure."""
        self.figures[name] = self.figures.get(name, 0.0) + by


class Servers:
    """The servers of one source."""

    def __init__(self, hosts: Iterable[str], calls: int, lines: Lines, pace: Pace) -> None:
        places = dict.fromkeys(place for host in hosts if (place := place_of(host)))
        self._servers = {place: Server(place, f"https://{place}{EWS_PATH}", calls) for place in places}
        self._calls = calls
        self._lines = lines
        self._pace = pace

    @property
    def all(self) -> tuple[Server, ...]:
        """Every server, best first."""
        return tuple(self._servers.values())

    def known(self, place: str) -> bool:
        """Whether ``place`` is a configured server."""
        return place in self._servers

    def at(self, home: str) -> Server | None:
        """The server to ask for a mailbox of ``home`` ("": the best): the home, or the next that is open.

        One that is just proving itself is passed over where another is open.
        """
        tick = self._pace.tick()
        opened = [server for server in self._from(home) if server.closed_until <= tick]
        proving = (server for server in opened if not (server.failures and server.under_way))
        return next(proving, opened[0] if opened else None)

    def free(self, server: Server) -> bool:
        """Whether one more call may go to ``server``: a single one while it has to prove itself."""
        return server.under_way < (1 if server.failures else server.limit)

    def reopens(self, home: str) -> float:
        """When the first of them may be asked again; ``NEVER`` when all wait for another configuration."""
        return min((server.closed_until for server in self._from(home)), default=NEVER)

    def trouble(self, home: str) -> tuple[str, str]:
        """Why no server can be asked: one sentence and the next step."""
        first = next(iter(self._from(home)), None)
        return (first.trouble, first.next_step) if first else ("The source has no server.", "Name its hosts.")

    def answered(self, server: Server) -> None:
        """Note an answer to what was asked."""
        if server.refused:
            self._believe_again()
        server.accepted = True
        server.failures, server.closed_until = 0, 0.0
        server.trouble = server.next_step = ""
        server.throttled_until = None
        server.last_answer_at = self._pace.now()
        server.limit = min(server.limit + 1, self._calls) if server.limit < self._calls else server.limit

    def failed(self, server: Server, verdict: Verdict) -> None:
        """Note a failure: the server is left alone for a while."""
        server.count("failures")
        server.trouble, server.next_step = f"{server.place}: {verdict.says}", verdict.next_step
        if verdict.kind is Kind.REFUSED and not server.accepted:
            server.closed_until = NEVER
            return
        if verdict.kind is Kind.REFUSED:
            self._lines.forgive(server.url)
        if verdict.crowded:
            server.limit = max(1, server.limit // 2)
        wait = self._wait(server, verdict)
        server.closed_until = max(server.closed_until, self._pace.tick() + wait)
        server.failures += 1
        if verdict.kind is Kind.REFUSED:
            self._hold_back(server)
        if verdict.kind is Kind.BUSY:
            server.count("throttled")
            server.throttled_until = self._pace.now() + timedelta(seconds=wait)

    def _hold_back(self, server: Server) -> None:
        """All have one account: where more than one refuses it, one of them is asked for all."""
        server.refused = True
        for other in self.all:
            if other.refused and other is not server:
                server.failures = max(server.failures, other.failures)
                other.closed_until = max(other.closed_until, server.closed_until + BEHIND)

    def _believe_again(self) -> None:
        """One that refused the account takes it again: the others may be asked now."""
        for other in self.all:
            if other.refused:
                other.refused, other.closed_until = False, 0.0

    def defect(self) -> None:
        """Count a mistake of ours, where the troubleshooter finds it."""
        for server in self.all[:1]:
            server.count("defects")

    def health(self) -> tuple[Health, ...]:
        """How each does."""
        return tuple(self._health(server) for server in self._servers.values())

    def _health(self, server: Server) -> Health:
        now, tick = self._pace.now(), self._pace.tick()
        figures = dict(server.figures)
        figures["waits_for_configuration"] = float(server.closed_until == NEVER)
        figures["closed_for"] = 0.0 if server.closed_until == NEVER else max(0.0, server.closed_until - tick)
        if server.last_answer_at is not None:
            figures["last_answer_age"] = (now - server.last_answer_at).total_seconds()
        if server.throttled_until is not None:
            figures["throttled_for"] = max(0.0, (server.throttled_until - now).total_seconds())
        return Health(place=server.place, at=now, trouble=server.trouble, next_step=server.next_step, figures=figures)

    def _wait(self, server: Server, verdict: Verdict) -> float:
        growth = 4 if verdict.kind is Kind.REFUSED else 2
        own: float = min(
            FIRST_WAIT[verdict.kind] * float(growth) ** min(server.failures, 20), LONGEST_WAIT[verdict.kind]
        )
        # of the server's own word not a second is taken off: asking too early counts against the budget again
        return max((verdict.wait or 0.0) * self._pace.between(1.0, 1.1), self._pace.between(0.8, 1.2) * own)

    def _from(self, home: str) -> Iterable[Server]:
        first = self._servers.get(home)
        return [*([first] if first else []), *(one for one in self._servers.values() if one is not first)]

"""The sweep: every calendar read again and again with GetUserAvailability, a hundred mailboxes a call. It is the truth.

Mailboxes are due one by one and read in batches. Those of a batch are due together again, a jittered interval later,
so batches stay whole; the first reading of all comes at once, the second at any time within the interval, so that the
load is even from then on. A refresh is an extra reading a moment later, shared with whatever else is due by then; the
regular one stays where it is.

A failure is the server's (``exchange_servers``: its mailboxes go to the next server, or wait) or a mailbox's (it alone
is told ``NotRead``, and tried again after a growing pause). Where the server refuses a whole call, one bad mailbox may
be the reason: the batch is halved until that one is found. When nothing of a batch is answered in ``HOPELESS`` calls,
it is the server after all.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime

from hybridge.presence.observations import CalendarRead, NotRead, Subject
from hybridge.presence.sources.base import Tell
from hybridge.presence.sources.exchange_due import Due
from hybridge.presence.sources.exchange_events import window_around, window_of
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_servers import NEVER, Server, Servers
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.presence.sources.exchange_verdicts import (
    GONE_CODES,
    REROUTE_CODES,
    Kind,
    Verdict,
    judge,
    of_code,
    sentence,
)
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import availability_scan
from hybridge.wire.ews.envelope import ask
from hybridge.wire.ews.free_busy_view import FreeBusy
from hybridge.wire.ews.get_user_availability import MailboxError, Request, Response, write_request
from hybridge.wire.streamed import Lines

HOPELESS = 7
"""Calls about a halved batch without any answer after which the server is to blame."""
MOST_HALVES = 60
"""Calls about one halved batch at most."""
TOGETHER = 1 / 20
"""Mailboxes due within this part of the interval are read together."""
FIRST_PAUSE = 60.0
"""Seconds after which a mailbox that could not be read is tried again; doubled each time, up to the interval."""

Rerouted = Callable[[str], None]


class Sweep:
    """Reads calendars. ``home`` tells on which server a mailbox lives ("": any), ``rerouted`` is told it may not."""

    def __init__(
        self,
        settings: ExchangeSettings,
        lines: Lines,
        servers: Servers,
        pace: Pace,
        home: Callable[[str], str],
        rerouted: Rerouted,
    ) -> None:
        self._settings = settings
        self._lines = lines
        self._servers = servers
        self._pace = pace
        self._home = home
        self._rerouted = rerouted
        self._regular, self._urgent = Due(), Due()
        self._watched: set[str] = set()
        self._reading: set[str] = set()
        self._ready: defaultdict[str, deque[tuple[str, float]]] = defaultdict(deque)
        self._read_once: set[str] = set()
        self._pauses: dict[str, int] = {}
        self._stir = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tell: Tell = lambda address, observation: None

    def watch(self, addresses: set[str]) -> None:
        """Read exactly these: new ones at once."""
        for gone in self._watched - addresses:
            self._regular.drop(gone)
            self._urgent.drop(gone)
            self._pauses.pop(gone, None)
            self._read_once.discard(gone)
        new = addresses - self._watched
        self._watched = set(addresses)
        for address in sorted(new):
            self._regular.set(address, float("-inf"))
        self._stir.set()

    def refresh(self, address: str) -> bool:
        """Read this one soon; False when that is planned already."""
        if address not in self._watched or address in self._urgent:
            return False
        self._urgent.set(address, self._pace.tick() + self._settings.debounce)
        self._stir.set()
        return True

    async def run(self, tell: Tell) -> None:
        """Sweep until cancelled."""
        self._tell = tell
        try:
            while True:
                wait = self._dispatch()
                await self._pace.wait(self._stir, wait)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _dispatch(self) -> float | None:
        """Start what can be started; seconds until there may be more, None when only an event brings more."""
        tick = self._pace.tick()
        for address in dict.fromkeys((*self._urgent.take(tick), *self._due_now(tick))):
            if address in self._reading:
                self._urgent.sooner(address, tick + self._settings.debounce)
            elif address in self._watched:
                self._reading.add(address)
                self._ready[self._home(address)].append((address, tick))
        for home in list(self._ready):
            self._dispatch_home(home, tick)
        nexts = [at for at in (self._urgent.next_at(), self._regular.next_at()) if at is not None]
        return max(0.0, min(nexts) - tick) if nexts else None

    def _due_now(self, tick: float) -> list[str]:
        """Who is due in turn, and with them who soon will be: small batches become whole again."""
        next_at = self._regular.next_at()
        if next_at is None or next_at > tick:
            return []
        return self._regular.take(tick + self._settings.sweep_every * TOGETHER)

    def _dispatch_home(self, home: str, tick: float) -> None:
        ready = self._ready[home]
        while ready:
            server = self._servers.at(home)
            if server is None:
                self._put_off(home, tick)
                break
            if not self._servers.free(server):
                return
            since = ready[0][1]
            batch = [ready.popleft()[0] for _ in range(min(len(ready), self._settings.batch))]
            server.under_way += 1
            task = asyncio.create_task(self._read(server, batch, since))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        del self._ready[home]

    def _put_off(self, home: str, tick: float) -> None:
        """No server can be asked: say so, and come back when one may be."""
        says, next_step = self._servers.trouble(home)
        reopens = self._servers.reopens(home)
        if reopens == NEVER:
            reopens = tick + self._settings.sweep_every
        now = self._pace.now()
        spread = min(self._settings.sweep_every / 10, 30.0)
        at = reopens
        for number, (address, _) in enumerate(self._ready[home]):
            if number % self._settings.batch == 0:
                at = reopens + self._pace.between(0.0, spread)
            self._tell(address, NotRead(Subject.CALENDAR, f"{says} {next_step}".strip(), now, "ServerNotAvailable"))
            self._regular.set(address, at)
            self._reading.discard(address)

    async def _read(self, server: Server, batch: list[str], since: float) -> None:
        try:
            await self._read_batch(server, batch)
            server.figures["lag"] = self._pace.tick() - since
        except Exception as error:  # a defect of ours must not end the sweep of everybody else
            self._servers.defect()
            now = self._pace.now()
            for address in batch:
                says = f"hybridge could not read the calendar ({type(error).__name__})."
                self._tell(address, NotRead(Subject.CALENDAR, says, now, "Defect"))
                self._regular.sooner(address, self._pace.tick() + self._settings.sweep_every)
        finally:
            server.under_way -= 1
            self._reading.difference_update(batch)
            self._stir.set()

    async def _read_batch(self, server: Server, batch: list[str]) -> None:
        regular = [address for address in batch if address not in self._regular]
        verdict = await self._call(server, batch)
        left = batch
        if verdict is not None and verdict.kind is Kind.FAULT and len(batch) > 1:
            left, verdict = await self._halve(server, batch, verdict)
        elif verdict is not None and verdict.kind is Kind.FAULT:
            self._refused(batch[0], verdict.code, verdict.says)
            self._servers.answered(server)
            verdict = None
        if verdict is None:
            self._next(regular)
            return
        self._servers.failed(server, verdict)
        self._next([address for address in regular if address not in set(left)])
        for address in left:
            if verdict.kind is Kind.ELSEWHERE:
                self._rerouted(address)
            self._regular.set(address, self._pace.tick())

    def _next(self, regular: list[str]) -> None:
        """When those are due again that were read in their turn: all together."""
        every, tick = self._settings.sweep_every, self._pace.tick()
        first = any(address not in self._read_once for address in regular)
        at = tick + (self._pace.between(every / 10, every) if first else self._pace.about(every))
        for address in regular:
            if address not in self._watched:
                continue
            self._read_once.add(address)
            tries = self._pauses.get(address, 0)
            pause = self._pace.about(min(FIRST_PAUSE * 2 ** min(tries - 1, 20), every)) if tries else None
            self._regular.sooner(address, at if pause is None else tick + pause)

    async def _halve(self, server: Server, batch: list[str], verdict: Verdict) -> tuple[list[str], Verdict | None]:
        """Find whose fault it is. What is left unread, and the verdict when that is the server's."""
        waiting = deque((batch[: len(batch) // 2], batch[len(batch) // 2 :]))
        calls, answered = 0, False
        bad: list[list[str]] = []
        while waiting:
            if calls >= (MOST_HALVES if answered else HOPELESS):
                break
            part = waiting.popleft()
            calls += 1
            said = await self._call(server, part)
            if said is None:
                answered = True
            elif said.kind is not Kind.FAULT:
                return [*part, *_flat(waiting), *_flat(bad)], said
            elif len(part) > 1:
                waiting += (part[: len(part) // 2], part[len(part) // 2 :])
            else:
                bad.append(part)
                verdict = said
        if waiting and not answered:
            return [*_flat(waiting), *_flat(bad)], verdict
        for address in [*_flat(bad), *_flat(waiting)]:
            self._refused(address, verdict.code, verdict.says)
        return [], None

    async def _call(self, server: Server, batch: list[str]) -> Verdict | None:
        """Ask about ``batch`` and tell what came; the verdict when there was no answer."""
        now, began = self._pace.now(), self._pace.tick()
        span = window_around(now, self._settings.before, self._settings.after)
        body = write_request(Request(tuple(batch), *span))
        answer = await self._lines.http(ask(server.url, body, user_agent=self._settings.user_agent, anchor=batch[0]))
        read = availability_scan.read_answer(answer, texts=self._settings.subjects)
        server.count("calls")
        server.figures["seconds"] = self._pace.tick() - began
        verdict = judge(answer, read)
        if verdict is not None:
            return verdict
        if not isinstance(read, Response) or len(read.answers) != len(batch):
            says = "Exchange answered about another number of mailboxes than it was asked about."
            return Verdict(Kind.FAULT, says, "", "WrongCount")
        return self._told(server, batch, read, answer, (*span, now))

    def _told(
        self,
        server: Server,
        batch: list[str],
        read: Response,
        answer: HttpAnswer,
        span: tuple[datetime, datetime, datetime],
    ) -> Verdict | None:
        self._servers.answered(server)
        source = f"exchange {server.place}"
        busy: Verdict | None = None
        for address, found in zip(batch, read.answers, strict=True):
            if isinstance(found, MailboxError):
                busy = self._mailbox_error(address, found, answer) or busy
                continue
            self._view(address, found, span, source)
        server.count("mailboxes", len(batch))
        if busy is not None:
            self._servers.failed(server, busy)
        return None

    def _view(self, address: str, view: FreeBusy, span: tuple[datetime, datetime, datetime], source: str) -> None:
        window = window_of(view, span[:2], span[2], source, subjects=self._settings.subjects)
        if window is None:
            self._refused(address, "NoData", f"Exchange has no free/busy times of {address} to show.")
            return
        self._pauses.pop(address, None)
        if address in self._watched:
            self._tell(address, CalendarRead(window))

    def _mailbox_error(self, address: str, error: MailboxError, answer: HttpAnswer) -> Verdict | None:
        """Tell why one mailbox was not read; the verdict when the server is too busy rather."""
        body = answer.body if error.code == "ErrorInternalServerError" else b""
        said = of_code(error.code, error.message, body)
        not_found = error.code == "ErrorProxyRequestProcessingFailed" and "404" in error.message
        self._refused(
            address,
            error.code,
            f"Exchange did not read the calendar of {address}: {sentence(error.code, error.message)}",
            gone=error.code in GONE_CODES or not_found,
        )
        if error.code in REROUTE_CODES:
            self._rerouted(address)
        return said if said.kind is Kind.BUSY else None

    def _refused(self, address: str, code: str, says: str, *, gone: bool = False) -> None:
        if address not in self._watched:
            return
        self._pauses[address] = self._pauses.get(address, 0) + (8 if gone else 1)
        self._tell(address, NotRead(Subject.CALENDAR, says, self._pace.now(), code, gone))


def _flat(parts: deque[list[str]] | list[list[str]]) -> list[str]:
    return [address for part in parts for address in part]

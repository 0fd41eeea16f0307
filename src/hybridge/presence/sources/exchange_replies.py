"""Automatic replies: GetUserOofSettings of one mailbox after another, impersonating it, on a budget of its own.

Nothing notifies of them, so they are polled: each mailbox once in an interval, and three times as often while its
replies are on without an end, so that switching them off shows soon. Calls never exceed a rate, and wait for a server
that is to be left alone; what fails is tried again after a growing pause.
"""

from __future__ import annotations

import asyncio

from hybridge.presence.calendar import AutomaticReplies, ReplyState
from hybridge.presence.observations import NotRead, RepliesRead, Subject
from hybridge.presence.sources.base import Tell
from hybridge.presence.sources.exchange_due import Due
from hybridge.presence.sources.exchange_events import replies_of
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_routes import Routes
from hybridge.presence.sources.exchange_servers import NEVER, Server, Servers
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.presence.sources.exchange_verdicts import GONE_CODES, REROUTE_CODES, Kind, judge, of_code, sentence
from hybridge.wire.ews import get_user_oof_settings as oof
from hybridge.wire.ews.envelope import ask
from hybridge.wire.streamed import Lines

AT_ONCE = 2
"""Calls under way at most."""
FIRST_PAUSE = 60.0


class Replies:
    """Reads automatic replies."""

    def __init__(self, settings: ExchangeSettings, lines: Lines, servers: Servers, pace: Pace, routes: Routes) -> None:
        self._settings = settings
        self._lines = lines
        self._servers = servers
        self._pace = pace
        self._routes = routes
        self._due = Due()
        self._watched: set[str] = set()
        self._pauses: dict[str, int] = {}
        self._stir = asyncio.Event()
        self._never = asyncio.Event()

    def watch(self, addresses: set[str]) -> None:
        """Read exactly these."""
        if not self._settings.replies:
            return
        for gone in self._watched - addresses:
            self._due.drop(gone)
            self._pauses.pop(gone, None)
        for address in sorted(addresses - self._watched):
            self._due.set(address, float("-inf"))
        self._watched = set(addresses)
        self._stir.set()

    def refresh(self, address: str) -> None:
        """Read this one next."""
        if address in self._watched:
            self._due.sooner(address, self._pace.tick())
            self._stir.set()

    async def run(self, tell: Tell) -> None:
        """Poll until cancelled."""
        if not self._settings.replies:
            return
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._poll(tell))

    async def _poll(self, tell: Tell) -> None:
        while True:
            tick = self._pace.tick()
            address = next(iter(self._due.take(tick, 1)), "")
            if address:
                try:
                    await self._read(address, tell)
                except Exception as error:  # a defect of ours must not end the reading of everybody else
                    self._servers.defect()
                    self._refused(address, "Defect", f"a defect of hybridge: {type(error).__name__}", tell)
                await self._pace.wait(self._never, AT_ONCE / self._settings.replies_rate)
                continue
            next_at = self._due.next_at()
            await self._pace.wait(self._stir, None if next_at is None else max(0.0, next_at - tick))

    async def _read(self, address: str, tell: Tell) -> None:
        home = self._routes.of(address).place
        server = self._servers.at(home)
        if server is None:
            self._put_off(address, home, tell)
            return
        if not self._servers.free(server):
            self._due.set(address, self._pace.tick() + 1.0)
            return
        server.under_way += 1
        try:
            await self._call(server, address, tell)
        finally:
            server.under_way -= 1

    async def _call(self, server: Server, address: str, tell: Tell) -> None:
        now = self._pace.now()
        body = oof.write_request(oof.Request(address))
        answer = await self._lines.http(
            ask(server.url, body, user_agent=self._settings.user_agent, impersonate=address)
        )
        read = oof.read_answer(answer)
        server.count("replies")
        verdict = judge(answer, read)
        if verdict is None and isinstance(read, oof.Response) and read.code != "NoError":
            verdict = of_code(read.code, read.message, answer.body)
        if verdict is not None and verdict.kind is not Kind.FAULT:
            self._servers.failed(server, verdict)
            self._due.set(address, self._pace.tick() + self._pace.between(1.0, 5.0))
            return
        self._servers.answered(server)
        replies = replies_of(read, now, f"exchange {server.place}") if isinstance(read, oof.Response) else None
        if verdict is not None or replies is None:
            code = verdict.code if verdict else "UnknownState"
            message = verdict.says if verdict else "its state is none of the three"
            self._refused(address, code, message, tell)
            return
        self._pauses.pop(address, None)
        self._due.set(address, self._pace.tick() + self._pace.about(self._interval(replies)))
        if address in self._watched:
            tell(address, RepliesRead(replies))

    def _interval(self, replies: AutomaticReplies) -> float:
        return self._settings.replies_every / (3 if replies.state is ReplyState.ENABLED else 1)

    def _refused(self, address: str, code: str, message: str, tell: Tell) -> None:
        tries = self._pauses[address] = self._pauses.get(address, 0) + 1
        pause = min(FIRST_PAUSE * 2 ** min(tries - 1, 20), self._settings.replies_every)
        self._due.set(address, self._pace.tick() + self._pace.about(pause))
        if code in REROUTE_CODES:
            self._routes.lost(address)
        says = f"Exchange did not read the automatic replies of {address}: {sentence(code or 'Error', message)}"
        if address in self._watched:
            tell(address, NotRead(Subject.REPLIES, says, self._pace.now(), code, code in GONE_CODES))

    def _put_off(self, address: str, home: str, tell: Tell) -> None:
        says, next_step = self._servers.trouble(home)
        reopens = self._servers.reopens(home)
        tick = self._pace.tick()
        if reopens == NEVER:
            reopens = tick + self._settings.replies_every
        spread = min(self._settings.replies_every / 10, 30.0)
        self._due.set(address, max(reopens, tick) + self._pace.between(0.0, spread))
        tell(address, NotRead(Subject.REPLIES, f"{says} {next_step}".strip(), self._pace.now(), "ServerNotAvailable"))

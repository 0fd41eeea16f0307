"""A running lab, a source over real TLS to it, and a subscriber's address on loopback: for the tests of Graph."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from tests.loop.walk import NOW, new_estate

from hybridge.config import load
from hybridge.lab.estate import Estate
from hybridge.lab.mail.store import MailStore, store_of
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock
from hybridge.org.records import Mailbox
from hybridge.presence.calendar import CalendarEvent, Window
from hybridge.presence.observations import CalendarRead, NotRead, Observation, RepliesRead
from hybridge.presence.people import Person
from hybridge.presence.sources.graph import GraphSource
from hybridge.presence.sources.graph_settings import GraphSettings
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, HttpAnswer, HttpAsk, Sign

ONLINE = Premises.ONLINE
LINUS, MARIE, ADA = "linus@contoso.com", "marie@contoso.com", "ada@contoso.com"
GRAPH = "graph.microsoft.com"
HOUR = timedelta(hours=1)
PATIENCE = 15.0


async def until(true: Callable[[], bool]) -> None:
    """Wait until ``true`` of what the lab or the source keeps, which tells nobody of its changes."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class Told:
    """What a source told, by person."""

    seen: dict[str, list[Observation]] = field(default_factory=lambda: defaultdict(list))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, address: str, seen: Observation) -> None:
        self.seen[address].append(seen)
        self._news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until ``true``, which is looked at whenever something was told."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._news.clear()
                await self._news.wait()

    def windows(self, address: str) -> list[Window]:
        return [one.window for one in self.seen[address] if isinstance(one, CalendarRead)]

    def events(self, address: str) -> tuple[CalendarEvent, ...]:
        return self.windows(address)[-1].events

    def failures(self, address: str) -> list[NotRead]:
        return [one for one in self.seen[address] if isinstance(one, NotRead)]

    def replies(self, address: str) -> list[RepliesRead]:
        return [one for one in self.seen[address] if isinstance(one, RepliesRead)]

    async def read(self, address: str, count: int = 1) -> None:
        """Wait for the ``count``-th calendar of this person."""
        await self.until(lambda: len(self.windows(address)) >= count)

    async def failed(self, address: str) -> NotRead:
        await self.until(lambda: bool(self.failures(address)))
        return self.failures(address)[-1]


@dataclass
class Lab:
    """The lab, what is asked through, and the address Graph notifies at."""

    estate: Estate
    clock: SetClock
    running: RunningLab
    live: Answerer
    url: str
    paused: list[float]
    receive: list[Callable[[bytes, Mapping[str, str]], HttpAnswer]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    told: Told = field(default_factory=Told)

    @property
    def store(self) -> MailStore:
        return store_of(self.estate)

    def now(self) -> datetime:
        return self.estate.now()

    def put(self, mailbox: str = LINUS, hours: float = 1, **more: Any) -> str:
        """An appointment of an hour that begins in so many hours."""
        start = NOW + timedelta(hours=hours)
        values = {"subject": "Secret", "start_at": start, "end_at": start + HOUR, **more}
        return self.store.put_simple(ONLINE, mailbox, **values)

    def hire(self, number: int) -> list[str]:
        """So many more mailboxes online."""
        addresses = [f"online{one:03d}@contoso.com" for one in range(number)]
        new = [Mailbox(premises=ONLINE, identity=one, user_principal_name=one) for one in addresses]
        self.estate.organization = self.estate.organization.put(*new)
        return addresses

    def settings(self, **more: Any) -> GraphSettings:
        """Settings that read nothing by themselves for a day, so that what is read was caused."""
        return GraphSettings(
            **{
                "name": "online",
                "every": timedelta(days=1),
                "replies_every": timedelta(days=1),
                "coalesce": timedelta(),
                **more,
            }
        )

    def notified(self, **more: Any) -> GraphSettings:
        """Settings with a way in."""
        return self.settings(notification_url=self.url, **more)

    @asynccontextmanager
    async def source(
        self,
        settings: GraphSettings,
        *addresses: str,
        kept: Mapping[str, bytes] | None = None,
        answerer: Answerer | None = None,
    ) -> AsyncIterator[GraphSource]:
        """A source that runs, watching these."""
        source = GraphSource(settings, answerer or self.live, now=self.now, randomness=random.Random(7), kept=kept)
        source.watch([Person(address=one, source="online", user=one) for one in addresses])
        self.receive[:] = [source.notified]
        task = asyncio.create_task(source.run(self.told))
        try:
            yield source
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpAnswer:
        """A request of another client of Graph."""
        return await self.live.http(
            HttpAsk(
                method=method,
                url=f"https://{GRAPH}/v1.0{path}",
                headers=(("Content-Type", "application/json"), *headers.items()),
                body=msgspec.json.encode(body) if body is not None else b"",
                sign=Sign.ENTRA,
                scope=f"https://{GRAPH}/.default",
            )
        )

    def pass_time(self, by: timedelta) -> None:
        """Move every clock."""
        self.clock.advance(by)

    def asked(self, word: str) -> int:
        """How many requests were answered whose path has ``word``."""
        return sum(1 for one in self.estate.log if word.lower() in one.path.lower())


@asynccontextmanager
async def graph_lab(folder: Path) -> AsyncIterator[Lab]:
    """A lab for one test."""
    clock = SetClock(NOW)
    estate = new_estate(clock)
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        clock.advance(timedelta(seconds=seconds))

    async with running_lab(estate, folder / "state", contoso_site(estate)) as running, _address() as (url, app):
        file = folder / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock, pause) as live:
            lab = Lab(estate, clock, running, live, url, paused)
            app["lab"] = lab
            yield lab


LAB = "lab"


@asynccontextmanager
async def _address() -> AsyncIterator[tuple[str, dict[str, Lab]]]:
    """An address on loopback that gives what it is sent to the lab's ``receive``."""
    holder: dict[str, Lab] = {}

    async def post(request: web.Request) -> web.Response:
        lab, body = holder[LAB], await request.read()
        if body:  # the handshake has none
            lab.bodies.append(body)
        answer = lab.receive[0](body, dict(request.query))
        headers = {name: value for name, value in answer.headers if name != "content-type"}
        return web.Response(
            status=answer.status, body=answer.body, headers=headers, content_type="text/plain", charset="utf-8"
        )

    app = web.Application()
    app.router.add_post("/graph", post)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/graph", holder
    finally:
        await runner.cleanup()

"""The stages of the sinks that need no cloud: a real prosody, a real HTTP receiver, real files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.presence.prosody import COMPONENT, HOST, PATIENCE, SECRET, Onlooker, Prosody, running

from hybridge.net.clock import SetClock, SystemClock
from hybridge.net.config import NetConfig
from hybridge.net.secret import Secret
from hybridge.net.webhook import SIGNATURE, Webhook, WebhookConfig, verified
from hybridge.net.xmpp import XmppComponent, XmppConfig
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Sink
from hybridge.presence.sinks.file import LinesSink, StateFileSink
from hybridge.presence.sinks.webhook import WebhookSink
from hybridge.presence.sinks.xmpp import XmppSink
from hybridge.presence.states import PresenceState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = Secret("a key that both sides know")


def person(user: str, host: str = HOST) -> Person:
    """A person known by the same name everywhere."""
    return Person(address=f"{user}@{host}", source="exchange", jid=f"{user}@{host}")


class _Common:
    known = (person("alice"), person("carol"))
    stranger: Person | None = None
    looks: Mapping[PresenceState | None, str] = {
        PresenceState.IN_A_MEETING: "in-a-meeting",
        PresenceState.OUT_OF_OFFICE: "out-of-office",
        None: "",
    }
    ttl = timedelta(minutes=10)
    refuses_older = False


class XmppStage(_Common):
    """A prosody with our module, and bob's ordinary client, who has alice and carol on his roster."""

    looks: Mapping[PresenceState | None, str] = {
        PresenceState.IN_A_MEETING: "dnd working/in_a_meeting",
        PresenceState.OUT_OF_OFFICE: "xa inactive/day_off",
        None: "unavailable ",
    }
    ttl = timedelta(seconds=5)
    refuses_older = True
    stranger = person("nobody")

    def __init__(self, server: Prosody, onlooker: Onlooker) -> None:
        self.clock = SystemClock()
        self.server = server
        self.onlooker = onlooker

    def sink(self) -> XmppSink:
        """A component of its own stream."""
        return xmpp_sink(self.server, self.ttl)

    async def sees(self, person: Person, look: str) -> None:
        """By bob's client."""
        user = person.jid.partition("@")[0]

        def so(client: Onlooker) -> bool:
            shown = client.shown(user)
            return shown is not None and f"{shown[0]} {client.activity(user) or ''}" == look

        await self.onlooker.sees(so)

    async def outlive(self) -> None:
        """The module's timers see to it; ``sees`` waits for what they do."""

    async def fail(self) -> None:
        """Killed, not stopped."""
        await self.onlooker.log_out()
        self.server.stop(kill=True)

    async def recover(self) -> None:
        """Started again, and bob logs in again."""
        await asyncio.to_thread(self.server.start)
        self.onlooker = await Onlooker("bob", server=self.server).log_in()


def xmpp_sink(server: Prosody, ttl: timedelta, secret: str = SECRET) -> XmppSink:
    """The sink of that server."""
    config = XmppConfig(component=COMPONENT, host=HOST, secret=Secret(secret), port=server.component_port)
    return XmppSink("xmpp", XmppComponent(config), ttl=ttl)


@asynccontextmanager
async def xmpp(folder: Path) -> AsyncIterator[XmppStage]:
    """A server of its own for each."""
    accounts = {"alice": ["bob"], "carol": ["bob"], "bob": ["alice", "carol"]}
    with running(folder / "prosody", accounts=accounts) as server:
        stage = XmppStage(server, await Onlooker("bob", server=server).log_in())
        try:
            yield stage
        finally:
            await stage.onlooker.log_out()


class WebhookStage(_Common):
    """A receiver that does what the documentation tells receivers to do, and does not want strangers."""

    stranger = person("nobody")

    def __init__(self) -> None:
        self.clock = SetClock(NOON)
        self.bodies: list[list[dict[str, Any]]] = []
        self.state: dict[str, dict[str, Any]] = {}
        self.headers: Mapping[str, str] = {}
        self.answer: Callable[[], web.Response] | None = None
        """Given instead of taking the batch."""
        self.port = 0
        self._runner: web.AppRunner | None = None

    def sink(self, **more: Any) -> WebhookSink:
        """Posting to it over plain http, as is allowed to loopback."""
        config = WebhookConfig(f"http://127.0.0.1:{self.port}/presence", KEY, **more)
        return WebhookSink("hook", Webhook(config, NetConfig(timeout=PATIENCE), self.clock))

    async def sees(self, person: Person, look: str) -> None:
        """By what the receiver keeps."""
        newest = self.state.get(person.address)
        alive = newest is not None and datetime.fromisoformat(newest["expires_at"]) > self.clock.now()
        assert (newest["state"] or "" if newest is not None and alive else "") == look

    async def outlive(self) -> None:
        """The receiver's clock is ours."""
        self.clock.advance(self.ttl + timedelta(seconds=1))

    async def fail(self) -> None:
        """Nobody listens any more."""
        assert self._runner is not None
        await self._runner.cleanup()

    async def recover(self) -> None:
        """Listen, at the same port as before."""
        app = web.Application()
        app.router.add_post("/presence", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.headers = dict(request.headers)
        if not verified(request.headers.get(SIGNATURE, ""), body, self.clock.now(), KEY):
            return web.Response(status=401)
        if self.answer is not None:
            return self.answer()
        events = json.loads(body)
        self.bodies.append(events)
        assert self.stranger is not None
        for event in events:
            if event["subject"] != self.stranger.address:
                self.state[event["subject"]] = event["data"]
        refused = [{"subject": e["subject"], "says": "not ours"} for e in events if e["subject"] not in self.state]
        return web.json_response({"refused": refused})


@asynccontextmanager
async def webhook(_folder: Path) -> AsyncIterator[WebhookStage]:
    """A receiver on loopback."""
    stage = WebhookStage()
    await stage.recover()
    try:
        yield stage
    finally:
        await stage.fail()


class FileStage(_Common):
    """A script that reads what the sink wrote. ``whole`` is one file of everything, else lines."""

    def __init__(self, folder: Path, *, whole: bool) -> None:
        self.clock = SetClock(NOON)
        self.folder = folder / "state"
        self.folder.mkdir()
        self.path = self.folder / "presence.json"
        self._whole = whole

    def sink(self) -> Sink:
        """Of that kind."""
        return StateFileSink("file", self.path) if self._whole else LinesSink("file", self.path)

    async def sees(self, person: Person, look: str) -> None:
        """As a script reads it."""
        text = self.path.read_text(encoding="utf-8")
        lines = json.loads(text).values() if self._whole else [json.loads(line) for line in text.splitlines()]
        newest = {line["address"]: line for line in lines}.get(person.address)
        alive = newest is not None and datetime.fromisoformat(newest["expires_at"]) > self.clock.now()
        assert (newest["state"] or "" if newest is not None and alive else "") == look

    async def outlive(self) -> None:
        """The script's clock is ours."""
        self.clock.advance(self.ttl + timedelta(seconds=1))

    async def fail(self) -> None:
        """The folder is gone, as when its disk is not mounted."""
        self.folder.rename(self.folder.with_name("elsewhere"))

    async def recover(self) -> None:
        """And back."""
        self.folder.with_name("elsewhere").rename(self.folder)


@asynccontextmanager
async def state_file(folder: Path) -> AsyncIterator[FileStage]:
    """The whole state in one file."""
    yield FileStage(folder, whole=True)


@asynccontextmanager
async def lines(folder: Path) -> AsyncIterator[FileStage]:
    """A line for each publication."""
    yield FileStage(folder, whole=False)

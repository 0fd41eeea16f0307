"""A stand-in for Cisco's IM and Presence node: its Presence Web Service (REST) as Cisco's samples show it.

It is no proof of how a real server refuses: those statuses are not published, and are this stand-in's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from hybridge.lab.serve.ca import Authority
from hybridge.net.clock import SetClock
from hybridge.wire import cisco_presence as wire

APPLICATION, PASSWORD = "hybridge", "p<a&ss"
DOMAIN = "contoso.com"


@dataclass
class Device:
    """What a device says until ``expires_at``."""

    activities: tuple[str, ...]
    expires_at: datetime
    override: str


@dataclass
class Node:
    """One node. ``users`` live here; ``elsewhere`` maps a user to the place they live at."""

    name: str
    clock: SetClock
    users: set[str]
    elsewhere: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    devices: dict[tuple[str, str], Device] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: int = 0
    """A status answered to every presence that is set, 0 for none."""
    _numbers: int = 0

    def says(self, user: str, device: str = "hybridge-calendar") -> tuple[str, ...]:
        """What the device of ``user`` says now, () for nothing."""
        found = self.devices.get((user, device))
        return found.activities if found and self.clock.now() < found.expires_at else ()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        named = wire.read_path(request.path)
        if named is None:
            return web.Response(status=404)
        user, what = named
        owner = self.keys.get(request.headers.get(wire.KEY, ""), "")
        match request.method, what:
            case "POST", "sessions":
                return self._sign_in(user, owner, await request.read())
            case "PUT", "presence/rich":
                return self._set(user, owner, request, await request.read())
            case "DELETE", "session":
                self.keys.pop(request.headers.get(wire.KEY, ""), None)
                return web.Response(status=200)
        return web.Response(status=405)

    def _sign_in(self, user: str, owner: str, body: bytes) -> web.Response:
        if user == APPLICATION:
            granted = wire.read_password(body) == PASSWORD
        elif owner != APPLICATION:
            granted = False
        elif user in self.elsewhere:
            place = self.elsewhere[user]
            headers = {"Location": f"https://{place}/presence-service/users/{user}/session"}
            return web.Response(status=307, headers=headers)
        elif user not in self.users:
            return web.Response(status=404)
        else:
            granted = True
        if not granted:
            return web.Response(status=401)
        self._numbers += 1
        key = f"{self.name}-{self._numbers}"
        self.keys[key] = user
        return web.Response(status=201, body=wire.write_session(key), content_type="application/xml")

    def _set(self, user: str, owner: str, request: web.Request, body: bytes) -> web.Response:
        if self.broken:
            return web.Response(status=self.broken)
        said = wire.read_presence(body)
        if owner != user or said.user != user or said.entity != f"{user}@{DOMAIN}":
            return web.Response(status=403)
        lasts = timedelta(seconds=int(request.headers[wire.EXPIRY]))
        override = request.headers[wire.OVERRIDE]
        self.devices[user, said.device] = Device(said.activities, self.clock.now() + lasts, override)
        return web.Response(status=200)


@asynccontextmanager
async def serving(node: Node, authority: Authority, port: int = 0) -> AsyncIterator[int]:
    """``node`` over TLS on loopback; the port, a free one for 0."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", node.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=authority.context(node.name))
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()

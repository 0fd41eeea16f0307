"""The plain listener: port 80 of every host of the zone, told apart by the Host header.

One port stands for many hosts, so "nothing listens" cannot be a refused connection here: it is closed without an
answer, which a client reports the same way.
"""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web
from multidict import CIMultiDict

from hybridge.lab.apps import base
from hybridge.lab.behaviour.plain_http import answer_plain
from hybridge.lab.estate import Estate, LoggedRequest

_SHUTDOWN_SECONDS = 0.5


class PlainListener:
    """Serves plain HTTP for ``estate`` on 127.0.0.1; ``port`` is known once it is open."""

    def __init__(self, estate: Estate) -> None:
        self.port = 0
        self._estate = estate
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_route("*", "/{anything:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)

    async def __aenter__(self) -> PlainListener:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, incoming: web.Request) -> web.StreamResponse:
        host = incoming.host.partition(":")[0].lower().rstrip(".")
        answer = answer_plain(self._estate.organization, host, incoming.path)
        if answer is None:
            if incoming.transport is not None:
                with suppress(AttributeError):
                    incoming.transport.abort()
            return web.Response(status=500)  # goes nowhere: the connection is cut already
        remember_plain(self._estate, base.Request(method=incoming.method, host=host, path=incoming.path), answer.status)
        headers = CIMultiDict((name, value) for name, value in answer.headers)
        return web.Response(status=answer.status, headers=headers, body=answer.body)


def remember_plain(estate: Estate, request: base.Request, status: int) -> None:
    """Log a plain request as the secure ones are."""
    logged = LoggedRequest(
        host=request.host,
        method=request.method,
        path=request.path,
        user_agent=request.headers.get("user-agent", ""),
        status=status,
        principal="",
        digest=base.digest(request),
    )
    estate.remember(logged)

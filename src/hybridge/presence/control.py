"""How commands reach the running gateway: plain HTTP on loopback, with a token beside the state file.

The gateway listens on a port of the system's choice and writes address and token into ``<state file>.control``, which
only its owner may read; the file is removed when it ends. Nothing of it is reachable from elsewhere.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from hybridge.presence.endpoint import Endpoint, control_file, read_endpoint


@asynccontextmanager
async def controlled(state: Path, routes: list[web.RouteDef]) -> AsyncIterator[Endpoint]:
    """Serve ``routes`` on loopback, for whoever may read the control file, until the block ends."""
    token = secrets.token_urlsafe(32)

    @web.middleware
    async def only_with_token(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise web.HTTPUnauthorized(text='{"error": "The token is not this gateway\'s."}')
        return await handler(request)

    app = web.Application(middlewares=[only_with_token])
    app.add_routes(routes)
    async with listening(app, "127.0.0.1", 0) as port:
        endpoint = Endpoint(f"http://127.0.0.1:{port}", token, os.getpid())
        file = control_file(state)
        _write(file, msgspec.json.encode(endpoint))
        try:
            yield endpoint
        finally:
            if read_endpoint(state) == endpoint:
                file.unlink(missing_ok=True)


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` until the block ends; gives the port. Raises ``OSError`` where the address is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def json_answer(value: object, status: int = 200) -> web.Response:
    """``value`` as JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _write(file: Path, content: bytes) -> None:
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    part.replace(file)

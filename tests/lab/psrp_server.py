"""The lab's remote PowerShell on a real loopback server, and pypsrp, unchanged, as the stranger that uses it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from hybridge.lab.estate import ADMINISTRATOR
from hybridge.lab.psrp.endpoint import PsrpEndpoint

T = TypeVar("T")
USER, PASSWORD = ADMINISTRATOR, "right"


@dataclass
class Served:
    """A running server. ``statuses`` are those of its answers to clients that signed in."""

    endpoint: PsrpEndpoint
    port: int = 0
    statuses: list[int] = field(default_factory=list)

    async def with_client(self, work: Callable[[WSMan], T], user: str = USER, password: str = PASSWORD) -> T:
        """What ``work`` makes of a pypsrp connection, in a thread because pypsrp blocks."""

        def threaded() -> T:
            wsman = WSMan(
                "127.0.0.1",
                port=self.port,
                ssl=False,
                path="powershell",
                auth="basic",
                username=user,
                password=password,
                encryption="never",
                no_proxy=True,
                operation_timeout=1,
            )
            with wsman:
                return work(wsman)

        return await asyncio.to_thread(threaded)

    async def in_pool(self, work: Callable[[RunspacePool], T]) -> T:
        """What ``work`` makes of an open session."""

        def opened(wsman: WSMan) -> T:
            with RunspacePool(wsman, configuration_name="Microsoft.Exchange") as pool:
                return work(pool)

        return await self.with_client(opened)

    async def post(self, body: bytes, principal: str = USER, kind: str = "application/soap+xml") -> tuple[int, bytes]:
        """One request straight to the endpoint."""
        status, _, reply = await self.endpoint.post("1", principal, {"content-type": kind}, body)
        return status, reply


@asynccontextmanager
async def serve(endpoint: PsrpEndpoint) -> AsyncIterator[Served]:
    """``endpoint`` at http://127.0.0.1/powershell behind Basic; any user name with the right password is signed in."""
    served = Served(endpoint)

    async def answer(request: web.Request) -> web.Response:
        credentials = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        user, _, password = credentials.partition(":")
        if password != PASSWORD:
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, extra, body = await endpoint.post(str(id(request.transport)), user, headers, await request.read())
        served.statuses.append(status)
        return web.Response(status=status, headers=extra, body=body)

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/powershell", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.port = runner.addresses[0][1]
        yield served
    finally:
        await endpoint.close()
        await runner.cleanup()


def invoke(pool: RunspacePool, name: str, **parameters: Any) -> PowerShell:
    """A cmdlet run to its end."""
    shell = PowerShell(pool)
    shell.add_cmdlet(name)
    for parameter, value in parameters.items():
        shell.add_parameter(parameter, value)
    shell.invoke()
    return shell

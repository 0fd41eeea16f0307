"""How many streams of notifications a second are opened over TLS: ours, bare aiohttp, and bare asyncio.

The server is a process of its own on loopback. To every GetStreamingEvents with the right account it answers a first
envelope and keeps the answer open, as Exchange does. A stream counts as opened when that envelope was read; all of them
stay open until the last is. Each has a connection of its own, so each costs a TLS handshake, which no library saves:
the bare ones show what that costs alone.

Ours is ``net.streaming`` with its rules, limits, sign-in, cookies and certificate facts. The bare ones send the same
bytes. Streams a second are of the client's processor time; those on the wall count the server's work as well.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import multiprocessing
import ssl
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import uvloop

from hybridge.lab.serve.ca import Authority
from hybridge.net.clock import SystemClock
from hybridge.net.config import ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.net.streaming import open_lines
from hybridge.wire.ask import Failure, HttpAsk
from hybridge.wire.ews import envelope
from hybridge.wire.ews.get_streaming_events import OK, EnvelopeStream, Request, Response, write_envelope, write_request

HOST = "mail.contoso.com"
URL = f"https://{HOST}/EWS/Exchange.asmx"
USER, PASSWORD = "CONTOSO\\svc-presence", "correct horse"
PROOF = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
VERSION = envelope.ServerVersion(15, 2, 1748, 10)
AT_ONCE = 8
"""Streams that are being opened at once: what ``net.per_host`` says too."""


class Speed(NamedTuple):
    """Streams a second of processor time, and of the clock on the wall."""

    processor: float
    wall: float


class _Streams(asyncio.Protocol):
    """Answers a request that is signed in with one envelope, and leaves the answer open."""

    first = write_envelope(Response(connection_status=OK), VERSION)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._bytes = b""

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        end = self._bytes.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._bytes[:end].lower()
        found = head.find(b"content-length:")
        length = int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0
        if len(self._bytes) < end + 4 + length:
            return
        self._bytes = self._bytes[end + 4 + length :]
        if b"authorization: basic" not in head:
            self._transport.write(
                b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="mail"\r\nContent-Length: 0\r\n\r\n'
            )
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"%x\r\n%b\r\n" % (len(self.first), self.first)
        )


def _serve(told: Connection) -> None:
    async def forever() -> None:
        authority = Authority(datetime.now(UTC))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Streams, "127.0.0.1", 0, ssl=authority.context(HOST), backlog=1000)
        told.send((server.sockets[0].getsockname()[1], authority.root_pem))
        await server.serve_forever()

    uvloop.run(forever())


def _asked(number: int) -> HttpAsk:
    ids = tuple(f"subscription{number:06d}{place:03d}" for place in range(200))
    return envelope.ask(URL, write_request(Request(ids)), user_agent="bench")


async def _counted(streams: int, open_one: Callable[[HttpAsk], Coroutine[Any, Any, bool]]) -> Speed:
    """Open so many, ``AT_ONCE`` at once. Writing the requests is not counted."""
    asks = iter([_asked(number) for number in range(streams)])
    opened = 0

    async def some() -> None:
        nonlocal opened
        for one in asks:
            good = await open_one(one)
            opened += good

    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    speed = Speed(streams / (time.process_time() - processor), streams / (time.perf_counter() - wall))
    if opened != streams:
        raise SystemExit(f"{opened} of {streams} streams were opened.")
    return speed


async def _ours(port: int, ca_file: str, streams: int) -> Speed:
    net = NetConfig(connect_to={HOST: f"127.0.0.1:{port}"}, ca_file=ca_file, per_host=AT_ONCE)
    exchange = ExchangeConfig(hosts=(HOST,), username=USER, password=Secret(PASSWORD), auth="basic")
    async with open_lines(net, exchange, SystemClock()) as lines, AsyncExitStack() as held:
        if isinstance(lines, Failure):
            raise SystemExit(lines.says)
        groups = count()

        async def open_one(one: HttpAsk) -> bool:
            streamed = await held.enter_async_context(lines.stream(f"group{next(groups)}", one))
            if streamed.chunks is None:
                raise SystemExit(f"No stream: {streamed.answer.failure or streamed.answer.status}")
            envelopes = EnvelopeStream()
            async for chunk in streamed.chunks:
                if isinstance(chunk, Failure) or envelopes.feed(chunk):
                    return not isinstance(chunk, Failure)
            return False

        return await _counted(streams, open_one)


async def _aiohttp(port: int, ca_file: str, streams: int) -> Speed:
    tls = ssl.create_default_context(cafile=ca_file)
    headers = {"Authorization": f"Basic {PROOF}", "Content-Type": "text/xml; charset=utf-8"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls, limit=0), headers=headers) as session,
        AsyncExitStack() as held,
    ):

        async def open_one(one: HttpAsk) -> bool:
            url = f"https://127.0.0.1:{port}/EWS/Exchange.asmx"
            answer = await held.enter_async_context(session.post(url, data=one.body, server_hostname=HOST))
            held.callback(answer.close)
            return b"Envelope>" in await answer.content.readany()

        return await _counted(streams, open_one)


async def _asyncio(port: int, ca_file: str, streams: int) -> Speed:
    tls = ssl.create_default_context(cafile=ca_file)
    writers = []

    async def open_one(one: HttpAsk) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=HOST)
        writers.append(writer)
        writer.write(
            b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: %b\r\nAuthorization: Basic %b\r\n"
            b"Content-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b"
            % (HOST.encode(), PROOF.encode(), len(one.body), one.body)
        )
        await reader.readuntil(b"Envelope>")
        return True

    speed = await _counted(streams, open_one)
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)
    return speed


class Found(NamedTuple):
    """The best rounds."""

    ours: Speed
    aiohttp: Speed
    asyncio: Speed


def measure(streams: int, rounds: int = 3) -> Found:
    """Open so many streams in each of three ways, in turns."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        port, pem = here.recv()
        with tempfile.TemporaryDirectory() as folder:
            ca_file = str(Path(folder) / "ca.pem")
            Path(ca_file).write_bytes(pem)
            ways = (_ours, _aiohttp, _asyncio)
            speeds: list[list[Speed]] = [[] for _ in ways]
            for turn in range(rounds + 1):
                for way, some in zip(ways, speeds, strict=True):
                    speed = uvloop.run(way(port, ca_file, streams if turn else AT_ONCE))
                    if turn:  # the first time libraries are read
                        some.append(speed)
    finally:
        server.terminate()
        server.join()
    return Found(*(max(some) for some in speeds))

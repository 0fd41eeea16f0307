"""A name server for the lab's zone, over UDP and TCP on one port of loopback (RFC 1035, RFC 7766)."""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack, suppress
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from hybridge.lab.serve.zone import Zone

TTL = 0
"""Seconds an answer may be kept: none, so that a change of the zone is seen at once."""

_SOA = f"ns.lab. hostmaster.lab. 1 3600 600 86400 {TTL}"
"""Without it a resolver may keep "there is no such name" for ever (RFC 2308)."""

_IDLE_SECONDS = 10.0
_ATTEMPTS = 20


def answer(zone: Zone, query: bytes) -> bytes | None:
    """The reply to one DNS message, or None for what is no query and deserves no reply."""
    try:
        message = dns.message.from_wire(query)
        reply = dns.message.make_response(message)
    except dns.exception.DNSException:
        return None
    reply.flags |= dns.flags.AA
    if not message.question:
        reply.set_rcode(dns.rcode.FORMERR)
        return reply.to_wire()
    question = message.question[0]
    rdtype = dns.rdatatype.to_text(question.rdtype)
    records = zone.records(question.name.to_text(), rdtype)
    if records is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif records:
        shown = "A" if rdtype == "ANY" else rdtype
        reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", shown, *records))
    if not records:
        reply.authority.append(dns.rrset.from_text(_zone_of(question.name), TTL, "IN", "SOA", _SOA))
    return reply.to_wire()


def _zone_of(name: dns.name.Name) -> dns.name.Name:
    """The last two labels of ``name``: a zone that is good enough to say how long "there is none" holds."""
    return name if len(name) <= 3 else dns.name.Name(name.labels[-3:])


class _Datagrams(asyncio.DatagramProtocol):
    """Answers datagrams; ``closed`` is done when the socket is."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        reply = answer(self._zone, data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class NameServer:
    """Serves ``zone`` on 127.0.0.1; ``async with`` opens and closes it. ``port`` is known once it is open."""

    def __init__(self, zone: Zone) -> None:
        self.port = 0
        self._zone = zone
        self._opened = AsyncExitStack()
        self._streams: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> NameServer:
        for _ in range(_ATTEMPTS):
            await self._open_udp()
            try:
                server = await asyncio.start_server(self._stream, "127.0.0.1", self.port)
            except OSError:
                await self._opened.aclose()  # the twin port of TCP is taken: try another pair
                continue
            self._opened.push_async_callback(self._close_tcp, server)
            return self
        raise OSError("No port of 127.0.0.1 is free for both UDP and TCP; the lab's name server cannot start.")

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def _open_udp(self) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._zone), local_addr=("127.0.0.1", 0)
        )
        self.port = transport.get_extra_info("sockname")[1]

        async def close() -> None:
            transport.close()
            await protocol.closed

        self._opened.push_async_callback(close)

    async def _close_tcp(self, server: asyncio.Server) -> None:
        server.close()
        for task in tuple(self._streams):
            task.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)
        await server.wait_closed()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        try:
            with suppress(asyncio.IncompleteReadError, TimeoutError, ConnectionError, asyncio.CancelledError):
                while True:
                    await self._one(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_IDLE_SECONDS):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            query = await reader.readexactly(length)
        reply = answer(self._zone, query)
        if reply is None:
            raise ConnectionAbortedError
        writer.write(struct.pack("!H", len(reply)) + reply)
        await writer.drain()

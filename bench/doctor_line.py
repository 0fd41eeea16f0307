"""The slow line of ``bench/doctor.py``: a proxy on loopback, on which every round trip takes longer.

It stands between the doctor and the lab, adds half of ``delay`` to everything that passes in either direction, and a
whole one to every connection that is opened (the round trip of TCP) and to every question of DNS, and it counts: each
time a client speaks after its server spoke is a round trip. It is a process of its own, so that its work is not taken
for the doctor's. The lab's names live for no time at all, so that whoever breaks one sees it at once; behind the line
they live for ``TTL``, as names in the world do.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import dns.message
import dns.rdatatype
import dns.rrset

from hybridge.config import Config

TTL = 60
"""Seconds for which an address may be kept."""


@dataclass(frozen=True)
class Counts:
    """What passed: connections, and round trips on them and of DNS."""

    connections: int
    turns: int


class SlowLine:
    """The proxy's process, seen from the bench."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running

    def asked(self, words: object) -> Any:
        """Tell the process something; its answer."""
        assert self._running.stdin is not None and self._running.stdout is not None
        self._running.stdin.write(json.dumps(words) + "\n")
        self._running.stdin.flush()
        return json.loads(self._running.stdout.readline())

    def counts(self) -> Counts:
        """What has passed so far."""
        return Counts(*self.asked("count"))


@contextmanager
def slow_line(config: Config, delay: float) -> Iterator[tuple[Config, SlowLine]]:
    """``config`` with everything it connects to behind the line."""
    running = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = SlowLine(running)
    places = sorted({*config.net.connect_to.values()})
    try:
        ports, names = line.asked([delay, places, config.net.nameserver])
        table = {name: ports[place] for name, place in config.net.connect_to.items()}
        config.net = replace(config.net, connect_to=table, nameserver=names)
        yield config, line
    finally:
        running.terminate()
        running.communicate(timeout=30)


# ------------------------------------------------------------------------------------------- in the proxy's process


@dataclass
class Line:
    """One connection through the proxy: how often the client spoke after the server did."""

    turns: int = 1
    """TCP itself."""
    server_spoke: bool = True


@dataclass
class Proxy:
    """Relays connections to the lab, ``delay`` seconds longer for every round trip."""

    delay: float
    lines: list[Line] = field(default_factory=list)
    questions: int = 0
    """Of DNS."""

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        """One connection from its beginning to its end."""
        line = Line()
        self.lines.append(line)
        await asyncio.sleep(self.delay)
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return

        def spoke(client: bool) -> None:
            if client and line.server_spoke:
                line.turns += 1
            line.server_spoke = not client

        with suppress(asyncio.CancelledError):  # the end of the bench
            await asyncio.gather(
                self._pump(reader, back, lambda: spoke(True)), self._pump(there, writer, lambda: spoke(False))
            )

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, spoke: Any) -> None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, piece = await waiting.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not piece:
                    break
                sink.write(piece)
                await sink.drain()
            sink.close()

        delivering = asyncio.create_task(deliver())
        try:
            while piece := await source.read(65536):
                spoke()
                waiting.put_nowait((loop.time() + self.delay / 2, piece))
        except OSError:
            pass
        waiting.put_nowait((loop.time() + self.delay / 2, b""))
        await asyncio.gather(delivering, return_exceptions=True)


class _Names(asyncio.DatagramProtocol):
    """DNS through the proxy: every question ``delay`` later."""

    def __init__(self, proxy: Proxy, there: tuple[str, int]) -> None:
        self._proxy, self._there = proxy, there
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._proxy.questions += 1
        task = asyncio.ensure_future(self._ask(data, addr))
        task.add_done_callback(lambda _: None)

    async def _ask(self, data: bytes, addr: Any) -> None:
        await asyncio.sleep(self._proxy.delay)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: Any) -> None:
                if not answered.done():
                    answered.set_result(data)

        transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=self._there)
        transport.sendto(data)
        try:
            self._transport.sendto(_lasting(await asyncio.wait_for(answered, 5)), addr)
        finally:
            transport.close()


def _lasting(answer: bytes) -> bytes:
    """An answer of DNS with ``TTL`` for all that it holds, and for what it says is not there (RFC 2308 5)."""
    message = dns.message.from_wire(answer)
    message.authority = [_lasting_zone(one) if one.rdtype == dns.rdatatype.SOA else one for one in message.authority]
    for rrset in (*message.answer, *message.authority):
        rrset.ttl = TTL
    return message.to_wire()


def _lasting_zone(zone: dns.rrset.RRset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(zone.name, TTL, [one.replace(minimum=TTL) for one in zone])


async def _listen(proxy: Proxy, places: list[str], nameserver: str) -> tuple[dict[str, str], str]:
    """Where each of ``places`` and the name server can be reached by way of the proxy."""
    ports: dict[str, str] = {}
    for place in places:
        host, _, port = place.rpartition(":")
        server = await asyncio.start_server(
            lambda reader, writer, host=host, port=port: proxy.relay(reader, writer, host, int(port)),
            "127.0.0.1",
            0,
            backlog=1024,
        )
        ports[place] = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    host, _, port = nameserver.rpartition(":")
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Names(proxy, (host, int(port))), local_addr=("127.0.0.1", 0)
    )
    return ports, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"


async def serve() -> None:
    """Relay until whoever started the process ends it; a line asks for the counts."""
    loop = asyncio.get_running_loop()
    delay, places, nameserver = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    proxy = Proxy(delay)
    answer: object = await _listen(proxy, places, nameserver)
    while True:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if not await loop.run_in_executor(None, sys.stdin.readline):
            return
        answer = [len(proxy.lines), sum(line.turns for line in proxy.lines) + proxy.questions]


if __name__ == "__main__":
    asyncio.run(serve())

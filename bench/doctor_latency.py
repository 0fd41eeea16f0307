"""The latency part of ``bench/doctor.py``: one mailbox examined over a line on which every round trip takes longer.

A proxy on loopback stands between the doctor and the lab. It adds half of ``delay`` to everything that passes in either
direction, and a whole one to every connection that is opened (the round trip of TCP) and to every question of DNS, and
it counts: each time a client speaks after its server spoke is a round trip.

How long a run must take is a matter of what depends on what. ``NEEDS`` says which question can only be asked when
another is answered; ``chain`` walks the log of what was asked along these dependencies and adds up round trips: one for
a question, those of opening a connection for the first question of a chain at a place, and a session's for the first
cmdlet. Whatever takes longer than this chain is a sequence nobody needed, or work.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hybridge.collectors.collect import Target, collect
from hybridge.config import Config, load
from hybridge.net.answerers.live import open_live
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.clock import SystemClock
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, CmdletAsk, HttpAsk, Sign

CONNECT = 3
"""Round trips of a new connection before anything is asked: the name, TCP, TLS 1.3."""
SESSION = 2
"""Round trips of a new remote PowerShell session before the first cmdlet: create it, fetch its state."""
CMDLET = 2
"""Round trips of a cmdlet: begin it, fetch its output."""
NTLM = 2
"""Round trips of signing a connection in by NTLM, on top of the question."""


# ---------------------------------------------------------------------------------------------------- the proxy


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
            self._transport.sendto(await asyncio.wait_for(answered, 5), addr)
        finally:
            transport.close()


@contextmanager
def slow_line(config: Config, delay: float) -> Iterator[tuple[Config, Proxy]]:
    """``config`` with everything it connects to behind a proxy, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = Proxy(delay)
    try:
        slow = asyncio.run_coroutine_threadsafe(_behind(config, proxy), loop).result(30)
        yield slow, proxy
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end() -> None:
    """Cut what is still relayed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _behind(config: Config, proxy: Proxy) -> Config:
    ports: dict[str, str] = {}
    for place in {*config.net.connect_to.values()}:
        host, _, port = place.rpartition(":")
        server = await asyncio.start_server(
            lambda reader, writer, host=host, port=port: proxy.relay(reader, writer, host, int(port)), "127.0.0.1", 0
        )
        ports[place] = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    host, _, port = config.net.nameserver.rpartition(":")
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Names(proxy, (host, int(port))), local_addr=("127.0.0.1", 0)
    )
    names = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    table = {name: ports[place] for name, place in config.net.connect_to.items()}
    config.net = replace(config.net, connect_to=table, nameserver=names)
    return config


# ---------------------------------------------------------------------------------------------------- the log


@dataclass(frozen=True)
class Asked:
    """One question: what it is for ``NEEDS``, where it went, when."""

    kind: str
    place: str
    subject: str
    began: float
    ended: float
    signed: bool = False


class Logged:
    """An answerer that logs."""

    def __init__(self, inner: Answerer) -> None:
        self._inner = inner
        self.log: list[Asked] = []
        self.zero = time.perf_counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def http(self, ask: HttpAsk) -> Any:
        url = urlsplit(ask.url)
        began = time.perf_counter()
        answer = await self._inner.http(ask)
        signed = ask.sign is Sign.EXCHANGE
        self._note(f"{ask.method} {url.path.lower()}", url.netloc, ask.url.lower(), began, signed)
        return answer

    async def cmdlet(self, ask: CmdletAsk) -> Any:
        began = time.perf_counter()
        answer = await self._inner.cmdlet(ask)
        here = ask.premises is Premises.ON_PREMISES
        subject = " ".join(str(value) for _, value in ask.parameters)
        self._note(ask.name, "powershell" if here else "exchange online", subject, began, False)
        return answer

    async def dns(self, ask: Any) -> Any:
        began = time.perf_counter()
        answer = await self._inner.dns(ask)
        self._note("dns", "dns", ask.name, began, False)
        return answer

    async def tls(self, ask: Any) -> Any:
        began = time.perf_counter()
        answer = await self._inner.tls(ask)
        self._note("tls", f"tls {ask}", "", began, False)
        return answer

    def _note(self, kind: str, place: str, subject: str, began: float, signed: bool) -> None:
        self.log.append(Asked(kind, place, subject, began - self.zero, time.perf_counter() - self.zero, signed))


# ---------------------------------------------------------------------------------------------------- the chain

TOKEN = 1 + CONNECT
"""Round trips of a token: a connection to the sign-in service, one question."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "Get-ExchangeCertificate": ("Get-ExchangeServer",),
    "Get-ManagementRole": ("Get-ManagementRoleAssignment",),
    "Get-ManagementRoleEntry": ("Get-ManagementRole",),
    "Get-ManagementRoleAssignment": ("Get-PartnerApplication",),
    "Get-MailUser": ("Get-PartnerApplication",),
    "Get-Recipient": ("Get-Mailbox",),
    "Test-OAuthConnectivity": ("Get-Mailbox",),
    "Get-CASMailbox": ("Get-Mailbox",),
    "Get-MailboxFolderStatistics": ("Get-Mailbox",),
    "Get-MailboxFolderPermission": ("Get-Mailbox", "Get-MailboxFolderStatistics"),
    "POST /ews/exchange.asmx": ("GET /autodiscover/autodiscover.json", "Get-Mailbox"),
    "GET /ews/exchange.asmx": ("GET /autodiscover/autodiscover.json",),
    "GET /api": ("GET /autodiscover/autodiscover.json",),
}
"""What a question cannot do without. A question that is not here needs nothing but its connection."""


def chain(log: list[Asked]) -> tuple[int, list[str]]:
    """The longest chain of round trips the questions of ``log`` need, and its links."""
    best: dict[int, tuple[int, list[str]]] = {}
    ordered = sorted(range(len(log)), key=lambda place: log[place].ended)

    def longest(place: int, seen: frozenset[int]) -> tuple[int, list[str]]:
        if place in best:
            return best[place]
        one = log[place]
        before: tuple[int, list[str]] = (0, [])
        for other in ordered:
            if other == place or other in seen or log[other].ended > one.began:
                continue
            hop = (
                one.kind == log[other].kind
                and one.kind.startswith("GET /autodiscover")
                and one.place != log[other].place
            )
            if hop or (log[other].kind in NEEDS.get(one.kind, ()) and one.place != "exchange online"):
                before = max(before, longest(other, seen | {place}), key=lambda found: found[0])
        cost = own_cost(one, any(f"@{one.place}" in link for link in before[1]))
        best[place] = before[0] + cost, [*before[1], f"{one.kind} @{one.place} ({cost})"]
        return best[place]

    return max((longest(place, frozenset()) for place in range(len(log))), key=lambda found: found[0])


def own_cost(one: Asked, been_there: bool) -> int:
    """Round trips of one question; ``been_there`` tells that its chain has a connection to its place already."""
    if one.kind == "dns":
        return 1
    if one.place == "powershell":
        return CMDLET + (0 if been_there else CONNECT + NTLM + SESSION)
    if one.place == "exchange online":
        return 1 + (0 if been_there else TOKEN + CONNECT)
    if one.kind == "tls":
        return CONNECT
    token = TOKEN if one.place.startswith(("graph.", "api.interfaces")) and not been_there else 0
    return 1 + (0 if been_there else CONNECT) + (NTLM if one.signed and not been_there else 0) + token


# ---------------------------------------------------------------------------------------------------- the run


@contextmanager
def lab(folder: Path) -> Iterator[Path]:
    """A lab in a process of its own; the configuration that reaches it."""
    config = folder / "hybridge.toml"
    command = [sys.executable, "-m", "hybridge", "lab", "up", "--config-out", str(config), "--quiet"]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert running.stdout is not None
        running.stdout.readline()
        yield config
    finally:
        os.kill(running.pid, signal.SIGINT)
        running.wait(30)


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Answerer]:
    """The live answerer of ``config``."""
    async with open_live(config.net, config.exchange, config.entra, SystemClock()) as live:
        yield live


@dataclass(frozen=True)
class Timed:
    """One run: its wall time in seconds, the delay, round trips by the proxy, the chain they need."""

    wall: float
    delay: float
    asked: int
    turns: int
    connections: int
    chain: int
    links: tuple[str, ...]
    log: tuple[Asked, ...] = ()

    @property
    def ratio(self) -> float:
        """Wall time over that of the longest chain."""
        return self.wall / (self.chain * self.delay)


async def examine(config: Config, mailbox: str, delay: float, proxy: Proxy) -> Timed:
    """Collect everything about one mailbox, once. Libraries are read before the clock starts."""
    import_module("hybridge.net.powershell_lanes")
    section = config.settings.organization
    target = Target(section.domain, section.tenant_id, config.cloud, (mailbox,), "hybridge/bench")
    async with opened(config) as live:
        logged = Logged(live)
        began = logged.zero = time.perf_counter()
        await collect(AskedOnce(logged), target, SystemClock().now())
        wall = time.perf_counter() - began
    length, links = chain(logged.log)
    turns = sum(line.turns for line in proxy.lines) + proxy.questions
    return Timed(wall, delay, len(logged.log), turns, len(proxy.lines), length, tuple(links), tuple(logged.log))


def measure(folder: Path, delay: float, mailbox: str = "ada@contoso.com") -> Timed:
    """Start a lab, put it behind the line, examine one mailbox."""
    with lab(folder) as file, slow_line(load(file), delay) as (config, proxy):
        return asyncio.run(examine(config, mailbox, delay, proxy))

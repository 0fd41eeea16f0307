"""How fast a sweep reads calendars: ours, exchangelib's ``get_free_busy_info``, and the bare cost of the same bytes.

Run it with ``.venv/bin/python bench/presence_sweep.py``. All three talk TLS to one small server on loopback, a process
of its own that answers every GetUserAvailability from a store of canned mailboxes (six meetings, details and working
hours each, as Exchange writes them): the lab's own work would drown what is measured here. They ask about the same
mailboxes, a hundred a call, ours and the bare client with four calls at once.

Ours is the whole source, from the due mailbox to the ``CalendarRead`` that is told. The bare client sends the same
requests with aiohttp and parses every answer with lxml, and does nothing with it. exchangelib reads a part of the
mailboxes, because it would take minutes; it asks for the time zones before each call, as it always does.

Mailboxes a second are of the client's processor time, because all three have one thread to work with and other programs
must not decide; the rounds take turns, and the best of each counts. Exit code 1 when ours is less than ``PEER`` times
exchangelib or less than ``BARE`` of aiohttp and lxml.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import exchangelib
import requests
import uvloop
from exchangelib.protocol import BaseProtocol, Protocol
from exchangelib.version import EXCHANGE_2019
from lxml import etree
from requests.adapters import HTTPAdapter

from hybridge.lab.serve.ca import Authority
from hybridge.net.clock import SystemClock
from hybridge.net.config import ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.net.streaming import open_lines
from hybridge.presence.observations import CalendarRead, Observation
from hybridge.presence.people import Person
from hybridge.presence.sources.exchange import ExchangeSource
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.wire.ask import Failure
from hybridge.wire.ews import get_server_time_zones as zones
from hybridge.wire.ews.envelope import ServerVersion, ask, write_response
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.ews.get_user_availability import Request, Response, write_request
from hybridge.wire.ews.get_user_availability import write_response as write_availability

HOST = "mail.contoso.com"
URL = f"https://{HOST}/EWS/Exchange.asmx"
USER, PASSWORD = "CONTOSO\\svc-presence", "correct horse"
VERSION = ServerVersion(15, 2, 1748, 10)
PEER, BARE = 50.0, 0.7
"""What is wanted: times exchangelib, and part of aiohttp and lxml."""
BATCH, AT_ONCE = 100, 4
TODAY = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Speed:
    """Mailboxes a second of the client's processor time, and of the clock on the wall."""

    processor: float
    wall: float


@dataclass(frozen=True)
class Result:
    """The best rounds of the three."""

    ours: Speed
    peer: Speed
    bare: Speed

    @property
    def times_peer(self) -> float:
        """How many times exchangelib."""
        return self.ours.processor / self.peer.processor

    @property
    def of_bare(self) -> float:
        """Which part of aiohttp and lxml."""
        return self.ours.processor / self.bare.processor


# ------------------------------------------------------------------------------------------------------ the server


@lru_cache(maxsize=8)
def _availability(mailboxes: int) -> bytes:
    chance = random.Random(mailboxes)
    views = tuple(_view(chance) for _ in range(mailboxes))
    return write_response(write_availability(Response(views)), VERSION).body


def _view(chance: random.Random) -> FreeBusy:
    periods = []
    for _ in range(6):
        start = TODAY + timedelta(minutes=30 * chance.randrange(12, 40))
        end = start + timedelta(minutes=30 * chance.randrange(1, 5))
        kind = chance.choice(("Busy", "Busy", "Busy", "Tentative", "OOF", "WorkingElsewhere"))
        subject, room = f"Weekly status & plans {chance.randrange(500)}", f"Room {chance.randrange(40)}"
        periods.append(BusyPeriod(start, end, kind, subject, room, chance.random() < 0.8, False, True))
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    return FreeBusy(("Detailed",), tuple(periods), "", (WorkingPeriod(days, 480, 1020),), 0)


class _Canned(asyncio.Protocol):
    """Answers HTTP/1.1 requests, one after the other, with as little work as can be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._bytes = b""

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        while (end := self._bytes.find(b"\r\n\r\n")) >= 0:
            head = self._bytes[:end].lower()
            found = head.find(b"content-length:")
            length = int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0
            if len(self._bytes) < end + 4 + length:
                return
            body = self._bytes[end + 4 : end + 4 + length]
            self._bytes = self._bytes[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        status, more, answer = b"200 OK", b"", b""
        if b"authorization: basic" not in head:
            status, more = b"401 Unauthorized", b'WWW-Authenticate: Basic realm="mail"\r\n'
        elif b"GetServerTimeZones" in body:
            found = zones.Response(zones=(zones.Zone("UTC", "(UTC) Coordinated Universal Time"),))
            answer = write_response(zones.write_response(found), VERSION).body
        else:
            answer = _availability(body.count(b"</t:MailboxData>"))
        self._transport.write(
            b"HTTP/1.1 %b\r\n%bContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b"
            % (status, more, len(answer), answer)
        )


def _serve(told: Connection) -> None:
    async def forever() -> None:
        authority = Authority(datetime.now(UTC))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Canned, "127.0.0.1", 0, ssl=authority.context(HOST))
        _availability(BATCH)
        told.send((server.sockets[0].getsockname()[1], authority.root_pem))
        await server.serve_forever()

    uvloop.run(forever())


# ------------------------------------------------------------------------------------------------------ the clients


class Watch:
    """Measures one client from ``begin`` (everything is set up) to ``end``."""

    def begin(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def end(self, read: int, mailboxes: int) -> Speed:
        processor, wall = time.process_time() - self._processor, time.perf_counter() - self._wall
        if read != mailboxes:
            raise SystemExit(f"{read} mailboxes were read where {mailboxes} were asked about.")
        return Speed(mailboxes / processor, mailboxes / wall)


def ours(port: int, ca_file: str, mailboxes: int) -> Speed:
    """Sweep once with the source."""

    async def sweep() -> Speed:
        net = NetConfig(connect_to={HOST: f"127.0.0.1:{port}"}, ca_file=ca_file)
        exchange = ExchangeConfig(hosts=(HOST,), username=USER, password=Secret(PASSWORD), auth="basic")
        settings = ExchangeSettings(
            hosts=(HOST,), calls=AT_ONCE, batch=BATCH, replies=False, streaming=False, autodiscover=False
        )
        done, read = asyncio.Event(), 0

        def tell(address: str, observation: Observation) -> None:
            nonlocal read
            if isinstance(observation, CalendarRead) and len(observation.window.events) == 6:
                read += 1
                if read == mailboxes:
                    done.set()

        async with open_lines(net, exchange, SystemClock()) as lines:
            if isinstance(lines, Failure):
                raise SystemExit(lines.says)
            source = ExchangeSource("bench", settings, lines, Pace(lambda: TODAY, random.Random(1)))
            people = [Person(address=f"user{number}@contoso.com", source="bench") for number in range(mailboxes)]
            watch = Watch()
            watch.begin()
            source.watch(people)
            task = asyncio.create_task(source.run(tell))
            await done.wait()
            speed = watch.end(read, mailboxes)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return speed

    return uvloop.run(sweep())


def bare(port: int, ca_file: str, mailboxes: int) -> Speed:
    """Ask with aiohttp and parse with lxml."""
    span = TODAY - timedelta(hours=2), TODAY + timedelta(hours=24)
    waiting = [
        tuple(f"user{number}@contoso.com" for number in range(first, min(first + BATCH, mailboxes)))
        for first in range(0, mailboxes, BATCH)
    ]
    url, read = f"https://127.0.0.1:{port}/EWS/Exchange.asmx", 0

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal read
        while waiting:
            asked = ask(URL, write_request(Request(waiting.pop(), *span)), user_agent="bench")
            async with session.post(url, data=asked.body, server_hostname=HOST) as response:
                root = etree.XML(await response.read(), etree.XMLParser(resolve_entities=False, no_network=True))
                read += len(root[1][0][0])

    async def everything() -> Speed:
        tls = ssl.create_default_context(cafile=ca_file)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            headers={
                "Content-Type": "text/xml; charset=utf-8",
                "Host": HOST,
                "Authorization": aiohttp.encode_basic_auth(USER, PASSWORD),
            },
        ) as session:
            watch = Watch()
            watch.begin()
            await asyncio.gather(*(client(session) for _ in range(AT_ONCE)))
            return watch.end(read, mailboxes)

    return uvloop.run(everything())


def peer(port: int, ca_file: str, mailboxes: int) -> Speed:
    """Ask with exchangelib, a hundred at a time."""

    class ToTheServer(HTTPAdapter):
        def get_connection_with_tls_context(
            self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            trust = {"ca_certs": ca_file, "cert_reqs": "CERT_REQUIRED"}
            name = {"server_hostname": HOST, "assert_hostname": HOST}
            return self.poolmanager.connection_from_host("127.0.0.1", port, "https", trust | name)

        def cert_verify(self, *_: Any, **__: Any) -> None:
            """The pool has its authority already."""

    BaseProtocol.HTTP_ADAPTER_CLS = ToTheServer
    Protocol.clear_cache()
    configuration = exchangelib.Configuration(
        service_endpoint=URL,
        credentials=exchangelib.Credentials(USER, PASSWORD),
        auth_type=exchangelib.BASIC,
        version=exchangelib.Version(EXCHANGE_2019),
    )
    account = exchangelib.Account(
        "user0@contoso.com", config=configuration, autodiscover=False, default_timezone=exchangelib.UTC
    )
    start = exchangelib.EWSDateTime.from_datetime(TODAY)
    watch, read = Watch(), 0
    watch.begin()
    for first in range(0, mailboxes, BATCH):
        asked = [(f"user{number}@contoso.com", "Required", False) for number in range(first, first + BATCH)]
        views = account.protocol.get_free_busy_info(
            asked, start=start, end=start + timedelta(hours=26), requested_view="Detailed"
        )
        read += sum(len(view.calendar_events) == 6 for view in views)
    speed = watch.end(read, mailboxes)
    account.protocol.close()
    return speed


def measure(mailboxes: int = 10_000, sample: int = 500, rounds: int = 3) -> Result:
    """Measure all three; exchangelib with ``sample`` mailboxes."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        port, pem = here.recv()
        with tempfile.TemporaryDirectory() as folder:
            ca_file = str(Path(folder) / "ca.pem")
            Path(ca_file).write_bytes(pem)
            ours(port, ca_file, BATCH), bare(port, ca_file, BATCH), peer(port, ca_file, BATCH)  # libraries are read
            speeds: dict[str, list[Speed]] = {"ours": [], "bare": [], "peer": []}
            for _ in range(rounds):
                speeds["ours"].append(ours(port, ca_file, mailboxes))
                speeds["bare"].append(bare(port, ca_file, mailboxes))
                speeds["peer"].append(peer(port, ca_file, sample))
    finally:
        server.terminate()
        server.join()
    return Result(**{name: max(some, key=lambda speed: speed.processor) for name, some in speeds.items()})


def main() -> int:
    """Print the table and the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mailboxes", type=int, default=10_000, help="mailboxes of one sweep (a multiple of 100)")
    parser.add_argument("--sample", type=int, default=500, help="mailboxes exchangelib reads (a multiple of 100)")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    found = measure(chosen.mailboxes, chosen.sample, chosen.rounds)
    size = len(_availability(BATCH)) / BATCH / 1024
    print(f"Sweep of {chosen.mailboxes} mailboxes over TLS, {size:.1f} KiB each, from a canned server (not the lab)")  # noqa: T201
    for name, speed in (("hybridge", found.ours), ("aiohttp + lxml", found.bare), ("exchangelib", found.peer)):
        print(f"  {name:<15}{speed.processor:>9.0f} mailboxes/s of processor time {speed.wall:>9.0f} on the wall")  # noqa: T201
    print(f"{found.times_peer:.1f}x exchangelib")  # noqa: T201
    print(f"{found.of_bare:.2f} of aiohttp + lxml")  # noqa: T201
    return 0 if found.times_peer >= PEER and found.of_bare >= BARE else 1


if __name__ == "__main__":
    sys.exit(main())

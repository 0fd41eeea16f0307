"""The latency part of ``bench/doctor.py``: one mailbox examined over a line on which every round trip takes longer.

The line (``doctor_line``) is a process of its own, and so is the lab. One examination goes before, without the line,
and is not measured: libraries are read by then, and the lab is as warm as a server is. Those that are measured begin
with nothing: no connection, no name, no token.

How long a run must take is a matter of what depends on what. ``NEEDS`` says which question can only be asked when
another is answered; ``chain`` walks the log of what was asked along these dependencies and adds up round trips: one for
a question, those of opening a connection for the first question of a chain at a place, and a session's for the first
cmdlet. What is counted is what any client has to wait for: name, TCP and TLS of a connection, the legs of a sign-in,
the messages of WS-Management that open a session. Whatever takes longer than this chain is a sequence nobody needed, or
work.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from doctor_line import Counts, SlowLine, slow_line

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

RUNS = 3
"""Measured examinations, each with nothing at hand; the fastest is told, because the others waited for the machine."""
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


async def examine(config: Config, mailbox: str, delay: float, line: SlowLine | None = None) -> Timed:
    """Collect everything about one mailbox, once."""
    section = config.settings.organization
    target = Target(section.domain, section.tenant_id, config.cloud, (mailbox,), "hybridge/bench")
    async with opened(config) as live:
        logged = Logged(live)
        began = logged.zero = time.perf_counter()
        await collect(AskedOnce(logged), target, SystemClock().now())
        wall = time.perf_counter() - began
    length, links = chain(logged.log)
    passed = line.counts() if line else Counts(0, 0)
    return Timed(
        wall, delay, len(logged.log), passed.turns, passed.connections, length, tuple(links), tuple(logged.log)
    )


def measure(folder: Path, delay: float, mailbox: str = "ada@contoso.com") -> Timed:
    """Start a lab, put it behind the line, examine one mailbox ``RUNS`` times: the fastest."""
    with lab(folder) as file:
        asyncio.run(examine(load(file), mailbox, delay))
        timed = []
        for _ in range(RUNS):
            with slow_line(load(file), delay) as (config, line):
                timed.append(asyncio.run(examine(config, mailbox, delay, line)))
    return min(timed, key=lambda one: one.wall)

"""Whole bodies to break: what the lab says and is asked in one examination, its exports, and foreign recordings."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from tests.loop.walk import NOW, Walk, new_estate

from hybridge.lab.faults import fault_named
from hybridge.lab.in_process import InProcess
from hybridge.lab.verbs import Verbs
from hybridge.net.clock import SetClock
from hybridge.org.records import Record
from hybridge.wire import clixml, cmdlets
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAnswer, DnsAsk, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk

CORPUS = "HYBRIDGE_CORPUS"
_OPERATION = re.compile(rb"<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)")
_WRITTEN = (
    "partner_apps/service-principal-key:key-missing",
    "partner_apps/service-principal-key:principal-missing",
    "oauth/hybrid-application-object:application-missing",
    "oauth/hybrid-application-object:consent-missing",
    "teams/coexistence-mode:user-mode",
    "teams/meeting-policy:add-in-off",
    "delegation/delegate-listed:not-listed",
)
"""Causes whose cures write to Graph and to Teams: their requests are bodies that the lab's readers get."""
_EACH = 4
"""Recordings of one operation, or of its answer."""


class Listening:
    """An Answerer that keeps every body that went by."""

    def __init__(self, inner: InProcess) -> None:
        self._inner = inner
        self.bodies: dict[bytes, None] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        answer = await self._inner.http(ask)
        self.bodies.update(dict.fromkeys((ask.body, answer.body)))
        return answer

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        return await self._inner.cmdlet(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        return await self._inner.tls(ask)


async def seeds(folder: Path) -> tuple[bytes, ...]:
    """Every body, each once, those of the corpus last; ``folder`` is for the walk's own files."""
    clock = SetClock(NOW)
    estate = new_estate(clock)
    listening = Listening(InProcess(estate))
    walk = Walk(estate, Verbs(estate, listening), clock, folder, listening)
    await walk.look()
    await walk.verbs.symptoms()
    for name in _WRITTEN:
        await walk.there_and_back(fault_named(name), look_again=False)
        estate.reset()
    exports: dict[type[Record], list[Record]] = {}
    for record in estate.organization:
        exports.setdefault(type(record), []).append(record)
    written = [
        clixml.write(tuple(cmdlets.write(one) for one in some[:3]), cmdlets.TYPE_NAMES[kind])
        for kind, some in exports.items()
        if kind in cmdlets.TYPE_NAMES
    ]
    bodies = dict.fromkeys((*(body for body in listening.bodies if body), *written, *_corpus()))
    return tuple(body for body in bodies if len(body) < 100_000)


def _corpus() -> tuple[bytes, ...]:
    """Foreign recordings, where the corpus is at hand: some of every operation, and a fixed choice of the rest."""
    folder = os.environ.get(CORPUS, "")
    files = sorted(path for path in Path(folder).rglob("*.xml")) if folder else []
    bodies = [path.read_bytes() for path in random.Random(7).sample(files, len(files))]
    of: dict[bytes, list[bytes]] = {}
    for body in bodies:
        if operation := _OPERATION.search(body):
            of.setdefault(operation[1], []).append(body)
    return (*(body for some in of.values() for body in some[:_EACH]), *bodies[:100])

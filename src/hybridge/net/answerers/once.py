"""Each distinct ask at most once in a run.

Collectors ask for what they need without knowing of each other; here their asks meet. Twins that come while the first
is under way wait for the same answer; later ones get it from memory, failures too. Made for runs that only look: a
repair, which must see its own writes, asks the answerer inside.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

A = TypeVar("A")
R = TypeVar("R")


@dataclass(eq=False)
class _Flight(Generic[R]):
    """One ask under way or answered, and how many callers wait for it."""

    task: asyncio.Task[R]
    waiting: int = 0


class _Once(Generic[A, R]):
    """The memory of one kind of ask."""

    def __init__(self, ask_inner: Callable[[A], Coroutine[Any, Any, R]]) -> None:
        self._ask_inner = ask_inner
        self._flights: dict[bytes, _Flight[R]] = {}
        self.wanted = 0
        self.made = 0

    def learn(self, other: _Once[A, R]) -> None:
        """Know what ``other`` knows."""
        self._flights = {key: flight for key, flight in other._flights.items() if flight.task.done()}

    async def answer(self, ask: A) -> R:
        self.wanted += 1
        key = msgspec.msgpack.encode(ask)
        flight = self._flights.get(key)
        if flight is None:
            self.made += 1
            flight = self._flights[key] = _Flight(asyncio.create_task(self._ask_inner(ask)))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.waiting == 1 and not flight.task.done():
                # Nobody waits any more: give the ask up, and forget it, so that it can be asked again.
                self._flights.pop(key, None)
                flight.task.cancel()
            raise
        finally:
            flight.waiting -= 1


class AskedOnce:
    """An answerer that asks ``inner`` once for each distinct ask.

    ``counts`` tells how many asks were really made, by kind ("http", "cmdlet", "dns", "tls"), and how many were
    "spared".
    """

    def __init__(self, inner: Answerer) -> None:
        self._inner = inner
        self._http = _Once(inner.http)
        self._cmdlet = _Once(inner.cmdlet)
        self._dns = _Once(inner.dns)
        self._tls = _Once(inner.tls)

    @property
    def counts(self) -> Counter[str]:
        """How many asks were made by kind, and how many spared."""
        parts: dict[str, _Once[Any, Any]] = {
            "http": self._http,
            "cmdlet": self._cmdlet,
            "dns": self._dns,
            "tls": self._tls,
        }
        counts = Counter({kind: part.made for kind, part in parts.items()})
        counts["spared"] = sum(part.wanted - part.made for part in parts.values())
        return counts

    @property
    def made(self) -> int:
        """How many asks were really made."""
        return self.counts.total() - self.counts["spared"]

    def branch(self) -> AskedOnce:
        """Another one that remembers what this one does, and keeps what it is asked to itself.

        For a long run: what is asked about some mailboxes is forgotten with the branch.
        """
        other = AskedOnce(self._inner)
        pairs: list[tuple[_Once[Any, Any], _Once[Any, Any]]] = [
            (other._http, self._http),
            (other._cmdlet, self._cmdlet),
            (other._dns, self._dns),
            (other._tls, self._tls),
        ]
        for mine, known in pairs:
            mine.learn(known)
        return other

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Answer an HTTP ask, from memory when it was made before."""
        return await self._http.answer(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """Answer a cmdlet, from memory when it was run before."""
        return await self._cmdlet.answer(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """Answer a DNS question, from memory when it was asked before."""
        return await self._dns.answer(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """Look at TLS of a host, from memory when it was looked at before."""
        return await self._tls.answer(ask)

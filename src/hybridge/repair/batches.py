"""How a long walk over a plan goes: in batches, with rests, telling how far it is, and stopping when it is asked to.

A cure of ten thousand mailboxes takes a while, and Exchange has others to serve. So the walk looks at one batch of
changes at a time and makes it, before it looks at the next: a batch ends when one hand has its share in it, and hands
rest between batches. What is small enough for one batch is looked at as a whole before anything is written.

``Unhurried`` stands between the walk and whoever answers it, and does what Exchange asks of those who ask too much: it
waits as long as it was told to, and asks again only what is certain not to have been done.

A walk that was stopped leaves a journal like any other; ``repair.resume`` goes on from there.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hybridge.repair.hands.base import Sleep
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    HttpAnswer,
    HttpAsk,
    Sign,
    TlsAnswer,
    TlsAsk,
)
from hybridge.wire.throttling import UNKNOWN_END, busy_ews, micro_delay, refused_cmdlet

T = TypeVar("T")

BATCH = 50
"""Changes of one hand in a batch."""


@dataclass(frozen=True)
class Progress:
    """How far a walk is: ``done`` of ``total`` changes; ``says`` is the change that ended last."""

    done: int
    total: int
    says: str


@dataclass(frozen=True)
class Pace:
    """How a walk goes. Without a ``batch`` everything is one batch.

    ``rest`` is seconds between two batches, ``sleep`` waits for them; ``tell`` hears of every change that ended;
    ``stop`` is asked before each whether the walk shall end there.
    """

    batch: int = 0
    rest: float = 1.0
    sleep: Sleep = asyncio.sleep
    tell: Callable[[Progress], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False

    def batches(self, steps: Sequence[T], hand_of: Callable[[T], object]) -> Iterator[Sequence[T]]:
        """``steps`` in order, in batches with at most ``batch`` of one hand."""
        taken: Counter[object] = Counter()
        start = 0
        for place, step in enumerate(steps):
            hand = hand_of(step)
            if self.batch and taken[hand] == self.batch:
                yield steps[start:place]
                start = place
                taken.clear()
            taken[hand] += 1
        if start < len(steps):
            yield steps[start:]

    async def pause(self) -> None:
        """Rest between two batches, unless the walk is about to end."""
        if not self.stop():
            await self.sleep(self.rest)


UNPACED = Pace()

TRIES = 6
"""How often one question is asked at most."""
FIRST_PAUSE = 10.0
"""Seconds waited where no time is named; doubled each time."""
LONGEST_PAUSE = 300.0

_HARMLESS = ("get-", "test-")
_READING = re.compile(rb"<m:(?:Get|Resolve|Convert|Find)[A-Za-z]+[ />]")
"""The element of an EWS operation that changes nothing."""


class Unhurried:
    """An answerer that asks no faster than Exchange lets it.

    ``tell`` hears in a sentence why it waits.
    """

    def __init__(
        self, inner: Answerer, sleep: Sleep = asyncio.sleep, tell: Callable[[str], None] | None = None
    ) -> None:
        self._inner = inner
        self._sleep = sleep
        self._tell = tell or (lambda _: None)
        self._owed = 0.0
        """Seconds to wait before the next cmdlet, because the last one was slowed down."""

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """The answer to ``ask``; one refused for the quota of the account is asked again when the time has come."""
        if self._owed:
            owed, self._owed = self._owed, 0.0
            await self._wait(owed, "Exchange slows our cmdlets down")
        answer = await self._inner.cmdlet(ask)
        for attempt in range(1, TRIES):
            wait = refused_cmdlet(answer)
            if wait is None or not _not_run(ask, answer):
                break
            await self._wait(wait or _pause(attempt), "the quota of the account for PowerShell is used up")
            answer = await self._inner.cmdlet(ask)
        self._owed = min(micro_delay(answer.warnings), LONGEST_PAUSE)
        return answer

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """The answer to ``ask``. EWS too busy: what changes nothing is asked again, anything else only waits."""
        answer = await self._inner.http(ask)
        if ask.sign is not Sign.EXCHANGE:
            return answer
        for attempt in range(1, TRIES):
            wait = busy_ews(answer)
            if wait is None:
                break
            await self._wait(wait or _pause(attempt), "EWS is too busy")
            if answer.status != 429 and not _READING.search(ask.body):
                break
            answer = await self._inner.http(ask)
        return answer

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """The answer to ``ask``."""
        return await self._inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """As ``Answerer.tls``."""
        return await self._inner.tls(ask)

    async def _wait(self, seconds: float, why: str) -> None:
        seconds = min(seconds, LONGEST_PAUSE)
        if seconds >= 1:
            self._tell(f"waiting {seconds:.0f} s: {why}")
        await self._sleep(seconds)


def _pause(attempt: int) -> float:
    return FIRST_PAUSE * 2.0 ** (attempt - 1)


def _not_run(ask: CmdletAsk, answer: CmdletAnswer) -> bool:
    """Whether it does no harm to ask again: the cmdlet reads, or Exchange refused it before it began."""
    begun = answer.failure is not None and UNKNOWN_END in answer.failure.says
    return ask.name.lower().startswith(_HARMLESS) or not (begun or answer.objects)

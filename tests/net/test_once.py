"""Each distinct ask is made at most once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from hybridge.net.answerers.once import AskedOnce
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)


@dataclass
class Counting:
    """An answerer that writes down what it is asked, and waits at a gate."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[object] = field(default_factory=list)
    given_up: int = 0

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        self.asked.append(ask)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return HttpAnswer(status=len(self.asked))

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.asked.append(ask)
        return CmdletAnswer(objects=({"Name": ask.name},))

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        self.asked.append(ask)
        return DnsAnswer(failure=Failure(reason=FailureReason.NAME_NOT_FOUND, says="No."))

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        self.asked.append(ask)
        return TlsAnswer(version="1.3")


GET = HttpAsk(method="GET", url="https://h/")


async def test_twins_share_one_ask() -> None:
    inner = Counting()
    once = AskedOnce(inner)
    tasks = [asyncio.create_task(once.http(GET)) for _ in range(5)]
    other = asyncio.create_task(once.http(HttpAsk(method="GET", url="https://h/other")))
    await asyncio.sleep(0)
    inner.gate.set()
    answers = await asyncio.gather(*tasks)
    await other
    assert len(inner.asked) == 2 and all(answer is answers[0] for answer in answers)
    assert await once.http(GET) is answers[0]
    assert once.counts == {"http": 2, "cmdlet": 0, "dns": 0, "tls": 0, "spared": 5}


async def test_cmdlets_with_any_parameters_and_failures_are_remembered() -> None:
    inner = Counting()
    once = AskedOnce(inner)

    def ask(**parameters: object) -> CmdletAsk:
        return CmdletAsk(premises=Premises.ON_PREMISES, name="Get-X", parameters=tuple(parameters.items()))

    for _ in range(2):
        for parameters in (
            {"A": {"Add": ("x",)}},
            {"A": {"Add": ("y",)}},
            {"A": True},
            {"A": 1},
            {"A": "1"},
            {"A": None},
        ):
            assert (await once.cmdlet(ask(**parameters))).objects
        assert (await once.dns(DnsAsk(name="h"))).failure
        assert (await once.dns(DnsAsk(name="h", rdtype="AAAA"))).failure
        assert (await once.tls(TlsAsk(host="h"))).version
    assert once.counts == {"http": 0, "cmdlet": 6, "dns": 2, "tls": 1, "spared": 9}


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_its_twin() -> None:
    inner = Counting()
    once = AskedOnce(inner)
    first, second = asyncio.create_task(once.http(GET)), asyncio.create_task(once.http(GET))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    inner.gate.set()
    assert (await second).status == 1
    with pytest.raises(asyncio.CancelledError):
        await first
    assert inner.given_up == 0


async def test_an_ask_nobody_waits_for_is_given_up_and_can_be_asked_again() -> None:
    inner = Counting()
    once = AskedOnce(inner)
    tasks = [asyncio.create_task(once.http(GET)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
    assert inner.given_up == 1
    inner.gate.set()
    assert (await once.http(GET)).status == 2

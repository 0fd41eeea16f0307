"""Connections opened together ask DNS once; what was found then is not believed any longer than its TTL."""

from __future__ import annotations

import asyncio
import socket

import pytest

from hybridge.lab.serve.dns import NameServer
from hybridge.lab.serve.zone import Zone
from hybridge.net.config import NetConfig
from hybridge.net.dns import DnsView, NotResolved, ViewAddresses
from hybridge.wire.ask import FailureReason

HOST = "mail.contoso.com"
IPV4 = socket.AF_INET


class CountingZone(Zone):
    """A zone that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__({HOST})
        self.asked: list[str] = []

    def records(self, name: str, rdtype: str) -> tuple[str, ...] | None:
        self.asked.append(f"{name} {rdtype}")
        return super().records(name, rdtype)


def addresses_at(port: int, timeout: float = 5.0) -> ViewAddresses:
    return ViewAddresses(DnsView(NetConfig(nameserver=f"127.0.0.1:{port}", timeout=timeout)))


async def test_one_question_serves_all_who_wait() -> None:
    zone = CountingZone()
    async with NameServer(zone) as names:
        addresses = addresses_at(names.port)
        found = await asyncio.gather(*(addresses.of(spelt, IPV4) for spelt in (HOST, HOST.upper(), f"{HOST}.") * 5))
    assert found == [[zone.addresses[HOST]]] * 15
    assert len(zone.asked) == 1


async def test_a_name_that_moved_or_went_is_seen_at_once() -> None:
    zone = CountingZone()
    async with NameServer(zone) as names:
        addresses = addresses_at(names.port)
        before = await addresses.of(HOST, IPV4)
        zone.addresses[HOST] = "192.0.2.99"
        assert await addresses.of(HOST, IPV4) == ["192.0.2.99"] != before
        del zone.addresses[HOST]
        with pytest.raises(NotResolved) as gone:
            await addresses.of(HOST, IPV4)
        zone.addresses[HOST] = before[0]
        assert await addresses.of(HOST, IPV4) == before
    assert gone.value.failure.reason is FailureReason.NAME_NOT_FOUND


async def test_who_gives_up_ends_the_question_for_nobody_else() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        addresses = addresses_at(silent.getsockname()[1], timeout=1.0)
        hasty, patient = (asyncio.ensure_future(addresses.of(HOST, IPV4)) for _ in range(2))
        await asyncio.sleep(0)
        hasty.cancel()
        with pytest.raises(NotResolved) as late:
            await patient
        assert hasty.cancelled()
        assert late.value.failure.reason is FailureReason.UNREACHABLE


async def test_a_question_everybody_gave_up_is_asked_anew() -> None:
    zone = CountingZone()
    async with NameServer(zone) as names:
        addresses = addresses_at(names.port)
        given_up = asyncio.ensure_future(addresses.of(HOST, IPV4))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        assert await addresses.of(HOST, IPV4) == [zone.addresses[HOST]]
        assert given_up.cancelled()
        assert asyncio.all_tasks() - {asyncio.current_task()} == set()

"""The name server of the lab, asked by dnspython's resolver and by hand."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.asyncresolver
import dns.message
import dns.nameserver
import dns.rcode
import dns.resolver
import pytest
import pytest_asyncio

from hybridge.lab.serve.dns import NameServer, answer
from hybridge.lab.serve.zone import Zone

pytestmark = pytest.mark.wire
ZONE = Zone(["mail.contoso.com", "ex1.contoso.com"])


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    async with NameServer(ZONE) as server:
        yield server.port


def resolver(port: int) -> dns.asyncresolver.Resolver:
    made = dns.asyncresolver.Resolver(configure=False)
    made.nameservers = [dns.nameserver.Do53Nameserver("127.0.0.1", port)]
    made.search = []
    made.lifetime = 5.0
    return made


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_host_has_its_address(port: int, tcp: bool) -> None:
    found = await resolver(port).resolve("MAIL.contoso.com", "A", tcp=tcp)
    assert [record.to_text() for record in found] == [ZONE.addresses["mail.contoso.com"]]


async def test_an_unknown_name_does_not_exist(port: int) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await resolver(port).resolve("nobody.contoso.com", "A")


@pytest.mark.parametrize(("name", "rdtype"), [("mail.contoso.com", "AAAA"), ("contoso.com", "A")])
async def test_a_name_without_such_a_record_exists(port: int, name: str, rdtype: str) -> None:
    with pytest.raises(dns.resolver.NoAnswer):
        await resolver(port).resolve(name, rdtype)


async def test_one_tcp_connection_carries_several_questions(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for name in ("mail.contoso.com", "ex1.contoso.com"):
        query = dns.message.make_query(name, "A").to_wire()
        writer.write(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        reply = dns.message.from_wire(await reader.readexactly(length))
        assert ZONE.addresses[name] in reply.answer[0].to_text()
    writer.close()
    await writer.wait_closed()


async def test_garbage_gets_no_answer_and_harms_nobody(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(struct.pack("!H", 3) + b"???")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert answer(ZONE, b"") is None
    reply = dns.message.make_response(dns.message.make_query("mail.contoso.com", "A"))
    assert answer(ZONE, reply.to_wire()) is None  # answering answers would let two servers talk for ever
    assert (await resolver(port).resolve("mail.contoso.com", "A")).rrset is not None


async def test_a_message_without_a_question_is_a_format_error() -> None:
    reply = answer(ZONE, dns.message.Message(id=7).to_wire())
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.FORMERR


async def test_closing_leaves_an_open_connection_nowhere(port: int) -> None:
    async with NameServer(ZONE) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        query = dns.message.make_query("mail.contoso.com", "A").to_wire()
        writer.write(struct.pack("!H", len(query)) + query)
        await reader.readexactly(2)
    await reader.read()
    assert reader.at_eof()
    writer.close()
    await writer.wait_closed()

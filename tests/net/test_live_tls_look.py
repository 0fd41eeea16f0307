"""What the live answerer sees of TLS: real handshakes with servers that do it well, badly, or not at all."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from datetime import timedelta

import pytest
from aiohttp import web
from tests.net.farm import HOST, NOW, Authority, Wish, free_port, serve, serve_raw

from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.wire.ask import FailureReason, Stopped, TlsAnswer, TlsAsk, Verification

BOTH_LOOPS = True


async def fine(_: web.Request) -> web.StreamResponse:
    return web.Response()


async def look(place: str, ca_file: str, host: str = HOST, limit: float = 5.0) -> TlsAnswer:
    net = NetConfig(connect_to={HOST: place}, ca_file=ca_file, only_mapped=True, timeout=limit)
    async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        return await live.tls(TlsAsk(host=host))


async def seen(authority: Authority, context: ssl.SSLContext, ca_file: str = "") -> TlsAnswer:
    async with serve(fine, context) as place:
        return await look(place, ca_file or authority.ca_file)


def spoken(authority: Authority, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = authority.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = oldest, newest
    return context


async def test_a_good_server(authority: Authority) -> None:
    leaf = authority.leaf(Wish())
    answer = await seen(authority, authority.context(leaf=leaf))
    assert answer.failure is None and answer.stopped is None
    assert answer.chain == (leaf.der, authority.issuing.der)
    assert (answer.version, answer.accepted, answer.untried) == ("1.3", ("1.2", "1.3"), ())
    assert (answer.verification, answer.client_certificate) == (Verification.GOOD, False)
    assert answer.answered_at is not None


@pytest.mark.parametrize(
    ("wish", "verification", "sent"),
    [
        (Wish(ends=NOW - timedelta(days=1)), Verification.EXPIRED, 2),
        (Wish(begins=NOW + timedelta(days=9)), Verification.NOT_YET_VALID, 2),
        (Wish(names=("owa.fabrikam.com",)), Verification.WRONG_NAME, 2),
        (Wish(self_signed=True), Verification.SELF_SIGNED, 1),
        (Wish(with_chain=False), Verification.INCOMPLETE_CHAIN, 1),
    ],
)
async def test_a_bad_certificate_is_named(
    authority: Authority, wish: Wish, verification: Verification, sent: int
) -> None:
    answer = await seen(authority, authority.context(wish))
    assert answer.failure is None
    assert (answer.verification, len(answer.chain), answer.version) == (verification, sent, "1.3")
    assert HOST in answer.says and answer.next_step


async def test_an_unknown_authority(authority: Authority, system_authority: Authority) -> None:
    answer = await seen(authority, authority.context(), system_authority.ca_file)
    assert (answer.verification, len(answer.chain)) == (Verification.UNTRUSTED, 2)


@pytest.mark.parametrize(
    ("oldest", "newest", "accepted"),
    [
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ("1.0", "1.1")),
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3, ("1.0", "1.1", "1.2", "1.3")),
        (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ("1.1", "1.2")),
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, ("1.3",)),
    ],
)
async def test_the_versions_spoken(
    authority: Authority, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, accepted: tuple[str, ...]
) -> None:
    answer = await seen(authority, spoken(authority, oldest, newest))
    assert answer.failure is None
    assert (answer.accepted, answer.oldest, answer.version) == (accepted, accepted[0], accepted[-1])
    assert (answer.verification, answer.untried) == (Verification.GOOD, ())


@pytest.mark.parametrize("mode", [ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_wish_for_a_client_certificate(
    authority: Authority, mode: ssl.VerifyMode, newest: ssl.TLSVersion
) -> None:
    context = authority.context()
    context.verify_mode, context.maximum_version = mode, newest
    context.load_verify_locations(cafile=authority.ca_file)
    answer = await seen(authority, context)
    assert answer.client_certificate is True
    if answer.failure is not None:  # TLS 1.2 ends in the middle of the handshake where one is required
        assert (mode, newest) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2)


async def test_nobody_listens(authority: Authority) -> None:
    answer = await look(f"127.0.0.1:{free_port()}", authority.ca_file)
    assert answer.failure is not None
    assert (answer.failure.reason, answer.stopped) == (FailureReason.UNREACHABLE, Stopped.REFUSED)


async def test_half_a_handshake_ends_in_time(authority: Authority) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(5)
        await asyncio.Event().wait()

    async with serve_raw(silent, None) as place:
        async with asyncio.timeout(10):
            answer = await look(place, authority.ca_file, limit=0.3)
    assert answer.failure is not None
    assert (answer.failure.reason, answer.stopped) == (FailureReason.UNREACHABLE, Stopped.TIMEOUT)


async def test_a_cut_in_the_handshake(authority: Authority) -> None:
    async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.transport.abort()

    async with serve_raw(cutting, None) as place:
        answer = await look(place, authority.ca_file)
    assert answer.failure is not None
    assert answer.stopped in (Stopped.RESET, Stopped.HANDSHAKE)


async def test_something_else_listens(authority: Authority) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(b"220 mail.contoso.com ESMTP\r\n")
        await writer.drain()
        await reader.read()

    async with serve_raw(plain, None) as place:
        answer = await look(place, authority.ca_file)
    assert answer.failure is not None
    assert (answer.failure.reason, answer.stopped) == (FailureReason.MALFORMED, Stopped.HANDSHAKE)


async def test_a_host_that_is_not_mapped_is_not_asked(authority: Authority) -> None:
    answer = await look(f"127.0.0.1:{free_port()}", authority.ca_file, host="elsewhere.contoso.com")
    assert answer.failure is not None
    assert (answer.failure.reason, answer.stopped) == (FailureReason.REFUSED, Stopped.NOT_ASKED)

"""Certificates: what is trusted, what is refused, and what the sentence says."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.net.farm import HOST, NOW, Authority, Wish, serve, serve_raw

from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, DnsAsk, FailureReason, HttpAnswer, HttpAsk

BOTH_LOOPS = True


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def get(tls: ssl.SSLContext, ca_file: str, url: str = f"https://{HOST}/") -> HttpAnswer:
    async with serve(hello, tls) as place:
        net = NetConfig(connect_to={url.split("/")[2]: place}, ca_file=ca_file)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            return await live.http(HttpAsk(method="GET", url=url))


VARIANTS = {
    "expired": (Wish(ends=NOW - timedelta(days=2)), "The certificate of mail.contoso.com expired on"),
    "future": (Wish(begins=NOW + timedelta(days=2)), "is not valid before"),
    "names": (
        Wish(names=("other.contoso.com", "*.fabrikam.com", "192.0.2.9")),
        "is for other names: it names other.contoso.com, *.fabrikam.com, 192.0.2.9.",
    ),
    "many-names": (Wish(names=tuple(f"h{n}.contoso.com" for n in range(20))), "h7.contoso.com and 12 more."),
    "self-signed": (Wish(self_signed=True), "is self-signed"),
    "no-chain": (Wish(with_chain=False), "without the intermediate certificate of its issuer “Test Issuing CA”"),
}


@pytest.mark.parametrize("variant", VARIANTS)
async def test_refused_certificates(authority: Authority, variant: str) -> None:
    wish, sentence = VARIANTS[variant]
    answer = await get(authority.context(wish), authority.ca_file)
    assert answer.failure is not None and answer.failure.reason is FailureReason.CERTIFICATE
    assert sentence in answer.failure.says
    assert answer.failure.next_step
    refused = x509.load_der_x509_certificate(answer.certificate)
    assert refused.not_valid_before_utc <= wish.begins


async def test_untrusted_authority(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "Stranger")
    answer = await get(stranger.context(), authority.ca_file)
    assert answer.failure is not None and answer.failure.reason is FailureReason.CERTIFICATE
    assert "an authority that is not trusted (“Stranger Root”)" in answer.failure.says
    assert "net.ca_file" in answer.failure.next_step
    alone = await get(authority.context(), "")
    assert alone.failure is not None and "not trusted" in alone.failure.says


async def test_trusted_authority_beside_the_system(authority: Authority, system_authority: Authority) -> None:
    for one in (authority, system_authority):
        answer = await get(one.context(), authority.ca_file)
        assert (answer.status, answer.body) == (200, b"hello")
    assert (await get(system_authority.context(), "")).status == 200


async def test_ca_file_that_cannot_be_used(authority: Authority, tmp_path: Path) -> None:
    der = tmp_path / "root.cer"
    der.write_bytes(authority.root.certificate.public_bytes(serialization.Encoding.DER))
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path, words in (
        (tmp_path / "missing.pem", "cannot be read: No such file"),
        (tmp_path, "cannot be read"),
        (der, "holds no certificate in PEM form"),
        (empty, "holds no certificate in PEM form"),
    ):
        net = NetConfig(ca_file=str(path))
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            http = (await live.http(HttpAsk(method="GET", url=f"https://{HOST}/"))).failure
            dns = (await live.dns(DnsAsk(name=HOST))).failure
            cmdlet = (await live.cmdlet(CmdletAsk(premises=Premises.ON_PREMISES, name="Get-AuthConfig"))).failure
        assert http is not None and http == dns == cmdlet
        assert http.reason is FailureReason.NOT_CONFIGURED
        assert str(path) in http.says and words in http.says


async def test_plain_http_behind_https(authority: Authority) -> None:
    async with serve(hello, None) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            answer = await live.http(HttpAsk(method="GET", url=f"https://{HOST}/"))
    assert answer.failure is not None
    assert answer.failure.says == f"{HOST} does not speak TLS on this port."


async def test_old_tls_versions_and_other_refusals(authority: Authority) -> None:
    old = authority.context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    unknown = authority.context()
    unknown.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    no_cipher = authority.context()
    no_cipher.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
    mutual = authority.context()
    mutual.verify_mode = ssl.CERT_REQUIRED
    mutual.load_verify_locations(cafile=authority.ca_file)
    for tls, words in (
        (old, "offers only TLS versions older than 1.2"),
        (unknown, "serves no such name"),
        (no_cipher, "share no TLS cipher or version"),
        (mutual, "wants a client certificate"),
    ):
        answer = await get(tls, authority.ca_file)
        assert answer.failure is not None and answer.failure.reason is FailureReason.MALFORMED
        assert words in answer.failure.says


async def test_silent_handshake_ends_in_time(authority: Authority) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serve_raw(mute, None) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file, timeout=0.3)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            answer = await live.http(HttpAsk(method="GET", url=f"https://{HOST}/"))
    assert answer.failure is not None and answer.failure.reason is FailureReason.UNREACHABLE
    assert answer.failure.says == f"{HOST} did not finish the TLS handshake within 0.3 s."
    assert answer.took_ms < 2000


async def test_pooled_connection_still_shows_its_certificate(authority: Authority) -> None:
    async with serve(hello, authority.context()) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            ask = HttpAsk(method="GET", url=f"https://{HOST}/")
            first, second = await live.http(ask), await live.http(ask)
    assert first.certificate and first.certificate == second.certificate

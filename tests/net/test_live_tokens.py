"""Entra tokens and the asks that carry them, against a token endpoint on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.net.farm import NOW, Authority, Wish, serve

from hybridge.net.answerers.live import LiveAnswerer, open_live
from hybridge.net.clock import SetClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.wire.ask import FailureReason, HttpAnswer, HttpAsk, Sign

BOTH_LOOPS = True
LOGIN, GRAPH = "login.microsoftonline.com", "graph.microsoft.com"
SCOPE = f"https://{GRAPH}/.default"
SECRET, TOKEN = "s3cret-canary", "t0ken-canary"
ENTRA = EntraConfig(tenant_id="contoso.onmicrosoft.com", client_id="11-22", client_secret=Secret(SECRET))
AT = datetime(2026, 1, 1, tzinfo=UTC)
GET = HttpAsk(method="GET", url=f"https://{GRAPH}/v1.0/me", sign=Sign.ENTRA, scope=SCOPE)


@dataclass
class Cloud:
    """Entra and Graph in one: the token endpoint and whatever follows."""

    token_replies: list[web.Response | float] = field(default_factory=list)
    """Replies of the token endpoint, first to last; a number is seconds of silence; none left: a token."""
    graph_replies: list[web.Response] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(f"{request.host}{request.path}")
        if request.host != LOGIN:
            self.carried.append(request.headers["Authorization"])
            return self.graph_replies.pop(0) if self.graph_replies else web.json_response({"ok": True})
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        await asyncio.sleep(0.01)
        reply = self.token_replies.pop(0) if self.token_replies else token()
        if isinstance(reply, float):
            await asyncio.sleep(reply)
            reply = token()
        return reply


def token() -> web.Response:
    return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN})


def aadsts(number: int, status: int = 401) -> web.Response:
    body = {"error": "invalid_client", "error_description": f"AADSTS{number}: {SECRET}", "error_codes": [number]}
    return web.json_response(body, status=status)


@asynccontextmanager
async def live_at(
    authority: Authority,
    cloud: Cloud,
    entra: EntraConfig = ENTRA,
    *,
    wish: Wish | None = None,
    within: float = 20.0,
    clock: SetClock | None = None,
) -> AsyncIterator[LiveAnswerer]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    tls = authority.context(wish or Wish(names=(LOGIN, GRAPH)))
    async with serve(cloud, tls) as place:
        net = NetConfig(connect_to={LOGIN: place, GRAPH: place}, ca_file=authority.ca_file, timeout=within)
        async with open_live(net, ExchangeConfig(), entra, clock or SetClock(AT), pause) as live:
            assert isinstance(live, LiveAnswerer)
            live.pauses = pauses  # type: ignore[attr-defined]
            yield live


async def one(authority: Authority, cloud: Cloud, **more: Any) -> HttpAnswer:
    async with live_at(authority, cloud, **more) as live:
        return await live.http(GET)


async def test_one_token_for_many_asks(authority: Authority) -> None:
    cloud = Cloud()
    async with live_at(authority, cloud) as live:
        answers = await asyncio.gather(*(live.http(GET) for _ in range(20)))
        later = await live.http(GET)
    assert {answer.status for answer in (*answers, later)} == {200}
    assert later.answered_at == AT and later.certificate
    assert len(cloud.forms) == 1
    assert cloud.forms[0]["client_secret"] == SECRET and cloud.forms[0]["scope"] == SCOPE
    assert cloud.paths[0] == f"{LOGIN}/contoso.onmicrosoft.com/oauth2/v2.0/token"
    assert set(cloud.carried) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("number", "reason", "words"),
    [
        (7000222, FailureReason.SIGN_IN, "the client secret has expired (AADSTS7000222)"),
        (7000215, FailureReason.SIGN_IN, "the client secret is wrong (AADSTS7000215)"),
        (65001, FailureReason.FORBIDDEN, "nobody consented"),
        (424242, FailureReason.SIGN_IN, "(AADSTS424242)"),
    ],
)
async def test_refusals_are_asked_once(
    authority: Authority, number: int, reason: FailureReason, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cloud = Cloud([aadsts(number) for _ in range(9)])
    async with live_at(authority, cloud) as live:
        answers = await asyncio.gather(*(live.http(GET) for _ in range(5)))
        answers.append(await live.http(GET))
    for answer in answers:
        assert answer.failure is not None and answer.failure.reason is reason
        assert words in answer.failure.says and "11-22" in answer.failure.says and answer.failure.next_step
    assert len(cloud.forms) == 1 and not cloud.carried
    assert SECRET not in repr(answers) and SECRET not in caplog.text


async def test_what_once_signed_in_may_have_been_mended_at_entra(authority: Authority) -> None:
    clock = SetClock(AT)
    cloud = Cloud([token(), aadsts(7000215)], [web.json_response({}), web.Response(status=401)])
    async with live_at(authority, cloud, clock=clock) as live:
        assert (await live.http(GET)).status == 200
        for _ in range(3):  # Graph refuses the token, Entra the secret: once
            assert (await live.http(GET)).failure is not None
        assert len(cloud.forms) == 2
        clock.advance(timedelta(minutes=15))
        assert (await live.http(GET)).status == 200
    assert len(cloud.forms) == 3


async def test_page_in_place_of_a_token(authority: Authority) -> None:
    for status in (200, 302, 503):
        headers = {"Location": "https://portal.example/"} if status == 302 else {}
        page = web.Response(text="<html>Sign in to the Wi-Fi</html>", content_type="text/html", status=status)
        page.headers.update(headers)
        failure = (await one(authority, Cloud([page]))).failure
        assert failure is not None and failure.reason is FailureReason.MALFORMED
        assert failure.says == f"{LOGIN} answered with status {status} (text/html) instead of a token."


async def test_odd_token_answers(authority: Authority) -> None:
    for body in ("", "[]", '"x"', "{}", '{"access_token": 5}', '{"error": []}', "{"):
        reply = web.Response(text=body, content_type="application/json")
        failure = (await one(authority, Cloud([reply]))).failure
        assert failure is not None, body
        assert failure.reason in (FailureReason.MALFORMED, FailureReason.SIGN_IN), (body, failure)


async def test_endless_token_answer(authority: Authority) -> None:
    failure = (await one(authority, Cloud([web.Response(body=b"x" * 3_000_000)]))).failure
    assert failure is not None and failure.says == f"The reply of {LOGIN} is larger than 1 MiB."


async def test_silent_token_endpoint_and_recovery(authority: Authority) -> None:
    cloud = Cloud([30.0])
    async with live_at(authority, cloud, within=0.3) as live:
        late = await live.http(GET)
        assert late.failure is not None and late.failure.reason is FailureReason.UNREACHABLE
        assert late.failure.says == f"{LOGIN} accepted the request but did not answer within 0.3 s."
        assert (await live.http(GET)).status == 200


async def test_token_endpoint_with_a_bad_certificate(authority: Authority) -> None:
    wish = Wish(names=(LOGIN, GRAPH), ends=NOW - timedelta(days=1))
    failure = (await one(authority, Cloud(), wish=wish)).failure
    assert failure is not None and failure.reason is FailureReason.CERTIFICATE
    assert f"The certificate of {LOGIN} expired on" in failure.says


async def test_certificate_instead_of_a_secret(authority: Authority, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hybridge")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "app.pem"
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(key_pem + certificate.public_bytes(serialization.Encoding.PEM))
    entra = replace(ENTRA, client_secret=Secret(), certificate_file=str(pem))
    cloud = Cloud()
    assert (await one(authority, cloud, entra=entra)).status == 200
    claims = jwt.decode(
        cloud.forms[0]["client_assertion"],
        key.public_key(),
        algorithms=["PS256"],
        audience=f"https://{LOGIN}/contoso.onmicrosoft.com/oauth2/v2.0/token",
    )
    assert claims["sub"] == "11-22"


async def test_configuration_that_cannot_sign_in(authority: Authority, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    plain = replace(ENTRA, client_secret=Secret())
    for entra, words in (
        (replace(plain, certificate_file=str(tmp_path / "missing.pem")), "No such file"),
        (replace(plain, certificate_file=str(broken)), "entra.certificate_file is not usable"),
        (replace(ENTRA, tenant_id="contoso/../evil"), "entra.tenant_id is not usable"),
    ):
        failure = (await one(authority, Cloud(), entra=entra)).failure
        assert failure is not None and failure.reason is FailureReason.NOT_CONFIGURED
        assert words in failure.says


async def test_throttled_service_is_asked_again(authority: Authority) -> None:
    def busy(status: int, after: str) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": after})

    soon = "Thu, 01 Jan 2026 00:00:03 GMT"
    cloud = Cloud(graph_replies=[busy(429, "2"), busy(503, soon)])
    async with live_at(authority, cloud) as live:
        assert (await live.http(GET)).status == 200
        assert live.pauses == [2.0, 3.0]  # type: ignore[attr-defined]
        patch = HttpAsk(method="PATCH", url=GET.url, body=b"{}", sign=Sign.ENTRA, scope=SCOPE)
        for replies, ask, status in (
            ([busy(429, "1"), busy(429, "1"), busy(429, "1"), busy(429, "1")], GET, 429),
            ([busy(429, "3600")], GET, 429),
            ([busy(429, "soon")], GET, 429),
            ([busy(503, "1")], patch, 503),
            ([busy(429, "1")], patch, 200),
        ):
            cloud.graph_replies = replies
            assert (await live.http(ask)).status == status


async def test_leaving_while_a_token_is_under_way(authority: Authority) -> None:
    async with live_at(authority, Cloud([30.0])) as live:
        ask = asyncio.create_task(live.http(GET))
        await asyncio.sleep(0.05)
        ask.cancel()
        await asyncio.gather(ask, return_exceptions=True)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in left if "_fetch" in repr(task)]

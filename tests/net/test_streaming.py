"""Lines of a gateway: streamed answers signed in on connections of their own, by the rules, cookies by group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from tests.net.farm import HOST, Authority, Wish, serve, serve_raw
from tests.net.gate import Gate, binding_of

from hybridge.net.clock import SystemClock
from hybridge.net.config import ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.net.streaming import ExchangeLines, open_lines
from hybridge.wire.ask import Failure, FailureReason, HttpAsk, Sign
from hybridge.wire.streamed import Streamed

BOTH_LOOPS = True
PASSWORD = "c4nary-pass word"
USER = "CONTOSO\\svc"
ASK = HttpAsk(method="POST", url=f"https://{HOST}/EWS/Exchange.asmx", body=b"<follow/>", sign=Sign.EXCHANGE)
Auth = Literal["basic", "ntlm", "negotiate"]


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of pyspnego's acceptor."""
    path = tmp_path / "accounts"
    path.write_text(f"CONTOSO:svc:{PASSWORD}")
    monkeypatch.setenv("NTLM_USER_FILE", str(path))


@asynccontextmanager
async def lines_at(
    authority: Authority, place: str, auth: Auth = "basic", password: str = PASSWORD
) -> AsyncIterator[ExchangeLines]:
    net = NetConfig(connect_to={HOST: place, "evil.example": place}, ca_file=authority.ca_file, timeout=5)
    exchange = ExchangeConfig(hosts=(HOST,), username=USER, password=Secret(password), auth=auth)
    async with open_lines(net, exchange, SystemClock()) as lines:
        assert isinstance(lines, ExchangeLines)
        yield lines


class Follows(Gate):
    """A door behind which an answer goes on for as long as one likes."""

    def _admit(self, request: web.Request, user: str) -> web.Response:
        return web.Response(status=200, body=_parts(user, self.seen[-1][2]))

    def _basic(self, token: str) -> web.Response:
        answer = super()._basic(token)
        return self._admit(None, "svc") if answer.status == 200 else answer  # type: ignore[arg-type]


async def _parts(user: str, length: int) -> AsyncIterator[bytes]:
    yield f"{user} {length} ".encode()
    yield b"and on"


async def everything(streamed: Streamed) -> tuple[bytes, list[Failure]]:
    assert streamed.chunks is not None, streamed.answer
    items = [item async for item in streamed.chunks]
    failures = [item for item in items if isinstance(item, Failure)]
    return b"".join(item for item in items if isinstance(item, bytes)), failures


@pytest.mark.parametrize("auth", ["basic", "ntlm", "negotiate"])
async def test_a_stream_signs_its_own_connection_in(authority: Authority, auth: Auth) -> None:
    leaf = authority.leaf(Wish())
    gate = Follows(schemes=("Negotiate", "NTLM", 'Basic realm="a"'), passwords={USER: PASSWORD})
    gate.binding = binding_of(leaf)
    async with serve(gate, authority.context(leaf=leaf)) as place, lines_at(authority, place, auth) as lines:
        for _ in range(2):
            async with lines.stream("group", ASK) as streamed:
                body, failures = await everything(streamed)
                assert body.endswith(b" 9 and on") and not failures
    assert gate.proofs == 2


async def test_a_wrong_password_is_sent_once_by_streams_and_asks_together(authority: Authority) -> None:
    gate = Follows(schemes=('Basic realm="a"',), passwords={USER: PASSWORD})
    async with serve(gate, authority.context()) as place, lines_at(authority, place, password="wrong") as lines:

        async def follow() -> Failure | None:
            async with lines.stream("group", ASK) as streamed:
                assert streamed.chunks is None
                return streamed.answer.failure

        said = await asyncio.gather(follow(), follow(), lines.http(ASK), lines.grouped("group", ASK))
        failures = [one if isinstance(one, Failure) else one.failure for one in said if one is not None]
    assert {one.reason for one in failures if one} == {FailureReason.SIGN_IN}
    assert gate.proofs == 1


async def test_no_credential_goes_to_a_stranger(authority: Authority) -> None:
    gate = Follows(schemes=('Basic realm="a"',))
    async with (
        serve(gate, authority.context(Wish(names=("evil.example",)))) as place,
        lines_at(authority, place) as lines,
    ):
        for url in ("https://evil.example/EWS/Exchange.asmx", f"http://{HOST}/EWS/Exchange.asmx", "nonsense"):
            ask = HttpAsk(method="POST", url=url, body=b"x", sign=Sign.EXCHANGE)
            async with lines.stream("group", ask) as streamed:
                assert streamed.chunks is None and streamed.answer.failure is not None
            assert (await lines.grouped("group", ask)).failure is not None
    assert gate.seen == []


async def test_a_certificate_that_is_not_trusted_ends_it(authority: Authority, system_authority: Authority) -> None:
    gate = Follows(schemes=('Basic realm="a"',))
    for wish in (Wish(names=("other.example",)), Wish(self_signed=True)):
        async with serve(gate, authority.context(wish)) as place, lines_at(authority, place) as lines:
            async with lines.stream("group", ASK) as streamed:
                failure = streamed.answer.failure
            assert failure is not None and failure.reason is FailureReason.CERTIFICATE
    assert gate.seen == []


async def test_cookies_are_of_their_group_and_only_those_of_affinity(authority: Authority) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie", ""))
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="a"'})
        response = web.Response(text="ok")
        response.headers.add("Set-Cookie", "X-BackEndOverrideCookie=ex1~19; path=/; secure; HttpOnly")
        response.headers.add("Set-Cookie", "session=secret")
        return response

    async with serve(answer, authority.context()) as place, lines_at(authority, place) as lines:
        assert (await lines.grouped("a", ASK)).status == 200
        seen.clear()
        await lines.grouped("a", ASK)
        await lines.grouped("b", ASK)
        await lines.http(ASK)
        async with lines.stream("a", ASK) as streamed:
            assert (await everything(streamed))[0] == b"ok"
        lines.forget("a")
        await lines.grouped("a", ASK)
    bound = "X-BackEndOverrideCookie=ex1~19"
    assert [one for one in seen if one] == [bound, bound] and seen[-1] == ""


async def test_a_cut_is_the_last_item(authority: Authority) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"Authorization" not in head:
                writer.write(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="a"\r\nContent-Length: 0\r\n\r\n')
                continue
            await reader.readexactly(len(ASK.body))
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            await writer.drain()
            return

    async with (
        serve_raw(talk, authority.context()) as place,
        lines_at(authority, place) as lines,
        lines.stream("group", ASK) as streamed,
    ):
        body, failures = await everything(streamed)
    assert body == b"abc" and len(failures) == 1 and PASSWORD not in str(failures)


async def test_an_answer_that_is_none_is_read_as_any(authority: Authority) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="a"'})
        return web.Response(status=503, text="busy", headers={"Retry-After": "30"})

    async with (
        serve(answer, authority.context()) as place,
        lines_at(authority, place) as lines,
        lines.stream("group", ASK) as streamed,
    ):
        assert streamed.chunks is None
        assert (streamed.answer.status, streamed.answer.body) == (503, b"busy")


async def test_a_packed_stream_is_refused(authority: Authority) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="a"'})
        return web.Response(text="x", headers={"Content-Encoding": "gzip"})

    async with (
        serve(answer, authority.context()) as place,
        lines_at(authority, place) as lines,
        lines.stream("group", ASK) as streamed,
    ):
        body, failures = await everything(streamed)
    assert body == b"" and "gzip" in failures[0].says


async def test_a_ca_file_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    net = NetConfig(ca_file=str(tmp_path / "none.pem"))
    async with open_lines(net, ExchangeConfig(), SystemClock()) as lines:
        assert isinstance(lines, Failure)

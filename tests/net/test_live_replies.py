"""Replies that are large, slow, cut, compressed, foreign or hostile."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib

from aiohttp import web
from tests.net.farm import HOST, Authority, Talk, free_port, read_head, serve, serve_raw

from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.wire.ask import FailureReason, HttpAnswer, HttpAsk

BOTH_LOOPS = True
URL = f"https://{HOST}/"
MIB = 1024 * 1024


async def ask_at(authority: Authority, place: str, ask: HttpAsk, timeout: float = 20.0) -> HttpAnswer:  # noqa: ASYNC109
    net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file, timeout=timeout)
    async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        return await live.http(ask)


async def talk_to(authority: Authority, talk: Talk, ask: HttpAsk | None = None, *, within: float = 20.0) -> HttpAnswer:
    async with serve_raw(talk, authority.context()) as place:
        return await ask_at(authority, place, ask or HttpAsk(method="GET", url=URL), within)


def fixed(reply: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(reply)
        await writer.drain()

    return talk


def says(answer: HttpAnswer, reason: FailureReason) -> str:
    assert answer.failure is not None
    assert answer.failure.reason is reason, answer.failure
    return answer.failure.says


async def test_endless_reply_stops_at_the_limit(authority: Authority) -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        while sent < 1024 * MIB:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    tracemalloc.start()
    try:
        answer = await talk_to(authority, endless, HttpAsk(method="GET", url=URL, limit=2 * MIB))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert says(answer, FailureReason.MALFORMED) == f"The reply of {HOST} is larger than 2 MiB."
    assert answer.body == b""
    assert sent < 12 * MIB
    assert peak < 16 * MIB


async def test_announced_gigabyte_is_not_read(authority: Authority) -> None:
    answer = await talk_to(authority, fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"))
    assert "larger than 8 MiB" in says(answer, FailureReason.MALFORMED)


async def test_body_of_exactly_the_limit_is_read(authority: Authority) -> None:
    async def serve_bytes(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query["n"]))

    async with serve(serve_bytes, authority.context()) as place:
        whole = await ask_at(authority, place, HttpAsk(method="GET", url=URL + "?n=1000", limit=1000))
        above = await ask_at(authority, place, HttpAsk(method="GET", url=URL + "?n=1001", limit=1000))
        head = await ask_at(authority, place, HttpAsk(method="HEAD", url=URL + "?n=900000", limit=1000))
    assert len(whole.body) == 1000
    assert "larger than 1000 bytes" in says(above, FailureReason.MALFORMED)
    assert head.status == 200 and head.failure is None


async def test_gzip_bomb(authority: Authority) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * MIB) for _ in range(64)) + packer.flush()
    reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        answer = await talk_to(authority, fixed(reply), HttpAsk(method="GET", url=URL, limit=2 * MIB))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "larger than 2 MiB" in says(answer, FailureReason.MALFORMED)
    assert peak < 16 * MIB


async def test_compressed_nothing_forever_ends(authority: Authority) -> None:
    async def hollow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10])
        while True:
            writer.write(b"\x00\x00\x00\xff\xff" * 8192)  # empty stored blocks
            await writer.drain()

    answer = await talk_to(authority, hollow, HttpAsk(method="GET", url=URL, limit=MIB))
    assert "larger than 1 MiB" in says(answer, FailureReason.MALFORMED)


async def test_encodings_are_undone(authority: Authority) -> None:
    text = b"presence " * 5000
    raw = zlib.compressobj(wbits=-15)
    bodies = {
        b"gzip": gzip.compress(text),
        b"x-gzip": gzip.compress(text[:9000]) + gzip.compress(text[9000:]),
        b"GZIP": gzip.compress(text) + b"\0" * 100,
        b"deflate": zlib.compress(text),
        b"Deflate": raw.compress(text) + raw.flush(),
        b"identity": text,
    }
    for encoding, body in bodies.items():
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
        answer = await talk_to(authority, fixed(head + body))
        assert answer.failure is None and answer.body == text, encoding


async def test_encodings_that_are_broken(authority: Authority) -> None:
    packed = gzip.compress(b"presence " * 5000)
    for encoding, body, words in (
        (b"gzip", packed[:-20], "ends in the middle of its compression"),
        (b"gzip", b"no gzip at all", "is not in the compression it claims"),
        (b"br", b"x", "is encoded as 'br'"),
    ):
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
        answer = await talk_to(authority, fixed(head + body))
        assert words in says(answer, FailureReason.MALFORMED)


async def test_slow_drip_ends_in_time(authority: Authority) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    answer = await talk_to(authority, drip, within=0.4)
    sentence = says(answer, FailureReason.UNREACHABLE)
    assert sentence.startswith(f"The reply of {HOST} did not end within 0.4 s (")
    assert answer.took_ms < 2000


async def test_slow_head_and_no_answer_end_in_time(authority: Authority) -> None:
    async def drip_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    for talk in (drip_head, mute):
        answer = await talk_to(authority, talk, within=0.3)
        assert "did not answer within 0.3 s" in says(answer, FailureReason.UNREACHABLE)


async def test_refused_closed_cut_and_foreign(authority: Authority) -> None:
    refused = await ask_at(authority, f"127.0.0.1:{free_port()}", HttpAsk(method="GET", url=URL))
    assert says(refused, FailureReason.UNREACHABLE) == f"{HOST} refused the connection."

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)

    closed = await talk_to(authority, close)
    assert "closed the connection without an answer" in says(closed, FailureReason.UNREACHABLE)
    cut = await talk_to(authority, fixed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"))
    assert "was cut off" in says(cut, FailureReason.MALFORMED)
    foreign = await talk_to(authority, fixed(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    assert "is not HTTP" in says(foreign, FailureReason.MALFORMED)
    huge = await talk_to(authority, fixed(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 200_000 + b"\r\n\r\n"))
    assert huge.failure is not None and huge.failure.reason is FailureReason.MALFORMED
    odd = await talk_to(authority, fixed(b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe\r\nContent-Length: 2\r\n\r\nok"))
    assert odd.failure is None and odd.header("X-Odd") == "\ufffd\ufffd"


async def test_redirects_are_answers(authority: Authority) -> None:
    visited = []

    async def redirect(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(status=302, headers={"Location": "https://elsewhere.example/"}, text="moved")

    async with serve(redirect, authority.context()) as place:
        answer = await ask_at(authority, place, HttpAsk(method="GET", url=URL))
    assert answer.status == 302 and answer.header("location") == "https://elsewhere.example/"
    assert visited == ["/"]


async def test_cookies_are_not_kept(authority: Authority) -> None:
    seen = []

    async def bake(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        response = web.Response(text="ok")
        response.set_cookie("affinity", "1")
        return response

    async with serve(bake, authority.context()) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            for _ in range(2):
                answer = await live.http(HttpAsk(method="GET", url=URL))
    assert answer.header_all("set-cookie")
    assert seen == [None, None]


async def test_headers_and_body_as_asked(authority: Authority) -> None:
    async def echo(request: web.Request) -> web.Response:
        heads = "\n".join(f"{name.decode()}: {value.decode()}" for name, value in request.raw_headers)
        return web.Response(text=f"{request.method}\n{heads}\n\n{await request.text()}")

    ask = HttpAsk(
        method="POST",
        url=URL,
        headers=(
            ("user-agent", "SkypeSpaces/1.0a$*+"),
            ("X-Twice", "1"),
            ("X-Twice", "2"),
            ("Authorization", "Bearer"),
        ),
        body=b"<x/>",
    )
    async with serve(echo, authority.context()) as place:
        text = (await ask_at(authority, place, ask)).body.decode()
        empty = (await ask_at(authority, place, HttpAsk(method="POST", url=URL))).body.decode()
        broken = await ask_at(authority, place, HttpAsk(method="GET", url=URL, headers=(("X", "a\r\nY: b"),)))
    assert text.startswith("POST\n") and text.endswith("\n\n<x/>")
    assert "user-agent: SkypeSpaces/1.0a$*+\n" in text and "hybridge/" not in text
    assert "X-Twice: 1\nX-Twice: 2\n" in text and "Authorization: Bearer\n" in text
    assert "Content-Length: 0" in empty and "User-Agent: hybridge/" in empty
    assert says(broken, FailureReason.DEFECT)


async def test_dropped_keep_alive_is_repeated_once_when_harmless(authority: Authority) -> None:
    heads: list[bytes] = []

    async def one_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_head(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        heads.append(await read_head(reader))  # the second request on this connection gets no answer

    async with serve_raw(one_each, authority.context()) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            get, post = HttpAsk(method="GET", url=URL), HttpAsk(method="POST", url=URL)
            assert (await live.http(get)).status == 200
            assert (await live.http(get)).status == 200
            assert len(heads) == 3
            lost = await live.http(post)
    assert "closed the connection" in says(lost, FailureReason.UNREACHABLE)
    assert len(heads) == 4


async def test_places_at_a_host_are_limited(authority: Authority) -> None:
    now = most = 0

    async def slow(request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response(text="ok")

    async with serve(slow, authority.context()) as place:
        net = NetConfig(connect_to={HOST: place}, ca_file=authority.ca_file, per_host=3)
        async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
            answers = await asyncio.gather(*(live.http(HttpAsk(method="GET", url=f"{URL}{n}")) for n in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert most == 3

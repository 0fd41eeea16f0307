"""A hostile server, on real sockets, against the live answerer: it learns no credential, ends no run late, fills no
memory.

Every server here has a certificate that is trusted: what it may do is then limited by nothing but ourselves.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from tests.net.farm import HOST, Authority, Pair, Talk, Wish, read_head, serve, serve_raw

from hybridge.collectors.routes import MAX_HOPS, PROTOCOLS, collect_route
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.limits import SILENCES
from hybridge.net.secret import Secret
from hybridge.org.probes import AutodiscoverV2Probe
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk, FailureReason, HttpAnswer, HttpAsk, Sign

PASSWORD = "canary-9f2b7c"
LIMIT = 0.6
"""net.timeout of these tests, in seconds."""
PATIENT = 20.0
"""Far more than any of them may take, on a busy machine."""
SMALL = 64 * 1024
MEGABYTE = 1024 * 1024

EXCHANGE = ExchangeConfig(
    hosts=(HOST,),
    powershell_url=f"https://{HOST}/powershell/",
    username="CONTOSO\\svc",
    password=Secret(PASSWORD),
    auth="ntlm",
)


def net_to(place: str, authority: Authority, *, hosts: tuple[str, ...] = (HOST,), limit: float = LIMIT) -> NetConfig:
    return NetConfig(connect_to=dict.fromkeys(hosts, place), ca_file=authority.ca_file, only_mapped=True, timeout=limit)


async def ask(talk: Talk, authority: Authority, http: HttpAsk, exchange: ExchangeConfig = EXCHANGE) -> HttpAnswer:
    """One ask to a server that talks ``talk`` over TLS; fails when it takes much longer than the limit."""
    async with (
        serve_raw(talk, authority.context()) as place,
        open_live(net_to(place, authority), exchange, EntraConfig(), SystemClock()) as live,
        asyncio.timeout(PATIENT),
    ):
        return await live.http(http)


GET = HttpAsk(method="GET", url=f"https://{HOST}/ews/exchange.asmx", limit=SMALL)


def talks(first: bytes, again: bytes, pause: float = 0.0) -> Talk:
    """Sends ``first`` after the head of a request, and then ``again`` without end."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause)

    return talk


def bomb() -> bytes:
    """64 MB of zeros in 64 kB, 64 times over: 4 GB."""
    return gzip.compress(bytes(64 * MEGABYTE), 9) * 64


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS: dict[str, Callable[[], Talk]] = {
    "endless body": lambda: talks(OK + b"Content-Type: text/html\r\n\r\n", b"x" * SMALL),
    "slow drip": lambda: talks(OK + b"Content-Length: 100000\r\n\r\n", b"x", 0.05),
    "never-ending chunks": lambda: talks(CHUNKED, b"1000\r\n" + b"y" * 4096 + b"\r\n"),
    "drip of tiny chunks": lambda: talks(CHUNKED, b"1\r\nz\r\n", 0.02),
    "endless chunk size": lambda: talks(CHUNKED + b"1;name=", b"e" * SMALL),
    "endless trailers": lambda: talks(CHUNKED + b"0\r\n", b"X-Trailer: " + b"t" * 1000 + b"\r\n"),
    "gigantic header": lambda: talks(OK + b"X-Big: ", b"h" * SMALL),
    "endless headers": lambda: talks(OK, b"X-Many: " + b"m" * 500 + b"\r\n"),
    "endless status line": lambda: talks(b"HTTP/1.1 200 ", b"O" * SMALL),
    "endless informational answers": lambda: talks(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "headers drip": lambda: talks(OK, b"X-Slow: 1\r\n", 0.05),
    "compressed bomb": lambda: talks(OK + b"Content-Encoding: gzip\r\n\r\n", bomb()),
    "silence": lambda: talks(b"", b"", 0.2),
    "a promise of much": lambda: talks(OK + b"Content-Length: 99999999999\r\n\r\n", b"p" * SMALL),
}


@pytest.mark.parametrize("manner", ENDLESS)
async def test_what_does_not_end_is_ended(manner: str, authority: Authority) -> None:
    answer = await ask(ENDLESS[manner](), authority, GET)
    assert answer.failure is not None
    assert answer.failure.reason in (FailureReason.MALFORMED, FailureReason.UNREACHABLE), answer.failure
    assert answer.failure.says.endswith(".") and answer.body == b""
    assert answer.took_ms < PATIENT * 1000


async def test_half_a_handshake_is_given_up(authority: Authority) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(b"\x16\x03\x03\x40\x00" + b"\x02")  # a record of 16 kB begins, and never goes on
        await asyncio.Event().wait()

    async with (
        serve_raw(half, None) as place,
        open_live(net_to(place, authority), EXCHANGE, EntraConfig(), SystemClock()) as live,
        asyncio.timeout(PATIENT),
    ):
        answer = await live.http(GET)
    assert answer.failure is not None and "TLS handshake" in answer.failure.says


async def test_a_host_that_is_always_silent_is_spared(authority: Authority) -> None:
    """Hundreds of asks do not wait one after the other for their time to be over."""
    asked = 0

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await read_head(reader)
        await asyncio.Event().wait()

    async with (
        serve_raw(silent, authority.context()) as place,
        open_live(net_to(place, authority), EXCHANGE, EntraConfig(), SystemClock()) as live,
        asyncio.timeout(PATIENT),
    ):
        answers = await asyncio.gather(
            *(live.http(HttpAsk(method="GET", url=f"https://{HOST}/{number}")) for number in range(200))
        )
    spared = [one for one in answers if one.failure and "asks in a row" in one.failure.says]
    assert all(one.failure for one in answers)
    assert asked <= 2 * SILENCES and len(spared) >= 200 - 2 * SILENCES


# Credentials ----------------------------------------------------------------------------------------------------------


@dataclass
class Thief:
    """Notes every Authorization that holds more than a scheme or a first NTLM message, which both prove nothing."""

    proofs: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def note(self, request: web.Request) -> None:
        self.asked.append(f"{request.method} {request.host}{request.path}")
        value = request.headers.get("Authorization", "")
        if len(value.split()) > 1 and not value.split()[-1].startswith("TlRMTVNTUAAB"):  # NTLMSSP, message 1
            self.proofs.append(value)

    async def storm(self, request: web.Request) -> web.StreamResponse:
        """401 to everything, with every sign-in on offer and a challenge for who begins one."""
        self.note(request)
        await request.read()
        begun = "TlRMTVNTUAAB" in request.headers.get("Authorization", "")
        offers = [f"NTLM {CHALLENGE}"] if begun else ["Negotiate", "NTLM", 'Basic realm="x"']
        return web.Response(status=401, headers=[("WWW-Authenticate", offer) for offer in offers])


CHALLENGE = (
    "TlRMTVNTUAACAAAADAAMADgAAAAFgomiASNFZ4mrze8AAAAAAAAAACQAJABEAAAABgBwFwAAAA9TAGUAcgB2AGUAcgACAAwARABvAG0A"
    "YQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAA="
)
"""An NTLM challenge (MS-NLMP 4.2.4.3), which any server can send."""


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
async def test_a_storm_of_refusals_gets_one_try_of_the_password(auth: str, authority: Authority) -> None:
    thief = Thief()
    exchange = ExchangeConfig(
        hosts=(HOST,),
        powershell_url=f"https://{HOST}/powershell/",
        username="CONTOSO\\svc",
        password=Secret(PASSWORD),
        auth=auth,  # type: ignore[arg-type]
    )
    signed = HttpAsk(method="POST", url=GET.url, body=b"<x/>", sign=Sign.EXCHANGE)
    cmdlet = CmdletAsk(premises=Premises.ON_PREMISES, name="Get-AuthConfig")
    async with (
        serve(thief.storm, authority.context()) as place,
        open_live(net_to(place, authority, limit=10), exchange, EntraConfig(), SystemClock()) as live,
        asyncio.timeout(PATIENT * 2),
    ):
        over_http, by_cmdlet = await asyncio.gather(
            asyncio.gather(*(live.http(signed) for _ in range(20))),
            asyncio.gather(*(live.cmdlet(cmdlet) for _ in range(3))),
        )
    reasons = [one.failure and one.failure.reason for one in over_http]
    reasons += [one.failure and one.failure.reason for one in by_cmdlet]
    assert set(reasons) == {FailureReason.SIGN_IN}, reasons
    assert len(thief.proofs) <= 1, thief.proofs


async def test_a_certificate_swapped_between_two_legs_ends_the_sign_in(authority: Authority) -> None:
    thief = Thief()
    good, stranger = authority.context(), authority.context(Wish(self_signed=True))
    met = 0

    def pick(connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        nonlocal met
        met += 1
        connection.context = good if met == 1 else stranger

    async def swap(request: web.Request) -> web.StreamResponse:
        response = await thief.storm(request)
        response.force_close()
        return response

    front = authority.context()
    front.sni_callback = pick
    signed = HttpAsk(method="POST", url=GET.url, body=b"<x/>", sign=Sign.EXCHANGE)
    async with (
        serve(swap, front) as place,
        open_live(net_to(place, authority, limit=5), EXCHANGE, EntraConfig(), SystemClock()) as live,
        asyncio.timeout(PATIENT),
    ):
        answer = await live.http(signed)
    assert answer.failure is not None
    assert answer.failure.reason in (FailureReason.CERTIFICATE, FailureReason.UNREACHABLE), answer.failure
    assert met > 1 and thief.proofs == []


# Autodiscover ---------------------------------------------------------------------------------------------------------

CLOUD, AUTODISCOVER, FOREIGN = "outlook.office365.com", "autodiscover.contoso.com", "autodiscover.attacker.example"


@dataclass
class Guide(Thief):
    """Answers Autodiscover V2 with ``lead``: a redirect, or an address of EWS."""

    lead: Callable[[int], str] = lambda number: ""
    redirects: bool = True

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.note(request)
        target = self.lead(len(self.asked))
        if self.redirects:
            return web.Response(status=302, headers={"Location": target})
        body = json.dumps({"Protocol": request.query.get("Protocol", "EWS"), "Url": target})
        return web.Response(body=body.encode(), content_type="application/json")


def everywhere(authority: Authority) -> Pair:
    return authority.leaf(Wish(names=(CLOUD, AUTODISCOVER, FOREIGN, HOST)))


async def follow(guide: Guide, authority: Authority) -> tuple[AutodiscoverV2Probe, str]:
    """The EWS route of a mailbox, and where it is said to lead."""
    leaf = everywhere(authority)
    async with (
        serve(guide, authority.context(leaf=leaf)) as place,
        open_live(
            net_to(place, authority, hosts=(CLOUD, AUTODISCOVER, FOREIGN, HOST), limit=5),
            EXCHANGE,
            EntraConfig(),
            SystemClock(),
        ) as live,
        asyncio.timeout(PATIENT),
    ):
        route = await collect_route(live, "ada@contoso.com", CLOUD, "contoso.com")
        if route.ews:
            signed = HttpAsk(method="POST", url=route.ews, body=b"<x/>", sign=Sign.EXCHANGE)
            answer = await live.http(signed)
            assert answer.failure is not None and answer.failure.reason is FailureReason.REFUSED
    (reading,) = route.readings.values()
    probes = [one for one in getattr(reading, "records", ()) if isinstance(one, AutodiscoverV2Probe)]
    return next(probe for probe in probes if probe.protocol == "EWS"), route.ews


async def test_redirects_without_end_are_ended(authority: Authority) -> None:
    guide = Guide(lead=lambda n: f"https://{AUTODISCOVER}/autodiscover/autodiscover.json/v1.0/x{n}?Protocol=EWS")
    probe, found = await follow(guide, authority)
    assert (probe.error_code, found) == ("redirect-loop", "")
    assert len(probe.hops) == MAX_HOPS and len(guide.asked) <= len(PROTOCOLS) * MAX_HOPS
    assert guide.proofs == []


async def test_a_redirect_to_another_domain_is_not_followed(authority: Authority) -> None:
    guide = Guide(lead=lambda _: f"https://{FOREIGN}/autodiscover/autodiscover.json?Protocol=EWS")
    probe, found = await follow(guide, authority)
    assert (probe.error_code, found) == ("foreign-redirect", "")
    assert all(FOREIGN not in asked for asked in guide.asked) and guide.proofs == []


async def test_an_answer_that_names_a_foreign_host_moves_no_credential(authority: Authority) -> None:
    guide = Guide(lead=lambda _: f"https://{FOREIGN}/EWS/Exchange.asmx", redirects=False)
    _, found = await follow(guide, authority)
    assert FOREIGN in found
    assert all(FOREIGN not in asked for asked in guide.asked) and guide.proofs == []


# Memory ---------------------------------------------------------------------------------------------------------------

ROOM = 64
"""Megabytes a hostile answer may cost, over what a run takes anyway."""

_CHILD = """
import asyncio, pathlib, sys
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.wire.ask import HttpAsk

place, ca_file, many = sys.argv[1], sys.argv[2], int(sys.argv[3])

def peak():  # kilobytes; unlike ru_maxrss it knows nothing of the process before exec
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

async def main():
    net = NetConfig(connect_to={"mail.contoso.com": place}, ca_file=ca_file, only_mapped=True, timeout=3)
    async with open_live(net, ExchangeConfig(), EntraConfig(), SystemClock()) as live:
        await live.http(HttpAsk(method="GET", url="https://mail.contoso.com/good"))
        before = peak()
        for number in range(many):
            answer = await live.http(HttpAsk(method="GET", url=f"https://mail.contoso.com/bad/{number}"))
            assert answer.failure is not None, answer
        print(before, peak())

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one process")
@pytest.mark.parametrize(
    "manner",
    ["endless body", "never-ending chunks", "gigantic header", "endless headers", "endless trailers"]
    + ["endless chunk size", "compressed bomb", "endless informational answers"],
)
async def test_memory_stays_small(manner: str, authority: Authority) -> None:
    """With the default limit of 8 MiB, three answers one after another."""
    bad = ENDLESS[manner]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(9)
        if first == b"GET /good":
            await read_head(reader)
            writer.write(OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        await bad(reader, writer)

    async with serve_raw(talk, authority.context()) as place, asyncio.timeout(60):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CHILD, place, authority.ca_file, "3", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
    assert child.returncode == 0
    before, after = map(int, out.split())
    assert (after - before) / 1024 < ROOM, (before, after)


# The whole doctor -----------------------------------------------------------------------------------------------------

_TOML = """
[organization]
domain = "contoso.com"
tenant_id = "5f1c8a3e-6f0d-4c7e-9b52-0c0ffee0c0de"
[net]
ca_file = "{ca_file}"
only_mapped = true
timeout = 1.0
[net.connect_to]
{hosts}
[exchange]
hosts = ["mail.contoso.com", "ex1.contoso.com"]
powershell_url = "https://ex1.contoso.com/powershell/"
username = "CONTOSO\\\\svc"
password_file = "{password_file}"
auth = "ntlm"
"""
_NAMES = (HOST, AUTODISCOVER, "ex1.contoso.com", CLOUD, "contoso.com")
LONGEST = 60.0
"""Seconds a whole run may take though nothing is answered in time; net.timeout is one."""


def _led_astray(thief: Thief) -> Callable[[web.Request], object]:
    """Autodiscover leads to the mail host; everything else is refused."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "autodiscover.json" not in request.path.lower():
            return await thief.storm(request)
        thief.note(request)
        body = json.dumps({"Protocol": "EWS", "Url": f"https://{HOST}/EWS/Exchange.asmx"}).encode()
        return web.Response(body=body, content_type="application/json")

    return answer


@pytest.mark.parametrize("manner", ["storm", "endless body", "slow drip", "silence"])
async def test_the_whole_doctor_ends(manner: str, authority: Authority, tmp_path: Path) -> None:
    thief = Thief()
    context = authority.context(leaf=authority.leaf(Wish(names=_NAMES)))
    server = (
        serve(_led_astray(thief), context)  # type: ignore[arg-type]
        if manner == "storm"
        else serve_raw(ENDLESS[manner](), context)
    )
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    async with server as place:
        config = tmp_path / "hybridge.toml"
        hosts = "\n".join(f'"{name}" = "{place}"' for name in _NAMES)
        config.write_text(_TOML.format(ca_file=authority.ca_file, hosts=hosts, password_file=secret))
        began = time.monotonic()
        child = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "hybridge",
                "doctor",
                "ada@contoso.com",
                "--config",
                str(config),
                "--format",
                "json",
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_COLOR": "1"},
        )
        async with asyncio.timeout(LONGEST * 2):
            out, err = await child.communicate()
        took = time.monotonic() - began
    assert took < LONGEST, took
    assert child.returncode in (1, 3), err[-2000:]
    assert json.loads(out)["incomplete"] is True
    assert PASSWORD.encode() not in out + err
    assert len(thief.proofs) <= 1, thief.proofs

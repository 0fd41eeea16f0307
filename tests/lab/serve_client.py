"""A small lab of its own app, and a TLS client that speaks HTTP by hand, for the tests of the listener."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import spnego
import uvloop
from spnego.channel_bindings import GssChannelBindings

from hybridge.lab.apps import base
from hybridge.lab.contoso import AuthCertificate
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.lab.serve.ca import Authority
from hybridge.lab.serve.listener import Listener
from hybridge.lab.serve.site import ExtendedProtection, Site
from hybridge.org.organization import Organization
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

MAIL, EX1, GRAPH = "mail.contoso.com", "ex1.contoso.com", "graph.microsoft.com"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def app(estate: Estate, request: base.Request) -> HttpAnswer:
    """/open for everybody; /dead answers nothing; /defect fails; all else wants a sign-in and shows what it saw."""
    if request.path == "/open":
        return base.text("open", headers=(("x-fe-server", "EX1"),))
    if request.path == "/dead":
        return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="Nobody."))
    if request.path == "/defect":
        raise ZeroDivisionError
    if not request.principal and "authorization" not in request.headers:
        return base.text("who?", 401, (("www-authenticate", 'Bearer realm=""'),))
    return base.json(
        {
            "principal": request.principal,
            "authorization": request.headers.get("authorization", ""),
            "query": request.query,
            "path": request.path,
            "body": len(request.body),
        }
    )


class Shell:
    """Stands where remote PowerShell will: says which connection and principal it was given."""

    async def post(
        self, connection_key: str, principal: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        await asyncio.sleep(0)
        return 200, {"content-type": "application/soap+xml"}, f"{connection_key} {principal}".encode()

    async def close(self) -> None:
        """It keeps no session."""


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class Client:
    """One TLS connection; ``leaf`` is the DER of the certificate shown."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.leaf: bytes = writer.get_extra_info("ssl_object").getpeercert(True)

    async def ask(
        self, path: str, authorization: str = "", host: str = MAIL, method: str = "GET", body: bytes = b""
    ) -> Answer:
        sign = f"Authorization: {authorization}\r\n" if authorization else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n{sign}\r\n"
        self.writer.write(head.encode() + body)
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = [(line.partition(": ")[0].lower(), line.partition(": ")[2]) for line in lines]
        length = next((int(value) for key, value in headers if key == "content-length"), 0)
        return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))

    async def negotiate(
        self,
        account: str,
        password: str,
        scheme: str = "NTLM",
        bindings: GssChannelBindings | None = None,
        forge: Callable[[bytes], bytes] = lambda token: token,
    ) -> Answer:
        """The legs of one sign-in; the last answer. ``forge`` changes the server's tokens before they are read."""
        context = spnego.client(account, password, protocol=scheme.lower(), channel_bindings=bindings)
        token = context.step()
        while token:
            answer = await self.ask("/ews", f"{scheme} {base64.b64encode(token).decode()}")
            offer = next((o for o in answer.all("www-authenticate") if o.startswith(f"{scheme} ")), "")
            if not offer or context.complete:
                return answer
            token = context.step(forge(base64.b64decode(offer.partition(" ")[2])))
        return answer


@dataclass
class Lab:
    estate: Estate
    authority: Authority
    port: int

    @asynccontextmanager
    async def client(self, name: str = MAIL) -> AsyncIterator[Client]:
        trust = ssl.create_default_context(cadata=self.authority.root_pem.decode())
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=trust, server_hostname=name)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()

    @property
    def password(self) -> str:
        return self.estate.users[ADMINISTRATOR]


Story = Callable[[Lab], Awaitable[None]]
Run = Callable[..., None]


def run_story(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    story: Story,
    protection: ExtendedProtection = ExtendedProtection.REQUIRE,
) -> None:
    """Run ``story`` against a listener, both on one new loop."""

    async def whole() -> None:
        now = datetime.now(UTC)
        certificate = AuthCertificate(b"", now, now + timedelta(days=1))
        estate = Estate(Organization(), clock=lambda: now, certificate=certificate, randomness=random.Random(7))
        hosts = frozenset({MAIL, EX1, GRAPH})
        site = Site(app, hosts, frozenset({MAIL, EX1}), Shell(), frozenset({EX1}), protection)
        authority = Authority(now)
        async with asyncio.timeout(20), Listener(estate, site, authority) as listener:
            await story(Lab(estate, authority, listener.port))

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(whole())

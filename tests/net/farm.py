"""Real servers on loopback for the tests of the network side: a small CA, TLS listeners, DNS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
HOST = "mail.contoso.com"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@dataclass(frozen=True)
class Wish:
    """How a leaf is to be."""

    names: tuple[str, ...] = (HOST,)
    begins: datetime = NOW - timedelta(days=30)
    ends: datetime = NOW + timedelta(days=300)
    algorithm: hashes.SHA256 | hashes.SHA384 = field(default_factory=hashes.SHA256)
    self_signed: bool = False
    with_chain: bool = True


def issue(common_name: str, issuer: Pair | None, *, authority: bool = False, wish: Wish | None = None) -> Pair:
    """Make a certificate; without ``issuer`` it signs itself."""
    wish = wish or Wish(names=())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(wish.begins)
        .not_valid_after(wish.ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(authority), critical=True)
    )
    if wish.names:
        names = [x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in wish.names]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Pair(builder.sign(signer, wish.algorithm), key)


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


class Alerting(ssl.SSLObject):
    """A server's side that really sends its alert: the loop would close before it is written."""

    _kept: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        if self._kept is not None:
            raise self._kept
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._kept = error
            raise ssl.SSLWantReadError from error


class Authority:
    """A root and an issuing authority below it; ``ca_file`` is what a client trusts."""

    def __init__(self, folder: Path, name: str = "Test") -> None:
        self._folder = folder
        self.root = issue(f"{name} Root", None, authority=True)
        self.issuing = issue(f"{name} Issuing CA", self.root, authority=True)
        self._made = 0
        path = folder / f"{name}-root.pem"
        path.write_bytes(self.root.pem)
        self.ca_file = str(path)

    def leaf(self, wish: Wish) -> Pair:
        """A server certificate."""
        return issue(wish.names[0], None if wish.self_signed else self.issuing, wish=wish)

    def context(self, wish: Wish | None = None, leaf: Pair | None = None) -> ssl.SSLContext:
        """A server's TLS context, with a new certificate unless ``leaf`` is given."""
        wish = wish or Wish()
        leaf = leaf or self.leaf(wish)
        self._made += 1
        path = self._folder / f"leaf-{id(self)}-{self._made}.pem"
        chain = b"" if wish.self_signed or not wish.with_chain else self.issuing.pem
        path.write_bytes(leaf.key_pem + leaf.pem + chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = Alerting
        context.load_cert_chain(path)
        path.unlink()
        return context


@asynccontextmanager
async def serve(answer: Answer, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """An HTTP server whose every request goes to ``answer``; gives ``address:port``."""

    async def each(request: web.Request) -> web.StreamResponse:
        return await answer(request)

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", each)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        server = runner.server
        open_now = [connection.transport for connection in server.connections] if server else []
        await runner.cleanup()
        for transport in open_now:  # a client that is gone never answers the farewell of TLS
            if transport is not None:
                with suppress(AttributeError):  # before Python 3.11.4 one that has closed by itself raises
                    transport.abort()


@asynccontextmanager
async def serve_raw(talk: Talk, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """A server that talks bytes; every connection is closed at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """The head of a request."""
    return await reader.readuntil(b"\r\n\r\n")


def free_port() -> int:
    """A port nobody listens on (it was free a moment ago)."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Zone:
    """What a test's name server knows: (name, type) -> records, and names with a fault."""

    records: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    """Name -> servfail, refused, silent or truncated."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, wire: bytes, *, over_tcp: bool) -> bytes | None:
        """The reply to one question, or None for silence."""
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind))
        reply = dns.message.make_response(question)
        fault = self.faults.get(name, "")
        if fault == "silent":
            return None
        if fault in ("servfail", "refused"):
            reply.set_rcode(dns.rcode.from_text(fault.upper()))
        elif fault == "truncated" and not over_tcp:
            reply.flags |= dns.flags.TC
        else:
            self._fill(reply, name, kind)
        return reply.to_wire()

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        alias = self.records.get((name, "CNAME"))
        if alias and kind != "CNAME":
            reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", *alias))
            name = alias[0].rstrip(".")
        found = self.records.get((name, kind))
        if found:
            reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", kind, *found))
        elif not any(known == name for known, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._zone.answer(data, over_tcp=False)
        if reply is not None:
            self._transport.sendto(reply, addr)


@asynccontextmanager
async def serve_dns(zone: Zone) -> AsyncIterator[str]:
    """A name server over UDP and TCP on one port; gives ``address:port``."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        reply = zone.answer(await reader.readexactly(size), over_tcp=True)
        if reply is not None:
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
            await reader.read()

    async with serve_raw(talk, None) as place:
        host, _, port = place.rpartition(":")
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(zone), local_addr=(host, int(port)))
        try:
            yield place
        finally:
            transport.close()

"""How the lab's own Teams services call out over the wire: an Answerer that reaches this lab's listener and no other.

They stand for services of Microsoft, so they show tokens of their own making in an Authorization header. The product's
live answerer rightly refuses to carry such a header, and knows nothing of a lab; hence this client. It goes through
TLS, verified against the lab's authority, and through the lab's zone, so that what breaks these is felt here too.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from hybridge.lab.serve.running import RunningLab
from hybridge.lab.serve.zone import REFUSING, Zone
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    Sign,
    Stopped,
    TlsAnswer,
    TlsAsk,
)

_TIMEOUT = aiohttp.ClientTimeout(total=20)


class _LabResolver(AbstractResolver):
    """Names of the zone lead to the listener, on port 443 only."""

    def __init__(self, zone: Zone, port: int, refusing_port: int) -> None:
        self._zone = zone
        self._port = port
        self._refusing_port = refusing_port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        records = self._zone.records(host, "A")
        if port != 443 or not records:
            raise OSError(None, f"{host}:{port} leads nowhere in this lab")
        leads_to = self._refusing_port if REFUSING in records else self._port
        return [ResolveResult(hostname=host, host="127.0.0.1", port=leads_to, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


class Calls:
    """Made by ``open_calls``. Sends what an ask holds and adds no credential; has no cmdlets."""

    def __init__(self, session: aiohttp.ClientSession, lab: RunningLab) -> None:
        self._session = session
        self._lab = lab

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """One request to the lab's listener."""
        if ask.sign is not Sign.NONE:
            return HttpAnswer(failure=_failure(FailureReason.NOT_CONFIGURED, "The lab's services have no account."))
        try:
            answer = await self._send(ask)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer = HttpAnswer(failure=self._read_error(ask, error))
        return msgspec.structs.replace(answer, answered_at=self._lab.estate.now())

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """Never runs: Teams has no shell."""
        says = f"{ask.name} was not run: the lab's services have no account."
        return CmdletAnswer(failure=_failure(FailureReason.NOT_CONFIGURED, says))

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """One question to the zone."""
        records = self._lab.zone.records(ask.name, ask.rdtype)
        if records is None:
            return DnsAnswer(failure=_failure(FailureReason.NAME_NOT_FOUND, f"DNS knows no name {ask.name}."))
        return DnsAnswer(records=records)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """Never looked at: Teams only connects."""
        says = f"TLS of {ask.host} is not looked at by the lab's services."
        return TlsAnswer(failure=_failure(FailureReason.NOT_CONFIGURED, says), stopped=Stopped.NOT_ASKED)

    async def _send(self, ask: HttpAsk) -> HttpAnswer:
        request = self._session.request(
            ask.method, ask.url, headers=list(ask.headers), data=ask.body or None, allow_redirects=False
        )
        async with request as reply:
            body = await reply.read()
            if len(body) > ask.limit:
                says = f"The answer of {reply.url.host} is larger than the {ask.limit} bytes allowed."
                return HttpAnswer(failure=_failure(FailureReason.MALFORMED, says))
            headers = tuple((name.lower(), value) for name, value in reply.headers.items())
            return HttpAnswer(status=reply.status, headers=headers, body=body)

    def _read_error(self, ask: HttpAsk, error: Exception) -> Failure:
        host = urlsplit(ask.url).hostname or ask.url
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return _failure(FailureReason.CERTIFICATE, f"The certificate of {host} is not trusted.")
        if not self._lab.zone.records(host, "A"):
            return _failure(FailureReason.NAME_NOT_FOUND, f"DNS knows no name {host}.")
        return _failure(FailureReason.UNREACHABLE, f"Nothing answers for {host}: {error or type(error).__name__}.")


@asynccontextmanager
async def open_calls(lab: RunningLab) -> AsyncIterator[Calls]:
    """An Answerer for the Teams services of ``lab``; closed with the block."""
    trust = ssl.create_default_context(cafile=str(lab.ca_file))
    resolver = _LabResolver(lab.zone, lab.https_port, lab.refusing_port)
    connector = aiohttp.TCPConnector(resolver=resolver, ssl=trust, use_dns_cache=False)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=_TIMEOUT
    ) as session:
        yield Calls(session, lab)


def _failure(reason: FailureReason, says: str) -> Failure:
    return Failure(reason=reason, says=says)

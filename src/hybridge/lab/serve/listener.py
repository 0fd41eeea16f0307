"""The HTTPS listener: every host of the site on one port of 127.0.0.1, told apart by SNI and the Host header.

An app is asked first without a principal. Only when it answers 401 and the request carries credentials does the
listener look at them and ask again, so an app alone decides which paths want a sign-in. ``Authorization: Bearer`` is
the apps' business and passes through.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from email.utils import format_datetime

import msgspec
from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE
from multidict import CIMultiDict

from hybridge.lab.apps import base
from hybridge.lab.cmdlets.outcome import ConnectionCut
from hybridge.lab.estate import Estate, LoggedRequest
from hybridge.lab.serve.ca import OLDEST_FIRST, Authority, Manner
from hybridge.lab.serve.front import Front
from hybridge.lab.serve.sign_in import SignIn
from hybridge.lab.serve.site import Site, with_headers, with_offers
from hybridge.lab.serve.streaming import write_stream
from hybridge.lab.serve.tls import LabTls, noting, server_context
from hybridge.lab.weather import weather_of
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

BODY_LIMIT = 2 * 1024 * 1024
"""Largest request accepted, in bytes; remote PowerShell sends up to 512,000."""

_SHUTDOWN_SECONDS = 0.5
_ANY_TYPE = "application/octet-stream"
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
_log = logging.getLogger(__name__)


class Listener:
    """Serves ``site`` for ``estate``; ``async with`` opens and closes it. ``port`` is known once it is open."""

    def __init__(self, estate: Estate, site: Site, authority: Authority, port: int = 0) -> None:
        self.port = port
        self._estate = estate
        self._site = site
        self._weather = weather_of(estate)
        self._sign_in = SignIn(estate, site.extended_protection)
        self._authority = authority
        self._tls = server_context(authority, site.hosts, estate.certificates)
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{anything:.*}", self._serve)
        app.on_response_prepare.append(_only_own_headers)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)

    async def __aenter__(self) -> Listener:
        self._unwatch = self._estate.watch_certificates(self.close_connections)
        await self._runner.setup()
        assert self._runner.server is not None
        self._front = Front(self._context, self._runner.server, self.port)
        try:
            await self._front.open()
        except OSError as taken:
            await self.__aexit__()
            raise OSError(
                taken.errno, f"The lab cannot listen on port {self.port} of 127.0.0.1; choose another, or 0 for any."
            ) from taken
        self.port = self._front.port
        return self

    @property
    def refusing_port(self) -> int:
        """A port of 127.0.0.1 at which every connection is refused."""
        return self._front.refusing_port

    def _context(self, host: str) -> ssl.SSLContext | None:
        """How to speak TLS as ``host``; a name that is not served is refused by the context for strangers."""
        if host not in self._site.hosts:
            return self._tls
        how = self._estate.facing(host)
        if how.network == "silent":
            return None
        manner = Manner(how.oldest_tls, how.newest_tls, how.client_certificate_requested)
        if OLDEST_FIRST.index(manner.oldest) > OLDEST_FIRST.index(manner.newest):
            manner = Manner(manner.newest, manner.newest, manner.wants_certificate)
        return noting(self._authority.context(host, how.certificate, manner))

    async def __aexit__(self, *_: object) -> None:
        self._unwatch()
        if self._site.powershell is not None:
            await self._site.powershell.close()  # first, so that no Receive keeps the runner waiting
        await self._front.close()
        server = self._runner.server
        open_now = [connection.transport for connection in server.connections] if server else []
        await self._runner.cleanup()
        for transport in open_now:
            if transport is not None:
                _abort(transport)  # a client that does not answer the farewell of TLS would hold the socket for 30 s

    def close_connections(self, host: str) -> None:
        """Close the open connections made for ``host``, so that its clients meet its new certificate."""
        server = self._runner.server
        for connection in server.connections if server else ():
            transport = connection.transport
            tls = transport.get_extra_info("ssl_object") if transport else None
            if transport and isinstance(tls, LabTls) and tls.host == host:
                transport.close()

    async def _serve(self, incoming: web.Request) -> web.StreamResponse:
        transport = incoming.transport
        tls = transport.get_extra_info("ssl_object") if transport else None
        if transport is None or not isinstance(tls, LabTls):
            raise ConnectionAbortedError("the client has gone")
        try:
            request = _request(incoming, await incoming.read())
            answer, principal = await self._answer(request, tls)
        except web.HTTPRequestEntityTooLarge:
            request = _request(incoming, b"")
            answer, principal = base.text(f"A request may have {BODY_LIMIT} bytes at most.", 413), ""
        self._estate.remember(
            LoggedRequest(
                host=request.host,
                method=request.method,
                path=request.path,
                user_agent=request.headers.get("user-agent", ""),
                status=answer.status,
                principal=principal,
                digest=base.digest(request),
            )
        )
        if answer.failure is not None and answer.status:
            return await _torn(incoming, answer)
        if answer.failure is not None:
            transport.abort()  # an app that answers with a failure wants the client to see a dead server
        headers = CIMultiDict((name, value) for name, value in answer.headers if name.lower() not in _OWN_HEADERS)
        headers["Date"] = format_datetime(self._estate.shown_time(request.host), usegmt=True)
        if isinstance(answer, base.StreamedAnswer):
            return await write_stream(incoming, answer, headers, self._estate)
        return web.Response(status=answer.status or 500, headers=headers, body=answer.body)

    async def _answer(self, request: base.Request, tls: LabTls) -> tuple[HttpAnswer, str]:
        """The answer, and who had signed in for it."""
        if tls.host and tls.host != request.host:
            return base.text(f"This connection is for {tls.host}, not {request.host}.", 421), ""
        if request.host not in self._site.hosts:
            return base.not_found(f"{request.host} is not served here."), ""
        authorization = request.headers.get("authorization", "")
        if request.host not in self._site.windows_hosts or authorization.lower().startswith("bearer"):
            return with_offers(await self._at_gate(request, tls), request.host, self._site), ""
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        principal = "" if authorization else tls.sign_in.principal
        request = msgspec.structs.replace(request, headers=headers, principal=principal)
        answer = await self._ask(request, tls)
        if answer.status != 401 or not authorization:
            return with_offers(answer, request.host, self._site), principal
        return await self._signed_in(request, tls, authorization, answer)

    async def _signed_in(
        self, request: base.Request, tls: LabTls, authorization: str, refusal: HttpAnswer
    ) -> tuple[HttpAnswer, str]:
        outcome = self._sign_in.judge(authorization, tls.sign_in, tls.leaf)
        if outcome.principal:
            request = msgspec.structs.replace(request, principal=outcome.principal)
            answer = with_offers(await self._ask(request, tls), request.host, self._site)
        elif outcome.reply:
            answer = HttpAnswer(status=401)
        else:
            answer = with_offers(refusal, request.host, self._site)
        if outcome.reply:
            answer = with_headers(answer, ("www-authenticate", outcome.reply))
        return answer, outcome.principal

    async def _at_gate(self, request: base.Request, tls: LabTls) -> HttpAnswer:
        """The app's answer, or that of the gate before it."""
        gate = self._site.gate
        return await (gate.through(request, lambda: self._ask(request, tls)) if gate else self._ask(request, tls))

    async def _ask(self, request: base.Request, tls: LabTls) -> HttpAnswer:
        site = self._site
        here = request.host in site.powershell_hosts and request.path.lower().rstrip("/") == "/powershell"
        powershell = site.powershell if here else None
        if powershell is not None and not request.principal:
            return HttpAnswer(status=401)
        try:
            if powershell is None:
                return self._weather.http(self._estate, request, lambda: site.app(self._estate, request))
            status, headers, body = await powershell.post(tls.key, request.principal, request.headers, request.body)
            return HttpAnswer(status=status, headers=tuple(headers.items()), body=body)
        except ConnectionCut:
            return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="The connection was cut."))
        except Exception:
            _log.exception("The lab's app failed on %s %s%s", request.method, request.host, request.path)
            return base.text("The lab's app failed; its log says why.", 500)


async def _torn(incoming: web.Request, answer: HttpAnswer) -> web.StreamResponse:
    """Send the head and the first half of ``answer``, and cut the connection."""
    body = answer.body or b"<html>"
    response = web.StreamResponse(status=answer.status)
    response.content_length = 2 * len(body)
    await response.prepare(incoming)
    await response.write(body)
    if incoming.transport is not None:
        incoming.transport.close()  # what was written still goes out; then the rest never comes
    return response


def _abort(transport: asyncio.Transport) -> None:
    """Abort ``transport``; before Python 3.11.4 one that has closed by itself raises."""
    with suppress(AttributeError):
        transport.abort()


def _request(incoming: web.Request, body: bytes) -> base.Request:
    """The request as apps see it."""
    return base.Request(
        method=incoming.method.upper(),
        host=incoming.host.partition(":")[0].lower().rstrip("."),
        path=incoming.path,
        query={name: incoming.query[name] for name in incoming.query},
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=body,
        client_address=incoming.remote or "",
    )


async def _only_own_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Take away what aiohttp adds of its own: its name, and a type for an empty body."""
    if response.headers.get("Server") == SERVER_SOFTWARE:
        del response.headers["Server"]
    if isinstance(response, web.Response) and not response.body and response.headers.get("Content-Type") == _ANY_TYPE:
        del response.headers["Content-Type"]

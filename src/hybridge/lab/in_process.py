"""The lab without a socket: an Answerer that calls the apps directly, seen as a client of the listeners sees them.

It stands where the live answerer stands, signed in as the lab's administrator and as the lab's Entra application. It
keeps the listeners' rules: a name outside the zone is not found, a certificate that is not good is not trusted, only
port 443 answers, and a 401 of an Exchange host carries the offers of Windows sign-in. A defect of an app is raised,
not answered: a test should end on it.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import format_datetime
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from hybridge import __version__
from hybridge.lab.apps import base
from hybridge.lab.apps.tokens import mint, permissions
from hybridge.lab.behaviour.connections import no_connection, seen
from hybridge.lab.behaviour.plain_http import answer_plain
from hybridge.lab.behaviour.publishing import Edge, edge
from hybridge.lab.cmdlets.outcome import ConnectionCut
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate, LoggedRequest
from hybridge.lab.powershell import run
from hybridge.lab.serve.ca import Authority
from hybridge.lab.serve.plain import remember_plain
from hybridge.lab.serve.site import Site, with_offers
from hybridge.lab.serve.zone import Zone
from hybridge.lab.site import contoso_site
from hybridge.lab.weather import READING_CMDLETS, weather_of
from hybridge.org.records import PublishedService
from hybridge.terms.premises import Premises
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
from hybridge.wire.exchange_online.conversation import Conversation
from hybridge.wire.exchange_online.place import Place

USER_AGENT = f"hybridge/{__version__}"
"""What an ask without a User-Agent of its own is sent with, as on the network."""

Run = Callable[[Estate, CmdletAsk, str], CmdletAnswer]
"""Runs a cmdlet on the estate for a principal: ``lab.powershell.run``."""

Mint = Callable[[Estate, str, str], str]
"""Makes a token for an application (client id) to show to an audience: ``lab.apps.tokens.mint``."""


class InProcess:
    """Answers for ``estate``, without more said from Contoso's site. ``zone`` may be changed to break DNS."""

    def __init__(self, estate: Estate, site: Site | None = None, run: Run = run, mint: Mint = mint) -> None:
        self._estate = estate
        self._site = site or contoso_site(estate)
        self._weather = weather_of(estate)
        self.zone = Zone(self._site.hosts, lambda: estate.organization.all(PublishedService), estate.facing)
        self._run = run
        self._mint = mint
        self._authority: Authority | None = None

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """One request to an app."""
        url = urlsplit(ask.url)
        host = (url.hostname or "").lower()
        if url.scheme == "http" and url.port in (None, 80) and ask.sign is Sign.NONE and self.zone.records(host, "A"):
            return self._plain(ask, url, host)
        failure = self._may_sign(ask, host) or self._connect(url, host) or self._not_offered(ask, url, host)
        if failure is not None:
            return HttpAnswer(failure=failure, answered_at=self._estate.now())
        request = self._request(ask, url, host)
        answer = self._weather.http(self._estate, request, lambda: self._site.app(self._estate, request))
        answer = with_offers(answer, host, self._site)
        if ask.sign is Sign.EXCHANGE and answer.status == 401:
            answer = HttpAnswer(status=401, headers=answer.headers, failure=_no_sign_in(host))
        self._estate.remember(
            LoggedRequest(
                host=host,
                method=request.method,
                path=request.path,
                user_agent=request.headers.get("user-agent", ""),
                status=answer.status,
                principal=request.principal,
                digest=base.digest(request),
            )
        )
        if answer.failure is not None and answer.failure.reason is not FailureReason.SIGN_IN:
            answer = HttpAnswer(failure=answer.failure)
        if len(answer.body) > ask.limit:
            says = f"The answer of {host} is larger than the {ask.limit} bytes allowed."
            answer = HttpAnswer(failure=Failure(reason=FailureReason.MALFORMED, says=says))
        date = ("date", format_datetime(self._estate.now() + self._estate.skew(host), usegmt=True))
        headers = (*((name.lower(), value) for name, value in answer.headers), date) if answer.status else ()
        return msgspec.structs.replace(answer, headers=headers, answered_at=self._estate.now())

    def _plain(self, ask: HttpAsk, url: SplitResult, host: str) -> HttpAnswer:
        """One request to port 80."""
        answer = answer_plain(self._estate.organization, host, url.path)
        if answer is None:
            failure = Failure(reason=FailureReason.UNREACHABLE, says=f"Nothing answers on port 80 of {host}.")
            return HttpAnswer(failure=failure, answered_at=self._estate.now())
        remember_plain(self._estate, self._request(ask, url, host), answer.status)
        return msgspec.structs.replace(answer, answered_at=self._estate.now())

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """One cmdlet: online over the wire, by the application; on-premises by the administrator, where one that only
        reads is repeated once when the session ends."""
        if ask.premises is Premises.ONLINE:
            return await self._online(ask)
        for _ in range(2 if ask.name.lower().startswith(READING_CMDLETS) else 1):
            try:
                return self._weather.cmdlet(self._estate, ask, lambda: self._run(self._estate, ask, ADMINISTRATOR))
            except ConnectionCut:
                continue
        return CmdletAnswer(
            failure=Failure(
                reason=FailureReason.UNREACHABLE,
                says=f"{ask.name} was sent, but it is not known whether it was carried out.",
                next_step="Look at the present state before it is run again.",
            )
        )

    async def _online(self, ask: CmdletAsk) -> CmdletAnswer:
        conversation = Conversation(Place(self._estate.cloud.admin_api, TENANT_ID), ask)
        step = conversation.begin()
        while isinstance(step, HttpAsk):
            step = conversation.go_on(await self.http(step))
        return step

    async def roles(self, scope: str) -> tuple[str, ...] | Failure:
        """The permissions in the application's token for ``scope``."""
        return permissions(self._estate, ENTRA_CLIENT, scope.removesuffix("/.default"))

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """One question to the zone."""
        records = self.zone.records(ask.name, ask.rdtype)
        if records is None:
            return DnsAnswer(failure=_no_name(ask.name))
        return DnsAnswer(records=records)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """How the host does TLS, as a look from outside would see it."""
        host = ask.host.lower().rstrip(".")
        if not self.zone.records(host, "A"):
            return TlsAnswer(failure=_no_name(host), stopped=Stopped.NAME_NOT_FOUND, answered_at=self._estate.now())
        if self._authority is None:
            self._authority = Authority(self._estate.now())
        answer = seen(self._estate.facing(host), lambda variant: self._chain(host, variant))
        return msgspec.structs.replace(answer, answered_at=self._estate.now())

    def _chain(self, host: str, variant: str) -> tuple[bytes, ...]:
        return self._authority.chain(host, variant) if self._authority else ()

    def _connect(self, url: SplitResult, host: str) -> Failure | None:
        """Why no connection comes about, or None."""
        if not self.zone.records(host, "A"):
            return _no_name(host)
        port = url.port or (443 if url.scheme == "https" else 80)
        if url.scheme != "https" or port != 443:
            return Failure(reason=FailureReason.UNREACHABLE, says=f"Nothing answers on port {port} of {host}.")
        return no_connection(self._estate.facing(host))

    def _not_offered(self, ask: HttpAsk, url: SplitResult, host: str) -> Failure | None:
        """Where neither Negotiate nor NTLM is offered, the account cannot sign in."""
        agent = next((value for name, value in ask.headers if name.lower() == "user-agent"), USER_AGENT)
        verdict = edge(self._estate.organization, host, unquote(url.path) or "/", agent)
        lacking = ask.sign is Sign.EXCHANGE and verdict is Edge.LACKS_NEGOTIATE
        return _no_sign_in(host) if lacking else None

    def _may_sign(self, ask: HttpAsk, host: str) -> Failure | None:
        """The account goes to the organization's own hosts only, and the application's token never to them."""
        if ask.sign is Sign.NONE or (ask.sign is Sign.EXCHANGE) == (host in self._site.windows_hosts):
            return None
        credential = "Exchange account" if ask.sign is Sign.EXCHANGE else "token of the Entra application"
        return Failure(reason=FailureReason.REFUSED, says=f"The {credential} is not sent to {host}.")

    def _request(self, ask: HttpAsk, url: SplitResult, host: str) -> base.Request:
        headers = {name.lower(): value for name, value in ask.headers}
        if ask.sign is Sign.ENTRA:
            audience = ask.scope.removesuffix("/.default")
            headers["authorization"] = f"Bearer {self._mint(self._estate, ENTRA_CLIENT, audience)}"
        query: dict[str, str] = {}
        for name, value in parse_qsl(url.query, keep_blank_values=True):
            query.setdefault(name, value)
        return base.Request(
            method=ask.method.upper(),
            host=host,
            path=unquote(url.path) or "/",
            query=query,
            headers={"host": host, "user-agent": USER_AGENT, "content-length": str(len(ask.body)), **headers},
            body=ask.body,
            principal=ADMINISTRATOR if ask.sign is Sign.EXCHANGE else "",
        )


def _no_name(name: str) -> Failure:
    return Failure(reason=FailureReason.NAME_NOT_FOUND, says=f"DNS knows no name {name}.")


def _no_sign_in(host: str) -> Failure:
    says = f"{host} does not offer a sign-in of the kind the account uses."
    return Failure(reason=FailureReason.SIGN_IN, says=says)

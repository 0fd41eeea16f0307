"""The live network: asks go to real servers, with the credential they name and may have.

The order for every HTTP ask: is it an address we ask at all, may it be connected to, may its credential go there, is a
place free at the host; only then is a token fetched or a connection made. Whatever happens comes back as a value.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Protocol

import aiohttp
from yarl import URL

from hybridge.net.account import Account
from hybridge.net.clock import Clock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.connect_to import ConnectTo
from hybridge.net.dns import DnsView, open_resolver
from hybridge.net.exchange_online import ExchangeOnline
from hybridge.net.http import Network, open_session, send, within_limits
from hybridge.net.limits import HostLimits, Silences
from hybridge.net.negotiate import SignIn
from hybridge.net.rules import host_of, may_connect, may_send, place_of, read_url
from hybridge.net.tls import look
from hybridge.net.token_roles import roles_of
from hybridge.net.tokens import EntraTokens
from hybridge.net.trust import client_context
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
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

BUSY_AGAIN = 2
"""How often a throttled Microsoft service is asked again."""
LONGEST_PAUSE = 10.0
"""Seconds we wait for a throttled service at most; a longer Retry-After is given back as it is."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Pause = Callable[[float], Awaitable[None]]


class Shell(Protocol):
    """Runs cmdlets on-premises (``hybridge.net.powershell``)."""

    async def run(self, ask: CmdletAsk) -> CmdletAnswer: ...

    def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]: ...

    async def close(self) -> None: ...


class LiveAnswerer:
    """Answers from the network. Made by ``open_live``."""

    def __init__(
        self, network: Network, view: DnsView, exchange: ExchangeConfig, entra: EntraConfig, pause: Pause
    ) -> None:
        self._network = network
        self._view = view
        self._exchange = exchange
        self._entra = entra
        self._pause = pause
        self._table = ConnectTo(network.net.connect_to)
        self._limits = HostLimits(network.net.per_host)
        self._silences = Silences()
        self._account = Account(exchange.username)
        self._sign_in = SignIn(network, exchange, self._account)
        self._tokens = EntraTokens(network, entra)
        self._session: aiohttp.ClientSession = open_session(network)
        self._online = ExchangeOnline(self.http, entra)
        self._shell: Shell | None = None

    @property
    def account(self) -> Account:
        """The state of the Exchange account in this run."""
        return self._account

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Answer an HTTP ask."""
        url = read_url(ask.url)
        if isinstance(url, Failure):
            return self._failed(url)
        refusal = may_connect(url, self._network.net, self._table) or may_send(ask, url, self._exchange, self._entra)
        if refusal is not None:
            return self._failed(refusal)
        async with self._limits.at(place_of(url)):
            match ask.sign:
                case Sign.EXCHANGE:
                    return await self._within(url, lambda: self._sign_in.send(ask, host_of(url), place_of(url)))
                case Sign.ENTRA:
                    return await self._with_token(ask, url)
                case Sign.NONE:
                    return await self._within(url, lambda: send(self._session, ask))

    async def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]:
        """Run a cmdlet that gives very many objects: they come a page at a time."""
        if ask.premises is Premises.ONLINE:
            async for page in self._online.pages(ask):
                yield page
            return
        shell = await self._powershell(ask)
        if isinstance(shell, CmdletAnswer):
            yield shell
            return
        async for page in shell.pages(ask):
            yield page

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """Run a cmdlet: on-premises by remote PowerShell, in Exchange Online by HTTP with a token."""
        if ask.premises is Premises.ONLINE:
            return await self._online.run(ask)
        shell = await self._powershell(ask)
        return shell if isinstance(shell, CmdletAnswer) else await shell.run(ask)

    async def _powershell(self, ask: CmdletAsk) -> Shell | CmdletAnswer:
        """The shell, or the answer where none is configured."""
        if not self._exchange.powershell_url:
            return CmdletAnswer(
                failure=Failure(
                    reason=FailureReason.NOT_CONFIGURED,
                    says=f"{ask.name} was not run: no Exchange PowerShell address is configured.",
                    next_step="Set exchange.powershell_url, for example https://mail.contoso.com/powershell.",
                )
            )
        if self._shell is None:
            # pypsrp is heavy: what else was asked goes on while it is read.
            await asyncio.to_thread(import_module, "hybridge.net.powershell_lanes")
        if self._shell is None:
            self._shell = _open_shell(self._exchange, self._network, self._account)
        return self._shell

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """Answer a DNS question."""
        return await self._view.ask(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """Look at TLS of a host, sending nothing but handshakes."""
        url = read_url(f"https://{ask.host}:{ask.port}/")
        refusal = url if isinstance(url, Failure) else may_connect(url, self._network.net, self._table)
        if refusal is not None or isinstance(url, Failure):
            return TlsAnswer(failure=refusal, stopped=Stopped.NOT_ASKED, answered_at=self._network.clock.now())
        async with self._limits.at(place_of(url)):
            return await look(self._network, TlsAsk(host=host_of(url), port=ask.port))

    async def roles(self, scope: str) -> tuple[str, ...] | Failure:
        """The permissions the Entra application has for ``scope``, as its own token names them; never the token."""
        if not self._entra.client_id:
            return Failure(
                reason=FailureReason.NOT_CONFIGURED,
                says="No Entra application is configured.",
                next_step="Set entra.tenant_id, entra.client_id and entra.client_secret or entra.certificate_file.",
            )
        token = await self._tokens.token(scope)
        if isinstance(token, Failure):
            return token
        roles = roles_of(token)
        if roles is None:
            says = "The token of the Entra application names no permission."
            return Failure(reason=FailureReason.MALFORMED, says=says)
        return roles

    async def close(self) -> None:
        """Close every session."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._session.close)
            stack.push_async_callback(self._sign_in.close)
            stack.push_async_callback(self._tokens.close)
            if self._shell is not None:
                stack.push_async_callback(self._shell.close)

    async def _within(self, url: URL, work: Callable[[], Awaitable[HttpAnswer]]) -> HttpAnswer:
        place = place_of(url)
        barred = self._silences.barred(place)
        if barred is not None:
            return self._failed(barred)
        answer = await within_limits(self._network, place, work)
        late = answer.failure is not None and answer.took_ms >= self._network.net.timeout * 1000
        self._silences.note(place, answered=not late)
        return answer

    async def _with_token(self, ask: HttpAsk, url: URL) -> HttpAnswer:
        token = await self._tokens.token(ask.scope)
        if isinstance(token, Failure):
            return self._failed(token)
        answer = await self._bearing(ask, url, token)
        if answer.status != 401:
            return answer
        another = await self._tokens.another(ask.scope, token)  # what a 401 refuses was not carried out
        if isinstance(another, Failure):
            return self._failed(another)
        return answer if another is None else await self._bearing(ask, url, another)

    async def _bearing(self, ask: HttpAsk, url: URL, token: str) -> HttpAnswer:
        """The answer to ``ask`` with ``token``, asked again while the service is busy."""
        extra = {"Authorization": f"Bearer {token}"}
        answer = HttpAnswer()
        for left in reversed(range(BUSY_AGAIN + 1)):
            answer = await self._within(url, lambda: send(self._session, ask, extra=extra))
            seconds = self._busy(ask, answer)
            if seconds is None or not left:
                break
            await self._pause(seconds)
        return answer

    def _busy(self, ask: HttpAsk, answer: HttpAnswer) -> float | None:
        """Seconds to wait before asking again; None when the answer is final.

        A throttled request (429) was not carried out; one answered 503 may have been, so only reads are repeated.
        """
        if answer.status != 429 and not (answer.status == 503 and ask.method.upper() in SAFE_METHODS):
            return None
        seconds = _retry_after(answer.header("retry-after"), self._network.clock)
        return seconds if seconds is not None and seconds <= LONGEST_PAUSE else None

    def _failed(self, failure: Failure) -> HttpAnswer:
        return HttpAnswer(failure=failure, answered_at=self._network.clock.now())


def _retry_after(value: str, clock: Clock) -> float | None:
    """Seconds of a Retry-After header: a number or a date (RFC 9110 10.2.3); None when there is none."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _open_shell(exchange: ExchangeConfig, network: Network, account: Account) -> Shell:
    # pypsrp is heavy, and most runs need it late or never
    from hybridge.net.powershell import Ground, RemotePowerShell
    from hybridge.net.powershell_lanes import PowerShellLanes

    ground = Ground(network.resolver, network.tls)
    return PowerShellLanes(lambda: RemotePowerShell(exchange, network.net, account=account, ground=ground))


class UnusableAnswerer:
    """Answers everything with the one failure that keeps us from the network."""

    def __init__(self, failure: Failure) -> None:
        self._failure = failure

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """The failure."""
        return HttpAnswer(failure=self._failure)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """The failure."""
        return CmdletAnswer(failure=self._failure)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        """The failure."""
        return DnsAnswer(failure=self._failure)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        """The failure."""
        return TlsAnswer(failure=self._failure, stopped=Stopped.NOT_ASKED)


@asynccontextmanager
async def open_live(
    net: NetConfig, exchange: ExchangeConfig, entra: EntraConfig, clock: Clock, pause: Pause = asyncio.sleep
) -> AsyncIterator[Answerer]:
    """An answerer on the live network, closed at the end.

    With a CA file that cannot be used nothing is asked: every answer is that failure (see also
    ``config.config_failures``, which names the other faults of a configuration beforehand). ``pause`` waits a number
    of seconds.
    """
    tls = client_context(net.ca_file)
    if isinstance(tls, Failure):
        yield UnusableAnswerer(tls)
        return
    view = DnsView(net)
    network = Network(net=net, tls=tls, resolver=open_resolver(net, view), clock=clock)
    answerer = LiveAnswerer(network, view, exchange, entra, pause)
    try:
        yield answerer
    finally:
        await answerer.close()

"""Exchange's cmdlets over remote PowerShell (PSRP in WS-Management over https), on-premises.

pypsrp speaks the protocol. It blocks and is not safe to use from several threads, so one thread of its own runs one
session, cmdlet after cmdlet; callers only see ``async run``. Only cmdlets with parameters are sent, never a script:
Exchange's sessions have no language.

The account goes to ``exchange.powershell_url`` only when its host is one of ``exchange.hosts``, over verified TLS, to
the address the DNS view and the connect-to table give. A refused sign-in is not tried again, neither here nor over
HTTP (both share one ``Account``), because directories lock accounts; any other failure to open the session also stands
for the rest of the run.

A session that has died (server recycled, idle too long) is opened anew once. The cmdlet is then repeated only if that
is harmless: when it reads, or when the server said that it never started.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiohttp.abc import AbstractResolver

from hybridge.net.account import Account
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.connect_to import ConnectTo
from hybridge.net.dns import DnsView, open_resolver
from hybridge.net.powershell_failures import NOT_OFFERED
from hybridge.net.powershell_session import Endpoint, PowerShellSession
from hybridge.net.powershell_transport import Way
from hybridge.net.rules import host_of, may_connect, may_send, read_url
from hybridge.net.trust import client_context
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason, HttpAsk, Sign

LONGEST = 300.0
"""Seconds one cmdlet may run: listing every mailbox of a large organization takes minutes."""


TIDY_AFTER = 1.0
"""Seconds without a cmdlet after which the server is told what has ended."""
WAITING = 4
"""Pages that wait for whoever reads them."""


class _NobodyWaits(Exception):
    """Whoever wanted the pages has left."""


@dataclass(frozen=True)
class Ground:
    """What the sessions of a run share: both take longer to make than a round trip."""

    resolver: AbstractResolver
    tls: ssl.SSLContext


def new_ground(net: NetConfig) -> Ground | Failure:
    """The ground ``net`` describes, for a session alone."""
    tls = client_context(net.ca_file)
    return tls if isinstance(tls, Failure) else Ground(open_resolver(net, DnsView(net)), tls)


class RemotePowerShell:
    """Runs cmdlets on-premises. Opens its session with the first cmdlet; ``close`` ends it. Never raises."""

    def __init__(
        self,
        exchange: ExchangeConfig,
        net: NetConfig,
        *,
        longest: float = LONGEST,
        account: Account | None = None,
        ground: Ground | None = None,
    ) -> None:
        self._exchange = exchange
        self._account = account or Account(exchange.username)
        self._net = net
        self._longest = longest
        self._ground = ground
        self._thread: ThreadPoolExecutor | None = None
        self._session: PowerShellSession | None = None
        self._tidying: asyncio.TimerHandle | None = None

    @property
    def opened(self) -> bool:
        """Whether the session is open."""
        return self._session is not None and self._session.is_open

    async def connect(self) -> None:
        """Open the session; where that fails, the cmdlets that follow tell why."""
        session = self._session or self._open()
        if not isinstance(session, Failure):
            await self._signed_in(session)

    async def run(self, ask: CmdletAsk) -> CmdletAnswer:
        """Run one cmdlet; several at once wait for each other."""
        session = self._session_for(ask)
        if isinstance(session, Failure):
            return CmdletAnswer(failure=session)
        barred = await self._signed_in(session)
        if barred is not None:
            return CmdletAnswer(failure=barred)
        if self._tidying is not None:
            self._tidying.cancel()
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._thread, session.run, ask)
        self._tidying = loop.call_later(TIDY_AFTER, self._tidy)
        return answer

    def _tidy(self) -> None:
        if self._session is not None and self._thread is not None:
            self._thread.submit(self._session.tidy)

    async def pages(self, ask: CmdletAsk) -> AsyncIterator[CmdletAnswer]:
        """Run one cmdlet that gives very many objects: pages of them as they come, and at the end the rest."""
        session = self._session_for(ask)
        if isinstance(session, Failure):
            yield CmdletAnswer(failure=session)
            return
        barred = await self._signed_in(session)
        if barred is not None:
            yield CmdletAnswer(failure=barred)
            return
        loop, left = asyncio.get_running_loop(), threading.Event()
        queue: asyncio.Queue[tuple[dict[str, Any], ...]] = asyncio.Queue(maxsize=WAITING)

        def give(page: tuple[dict[str, Any], ...]) -> None:
            if left.is_set():
                raise _NobodyWaits
            asyncio.run_coroutine_threadsafe(queue.put(page), loop).result()

        running = loop.run_in_executor(self._thread, session.run, ask, give)
        try:
            while not running.done() or not queue.empty():
                getting = asyncio.ensure_future(queue.get())
                both: set[asyncio.Future[Any]] = {running, getting}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    yield CmdletAnswer(objects=getting.result())
                else:
                    getting.cancel()
            yield running.result()
        finally:
            left.set()
            while not queue.empty():
                queue.get_nowait()

    def _session_for(self, ask: CmdletAsk) -> PowerShellSession | Failure:
        """The session that runs ``ask``, or why there is none."""
        if ask.premises is not Premises.ON_PREMISES:
            return Failure(
                reason=FailureReason.NOT_CONFIGURED,
                says=f"{ask.name} was not run: remote PowerShell reaches Exchange Server only.",
            )
        return self._session or self._open()

    async def _signed_in(self, session: PowerShellSession) -> Failure | None:
        """Open ``session``, which waits for the account's turn; why it may not sign in, or None.

        Other reasons why it does not open are left for the cmdlet to tell.
        """
        if session.opened:
            return None
        barred = self._account.barred(session.place)
        if barred is not None:
            return barred
        failure = await asyncio.get_running_loop().run_in_executor(self._thread, session.connect)
        if failure is None or failure.reason is not FailureReason.SIGN_IN or NOT_OFFERED in failure.says:
            return failure
        if not session.password_refused and self._account.barred(session.place) is None:
            self._account.refuse(session.place)
        return failure

    async def close(self) -> None:
        """End the session; a cmdlet that still runs is given up."""
        if self._tidying is not None:
            self._tidying.cancel()
        session, thread = self._session, self._thread
        self._session = self._thread = None
        if session is None or thread is None:
            return
        if session.busy:
            session.give_up()
        try:
            await asyncio.get_running_loop().run_in_executor(thread, session.close)
        finally:
            thread.shutdown(wait=False)

    def _open(self) -> PowerShellSession | Failure:
        """The session, not yet connected, or why there can be none."""
        endpoint = self._endpoint()
        if isinstance(endpoint, Failure):
            return endpoint
        ground = self._ground or new_ground(self._net)
        if isinstance(ground, Failure):
            return ground
        way = Way(ground.resolver, asyncio.get_running_loop(), ground.tls, self._net.timeout)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hybridge-powershell")
        self._session = PowerShellSession(endpoint, way, self._longest, self._account)
        return self._session

    def _endpoint(self) -> Endpoint | Failure:
        exchange = self._exchange
        if not exchange.powershell_url:
            return Failure(
                reason=FailureReason.NOT_CONFIGURED,
                says="No Exchange PowerShell address is configured.",
                next_step="Set exchange.powershell_url, for example https://mail.contoso.com/powershell.",
            )
        url = read_url(exchange.powershell_url)
        if isinstance(url, Failure):
            return url
        signed = HttpAsk(method="POST", url=exchange.powershell_url, sign=Sign.EXCHANGE)
        refused = may_connect(url, self._net, ConnectTo(self._net.connect_to)) or may_send(
            signed, url, exchange, EntraConfig()
        )
        if refused is not None:
            return refused
        return Endpoint(
            host=host_of(url),
            port=url.port or 443,
            path=url.raw_path_qs.lstrip("/"),
            username=exchange.username,
            password=exchange.password,
            auth=exchange.auth,
        )

"""Lines to on-premises Exchange for a gateway that runs for weeks: asks, asks bound to a server, and endless answers.

Everything goes by the rules of the live network: only to addresses that may be connected to, with verified TLS, and
with the Exchange account only to the configured hosts (``net.rules``). All of it shares one account, so that a wrong
password is sent once and never again, whoever asks.

Two things are different from ``net.answerers.live``. Exchange binds subscriptions to a mailbox server by a cookie, so
asks may belong to a *group* that keeps the cookies its servers set, and nothing else is ever sent as a cookie. And a
streamed answer has a connection of its own, signed in by itself, whose bytes are given on as they come; what is read
from it is bounded by whoever takes it apart (``wire.ews.get_streaming_events``).
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from yarl import URL

from hybridge.net.answerers.live import LiveAnswerer
from hybridge.net.bodies import read_body
from hybridge.net.clock import Clock
from hybridge.net.config import EntraConfig, ExchangeConfig, NetConfig
from hybridge.net.connect_to import ConnectTo
from hybridge.net.dns import DnsView, open_resolver
from hybridge.net.failures import failure_of
from hybridge.net.http import Network, received_headers, send, sent_headers, within_limits
from hybridge.net.limits import HostLimits
from hybridge.net.negotiate import SignIn
from hybridge.net.rules import host_of, may_connect, may_send, place_of, read_url
from hybridge.net.trust import ConnectionFacts, client_context
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.streamed import Streamed

AFFINITY_COOKIES = ("x-backendoverridecookie", "x-backendcookie", "exchangecookie")
"""The cookies by which Exchange finds the mailbox server again; others are not kept."""
_COOKIE = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})=([^\s;,\"\\\x00-\x1f\x7f-\uffff]{0,4096})")


class ExchangeLines:
    """The lines of one account. Made by ``open_lines``; serves ``presence.sources.exchange`` as its ``Lines``."""

    def __init__(self, network: Network, exchange: ExchangeConfig, live: LiveAnswerer) -> None:
        self._network = network
        self._exchange = exchange
        self._live = live
        self._table = ConnectTo(network.net.connect_to)
        self._limits = HostLimits(network.net.per_host)
        self._sign_in = SignIn(network, exchange, live.account)
        self._cookies: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        """Answer an ask that belongs to no group."""
        return await self._live.http(ask)

    async def grouped(self, group: str, ask: HttpAsk) -> HttpAnswer:
        """Answer an ask of ``group``: with the cookies its server set, keeping those it sets now."""
        url = self._allowed(ask)
        if isinstance(url, Failure):
            return HttpAnswer(failure=url)
        place = place_of(url)
        asked = self._with_cookies(group, place, ask)
        async with self._limits.at(place):
            answer = await within_limits(self._network, place, lambda: self._sign_in.send(asked, host_of(url), place))
        self._keep_cookies(group, place, answer)
        return answer

    @asynccontextmanager
    async def stream(self, group: str, ask: HttpAsk) -> AsyncIterator[Streamed]:
        """Open an answer that does not end, with the cookies of ``group``; the connection is closed with the block."""
        url = self._allowed(ask)
        if isinstance(url, Failure):
            yield Streamed(HttpAnswer(failure=url))
            return
        place = place_of(url)
        held = _Held()
        sign_in = SignIn(self._network, self._exchange, self._live.account, held)
        try:
            asked = self._with_cookies(group, place, ask)
            answer = await within_limits(self._network, place, lambda: sign_in.send(asked, host_of(url), place))
            self._keep_cookies(group, place, answer)
            bytes_of = held.response if answer.failure is None and answer.status == 200 else None
            yield Streamed(answer, None if bytes_of is None else _chunks(bytes_of, place, self._network))
        finally:
            held.close()
            await sign_in.close()

    def forgive(self, url: str) -> None:
        """Let the host of ``url`` be signed in at once more; it must have accepted the account before."""
        read = read_url(url)
        if isinstance(read, URL):
            self._live.account.forgive(place_of(read))

    def forget(self, group: str) -> None:
        """Drop the cookies of ``group``: its subscriptions are gone."""
        for key in [key for key in self._cookies if key[0] == group]:
            del self._cookies[key]

    async def close(self) -> None:
        """Close every connection but those of open streams."""
        await self._sign_in.close()

    def _allowed(self, ask: HttpAsk) -> URL | Failure:
        url = read_url(ask.url)
        if isinstance(url, Failure):
            return url
        refusal = may_connect(url, self._network.net, self._table)
        return refusal or may_send(ask, url, self._exchange, EntraConfig()) or url

    def _with_cookies(self, group: str, place: str, ask: HttpAsk) -> HttpAsk:
        kept = self._cookies.get((group, place))
        if not kept:
            return ask
        line = "; ".join(f"{name}={value}" for name, value in kept.items())
        return msgspec.structs.replace(ask, headers=(*ask.headers, ("Cookie", line)))

    def _keep_cookies(self, group: str, place: str, answer: HttpAnswer) -> None:
        for line in answer.header_all("set-cookie"):
            found = _COOKIE.match(line)
            if found is not None and found[1].lower() in AFFINITY_COOKIES:
                self._cookies[group, place][found[1]] = found[2]


class _Held:
    """A sender that leaves the body of a good answer to be read by somebody else."""

    def __init__(self) -> None:
        self.response: aiohttp.ClientResponse | None = None

    async def __call__(
        self,
        session: aiohttp.ClientSession,
        ask: HttpAsk,
        *,
        extra: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> HttpAnswer:
        if bare:
            return await send(session, ask, extra=extra, bare=True)
        response = await session.request(
            ask.method,
            URL(ask.url),
            headers=sent_headers(ask, {**(extra or {}), "Accept-Encoding": "identity"}),
            data=ask.body or None,
            allow_redirects=False,
        )
        if response.status == 200:
            self.close()
            self.response = response
            return HttpAnswer(status=200, headers=received_headers(response))
        async with response:
            return HttpAnswer(
                status=response.status,
                headers=received_headers(response),
                body=await read_body(response, ask.limit),
            )

    def close(self) -> None:
        """Cut what is held."""
        if self.response is not None:
            self.response.close()
            self.response = None


async def _chunks(response: aiohttp.ClientResponse, place: str, network: Network) -> AsyncIterator[bytes | Failure]:
    """The bytes as they come; a failure is the last item."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        says = f"The stream of {place} is encoded as {encoding[:40]!r}, which was not asked for."
        yield Failure(reason=FailureReason.MALFORMED, says=says)
        return
    facts = ConnectionFacts(connected=True, answered=True)
    try:
        async for chunk in response.content.iter_any():
            if chunk:
                yield chunk
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        yield failure_of(error, place, facts, network.net.timeout)


@asynccontextmanager
async def open_lines(net: NetConfig, exchange: ExchangeConfig, clock: Clock) -> AsyncIterator[ExchangeLines | Failure]:
    """Lines to the hosts of ``exchange``, closed at the end; a failure when ``net.ca_file`` cannot be used."""
    tls = client_context(net.ca_file)
    if isinstance(tls, Failure):
        yield tls
        return
    view = DnsView(net)
    network = Network(net=net, tls=tls, resolver=open_resolver(net, view), clock=clock)
    live = LiveAnswerer(network, view, exchange, EntraConfig(), asyncio.sleep)
    lines = ExchangeLines(network, exchange, live)
    try:
        yield lines
    finally:
        await lines.close()
        await live.close()

"""One HTTP exchange, bounded in time and size. The only place that makes a client session.

Sessions follow no redirect, keep no cookie, read no proxy setting of the environment, and share the resolver and the
TLS context. Certificates are noted each time a connection is given to a request, also when it comes from the pool.

Only aiohttp's own repetition happens here: an idempotent request whose pooled connection turns out to be dead is sent
once more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from hybridge import __version__
from hybridge.net.bodies import read_body
from hybridge.net.clock import Clock, stopwatch
from hybridge.net.config import NetConfig
from hybridge.net.failures import failure_of
from hybridge.net.trust import CONNECTION, ConnectionFacts
from hybridge.wire.ask import HttpAnswer, HttpAsk

USER_AGENT = f"hybridge/{__version__}"
FIELD_LIMIT = 64 * 1024
"""Bytes of one header of a reply."""
KEEP_ALIVE = 30.0
"""Seconds an idle connection is kept: less than servers do, so that they seldom close one under us."""


@dataclass(frozen=True)
class Network:
    """What every session shares."""

    net: NetConfig
    tls: ssl.SSLContext
    resolver: AbstractResolver
    clock: Clock


class WatchedConnector(aiohttp.TCPConnector):
    """Notes the certificate of the connection a request gets.

    ``leaf`` is the certificate of the last connection given out, ``made`` how many different ones there were: both
    mean something when there is only one at a time (``open_session(alone=True)``).
    """

    leaf = b""
    made = 0
    _last: object = None

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  (the base class's signature)
    ) -> aiohttp.connector.Connection:
        """A pooled or new connection, as of the base class."""
        connection = await super().connect(req, traces, timeout)
        if connection.protocol is not self._last:
            self._last = connection.protocol
            self.made += 1
        tls = connection.transport.get_extra_info("ssl_object") if connection.transport else None
        self.leaf = (tls.getpeercert(True) or b"") if tls else b""
        facts = CONNECTION.get()
        if facts is not None:
            facts.connected = True
            facts.leaf = self.leaf
        return connection


def open_session(
    network: Network,
    *,
    alone: bool = False,
    decompress: bool = False,
    response_class: type[aiohttp.ClientResponse] = aiohttp.ClientResponse,
) -> aiohttp.ClientSession:
    """A client session of our kind; with ``alone`` it has a single connection (for sign-ins bound to one)."""
    connector = WatchedConnector(
        resolver=network.resolver,
        ssl=network.tls,
        use_dns_cache=False,
        limit=1 if alone else 0,
        keepalive_timeout=KEEP_ALIVE,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=decompress,
        response_class=response_class,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        max_line_size=FIELD_LIMIT,
        max_field_size=FIELD_LIMIT,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
        skip_auto_headers=("Content-Type",),
        trust_env=False,
    )


async def send(
    session: aiohttp.ClientSession, ask: HttpAsk, *, extra: Mapping[str, str] | None = None, bare: bool = False
) -> HttpAnswer:
    """Send ``ask`` once and read the reply; network exceptions pass. ``bare`` leaves the body out.

    ``extra`` are headers that take the place of the ask's.
    """
    body = b"" if bare else ask.body
    async with session.request(
        ask.method, URL(ask.url), headers=sent_headers(ask, extra), data=body or None, allow_redirects=False
    ) as response:
        facts = CONNECTION.get()
        if facts is not None:
            facts.answered, facts.received = True, 0
        return HttpAnswer(
            status=response.status,
            headers=received_headers(response),
            body=await read_body(response, ask.limit),
        )


def sent_headers(ask: HttpAsk, extra: Mapping[str, str] | None) -> CIMultiDict[str]:
    """The headers of ``ask``, those of ``extra`` in the place of its own."""
    extra = extra or {}
    taken = {name.lower() for name in extra}
    return CIMultiDict([*((name, value) for name, value in ask.headers if name.lower() not in taken), *extra.items()])


def received_headers(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    """The headers of a reply as ``HttpAnswer`` has them."""
    return tuple(
        (name.decode("latin-1").lower(), value.decode("utf-8", "replace")) for name, value in response.raw_headers
    )


async def within_limits(network: Network, place: str, work: Callable[[], Awaitable[HttpAnswer]]) -> HttpAnswer:
    """Run ``work`` under the time limit; every failure becomes a value. Adds certificate, instant and time taken."""
    facts = ConnectionFacts()
    token = CONNECTION.set(facts)
    elapsed = stopwatch()
    try:
        async with asyncio.timeout(network.net.timeout) as facts.timeout:
            answer = await work()
    except Exception as error:
        answer = HttpAnswer(failure=failure_of(error, place, facts, network.net.timeout))
    finally:
        CONNECTION.reset(token)
    leaf = facts.leaf or next(iter(facts.refused_chain), b"")
    return msgspec.structs.replace(answer, certificate=leaf, answered_at=network.clock.now(), took_ms=elapsed())

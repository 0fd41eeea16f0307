"""The connections under remote PowerShell: where they lead, whom they trust, how much they read.

pypsrp sends through requests and urllib3, which look names up themselves, trust certifi's authorities and read replies
of any length. The adapter here changes all three without touching either library: a connection asks the product's
resolver (DNS view, connect-to table) for its address, TLS uses the product's context, and a reply is read up to a
bound. Host header, SNI and name check keep the name of the URL.

The thread of the session has no event loop, and the resolver lives on one: the thread hands the question over and
waits.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from weakref import WeakSet

import requests
from aiohttp.abc import AbstractResolver
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.response import HTTPResponse

from hybridge.net.dns import NotResolved
from hybridge.net.trust import CONNECTION
from hybridge.wire.ask import Failure, FailureReason

REPLY_LIMIT = 4 * 1024 * 1024
"""Bytes of one reply: envelopes are at most 500 kB by the protocol."""


class CannotGoOn(Exception):
    """A failure that is already a sentence. No OSError: urllib3 and requests would wrap it and try again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.says)
        self.failure = failure


class WatchedSocket(ssl.SSLSocket):
    """Notes the chain a server sent when its certificate is refused."""

    def do_handshake(self, block: bool = False) -> None:
        """The handshake of the base class."""
        try:
            super().do_handshake(block)
        except ssl.SSLCertVerificationError:
            facts = CONNECTION.get()
            if facts is not None:
                facts.refused_chain = _chain(self)
            raise


def _chain(tls: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The chain as sent, leaf first, in DER. Python 3.13 has a public method; before, the C object below holds it."""
    source = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj", None)
    try:
        chain = source.get_unverified_chain()  # type: ignore[union-attr]
    except (AttributeError, ssl.SSLError):
        return ()
    return tuple(cert if isinstance(cert, bytes) else cert.public_bytes(2) for cert in chain or ())


class Way:
    """How connections are made. ``timeout`` (seconds) bounds each step; ``abort`` ends all of them from outside."""

    def __init__(
        self, resolver: AbstractResolver, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext, timeout: float
    ) -> None:
        tls.sslsocket_class = WatchedSocket
        self.tls = tls
        self.timeout = timeout
        self._resolver = resolver
        self.loop = loop
        self._barred = False
        self._connections: WeakSet[HTTPSConnection] = WeakSet()

    def connect(self, connection: HTTPSConnection) -> socket.socket:
        """A TCP connection to the first address that accepts one. Raises ``CannotGoOn`` or ``OSError``."""
        self._connections.add(connection)
        host, port = connection.host, connection.port or 443
        limit = min(self.timeout, connection.timeout or self.timeout)
        wrong: OSError = ConnectionRefusedError()
        for address, mapped_port in self._places(host, port):
            try:
                made = socket.create_connection((address, mapped_port), limit)
            except OSError as error:
                wrong = error
                continue
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        if isinstance(wrong, TimeoutError):
            raise CannotGoOn(late(f"{host} did not accept a connection within {limit:g} s.")) from wrong
        raise wrong

    def bar(self) -> None:
        """Cut every connection, and let no reply be waited for until ``unbar``. May be called from any thread."""
        self._barred = True
        self.abort()

    def unbar(self) -> None:
        """Let replies be waited for again."""
        self._barred = False

    def before_a_reply(self) -> None:
        """Raise ``CannotGoOn`` when nobody wants one: a connection made anew after the cut was not there to be cut."""
        if self._barred:
            raise CannotGoOn(late("The cmdlet was given up."))

    def abort(self) -> None:
        """Cut every connection; whoever reads from one meets its end. May be called from any thread."""
        for connection in list(self._connections):
            tls = connection.sock
            if tls is not None:
                try:
                    socket.socket.shutdown(tls, socket.SHUT_RDWR)
                except OSError:
                    continue

    def _places(self, host: str, port: int) -> list[tuple[str, int]]:
        question = asyncio.run_coroutine_threadsafe(self._resolver.resolve(host, port, socket.AF_UNSPEC), self.loop)
        try:
            found = question.result(self.timeout)
        except NotResolved as error:
            raise CannotGoOn(error.failure) from error
        except TimeoutError as error:
            question.cancel()
            raise CannotGoOn(
                Failure(
                    reason=FailureReason.UNREACHABLE,
                    says=f"The address of {host} was not found within {self.timeout:g} s.",
                    next_step="Check the name server.",
                )
            ) from error
        return [(entry["host"], entry["port"]) for entry in found]


class _Watch:
    """Cuts every connection when one request with its whole reply takes far longer than its steps may.

    A time limit on a socket holds for each read alone: a server that lets a byte drip now and then would never meet it.
    """

    def __init__(self, way: Way, timeout: Any) -> None:
        steps = [step for step in (timeout if isinstance(timeout, tuple) else (timeout,)) if step]
        self.fired = False
        self._way = way
        self._timer = threading.Timer(2 * sum(steps or [way.timeout]), self._fire)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The reply is complete, or nobody wants it any more."""
        self._timer.cancel()

    def _fire(self) -> None:
        self.fired = True
        self._way.abort()


class Admission(Protocol):
    """Decides when a password may be sent, and learns what came of it (``net.powershell_gate``)."""

    def enter(self, authorization: str | bytes | None) -> None: ...

    def judge(self, authorization: str | bytes | None, status: int, offered: str) -> None: ...


class Adapter(HTTPAdapter):
    """The requests adapter of one session. ``ended`` tells that the time of the cmdlet is over."""

    def __init__(self, way: Way, place: str, ended: Callable[[], bool], gate: Admission) -> None:
        self._way = way
        self._place = place
        self._ended = ended
        self._gate = gate
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """With our TLS context and connections."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._way.tls, **options)
        self.poolmanager.pool_classes_by_scheme = {"https": _pool_class(self._way)}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Verify with the context alone: the base class would add certifi's authorities."""
        conn.cert_reqs = "CERT_REQUIRED"

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request. No proxy, whatever the environment says; a reply that does not come is no reason to repeat."""
        authorization = request.headers.get("Authorization")
        self._gate.enter(authorization)
        watch = _Watch(self._way, timeout)
        try:
            response = super().send(request, stream=True, timeout=timeout, verify=True, cert=None, proxies={})
        except requests.ConnectTimeout as error:
            watch.end()
            raise CannotGoOn(late(f"{self._place} did not accept a connection in time.")) from error
        except requests.ReadTimeout as error:
            watch.end()
            raise CannotGoOn(late(f"{self._place} accepted the request but did not answer in time.")) from error
        except BaseException as error:
            watch.end()
            if watch.fired:
                raise CannotGoOn(late(f"The reply of {self._place} did not end in time.")) from error
            raise
        response.raw.stream = self._bounded(response, watch)
        self._gate.judge(authorization, response.status_code, response.headers.get("www-authenticate", ""))
        return response

    def _bounded(self, response: requests.Response, watch: _Watch) -> Callable[..., Iterator[bytes]]:
        """The reader of the reply, bounded. A reply that is not read to its end takes its connection with it."""
        read = response.raw.stream

        def stream(amount: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
            try:
                yield from self._within_bounds(read(amount, decode_content=decode_content))
            except BaseException as error:
                response.raw.close()
                if watch.fired and not isinstance(error, CannotGoOn | GeneratorExit):
                    raise CannotGoOn(late(f"The reply of {self._place} did not end in time.")) from error
                raise
            finally:
                watch.end()

        return stream

    def _within_bounds(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        total = 0
        for chunk in chunks:
            total += len(chunk)
            if total > REPLY_LIMIT:
                raise CannotGoOn(
                    Failure(
                        reason=FailureReason.MALFORMED,
                        says=f"The reply of {self._place} is larger than {REPLY_LIMIT // 1024**2} MiB.",
                        next_step="Ask what answers there: remote PowerShell sends no such replies.",
                    )
                )
            if total > len(chunk) and self._ended():
                raise CannotGoOn(late(f"The reply of {self._place} did not end in time."))
            yield chunk


def late(says: str) -> Failure:
    """The failure for something that took too long."""
    return Failure(
        reason=FailureReason.UNREACHABLE,
        says=says,
        next_step="Check that the host is up and that no firewall is in the way. net.timeout sets the limit.",
    )


def _pool_class(way: Way) -> type[HTTPSConnectionPool]:
    class Connection(HTTPSConnection):
        """Connects the way it is told."""

        def _new_conn(self) -> socket.socket:
            return way.connect(self)

        def getresponse(self) -> HTTPResponse:  # type: ignore[override]
            way.before_a_reply()
            return super().getresponse()

    class Pool(HTTPSConnectionPool):
        """Of such connections."""

        ConnectionCls = Connection

    return Pool

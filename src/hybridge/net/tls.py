"""What TLS of a host is like: handshakes that are made to be looked at, and nothing else.

No request is ever sent on these connections, no credential and no certificate of ours: each is cut as soon as its
handshake has ended. Five go out at once: one that accepts whatever comes (it shows the chain, the version, and whether
a client certificate is asked for), one that verifies as every other connection of ours does, and one for each version
that has to be tried by itself. Versions older than 1.2 and their weak ciphers are allowed here and nowhere else.

A server that refuses a version may say so by an alert, or only close the connection as Schannel does; both count as
"no" as soon as another version has succeeded. What the local OpenSSL cannot offer, and what took too long, is unknown.
Python tells nobody that a server asked for a client certificate; OpenSSL's message callback does, where Python has it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from aiohttp.abc import ResolveResult

from hybridge.net.clock import stopwatch
from hybridge.net.dns import NotResolved
from hybridge.net.failures import failure_of
from hybridge.net.http import Network
from hybridge.net.tls_failures import certificate_failure, handshake_failure, verification_of
from hybridge.net.trust import ConnectionFacts, chain_of, client_context
from hybridge.wire.ask import (
    TLS_VERSIONS,
    Failure,
    FailureReason,
    Stopped,
    TlsAnswer,
    TlsAsk,
    Verification,
)

_CERTIFICATE_REQUEST = 13
"""Number of the handshake message CertificateRequest (RFC 8446 4.3.2, RFC 5246 7.4.4)."""
_HANDSHAKE = 22
"""Content type of handshake messages."""
_NUMBERS = dict(
    zip(
        TLS_VERSIONS,
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
        strict=True,
    )
)
_NAMES = {"TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}
_TRIED = ("1.0", "1.1", "1.2")
"""Versions offered alone. 1.3 shows by being negotiated."""
_OURS = ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "NO_SUITABLE")
"""Reasons by which OpenSSL says that it could not even offer the version."""


@dataclass
class _Shake:
    """How one handshake ended. ``error`` is None when TLS was up."""

    chain: tuple[bytes, ...] = ()
    version: str = ""
    error: BaseException | None = None
    connected: bool = False
    asked: bool = False
    """The server came so far as to ask for a client certificate: then it speaks the version."""


async def look(network: Network, ask: TlsAsk) -> TlsAnswer:
    """Answer ``ask``; every failure is a value. Takes at most ``net.timeout`` seconds."""
    elapsed = stopwatch()
    limit = network.net.timeout
    places = await _places(network, ask, limit)
    if isinstance(places, TlsAnswer):
        answer = places
    else:
        watched = _tolerant()
        requests = _Requests(watched)
        open_, verified, alone = await asyncio.gather(
            _shake(watched, ask.host, places, limit),
            _shake(network.tls, ask.host, places, limit),
            asyncio.gather(*(_alone(version, ask.host, places, limit) for version in _TRIED)),
        )
        if open_.error is not None:
            answer = msgspec.structs.replace(_failed(ask, open_, limit), client_certificate=requests.seen or None)
        else:
            if verified.error is not None and not isinstance(verified.error, ssl.SSLCertVerificationError):
                verified = await _verify_tolerantly(network, ask.host, places, limit)
            answer = _told(ask, open_, verified, alone)
            answer = msgspec.structs.replace(answer, client_certificate=requests.seen)
    return msgspec.structs.replace(answer, answered_at=network.clock.now(), took_ms=elapsed())


class _Requests:
    """Notes whether a server asks for a client certificate, on the connections of ``context``.

    ``seen`` is None where Python does not let us watch.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.seen: bool | None = None
        if hasattr(context, "_msg_callback"):
            self.seen = False
            context._msg_callback = self._message

    def _message(self, *message: Any) -> None:
        """``message`` is connection, direction, version, content type, message type, bytes."""
        if message[1] == "read" and message[3] == _HANDSHAKE and message[4] == _CERTIFICATE_REQUEST:
            self.seen = True


async def _places(network: Network, ask: TlsAsk, limit: float) -> list[ResolveResult] | TlsAnswer:
    try:
        async with asyncio.timeout(limit):
            return await network.resolver.resolve(ask.host, ask.port, socket.AF_UNSPEC)
    except NotResolved as error:
        missing = error.failure.reason is FailureReason.NAME_NOT_FOUND
        stopped = Stopped.NAME_NOT_FOUND if missing else Stopped.NOT_ASKED
        if error.failure.reason is FailureReason.UNREACHABLE:
            stopped = Stopped.TIMEOUT
        return TlsAnswer(failure=error.failure, stopped=stopped)
    except TimeoutError as error:
        failure = failure_of(error, ask.host, ConnectionFacts(), limit)
        return TlsAnswer(failure=failure, stopped=Stopped.TIMEOUT)


async def _shake(context: ssl.SSLContext, host: str, places: list[ResolveResult], limit: float) -> _Shake:
    """One handshake with the first of ``places`` that accepts a connection, cut as soon as it has ended."""
    shake = _Shake()
    try:
        async with asyncio.timeout(limit):
            transport = await _connect(context, host, places, shake)
    except (OSError, ssl.SSLError, TimeoutError) as error:
        shake.error = error
        return shake
    tls = cast(ssl.SSLObject, transport.get_extra_info("ssl_object"))
    shake.version = _NAMES.get(tls.version() or "", "")
    shake.chain = chain_of(tls)
    transport.abort()
    return shake


async def _connect(context: ssl.SSLContext, host: str, places: list[ResolveResult], shake: _Shake) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    last: OSError = OSError(errno.EHOSTUNREACH, "no address")
    for place in places:
        plain = socket.socket(place["family"], socket.SOCK_STREAM)
        plain.setblocking(False)
        try:
            await loop.sock_connect(plain, (place["host"], place["port"]))
        except OSError as error:
            plain.close()
            last = error
            continue
        except BaseException:
            plain.close()
            raise
        shake.connected = True
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=plain, ssl=context, server_hostname=host)
        return transport
    raise last


async def _alone(version: str, host: str, places: list[ResolveResult], limit: float) -> _Shake | None:
    """A handshake that offers ``version`` alone; None when this machine cannot offer it."""
    try:
        context = _tolerant()
        with _without_warnings():
            context.maximum_version = _NUMBERS[version]
            context.minimum_version = _NUMBERS[version]
    except (ValueError, ssl.SSLError):
        return None
    requests = _Requests(context)
    shake = await _shake(context, host, places, limit)
    shake.asked = bool(requests.seen)
    reason = (getattr(shake.error, "reason", "") or "").upper()
    if isinstance(shake.error, ssl.SSLError) and any(word in reason for word in _OURS):
        return None
    return shake


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Python warns of versions that are old; that they are is what we want to find out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _tolerant() -> ssl.SSLContext:
    """A context that takes any certificate and any version; nothing is ever sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _allow_old(context)
    return context


def _allow_old(context: ssl.SSLContext) -> None:
    try:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with _without_warnings():
            context.minimum_version = ssl.TLSVersion.TLSv1
    except (ValueError, ssl.SSLError):
        return  # an OpenSSL built without them: then they stay unknown


async def _verify_tolerantly(network: Network, host: str, places: list[ResolveResult], limit: float) -> _Shake:
    """Verify the certificate of a server our own context came to no TLS with, because of its version or ciphers."""
    context = client_context(network.net.ca_file)
    if isinstance(context, Failure):
        return _Shake(error=OSError())
    _allow_old(context)
    return await _shake(context, host, places, limit)


def _told(ask: TlsAsk, open_: _Shake, verified: _Shake, alone: list[_Shake | None]) -> TlsAnswer:
    accepted = {open_.version} if open_.version else set()
    untried = set()
    for version, shake in zip(_TRIED, alone, strict=True):
        if shake is not None and (shake.error is None or shake.asked):
            accepted.add(version)
        elif version not in accepted and (shake is None or not _is_no(shake.error)):
            untried.add(version)
    verification, says, next_step = _verdict(ask.host, verified, open_.chain)
    return TlsAnswer(
        chain=open_.chain,
        version=open_.version,
        accepted=tuple(one for one in TLS_VERSIONS if one in accepted),
        untried=tuple(one for one in TLS_VERSIONS if one in untried),
        verification=verification,
        says=says,
        next_step=next_step,
    )


def _is_no(error: BaseException | None) -> bool:
    """Whether a failed handshake is a clear refusal by the server."""
    return isinstance(error, ssl.SSLError | ConnectionError | EOFError)


def _verdict(host: str, verified: _Shake, chain: tuple[bytes, ...]) -> tuple[Verification, str, str]:
    if verified.error is None:
        return Verification.GOOD, "", ""
    if isinstance(verified.error, ssl.SSLCertVerificationError):
        failure = certificate_failure(host, verified.error, chain)
        return verification_of(verified.error, chain), failure.says, failure.next_step
    return Verification.UNKNOWN, f"The certificate of {host} could not be verified: the handshake failed.", ""


def _failed(ask: TlsAsk, shake: _Shake, limit: float) -> TlsAnswer:
    place = ask.host if ask.port == 443 else f"{ask.host}:{ask.port}"
    error = shake.error or OSError()
    facts = ConnectionFacts(resolved=True, handshaking=shake.connected)
    if isinstance(error, TimeoutError):
        return TlsAnswer(failure=failure_of(error, place, facts, limit), stopped=Stopped.TIMEOUT)
    if isinstance(error, ssl.SSLError):
        return TlsAnswer(failure=handshake_failure(place, error), stopped=Stopped.HANDSHAKE)
    stopped = Stopped.RESET if shake.connected else Stopped.REFUSED
    if isinstance(error, OSError) and not shake.connected and error.errno in _NO_WAY:
        stopped = Stopped.TIMEOUT
    return TlsAnswer(failure=failure_of(error, place, facts, limit), stopped=stopped)


_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)

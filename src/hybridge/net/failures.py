"""From an exception of the network to a Failure: one clear sentence, the reason, the next step.

Texts of foreign exceptions are not passed on (they may repeat what was sent); their kinds and numbers are.
"""

from __future__ import annotations

import errno
import os
import re
import ssl
from collections.abc import Iterator

import aiohttp

from hybridge.net.bodies import Unreadable
from hybridge.net.connect_to import is_address
from hybridge.net.dns import NotResolved, no_address
from hybridge.net.tls_failures import certificate_failure, handshake_failure
from hybridge.net.trust import ConnectionFacts
from hybridge.wire.ask import Failure, FailureReason

WAY_STEP = "Check that the host is up and that no firewall is in the way."


def failure_of(error: BaseException, place: str, facts: ConnectionFacts, timeout: float) -> Failure:
    """What ``error`` means for an ask to ``place`` (host, or host:port); ``timeout`` is in seconds."""
    for cause in reversed(tuple(_causes(error))):  # the deepest cause knows best
        failure = _certain(cause, place, facts)
        if failure is not None:
            return failure
    # A library in between (azure's) wraps the network's own error: that one tells what happened.
    error = next((cause for cause in _causes(error) if isinstance(cause, aiohttp.ClientError | OSError)), error)
    if isinstance(error, TimeoutError):
        return _late(place, facts, timeout)
    if isinstance(error, aiohttp.ClientPayloadError):
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"The reply of {place} was cut off.",
            next_step="Run again; if it stays so, look at the proxy or load balancer in between.",
        )
    if isinstance(error, aiohttp.ClientResponseError):
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"What {place} answered is not HTTP.",
            next_step="Check the port, and what listens there.",
        )
    if isinstance(error, aiohttp.ClientError | OSError):
        return _unreachable(error, place)
    return Failure(
        reason=FailureReason.DEFECT,
        says=f"hybridge could not make the request to {place} ({type(error).__name__}).",
        next_step="Please report this as a defect of hybridge.",
    )


def host_in(place: str) -> str:
    """The host of ``host``, ``host:port`` or ``[address]:port``."""
    return re.sub(r":\d+$", "", place) if not place.startswith("[") else place[1 : place.index("]")]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or getattr(seen, "os_error", None) or seen.__context__


def _certain(error: BaseException, place: str, facts: ConnectionFacts) -> Failure | None:
    """Failures which one exception in the chain tells for sure."""
    host = host_in(place)
    match error:
        case NotResolved():
            return error.failure
        case Unreadable():
            return Failure(
                reason=FailureReason.MALFORMED, says=f"The reply of {place} {error.says}.", next_step=error.next_step
            )
        case ssl.SSLCertVerificationError():
            return certificate_failure(host, error, facts.refused_chain)
        case ssl.SSLError():
            return handshake_failure(place, error)
        case aiohttp.ClientConnectorDNSError():
            return no_address(host)
        case aiohttp.InvalidURL():
            return Failure(reason=FailureReason.MALFORMED, says=f"The address of {place} is not a URL.")
        case aiohttp.ServerDisconnectedError():
            return _closed(place)
    return None


def _late(place: str, facts: ConnectionFacts, timeout: float) -> Failure:
    if facts.answered:
        says = f"The reply of {place} did not end within {timeout:g} s ({facts.received} bytes had come)."
    elif facts.connected:
        says = f"{place} accepted the request but did not answer within {timeout:g} s."
    elif facts.handshaking:
        says = f"{place} did not finish the TLS handshake within {timeout:g} s."
    elif facts.resolved or is_address(host_in(place)):
        says = f"{place} did not accept a connection within {timeout:g} s."
    else:
        says = f"The address of {place} was not found within {timeout:g} s."
    return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step=f"{WAY_STEP} net.timeout sets the limit.")


def _closed(place: str) -> Failure:
    return Failure(
        reason=FailureReason.UNREACHABLE, says=f"{place} closed the connection without an answer.", next_step=WAY_STEP
    )


def _unreachable(error: aiohttp.ClientError | OSError, place: str) -> Failure:
    number = next((cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno), None)
    if number == errno.ECONNREFUSED:
        says, step = f"{place} refused the connection.", "Check that the service runs and listens on that port."
    elif number in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return _closed(place)
    elif number is not None:
        says, step = f"{place} cannot be reached: {os.strerror(number)}.", WAY_STEP
    else:
        says, step = f"{place} cannot be reached ({type(error).__name__}).", WAY_STEP
    return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step=step)

"""What went wrong with remote PowerShell, as one sentence and a next step.

Texts of foreign exceptions are not passed on, with one exception: the reason in a WS-Management fault is what the
server says for people.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Iterator

import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from spnego.exceptions import SpnegoError

from hybridge.net.powershell_transport import CannotGoOn
from hybridge.net.tls_failures import certificate_failure, handshake_failure
from hybridge.net.trust import CONNECTION
from hybridge.wire.ask import Failure, FailureReason

NOT_OFFERED = "does not offer the sign-in that is configured"
"""Said of a server no password was sent to."""
ACCESS_DENIED = 5
TIMED_OUT = 2150858793
NO_SUCH_RESOURCE = 2150858811
NO_SUCH_SHELL = 2150858843
TOO_MANY_SHELLS = 2150859174
"""Codes of WS-Management faults (MS-WSMV 2.2.4.43)."""

_WAY = "Check that the host is up and that no firewall is in the way."
_ADDRESS = "Check exchange.powershell_url; Exchange's is https://<server>/powershell."


def failure_of(error: BaseException, place: str, username: str) -> Failure:
    """What ``error`` means for the session at ``place`` (host, or host:port) as ``username``."""
    causes = list(_causes(error))
    for cause in causes:
        failure = _certain(cause, place)
        if failure is not None:
            return failure
    match error:
        case WSManFaultError():
            return _fault(error, place, username)
        case WinRMTransportError():
            return _status(int(error.code), place, username)
        case AuthenticationError() | SpnegoError():
            return _signed_out(place, username)
        case requests.RequestException() | OSError():
            return _unreachable(causes, place)
    return _not_understood(error, place)


def _certain(error: BaseException, place: str) -> Failure | None:
    """What one exception tells for sure, wherever in the chain it stands."""
    match error:
        case CannotGoOn():
            return error.failure
        case ssl.SSLCertVerificationError():
            facts = CONNECTION.get()
            return certificate_failure(place.partition(":")[0], error, facts.refused_chain if facts else ())
        case ssl.SSLError():
            return handshake_failure(place, error)
        case requests.TooManyRedirects():
            return Failure(
                reason=FailureReason.REFUSED,
                says=f"{place} sends remote PowerShell elsewhere by a redirect, which is not followed with a password.",
                next_step="Set exchange.powershell_url to the address it leads to, if that is yours.",
            )
        case ValueError() if "auth protocol" in str(error):
            return Failure(
                reason=FailureReason.SIGN_IN,
                says=f"{place} {NOT_OFFERED}.",
                next_step='Set exchange.auth to "basic" or "negotiate", or enable NTLM on the PowerShell directory.',
            )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: urllib3 and requests keep the cause as ``reason`` or first argument."""
    queue, seen = [error], set()
    while queue:
        one = queue.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args[:1])
        queue += [part for part in inner if isinstance(part, BaseException)]


def _fault(error: WSManFaultError, place: str, username: str) -> Failure:
    if error.code == ACCESS_DENIED:
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=f"{place} signed {username} in, but does not let the account use remote PowerShell.",
            next_step="Give it remote PowerShell (Set-User -RemotePowerShellEnabled $true) and a role group.",
        )
    if error.code == TOO_MANY_SHELLS:
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=f"{username} has too many PowerShell sessions open at {place}.",
            next_step="Close other sessions of the account, or wait until they have expired (15 minutes).",
        )
    if error.code == NO_SUCH_RESOURCE:
        return Failure(
            reason=FailureReason.MALFORMED,
            says=f"{place} offers WS-Management, but not Exchange's session configuration Microsoft.Exchange.",
            next_step=_ADDRESS,
        )
    if error.code == TIMED_OUT:
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"{place} did not open the PowerShell session in time.",
            next_step=_WAY,
        )
    if isinstance(error.code, int):
        reason = " ".join((error.reason or "no reason given").split())[:300]
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"The PowerShell session at {place} was refused (code {error.code}): {reason}",
            next_step="Look at the event log of the Exchange server.",
        )
    return _no_powershell(place)


def _status(status: int, place: str, username: str) -> Failure:
    if status == 401:
        return _signed_out(place, username)
    if status == 403:
        return Failure(
            reason=FailureReason.FORBIDDEN,
            says=f"{place} refuses remote PowerShell to {username} (HTTP 403).",
            next_step="Look at the PowerShell virtual directory: it may allow no remote clients, or want TLS.",
        )
    if status >= 500:
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"{place} cannot serve remote PowerShell now (HTTP {status}).",
            next_step="Look at the application pool MSExchangePowerShellFrontEndAppPool and the load balancer.",
        )
    return _no_powershell(place, f" (HTTP {status})")


def _no_powershell(place: str, detail: str = "") -> Failure:
    return Failure(
        reason=FailureReason.MALFORMED,
        says=f"Something answers at {place}, but it is not Exchange's remote PowerShell{detail}.",
        next_step=_ADDRESS,
    )


def _signed_out(place: str, username: str) -> Failure:
    return Failure(
        reason=FailureReason.SIGN_IN,
        says=f"{place} refused the sign-in of {username} to remote PowerShell.",
        next_step="Check exchange.username, the password and exchange.auth; nothing is tried again in this run.",
    )


def _unreachable(causes: list[BaseException], place: str) -> Failure:
    number = next((cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno), None)
    if number == errno.ECONNREFUSED:
        says, step = f"{place} refused the connection.", "Check that the service runs and listens on that port."
    elif number is not None and number not in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        says, step = f"{place} cannot be reached: {os.strerror(number)}.", _WAY
    else:
        says, step = f"{place} closed the connection without an answer.", _WAY
    return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step=step)


def _not_understood(error: BaseException, place: str) -> Failure:
    """pypsrp meets foreign bytes with many kinds of exceptions; none of them is the caller's."""
    return Failure(
        reason=FailureReason.MALFORMED,
        says=f"The reply of {place} could not be read as remote PowerShell ({type(error).__name__}).",
        next_step=_ADDRESS,
    )

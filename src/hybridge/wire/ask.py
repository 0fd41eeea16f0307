"""Asks, answers and the Answerer: the only way anything in hybridge reaches the outside.

A collector or a hand is handed an ``Answerer`` and opens nothing itself. Four answerers serve the same asks: the live
network, an offline snapshot, a recorder with its replay, and the lab in process. An answer is a value even when it is
a failure: a host that cannot be reached, a certificate that is not trusted and a cmdlet that is refused are all
``Failure`` values with a reason, so that callers never catch network exceptions.

Credentials are named, never carried: an ask says which ``Credential`` class it wants, the live answerer decides
whether the host may receive it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from hybridge.terms.premises import Premises


class FailureReason(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    """Nothing answered: refused, reset, timed out, no route."""
    NAME_NOT_FOUND = "name-not-found"
    """DNS has no address for the name."""
    CERTIFICATE = "certificate"
    """TLS could not be verified: expired, wrong name, not trusted."""
    SIGN_IN = "sign-in"
    """The credentials were refused."""
    FORBIDDEN = "forbidden"
    """Signed in, but not permitted."""
    NOT_EXPORTED = "not-exported"
    """An offline snapshot does not hold this answer."""
    NOT_CONFIGURED = "not-configured"
    """The configuration names no endpoint or credential for this ask."""
    REFUSED = "refused"
    """We refuse to ask: a host not mapped, a redirect to another domain, a credential that may not travel."""
    MALFORMED = "malformed"
    """Something answered, but not in the protocol: cut, too large, hostile or foreign."""
    DEFECT = "defect"
    """A mistake of ours."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag="failure"):
    """No answer, and why. ``says`` is one clear sentence; ``next_step`` what an administrator can do."""

    reason: FailureReason
    says: str
    next_step: str = ""


class Sign(StrEnum):
    """Which credential an HTTP ask wants."""

    NONE = "none"
    """Anonymous: no credential, no cookie, ever."""
    EXCHANGE = "exchange"
    """The on-premises account of the configuration (Basic, NTLM or Negotiate), for its configured hosts only."""
    ENTRA = "entra"
    """A token of the configured Entra application; ``HttpAsk.scope`` names the audience."""


class HttpAsk(msgspec.Struct, frozen=True, kw_only=True, tag="http"):
    """One HTTP request. Redirects are never followed by the answerer; the collector decides and asks again.

    ``headers`` are pairs in order. ``body`` is at most a few kilobytes. ``limit`` bounds the reply in bytes.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    sign: Sign = Sign.NONE
    scope: str = ""
    limit: int = 8 * 1024 * 1024


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="http-answer"):
    """The reply: ``failure`` is set when there was none. Header names are lower-case, values as received.

    ``certificate`` is the DER of the server's leaf; ``took_ms`` the wall time of the whole exchange.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failure: Failure | None = None
    certificate: bytes = b""
    answered_at: datetime | None = None
    took_ms: float = 0.0

    def header(self, name: str) -> str:
        """First value of header ``name`` (case ignored), or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def header_all(self, name: str) -> tuple[str, ...]:
        """Every value of header ``name`` (case ignored)."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == wanted)


class CmdletAsk(msgspec.Struct, frozen=True, kw_only=True, tag="cmdlet"):
    """One cmdlet with parameters: no script, no pipe, no variable (Exchange's endpoint is language-free).

    A parameter value is a plain value: None, bool, int, str, a tuple of str, or a dict such as ``{"Add": (...)}``
    (PowerShell's ``@{Add=...}``).
    """

    premises: Premises
    name: str
    parameters: tuple[tuple[str, Any], ...] = ()


class CmdletAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="cmdlet-answer"):
    """What the cmdlet wrote. ``objects`` are plain trees, see ``wire.clixml``; ``errors`` are human sentences.

    ``failure`` is set when the cmdlet could not be run at all. ``not_found`` tells that the cmdlet ran and said
    that the object does not exist (ManagementObjectNotFoundException).
    """

    objects: tuple[dict[str, Any], ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    not_found: bool = False
    failure: Failure | None = None
    answered_at: datetime | None = None
    took_ms: float = 0.0


class DnsAsk(msgspec.Struct, frozen=True, kw_only=True, tag="dns"):
    """One DNS question; ``rdtype`` is A, AAAA, CNAME or SRV."""

    name: str
    rdtype: str = "A"


class DnsAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="dns-answer"):
    """``records`` in presentation form; empty with no failure means the name exists without such a record."""

    records: tuple[str, ...] = ()
    failure: Failure | None = None
    took_ms: float = 0.0


class Verification(StrEnum):
    """How the verification of a server's certificate ended, by our own trust and for the name asked."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_NAME = "wrong-name"
    SELF_SIGNED = "self-signed"
    UNTRUSTED = "untrusted"
    """Of an authority that is not trusted."""
    INCOMPLETE_CHAIN = "incomplete-chain"
    """The leaf came alone, and its issuer is not known: the intermediate certificates were not sent."""
    OTHER = "other"
    """Refused for another reason; ``TlsAnswer.says`` tells it."""
    UNKNOWN = "unknown"
    """No certificate was seen."""


class Stopped(StrEnum):
    """What kept a TLS connection from being made."""

    NAME_NOT_FOUND = "name-not-found"
    REFUSED = "refused"
    """Nothing listens there."""
    RESET = "reset"
    """Connected, and cut before TLS was up."""
    TIMEOUT = "timeout"
    HANDSHAKE = "handshake"
    """It answered, but the two sides came to no TLS."""
    NOT_ASKED = "not-asked"
    """We refused to ask, or the answer is not in the snapshot."""


class TlsAsk(msgspec.Struct, frozen=True, kw_only=True, tag="tls"):
    """What TLS of ``host`` is like. Nothing is sent but handshakes: no request, no credential, no certificate."""

    host: str
    port: int = 443


class TlsAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="tls-answer"):
    """What was seen of TLS; ``failure`` is set when no connection came about at all, and ``stopped`` says why.

    ``chain`` is what the server sent, DER, leaf first. ``version`` is what was negotiated ("1.3"); ``accepted`` are the
    versions it spoke when only that one was offered, oldest first; ``untried`` those this machine cannot offer, or
    about which the server gave no clear answer. ``client_certificate`` tells whether the server asked for one, None
    where that could not be seen. ``says`` and ``next_step`` explain a verification that is not good.
    """

    chain: tuple[bytes, ...] = ()
    version: str = ""
    accepted: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    client_certificate: bool | None = None
    verification: Verification = Verification.UNKNOWN
    says: str = ""
    next_step: str = ""
    failure: Failure | None = None
    stopped: Stopped | None = None
    answered_at: datetime | None = None
    took_ms: float = 0.0

    @property
    def oldest(self) -> str:
        """The oldest version the server is known to accept, "" when none is."""
        return self.accepted[0] if self.accepted else ""


TLS_VERSIONS = ("1.0", "1.1", "1.2", "1.3")
"""Versions of TLS, oldest first, as ``TlsAnswer`` names them."""


class Answerer(Protocol):
    """Answers asks. Never raises for anything the outside does; see the head of this file."""

    async def http(self, ask: HttpAsk) -> HttpAnswer: ...

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer: ...

    async def dns(self, ask: DnsAsk) -> DnsAnswer: ...

    async def tls(self, ask: TlsAsk) -> TlsAnswer: ...

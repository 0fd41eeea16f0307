"""Whom we trust, and what was seen of a connection.

Python tells little about a TLS connection: the certificate of a pooled connection is out of reach once the reply has
been read, and the chain of a refused certificate is dropped. Both are needed as evidence, so two small hooks look at
the right moment: the SSL object keeps the chain when the handshake fails, and the connector looks at the certificate
each time a connection is given to a request. They write into the ``ConnectionFacts`` of the ask under way, found by a
context variable, because connects run in the task that asks.
"""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from typing import cast

from hybridge.wire.ask import Failure, FailureReason

DER = 2
"""OpenSSL's number for the DER encoding in ``public_bytes``."""


@dataclass
class ConnectionFacts:
    """What became of the connection of one ask: how far it came, and the certificates seen (DER)."""

    timeout: asyncio.Timeout | None = None
    """The time limit under which the ask runs."""
    resolved: bool = False
    """Addresses are known."""
    handshaking: bool = False
    """TCP is connected and TLS has begun."""
    connected: bool = False
    """The request has a connection."""
    answered: bool = False
    """The head of the reply has come."""
    received: int = 0
    """Bytes of the reply's body so far, as they came over the wire."""
    status: int = 0
    """Status of the reply, kept for foreign clients that lose it."""
    content_type: str = ""
    leaf: bytes = b""
    """The server's own certificate."""
    refused_chain: tuple[bytes, ...] = ()
    """The chain the server sent when it was refused, leaf first."""


CONNECTION: ContextVar[ConnectionFacts | None] = ContextVar("hybridge_connection", default=None)
"""Facts of the ask this task is making."""


class WatchedSSLObject(ssl.SSLObject):
    """Notes the begin of the handshake, and the chain when it is refused."""

    def do_handshake(self) -> None:
        """Go on with the handshake (called several times for one connection)."""
        facts = CONNECTION.get()
        if facts is not None:
            facts.handshaking = True
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError:
            if facts is not None:
                facts.refused_chain = chain_of(self)
            raise


def chain_of(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The chain as sent (DER). Python 3.13 has a public method; before, the C object below holds it."""
    source = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj", None)
    try:
        chain = source.get_unverified_chain()  # type: ignore[union-attr]
    except (AttributeError, ssl.SSLError):
        return ()
    return tuple(cert if isinstance(cert, bytes) else cast(bytes, cert.public_bytes(DER)) for cert in chain or ())


def client_context(ca_file: str) -> ssl.SSLContext | Failure:
    """A verifying client context: the system's authorities, and those of ``ca_file`` (PEM) added; "" adds none."""
    context = ssl.create_default_context()
    context.sslobject_class = WatchedSSLObject
    if not ca_file:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        return _ca_failure(
            f"The CA file {ca_file} holds no certificate in PEM form.",
            "PEM text begins with -----BEGIN CERTIFICATE-----; convert a DER file with: openssl x509 -inform der",
        )
    except OSError as error:
        return _ca_failure(
            f"The CA file {ca_file} cannot be read: {error.strerror or type(error).__name__}.",
            "Correct net.ca_file, or leave it empty to trust the system's authorities alone.",
        )
    return context


def _ca_failure(says: str, next_step: str) -> Failure:
    return Failure(reason=FailureReason.NOT_CONFIGURED, says=says, next_step=next_step)

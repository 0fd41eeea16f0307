"""TLS for many hosts on one port: the certificate is chosen by the name the client asks for (SNI, RFC 6066).

Two things ``ssl`` does not do by itself are done here. A refused handshake must reach the client as a TLS alert and
not as a cut connection, so that it can tell why it was refused: asyncio drops what OpenSSL wanted to send when
``do_handshake`` raises, and ``LabTls`` gives it one more turn. And a listener must know later which name and which
certificate a connection was made with, so ``LabTls`` remembers them.
"""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Mapping

from hybridge.lab.serve.ca import Authority, LeafContext
from hybridge.lab.serve.sign_in import Handshake

_numbers = itertools.count(1)


class LabTls(ssl.SSLObject):
    """A server's end of a TLS connection. ``host`` is the name asked for, lower-case, "" when none was."""

    host: str = ""
    _key: str = ""
    _handshake: Handshake | None = None
    _refusal: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Shake hands; on a refusal, ask for one more turn, in which the alert is sent, before raising it."""
        if self._refusal is not None:
            raise self._refusal
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as refusal:
            self._refusal = refusal
            raise ssl.SSLWantReadError from refusal

    @property
    def key(self) -> str:
        """A name for this connection, never given to another one of this process."""
        self._key = self._key or f"connection-{next(_numbers)}"
        return self._key

    @property
    def sign_in(self) -> Handshake:
        """The sign-in of this connection: it lives and dies with it."""
        if self._handshake is None:
            self._handshake = Handshake()
        return self._handshake

    @property
    def leaf(self) -> bytes:
        """DER of the certificate shown to this client."""
        context = self.context
        return context.leaf if isinstance(context, LeafContext) else b""


def noting(context: LeafContext) -> LeafContext:
    """``context``, whose connections know the name they were made for."""

    def note(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if isinstance(connection, LabTls) and name is not None:
            connection.host = name.lower()

    context.sslobject_class = LabTls
    context.sni_callback = note
    return context


def server_context(authority: Authority, hosts: frozenset[str], variants: Mapping[str, str]) -> ssl.SSLContext:
    """A context serving every one of ``hosts``; ``variants`` (host to variant) is read at each new connection.

    A name that is not served is refused by the alert ``unrecognized_name``. A client that sends no name is shown the
    certificate of the first host in the alphabet, which is what a server with a default site does.
    """
    default = min(hosts)

    def pick(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        host = (name or default).lower()
        if host not in hosts:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = authority.context(host, variants.get(host, "good"))
        if isinstance(connection, LabTls) and name is not None:
            connection.host = host
        return None

    base = authority.new_context(default, "good")
    base.sslobject_class = LabTls
    base.sni_callback = pick
    return base

"""Sign-in as IIS does it: Basic per request; Negotiate and NTLM per connection (RFC 4559, MS-NTHT).

The client proves in three legs that it knows the password; from then on every request of that TCP connection is
signed in. The state therefore lives on the connection (``LabTls.sign_in``), and dies with it.

Extended protection (RFC 5929, ``tls-server-end-point``) ties the proof to the certificate the client saw. pyspnego's
acceptor leaves two holes that IIS does not have: an all-zero binding passes, and NTLMv1, which cannot carry a binding,
skips the check. Both are refused here before pyspnego sees the message.

pyspnego takes the accounts of NTLM only from a file named by an environment variable of the process. The file is
written with mode 0600 for one step of a sign-in and unlinked with it, so none survives a killed lab, several labs can
live in one process, and changes of ``estate.users`` hold at once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from spnego._ntlm_raw.messages import Authenticate, AvId, NTClientChallengeV2
from spnego._spnego import unpack_token
from spnego.channel_bindings import GssChannelBindings

from hybridge.lab.estate import Estate
from hybridge.lab.serve.site import ExtendedProtection

_ACCOUNTS_VARIABLE = "NTLM_USER_FILE"
_NTLM_SIGNATURE = b"NTLMSSP\x00"
_ZERO_BINDING = bytes(16)
_NTLM_V1_LENGTH = 24
_log = logging.getLogger(__name__)


@dataclass
class Handshake:
    """Who signed in on one connection, or how far the legs have come. ``principal`` is "" until they are done."""

    principal: str = ""
    scheme: str = ""
    context: Any = None


@dataclass(frozen=True)
class Outcome:
    """Result of looking at one Authorization header.

    ``principal`` is set when the client is signed in; ``reply`` is a WWW-Authenticate value to send back (with the
    final answer when signed in, else with a 401 asking for the next leg). Neither means refused.
    """

    principal: str = ""
    reply: str = ""


REFUSED = Outcome()


class Unbound(ValueError):
    """The sign-in is not bound to the TLS channel, and must be."""


@dataclass(frozen=True)
class SignIn:
    """Judges Authorization headers against the accounts of ``estate``."""

    estate: Estate
    extended_protection: ExtendedProtection = field(default=ExtendedProtection.REQUIRE)

    def judge(self, authorization: str, handshake: Handshake, leaf: bytes) -> Outcome:
        """Look at one header. ``leaf`` is the DER of the certificate this connection shows."""
        scheme, _, credentials = authorization.strip().partition(" ")
        name = scheme.lower()
        try:
            token = base64.b64decode(credentials.strip(), validate=True)
        except binascii.Error:
            return REFUSED
        if name == "basic":
            return self._basic(token)
        if name in ("negotiate", "ntlm"):
            return self._leg(name, token, handshake, leaf)
        return REFUSED

    def _basic(self, token: bytes) -> Outcome:
        account, _, password = token.decode("utf-8", errors="replace").partition(":")
        known = {name.casefold(): secret for name, secret in self.estate.users.items()}
        expected = known.get(account.casefold())
        if expected is None or not hmac.compare_digest(expected.encode(), password.encode()):
            return REFUSED
        return Outcome(self.estate.principal_of(account) or "")

    def _leg(self, name: str, token: bytes, handshake: Handshake, leaf: bytes) -> Outcome:
        with _accounts(self.estate.users):
            try:
                return self._step(name, token, handshake, leaf)
            except Exception as refusal:  # pyspnego meets hostile bytes here, and not all its errors are SpnegoErrors
                _log.debug("Sign-in by %s refused: %s", name, refusal)
                handshake.principal, handshake.context = "", None
                return REFUSED

    def _step(self, name: str, token: bytes, handshake: Handshake, leaf: bytes) -> Outcome:
        authenticate = _authenticate(token)
        if authenticate is None or handshake.context is None or handshake.scheme != name:
            handshake.principal, handshake.scheme = "", name
            handshake.context = spnego.server(protocol=name)
        context = handshake.context
        reply = context.step(token, channel_bindings=self._bindings(authenticate, leaf))
        written = f"{_SCHEMES[name]} {base64.b64encode(reply).decode()}" if reply else ""
        if not context.complete:
            return Outcome(reply=written)
        handshake.context = None
        handshake.principal = self.estate.principal_of(context.client_principal or "") or ""
        return Outcome(handshake.principal, written)

    def _bindings(self, authenticate: Authenticate | None, leaf: bytes) -> GssChannelBindings | None:
        """What pyspnego must compare with; raises ``Unbound`` for what it would let through."""
        if authenticate is None or self.extended_protection is ExtendedProtection.OFF:
            return None
        if not _is_bound(authenticate):
            if self.extended_protection is ExtendedProtection.REQUIRE:
                raise Unbound("the sign-in carries no channel binding")
            return None
        return channel_bindings(leaf)


_SCHEMES = {"negotiate": "Negotiate", "ntlm": "NTLM"}


@lru_cache(maxsize=64)
def channel_bindings(leaf: bytes) -> GssChannelBindings:
    """The ``tls-server-end-point`` binding of a certificate: its hash by its own signature's digest (RFC 5929, 4.1)."""
    certificate = x509.load_der_x509_certificate(leaf)
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + certificate.fingerprint(algorithm))


def _authenticate(token: bytes) -> Authenticate | None:
    """The NTLM AUTHENTICATE message in ``token``, bare or inside SPNEGO; None for any other message."""
    inner = unpack_token(token)
    if not isinstance(inner, bytes):
        inner = getattr(inner, "response_token", None) or getattr(inner, "mech_token", None) or b""
    if not inner.startswith(_NTLM_SIGNATURE) or inner[8:9] != b"\x03":
        return None
    return Authenticate.unpack(inner)


def _is_bound(authenticate: Authenticate) -> bool:
    """Whether the message carries a channel binding that says anything."""
    response = authenticate.nt_challenge_response or b""
    if len(response) <= _NTLM_V1_LENGTH:
        return False
    pairs = NTClientChallengeV2.unpack(response[16:]).av_pairs
    return bool(pairs.get(AvId.channel_bindings, _ZERO_BINDING) != _ZERO_BINDING)


@contextmanager
def _accounts(users: Mapping[str, str]) -> Iterator[None]:
    """With pyspnego's account file naming ``users``."""
    before = os.environ.get(_ACCOUNTS_VARIABLE)
    with tempfile.NamedTemporaryFile("w", prefix="hybridge-lab-", encoding="utf-8") as file:  # mode 0600
        file.writelines(f"{_account(account)}:{password}\n" for account, password in users.items())
        file.flush()
        os.environ[_ACCOUNTS_VARIABLE] = file.name
        try:
            yield
        finally:
            if before is None:
                del os.environ[_ACCOUNTS_VARIABLE]
            else:
                os.environ[_ACCOUNTS_VARIABLE] = before


def _account(account: str) -> str:
    """``DOMAIN:user``, or ``:user@domain`` for an account in the form of an address."""
    domain, backslash, user = account.partition("\\")
    return f"{domain}:{user}" if backslash else f":{account}"

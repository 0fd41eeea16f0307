"""The lab's certification authority: a root, an issuing authority below it, and a leaf per host and variant.

Keys are EC P-256 (a leaf takes 2 ms; RSA would take 60) and live in memory only. ``ssl`` loads a chain from a file and
nothing else, so a chain and its key go to a file of mode 0600 in a folder of mode 0700 that is gone when the context
is made. Every certificate carries the extensions RFC 5280 asks for: Python 3.13 refuses authorities without them.

Time spans are generous around ``now``: clients judge by the real clock, and a lab may run for long or on a clock of
its own.
"""

from __future__ import annotations

import ssl
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

WRONG_NAME = "owa.fabrikam.example"
"""The only name in the certificate of variant ``wrong-name``."""

OTHER_SUBJECT = "gateway.contoso.com"
"""Common name of the certificate of variant ``other-subject``, which holds the host as an alternative name only."""

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Span:
    """From when to when a certificate is valid."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the name of who signed it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Manner:
    """How a host does TLS: the oldest and newest version it speaks ("1.0" to "1.3"), and whether it wants clients to
    show a certificate."""

    oldest: str = "1.2"
    newest: str = "1.3"
    wants_certificate: bool = False


USUAL = Manner()
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
OLDEST_FIRST = tuple(_VERSIONS)
_OLD = ("1.0", "1.1")
"""Versions whose signatures OpenSSL makes at its lowest level of security only."""


class LeafContext(ssl.SSLContext):
    """A server context that remembers which leaf it shows; ``leaf`` is its DER (for channel bindings, RFC 5929)."""

    leaf: bytes = b""


class Authority:
    """Makes a server context for any host in any variant of ``estate.CERTIFICATE_VARIANTS``.

    ``now`` (aware UTC) is when the authority starts; see the head of this file. Contexts are kept by host and variant.
    """

    def __init__(self, now: datetime) -> None:
        self._span = Span(now - _YEAR, now + 10 * _YEAR)
        self._root = _authority("Contoso Lab Root CA", self._span, None, 1)
        self._issuing = _authority("Contoso Lab Issuing CA", self._span, self._root, 0)
        self._contexts: dict[tuple[str, str, Manner], LeafContext] = {}
        self._makers: dict[str, Callable[[str], tuple[Issued, tuple[bytes, ...]]]] = {
            "good": lambda host: self._signed(host, self._span),
            "other-subject": lambda host: (_leaf(host, self._span, self._issuing, OTHER_SUBJECT), (self._issuing.pem,)),
            "expired": lambda host: self._signed(host, Span(now - _YEAR, now - timedelta(days=3))),
            "not-yet-valid": lambda host: self._signed(host, Span(now + 5 * _YEAR, now + 6 * _YEAR)),
            "wrong-name": lambda _: self._signed(WRONG_NAME, self._span),
            "self-signed": lambda host: (_leaf(host, self._span, None), ()),
            "untrusted": self._untrusted,
            "no-chain": lambda host: (_leaf(host, self._span, self._issuing), ()),
        }

    @property
    def root_pem(self) -> bytes:
        """The root certificate: what clients must trust."""
        return self._root.pem

    def context(self, host: str, variant: str = "good", manner: Manner = USUAL) -> LeafContext:
        """The server context showing ``host``'s certificate in ``variant``; the same object each time."""
        key = (host, variant, manner)
        if key not in self._contexts:
            self._contexts[key] = self.new_context(host, variant, manner)
        return self._contexts[key]

    def new_context(self, host: str, variant: str, manner: Manner = USUAL) -> LeafContext:
        """A server context of its own, with a new certificate."""
        leaf, chain = self._makers[variant](host)
        context = _context(leaf, chain, manner)
        if manner.wants_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self._root.pem.decode())
        return context

    def chain(self, host: str, variant: str = "good") -> tuple[bytes, ...]:
        """What a client is sent: the leaf and the certificates behind it, DER. A new leaf each time."""
        leaf, chain = self._makers[variant](host)
        return (leaf.der, *(ssl.PEM_cert_to_DER_cert(one.decode()) for one in chain))

    def _signed(self, host: str, span: Span) -> tuple[Issued, tuple[bytes, ...]]:
        return _leaf(host, span, self._issuing), (self._issuing.pem,)

    def _untrusted(self, host: str) -> tuple[Issued, tuple[bytes, ...]]:
        root = _authority("Fabrikam Root CA", self._span, None, 1)
        issuing = _authority("Fabrikam Issuing CA", self._span, root, 0)
        return _leaf(host, self._span, issuing), (issuing.pem,)


def _context(leaf: Issued, chain: tuple[bytes, ...], manner: Manner) -> LeafContext:
    context = LeafContext(ssl.PROTOCOL_TLS_SERVER)
    if manner.oldest in _OLD:
        context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's own opinion of old versions
        context.minimum_version = _VERSIONS[manner.oldest]
        context.maximum_version = _VERSIONS[manner.newest]
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0  # a resumed session would go on with the certificate of before a switch
    context.options |= ssl.OP_NO_TICKET
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory(prefix="hybridge-lab-") as folder:
        path = Path(folder) / "chain.pem"
        path.touch(mode=0o600)
        path.write_bytes(key + leaf.pem + b"".join(chain))
        context.load_cert_chain(path)
    context.leaf = leaf.der
    return context


def _authority(name: str, span: Span, issuer: Issued | None, path_length: int) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), key, span, issuer)
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return _sign(builder.add_extension(usage, critical=True), key, issuer)


def _leaf(host: str, span: Span, issuer: Issued | None, subject: str = "") -> Issued:
    """A leaf for ``host``, signed by ``issuer`` or, without one, by itself; ``subject`` is its common name if other."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(subject or host), key, span, issuer)
    for extension, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(host)]), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return _sign(builder, key, issuer)


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, span: Span, issuer: Issued | None
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signer = issuer.key if issuer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span.start)
        .not_valid_after(span.end)
        .add_extension(own, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: Issued | None) -> Issued:
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )

"""What a failed TLS handshake means, in one sentence, and what to do.

OpenSSL's numbers tell most of it. One number (20, "unable to get local issuer") stands for two causes which need
different cures; the chain that was sent tells them apart: a leaf sent alone lacks its intermediate (or comes straight
from a private authority), a longer chain ends in an authority we do not trust.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from hybridge.wire.ask import Failure, FailureReason, Verification

NOT_YET_VALID, EXPIRED, SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_ISSUER, LEAF_UNVERIFIED = 9, 10, 18, 19, 20, 21
WRONG_NAME, WRONG_ADDRESS = 62, 64
"""Verification results of OpenSSL (X509_V_ERR_*)."""

_WORDS = {
    NOT_YET_VALID: Verification.NOT_YET_VALID,
    EXPIRED: Verification.EXPIRED,
    SELF_SIGNED: Verification.SELF_SIGNED,
    SELF_SIGNED_IN_CHAIN: Verification.UNTRUSTED,
    WRONG_NAME: Verification.WRONG_NAME,
    WRONG_ADDRESS: Verification.WRONG_NAME,
}

TRUST_STEP = "If it is your own authority, put its root certificate (PEM) into net.ca_file."


def certificate_failure(host: str, error: ssl.SSLCertVerificationError, chain: Sequence[bytes]) -> Failure:
    """Why the certificate of ``host`` was refused; ``chain`` is what the server sent (DER, leaf first; or empty)."""
    certificates = [cert for cert in map(_load, chain) if cert is not None]
    says, next_step = _JUDGES.get(error.verify_code, _other)(host, error, certificates)
    return Failure(reason=FailureReason.CERTIFICATE, says=says, next_step=next_step)


def verification_of(error: ssl.SSLCertVerificationError, chain: Sequence[bytes]) -> Verification:
    """The word for what ``certificate_failure`` says in a sentence."""
    code = error.verify_code
    if code in (NO_ISSUER, LEAF_UNVERIFIED):
        return Verification.INCOMPLETE_CHAIN if len(chain) == 1 else Verification.UNTRUSTED
    return _WORDS.get(code, Verification.OTHER)


def handshake_failure(host: str, error: ssl.SSLError) -> Failure:
    """Why no TLS connection to ``host`` came about although a certificate was not the matter."""
    reason = error.reason or _spelt(error)
    word = reason.upper()
    for part, says, next_step in _HANDSHAKES:
        if part in word:
            return Failure(reason=FailureReason.MALFORMED, says=says.format(host=host), next_step=next_step)
    return Failure(
        reason=FailureReason.MALFORMED,
        says=f"The TLS handshake with {host} failed ({(reason or 'no reason given').lower().replace('_', ' ')}).",
        next_step="Look at the TLS settings of the server or the load balancer in front of it.",
    )


def _spelt(error: ssl.SSLError) -> str:
    """The reason out of the error's text: a Python older than its OpenSSL has no name for every reason."""
    text = str(error.args[1]) if len(error.args) > 1 else ""
    return text.partition("] ")[2].partition(" (")[0].replace(" ", "_")


_HANDSHAKES = (
    (
        "WRONG_VERSION_NUMBER",
        "{host} does not speak TLS on this port.",
        "Check the port: the server may offer plain http there.",
    ),
    (
        "PROTOCOL_VERSION",
        "{host} offers only TLS versions older than 1.2.",
        "Enable TLS 1.2 on the server; Exchange Online and Teams require it.",
    ),
    (
        "UNSUPPORTED_PROTOCOL",
        "{host} offers only TLS versions older than 1.2.",
        "Enable TLS 1.2 on the server; Exchange Online and Teams require it.",
    ),
    (
        "LEGACY_SIGALG",  # the signatures TLS 1.0 and 1.1 are bound to
        "{host} offers only TLS versions older than 1.2.",
        "Enable TLS 1.2 on the server; Exchange Online and Teams require it.",
    ),
    (
        "UNRECOGNIZED_NAME",
        "{host} answered that it serves no such name.",
        "Check that the name is published on the load balancer or reverse proxy it leads to.",
    ),
    (
        "CERTIFICATE_REQUIRED",
        "{host} wants a client certificate.",
        "Exchange's virtual directories must not require client certificates for the services Teams calls.",
    ),
    (
        "HANDSHAKE_FAILURE",
        "{host} and hybridge share no TLS cipher or version.",
        "Look at the cipher suites and TLS versions the server allows.",
    ),
)

Judged = tuple[str, str]


def _expired(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    ended = min(chain, key=lambda cert: cert.not_valid_after_utc, default=None)
    step = "Renew the certificate and assign it to IIS (and to the load balancer)."
    if ended is None:
        return f"The certificate of {host} has expired.", step
    whose = "The certificate" if ended is chain[0] else f"The authority certificate {_name(ended.subject)} in the chain"
    return f"{whose} of {host} expired on {_day(ended.not_valid_after_utc)}.", step


def _not_yet_valid(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    begins = max(chain, key=lambda cert: cert.not_valid_before_utc, default=None)
    when = f" before {_day(begins.not_valid_before_utc)}" if begins else " yet"
    return f"The certificate of {host} is not valid{when}.", "Check the clock of this machine, then the certificate."


def _wrong_name(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    names = certificate_names(chain[0]) if chain else ()
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    has = f"it names {shown}" if names else "it names other hosts"
    return (
        f"The certificate of {host} is for other names: {has}.",
        f"Add {host} to the certificate, or correct the address that leads there.",
    )


def _self_signed(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    return (
        f"The certificate of {host} is self-signed, so nobody vouches for it.",
        "Assign a certificate of a trusted authority to IIS; Exchange Online and Teams accept no self-signed one.",
    )


def _not_trusted(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    by = f" ({_name(chain[-1].issuer)})" if chain else ""
    return f"The certificate of {host} comes from an authority that is not trusted{by}.", TRUST_STEP


def _no_issuer(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    if len(chain) != 1:
        return _not_trusted(host, error, chain)
    return (
        f"{host} sends its certificate without the intermediate certificate of its issuer {_name(chain[0].issuer)}, "
        "and that issuer is not trusted by itself.",
        f"Install the intermediate certificate on the server. {TRUST_STEP}",
    )


def _other(host: str, error: ssl.SSLCertVerificationError, chain: list[x509.Certificate]) -> Judged:
    return (
        f"The certificate of {host} was refused: {error.verify_message or 'no reason given'}.",
        "Look at the certificate chain the server sends.",
    )


_JUDGES: dict[int, Callable[[str, ssl.SSLCertVerificationError, list[x509.Certificate]], Judged]] = {
    NOT_YET_VALID: _not_yet_valid,
    EXPIRED: _expired,
    SELF_SIGNED: _self_signed,
    SELF_SIGNED_IN_CHAIN: _not_trusted,
    NO_ISSUER: _no_issuer,
    LEAF_UNVERIFIED: _no_issuer,
    WRONG_NAME: _wrong_name,
    WRONG_ADDRESS: _wrong_name,
}


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Host names and addresses a certificate is for; its common name only when it has no alternative names."""
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except (x509.ExtensionNotFound, ValueError):
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(attribute.value) for attribute in common)
    assert isinstance(names, x509.SubjectAlternativeName)
    dns = names.get_values_for_type(x509.DNSName)
    return (*dns, *map(str, names.get_values_for_type(x509.IPAddress)))


def _load(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return f"“{common[0].value!s}”" if common else f"“{name.rfc4514_string()}”"


def _day(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

"""What a certificate says of itself: names, issuer, dates. Reading only; nothing is verified here."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID


class CertificateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """``names`` are the DNS names and addresses it is for; its common name when it has no alternative names."""

    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    thumbprint: str
    """SHA-1 of the DER, 40 upper-case hexadecimal digits."""


def read_certificate(der: bytes) -> CertificateFacts | None:
    """The facts in ``der``; None when it is no certificate."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return CertificateFacts(
            names=_names(certificate),
            subject=_name(certificate.subject),
            issuer=_name(certificate.issuer),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        )
    except ValueError:  # every complaint of cryptography about bytes is one
        return None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(attribute.value) for attribute in common)
    if not isinstance(names, x509.SubjectAlternativeName):
        return ()
    return (*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress)))


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()

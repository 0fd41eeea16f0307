"""Makes the authentication certificate Exchange signs its tokens with, as Exchange's own set-up does."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hybridge.lab.contoso import AuthCertificate

SUBJECT = "Microsoft Exchange Server Auth Certificate"
LIFE = timedelta(days=5 * 365)


def make_auth_certificate(now: datetime, age: timedelta = timedelta(days=365)) -> AuthCertificate:
    """A self-signed RSA certificate of Exchange's usual life, made ``age`` before ``now``. Its key is forgotten."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SUBJECT)])
    begin = (now - age).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + LIFE)
        .sign(key, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    return AuthCertificate(der=der, not_before=begin, not_after=begin + LIFE)

"""Keys of service principals, compared with the authentication certificates of Exchange. Pure.

A key is a certificate when its bytes are; where Graph returned no bytes, its identifier must be the thumbprint. The
dates of a key count by themselves: a key can end long before its certificate.

Keys are only ever added. Of those that are there only expired ones are left out, because Entra refuses them; a living
key without its bytes cannot be sent along, and writing the list would lose it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from hybridge.checks.partner_apps.integration import NAMES
from hybridge.org.organization import Organization
from hybridge.org.records import AuthConfig, ExchangeCertificate, KeyCredential, ServicePrincipal
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
ROUNDING = timedelta(days=1)
"""A key that ends at most this much before its certificate ends with it."""


def holds(principal: ServicePrincipal, certificate: ExchangeCertificate, now: datetime) -> bool:
    """Whether an unexpired key of ``principal`` is ``certificate``."""
    return any(is_of(key, certificate) and not expired(key, now) for key in principal.key_credentials)


def is_of(key: KeyCredential, certificate: ExchangeCertificate) -> bool:
    """Whether ``key`` is ``certificate``, expired or not."""
    if key.key is not None:
        return key.key == certificate.raw_data
    return certificate.thumbprint.upper() in _thumbprints(key.custom_key_identifier)


def _thumbprints(identifier: str) -> tuple[str, ...]:
    """What an identifier may say: the thumbprint as text, or the base64 of its twenty bytes."""
    try:
        return identifier.upper(), base64.b64decode(identifier, validate=True).hex().upper()
    except (binascii.Error, ValueError):
        return (identifier.upper(),)


def expired(key: KeyCredential, now: datetime) -> bool:
    """Whether ``key`` has ended; one without a date has not."""
    return key.end_at is not None and key.end_at <= now


def unreturned(principal: ServicePrincipal, now: datetime) -> tuple[str, ...]:
    """Ids of the unexpired keys that Graph returned without their bytes."""
    return tuple(key.key_id for key in principal.key_credentials if key.key is None and not expired(key, now))


def ends_early(
    principal: ServicePrincipal, certificate: ExchangeCertificate, now: datetime
) -> tuple[KeyCredential, ...]:
    """The keys of ``certificate`` when all that live end before the certificate does; empty when one lasts as long."""
    mine = tuple(key for key in principal.key_credentials if is_of(key, certificate) and not expired(key, now))
    end = certificate.not_after
    short = tuple(key for key in mine if end and key.end_at and end - key.end_at > ROUNDING)
    return short if len(short) == len(mine) else ()


def current_certificate(organization: Organization) -> ExchangeCertificate | None:
    """The certificate Exchange signs with now, with its bytes; None where no server shows it."""
    return _named(organization, "current_certificate_thumbprint")


def next_certificate(organization: Organization) -> ExchangeCertificate | None:
    """The certificate AuthConfig names for later, with its bytes; None where none is set or no server shows it."""
    return _named(organization, "next_certificate_thumbprint")


def _named(organization: Organization, field: str) -> ExchangeCertificate | None:
    for config in organization.all(AuthConfig, ON):
        wanted = str(getattr(config, field)).upper()
        for one in organization.all(ExchangeCertificate, ON):
            if wanted and one.thumbprint.upper() == wanted and one.raw_data:
                return one
    return None


def with_certificates(
    organization: Organization, app_id: str, wanted: Iterable[ExchangeCertificate], now: datetime
) -> tuple[ServicePrincipal, str] | None:
    """The principal of ``app_id`` with the certificates it lacks, made where it is absent, and a sentence of it.

    None when it holds them all. Whoever writes it makes sure that nothing of ``unreturned`` is lost.
    """
    principal = organization.one(ServicePrincipal, ONLINE, app_id)
    lacking = tuple(one for one in wanted if principal is None or not holds(principal, one, now))
    if not lacking:
        return None
    present = principal.key_credentials if principal else ()
    kept = tuple(key for key in present if not expired(key, now))
    name = f"{NAMES[app_id]} ({app_id})"
    if principal is None:
        says = f"Create the service principal of {name} with the authentication {_certificates(lacking)}."
    else:
        says = f"Add the authentication {_certificates(lacking)} to the keys of {name}."
    if len(kept) < len(present):
        says = f"{says.rstrip('.')}; leave out {len(present) - len(kept)} that have expired."
    base = principal or ServicePrincipal(premises=ONLINE, identity=app_id)
    return msgspec.structs.replace(base, key_credentials=(*kept, *map(_key_of, lacking))), says


def _certificates(lacking: tuple[ExchangeCertificate, ...]) -> str:
    thumbprints = " and ".join(one.thumbprint for one in lacking)
    return f"certificate {thumbprints}" if len(lacking) == 1 else f"certificates {thumbprints}"


def _key_of(certificate: ExchangeCertificate) -> KeyCredential:
    return KeyCredential(
        custom_key_identifier=certificate.thumbprint,
        display_name=certificate.subject,
        key=certificate.raw_data,
        end_at=certificate.not_after,
    )

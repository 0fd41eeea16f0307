"""The Exchange authentication certificate: how checks find it, and how the lab's faults make other ones of it.

A fault cannot sign a certificate, and need not: nobody verifies the signature of a self-signed one. ``redated`` writes
other dates into the DER of the one that is there. The result is a certificate like any other, with its own thumbprint,
so that whoever reads the bytes sees the same dates as whoever reads the record.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from hybridge.evidence import Evidence, Origin, Unseen
from hybridge.org.organization import Organization
from hybridge.org.records import (
    AuthConfig,
    CalendarEvent,
    EntraApplication,
    ExchangeCertificate,
    KeyCredential,
    Record,
    ServicePrincipal,
)
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES

NEEDS: tuple[tuple[type[Record], Premises], ...] = ((AuthConfig, ON), (ExchangeCertificate, ON))


@dataclass(frozen=True)
class AuthCertificate:
    """What AuthConfig names and what the servers hold of it. ``copies`` is empty when no server holds it."""

    config: AuthConfig
    thumbprint: str
    copies: tuple[ExchangeCertificate, ...]
    every: tuple[ExchangeCertificate, ...]
    """Every certificate that was read."""
    origins: tuple[Origin, ...]

    @property
    def best(self) -> ExchangeCertificate | None:
        """A copy with its DER where there is one."""
        return max(self.copies, key=lambda one: bool(one.raw_data), default=None)


def thumbprint_of(der: bytes) -> str:
    """SHA-1 of a certificate as Exchange prints it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def auth_certificate(evidence: Evidence) -> AuthCertificate | tuple[Unseen, ...]:
    """The authentication certificate in use; its thumbprint is "" when none is set. Else what could not be read."""
    configs = evidence.all(AuthConfig, ON)
    certificates = evidence.all(ExchangeCertificate, ON)
    if isinstance(configs, Unseen) or isinstance(certificates, Unseen):
        return tuple(one for one in (configs, certificates) if isinstance(one, Unseen))
    config = configs.first
    if config is None:
        says = "Get-AuthConfig showed nothing, although every Exchange organization has one."
        return (Unseen(what="AuthConfig", reason="not-found", says=says, how="Get-AuthConfig"),)
    thumbprint = config.current_certificate_thumbprint.upper()
    return AuthCertificate(
        config=config,
        thumbprint=thumbprint,
        copies=tuple(one for one in certificates.records if thumbprint and one.thumbprint.upper() == thumbprint),
        every=certificates.records,
        origins=(configs.origin, certificates.origin),
    )


# What the lab's faults are made with ----------------------------------------------------------------------------------


def present_of(organization: Organization) -> datetime:
    """About the instant Contoso was made at: its calendars begin two hours after the full hour of it."""
    return min(event.start_at for event in organization.all(CalendarEvent)) - timedelta(hours=2)


def redated(der: bytes, not_before: datetime, not_after: datetime) -> bytes:
    """``der`` with other dates (whole seconds, UTC, before 2050); bytes that are no certificate get a tail instead."""
    dates = [f"{one:%y%m%d%H%M%S}Z".encode() for one in (not_before, not_after)]
    validity = re.compile(rb"(\x17\x0d)\d{12}Z(\x17\x0d)\d{12}Z")
    replaced, count = validity.subn(lambda found: found[1] + dates[0] + found[2] + dates[1], der, count=1)
    return replaced if count else der + b"".join(dates)


def recertified(organization: Organization, not_before: datetime, not_after: datetime) -> Organization:
    """The organization with another authentication certificate everywhere: servers, AuthConfig, and Entra's keys."""
    config = organization.all(AuthConfig, ON)[0]
    thumbprint = config.current_certificate_thumbprint
    old = [one for one in organization.all(ExchangeCertificate, ON) if one.thumbprint == thumbprint]
    der = redated(old[0].raw_data, not_before, not_after)
    new = thumbprint_of(der)
    copies = (
        msgspec.structs.replace(
            one,
            identity=f"{one.server}/{new}",
            thumbprint=new,
            not_before=not_before,
            not_after=not_after,
            raw_data=der,
        )
        for one in old
    )
    entra = rekeyed(organization, old[0].raw_data, der, not_after)
    return (
        rekeyed(entra, old[0].raw_data, der, not_after, EntraApplication)
        .drop(*(one.address for one in old))
        .put(*copies, msgspec.structs.replace(config, current_certificate_thumbprint=new))
    )


def rekeyed(
    organization: Organization,
    old: bytes,
    new: bytes,
    not_after: datetime,
    kind: type[ServicePrincipal] | type[EntraApplication] = ServicePrincipal,
) -> Organization:
    """The organization in which every key of a ``kind`` that was certificate ``old`` is ``new`` and ends then."""

    def exchanged(key: KeyCredential) -> KeyCredential:
        if key.key != old:
            return key
        return msgspec.structs.replace(key, key=new, custom_key_identifier=thumbprint_of(new), end_at=not_after)

    return organization.put(
        *(
            msgspec.structs.replace(one, key_credentials=tuple(map(exchanged, one.key_credentials)))
            for one in organization.all(kind)
        )
    )

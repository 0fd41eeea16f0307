"""What Microsoft's sign-in and the organization's federation service tell strangers."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from hybridge.org.records import Record


class RealmProbe(Record, frozen=True, kw_only=True):
    """Realm discovery: how people of a domain sign in. ``identity`` is the domain."""

    cmdlet: ClassVar[str] = "GET /getuserrealm.srf"
    name_space_type: str = ""
    """Managed | Federated | Unknown."""
    sign_in_url: str = ""
    """Where people of a federated domain are sent."""
    cloud_instance: str = ""


class TenantProbe(Record, frozen=True, kw_only=True):
    """The OpenID configuration of a domain: which tenant has it, in which cloud. ``identity`` is the domain."""

    cmdlet: ClassVar[str] = "GET /.well-known/openid-configuration"
    tenant_id: str = ""
    cloud_instance: str = ""
    sub_scope: str = ""
    """GCC | DODCON (GCC High) | DOD, else ""."""


class SigningCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate a federation service signs with. ``thumbprint`` is the SHA-1 of its DER."""

    thumbprint: str
    subject: str = ""
    not_after: datetime | None = None


class FederationServiceProbe(Record, frozen=True, kw_only=True):
    """The federation service of a domain, from outside. ``identity`` is its host name."""

    cmdlet: ClassVar[str] = "GET /FederationMetadata/2007-06/FederationMetadata.xml"
    stopped: str = ""
    """Why no TLS came about: name-not-found | refused | reset | timeout | handshake; "" when it did."""
    verification: str = ""
    """How the certificate was judged, in the words of ``wire.ask.Verification``."""
    says: str = ""
    """One sentence about ``stopped`` or ``verification``."""
    status: int = 0
    """HTTP status of the metadata; 0 when there was no answer."""
    signing_certificates: tuple[SigningCertificate, ...] = ()
    """Those of the metadata, the one in use first."""

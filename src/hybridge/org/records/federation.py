"""How people of a domain sign in: what Entra keeps of the domain and of a person, and where it sends them."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record


class EntraDomain(Record, frozen=True, kw_only=True):
    """A domain of the tenant with its federation configuration. ``identity`` is the domain."""

    cmdlet: ClassVar[str] = "Get-MgDomain"
    authentication_type: str = "Managed"
    """"Managed" (Entra checks the password) or "Federated" (another service does)."""
    issuer_uri: str = ""
    """Who the federation service says it is, "" for a managed domain."""
    passive_sign_in_uri: str = ""
    """Where a browser is sent to sign in."""
    signing_certificate: bytes = b""
    """DER of the certificate Entra checks the service's tokens with."""
    next_signing_certificate: bytes = b""
    """The one that will be used once the service has changed over, empty for none."""


class EntraUser(Record, frozen=True, kw_only=True):
    """A person in Entra. ``identity`` is the user principal name."""

    cmdlet: ClassVar[str] = "Get-MgUser"
    object_id: str = ""
    mail: str = ""
    """Primary SMTP address, "" where Entra knows none."""
    account_enabled: bool = True
    on_premises_sync_enabled: bool = True

    @property
    def scope(self) -> str:
        return (self.mail or self.identity).lower()


class PublishedRealm(Record, frozen=True, kw_only=True):
    """What Microsoft's sign-in tells strangers of a domain. ``identity`` is the domain.

    No cmdlet shows it: the doctor can only ask as a stranger.
    """

    name_space_type: str = "Managed"
    """Managed | Federated | Unknown (the domain is in no tenant of this cloud)."""
    tenant_id: str = ""
    cloud_instance: str = ""
    """Such as "microsoftonline.us"."""
    sub_scope: str = ""
    """GCC | DODCON (GCC High) | DOD, else ""."""


class FederationService(Record, frozen=True, kw_only=True):
    """What a federation service (AD FS) says of itself in its metadata. ``identity`` is its public host name.

    How that host is published says its ``PublishedHost``.
    """

    signing_certificates: tuple[bytes, ...] = ()
    """DER of the certificates it signs tokens with; the first is in use, another may follow it."""

"""Server-to-server trust of Exchange: authentication, partner applications and their roles."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records.base import Record


class AuthConfig(Record, frozen=True, kw_only=True):
    """Get-AuthConfig."""

    cmdlet: ClassVar[str] = "Get-AuthConfig"
    current_certificate_thumbprint: str = ""
    next_certificate_thumbprint: str = ""
    next_certificate_effective_date: datetime | None = None
    service_name: str = ""
    realm: str = ""


class AuthServer(Record, frozen=True, kw_only=True):
    """Get-AuthServer. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-AuthServer"
    type: str = "MicrosoftACS"
    """"MicrosoftACS" or "AzureAD"."""
    issuer_identifier: str = ""
    realm: str = ""
    """The tenant id it trusts."""
    enabled: bool = True
    is_default_authorization_endpoint: bool = False
    application_identifier: str = ""
    """Id of the application Exchange asks this server for tokens as; "" where it is the shared one."""
    domain_name: tuple[str, ...] = ()
    """Domains of the cloud organization this server belongs to."""
    auth_metadata_url: str = ""
    """Where Exchange learns the keys the issuer signs with."""


class PartnerApplication(Record, frozen=True, kw_only=True):
    """Get-PartnerApplication. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-PartnerApplication"
    application_identifier: str
    enabled: bool = True
    linked_account: str = ""
    """Name of the linked account ("" when none)."""
    use_auth_server: bool = True
    realm: str = ""
    auth_metadata_url: str = ""


class ManagementRole(Record, frozen=True, kw_only=True):
    """Get-ManagementRole with its RoleEntries. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-ManagementRole"
    parent: str = ""
    role_entries: tuple[str, ...] = ()
    """Names of the entries the role keeps, sorted."""


class ManagementRoleAssignment(Record, frozen=True, kw_only=True):
    """Get-ManagementRoleAssignment. ``identity`` is ``<role>-<assignee>``, Exchange's default name."""

    cmdlet: ClassVar[str] = "Get-ManagementRoleAssignment"
    role: str
    role_assignee: str
    enabled: bool = True

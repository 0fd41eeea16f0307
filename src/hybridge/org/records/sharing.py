"""How two Exchange organizations find and trust each other."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records.base import Record


class OrganizationRelationship(Record, frozen=True, kw_only=True):
    """Get-OrganizationRelationship. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-OrganizationRelationship"
    domain_names: tuple[str, ...] = ()
    target_autodiscover_epr: str = ""
    target_sharing_epr: str = ""
    """EWS address of the other organization; "" means Exchange looks it up by Autodiscover."""
    enabled: bool = True
    free_busy_access_enabled: bool = False
    free_busy_access_level: str = ""
    """None, AvailabilityOnly or LimitedDetails: how much the other organization may see."""
    target_application_uri: str = ""
    """Name of the other organization in tokens of the federation, such as "outlook.com"."""
    target_owa_url: str = ""


class IntraOrganizationConnector(Record, frozen=True, kw_only=True):
    """Get-IntraOrganizationConnector. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-IntraOrganizationConnector"
    enabled: bool = True
    target_address_domains: tuple[str, ...] = ()
    discovery_endpoint: str = ""


class FederationTrust(Record, frozen=True, kw_only=True):
    """Get-FederationTrust. ``identity`` is the Name. Used for what no connector covers: delegated authentication."""

    cmdlet: ClassVar[str] = "Get-FederationTrust"
    application_identifier: str = ""
    application_uri: str = ""
    token_issuer_uri: str = ""
    token_issuer_metadata_epr: str = ""
    org_certificate_not_after: datetime | None = None
    """End of the certificate Exchange signs its requests for tokens with."""
    token_issuer_certificate_not_after: datetime | None = None
    """End of the issuer's certificate as Exchange last learned it: one that has ended shows stale metadata."""


class HybridConfiguration(Record, frozen=True, kw_only=True):
    """Get-HybridConfiguration: what the Hybrid Configuration Wizard was told. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-HybridConfiguration"
    domains: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    tls_certificate_name: str = ""
    service_instance: int | None = None
    """0 for the worldwide service, 1 for the one operated by 21Vianet."""


class TrustedKeys(Record, frozen=True, kw_only=True):
    """Whether Exchange still knows the keys an AuthServer's issuer signs with. ``identity`` is the AuthServer's.

    No cmdlet shows it: it is felt when a token is refused for its signature. Absent means they are known.
    """

    stale: bool = False

"""How two Exchange organizations find and trust each other."""

from __future__ import annotations

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


class IntraOrganizationConnector(Record, frozen=True, kw_only=True):
    """Get-IntraOrganizationConnector. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-IntraOrganizationConnector"
    enabled: bool = True
    target_address_domains: tuple[str, ...] = ()
    discovery_endpoint: str = ""

"""Get-SettingOverride, Get-OrganizationRelationship and Get-IntraOrganizationConnector: hybrid settings of Exchange.

Setting overrides exist on-premises only. New-SettingOverride calls the first two names Component and Section, the
object shows them as ComponentName and SectionName.
"""

from __future__ import annotations

from hybridge.org.records import IntraOrganizationConnector, OrganizationRelationship, SettingOverride
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, defaulted, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, smtp_domain, texts, words

ON = Premises.ON_PREMISES
_CONFIGURATION = "Microsoft.Exchange.Data.Directory.SystemConfiguration"


def ask_setting_override(identity: str = "") -> CmdletAsk:
    """Get-SettingOverride named ``identity``, or every one."""
    return ask(ON, "Get-SettingOverride", Identity=identity)


def ask_organization_relationship(premises: Premises = ON) -> CmdletAsk:
    """Get-OrganizationRelationship: every one."""
    return ask(premises, "Get-OrganizationRelationship")


def ask_intra_organization_connector(premises: Premises = ON) -> CmdletAsk:
    """Get-IntraOrganizationConnector: every one."""
    return ask(premises, "Get-IntraOrganizationConnector")


def _read_override(one: Object, premises: Premises, _: str) -> SettingOverride:
    return SettingOverride(
        premises=premises,
        identity=needed(one, "Get-SettingOverride", "Name", "Identity", "ToString"),
        component_name=words(one, "ComponentName"),
        section_name=words(one, "SectionName"),
        parameters=texts(one, "Parameters") or (),
        server=texts(one, "Server") or (),
        reason=words(one, "Reason"),
    )


def _write_override(record: SettingOverride) -> Object:
    return {
        "ToString": record.identity,
        "ComponentName": record.component_name,
        "SectionName": record.section_name,
        "Reason": record.reason,
        "MinVersion": None,
        "MaxVersion": None,
        "Server": list(record.server),
        "Parameters": list(record.parameters),
        "Name": record.identity,
        "Identity": directory_object(record.identity, ""),
    }


def _read_relationship(one: Object, premises: Premises, _: str) -> OrganizationRelationship:
    return OrganizationRelationship(
        premises=premises,
        identity=needed(one, "Get-OrganizationRelationship", "Name", "Identity", "ToString"),
        domain_names=texts(one, "DomainNames") or (),
        target_autodiscover_epr=words(one, "TargetAutodiscoverEpr"),
        target_sharing_epr=words(one, "TargetSharingEpr"),
        enabled=defaulted(one, "Enabled", True),
        free_busy_access_enabled=defaulted(one, "FreeBusyAccessEnabled", False),
        free_busy_access_level=words(one, "FreeBusyAccessLevel"),
        target_application_uri=words(one, "TargetApplicationUri"),
        target_owa_url=words(one, "TargetOwaURL"),
    )


def _write_relationship(record: OrganizationRelationship) -> Object:
    return {
        "ToString": record.identity,
        "DomainNames": [smtp_domain(name) for name in record.domain_names],
        "FreeBusyAccessEnabled": record.free_busy_access_enabled,
        "FreeBusyAccessLevel": record.free_busy_access_level or "None",
        "TargetApplicationUri": record.target_application_uri or None,
        "TargetOwaURL": record.target_owa_url or None,
        "TargetSharingEpr": record.target_sharing_epr or None,
        "TargetAutodiscoverEpr": record.target_autodiscover_epr or None,
        "Enabled": record.enabled,
        "Name": record.identity,
        "Identity": directory_object(record.identity, ""),
    }


def _read_connector(one: Object, premises: Premises, _: str) -> IntraOrganizationConnector:
    return IntraOrganizationConnector(
        premises=premises,
        identity=needed(one, "Get-IntraOrganizationConnector", "Name", "Identity", "ToString"),
        enabled=defaulted(one, "Enabled", True),
        target_address_domains=texts(one, "TargetAddressDomains") or (),
        discovery_endpoint=words(one, "DiscoveryEndpoint"),
    )


def _write_connector(record: IntraOrganizationConnector) -> Object:
    return {
        "ToString": record.identity,
        "TargetAddressDomains": [smtp_domain(name) for name in record.target_address_domains],
        "DiscoveryEndpoint": record.discovery_endpoint or None,
        "Enabled": record.enabled,
        "Name": record.identity,
        "Identity": directory_object(record.identity, ""),
    }


SETTING_OVERRIDE = Noun(
    cmdlet="Get-SettingOverride",
    record=SettingOverride,
    type_name=f"{_CONFIGURATION}.SettingOverride",
    marks=("SectionName", "ComponentName"),
    read_all=each(_read_override),
    write_one=_write_override,
)
ORGANIZATION_RELATIONSHIP = Noun(
    cmdlet="Get-OrganizationRelationship",
    record=OrganizationRelationship,
    type_name=f"{_CONFIGURATION}.OrganizationRelationship",
    marks=("TargetAutodiscoverEpr", "FreeBusyAccessEnabled"),
    foreign=("DiscoveryEndpoint", "TargetAddressDomains"),
    read_all=each(_read_relationship),
    write_one=_write_relationship,
)
INTRA_ORGANIZATION_CONNECTOR = Noun(
    cmdlet="Get-IntraOrganizationConnector",
    record=IntraOrganizationConnector,
    type_name=f"{_CONFIGURATION}.IntraOrganizationConnector",
    marks=("DiscoveryEndpoint", "TargetAddressDomains"),
    foreign=("FreeBusyAccessEnabled", "TargetAutodiscoverEpr"),
    read_all=each(_read_connector),
    write_one=_write_connector,
)
NOUNS = (SETTING_OVERRIDE, ORGANIZATION_RELATIONSHIP, INTRA_ORGANIZATION_CONNECTOR)

"""The printed script, for every cause: only cmdlets and parameters that Microsoft's references know.

The table is written from those references, not from our code: a typing mistake in a hand would be printed and run by a
person, so it must not agree with itself.
"""

from __future__ import annotations

import re

import pytest
from tests.loop.walk import Walk

from hybridge.lab.faults import Fault, faults
from hybridge.repair.hands.script import script

COMMON = frozenset({"Confirm", "WhatIf", "ErrorAction", "Verbose"})
ADDRESSED = COMMON | {"Identity", "DomainController"}
KNOWN: dict[str, frozenset[str]] = {
    "Add-MailboxFolderPermission": ADDRESSED | {"User", "AccessRights", "SharingPermissionFlags"},
    "Add-ManagementRoleEntry": ADDRESSED | {"Role", "Parameters"},
    "Connect-ExchangeOnline": COMMON,
    "Get-Date": frozenset({"Format"}),
    "Get-ExchangeCertificate": COMMON | {"Thumbprint", "Server", "DomainController"},
    "Get-ManagementRoleEntry": ADDRESSED,
    "Grant-CsTeamsUpgradePolicy": COMMON | {"Identity", "PolicyName", "Global"},
    "Invoke-MgGraphRequest": COMMON | {"Method", "Uri", "Body", "ContentType", "OutputType", "Headers"},
    "New-MailUser": COMMON | {"Name", "ExternalEmailAddress", "DomainController", "Alias"},
    "New-ManagementRole": COMMON | {"Name", "Parent", "DomainController"},
    "New-ManagementRoleAssignment": COMMON | {"Name", "Role", "User", "DomainController"},
    "New-Object": frozenset({"TypeName", "Property", "ArgumentList"}),
    "New-PartnerApplication": COMMON
    | {"Name", "ApplicationIdentifier", "Enabled", "LinkedAccount", "DomainController", "Realm", "AuthMetadataUrl"},
    "New-SettingOverride": COMMON | {"Name", "Component", "Section", "Parameters", "Reason", "DomainController"},
    "Remove-ManagementRoleEntry": ADDRESSED,
    "Select-Object": frozenset({"First", "ExpandProperty", "Property"}),
    "Set-AuthServer": ADDRESSED
    | {"Enabled", "ApplicationIdentifier", "DomainName", "RefreshAuthMetadata", "AuthMetadataUrl"},
    "Set-CASMailbox": ADDRESSED
    | {"EwsEnabled", "EwsApplicationAccessPolicy", "EwsAllowList", "EwsBlockList"}
    | {"MAPIEnabled", "MapiHttpEnabled"},
    "Set-ClientAccessService": ADDRESSED | {"AutoDiscoverServiceInternalUri"},
    "Set-CsTeamsAppPermissionPolicy": COMMON | {"Identity", "DefaultCatalogApps", "DefaultCatalogAppsType"},
    "Set-CsTeamsMeetingPolicy": COMMON
    | {"Identity", "AllowPrivateMeetingScheduling", "AllowChannelMeetingScheduling", "AllowOutlookAddIn"},
    "Set-CsTeamsAppSetupPolicy": COMMON | {"Identity", "PinnedAppBarApps", "AllowUserPinning"},
    "Set-IntraOrganizationConnector": ADDRESSED | {"Enabled", "TargetAddressDomains", "DiscoveryEndpoint"},
    "Set-MailUser": ADDRESSED | {"HiddenFromAddressListsEnabled", "ExternalEmailAddress"},
    "Set-MapiVirtualDirectory": ADDRESSED | {"ExternalUrl"},
    "Set-OutlookProvider": ADDRESSED | {"CertPrincipalName"},
    "Set-Mailbox": ADDRESSED | {"GrantSendOnBehalfTo", "HiddenFromAddressListsEnabled"},
    "Set-MailboxFolderPermission": ADDRESSED | {"User", "AccessRights", "SharingPermissionFlags"},
    "Set-OrganizationConfig": COMMON
    | {"EwsEnabled", "EwsApplicationAccessPolicy", "EwsAllowList", "EwsBlockList", "DomainController"}
    | {"EwsAllowedAppIDs"},
    "Set-OrganizationRelationship": ADDRESSED | {"TargetSharingEpr", "Enabled", "FreeBusyAccessEnabled"},
    "Set-PartnerApplication": ADDRESSED | {"Enabled", "LinkedAccount", "UseAuthServer", "Realm", "AuthMetadataUrl"},
    "Set-SettingOverride": ADDRESSED | {"Parameters", "Reason"},
    "Set-WebServicesVirtualDirectory": ADDRESSED
    | {"ExternalUrl", "OAuthAuthentication", "WSSecurityAuthentication", "WindowsAuthentication"},
    "Where-Object": frozenset({"FilterScript"}),
}


def used(text: str) -> dict[str, set[str]]:
    """Cmdlets of a script with the parameters they are given."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        code = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "''", line)
        for match in re.finditer(r"\b([A-Z][a-z]+-[A-Z][A-Za-z]+)\b([^|;{}()]*)", code):
            found.setdefault(match[1], set()).update(re.findall(r"(?<!\w)-([A-Za-z]+)", match[2]))
    return found


HEALABLE = [fault for fault in faults() if fault.healable]


@pytest.mark.parametrize("fault", HEALABLE, ids=lambda fault: fault.name)
async def test_only_known_parameters_are_printed(fault: Fault, walk_in_process: Walk) -> None:
    estate = walk_in_process.estate
    estate.break_(fault.name, fault.breaks(estate.organization))
    plan = (await walk_in_process.look()).plan
    assert plan is not None
    printed = script(plan)
    assert printed.isascii()
    for cmdlet, parameters in used(printed).items():
        assert cmdlet in KNOWN, f"{cmdlet} is not in the table"
        assert parameters <= KNOWN[cmdlet], f"{cmdlet} {parameters - KNOWN[cmdlet]}"


def test_the_reader_of_scripts_sees_cmdlets_and_parameters() -> None:
    assert used("# Set-Nothing -X\nSet-Mailbox -Identity 'a -b' -Nonsense $true | Select-Object -First 1") == {
        "Set-Mailbox": {"Identity", "Nonsense"},
        "Select-Object": {"First"},
    }

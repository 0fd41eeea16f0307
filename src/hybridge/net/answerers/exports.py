"""What an administrator runs to make an offline export: a table of cmdlets, printed as PowerShell.

Exchange objects are exported by Export-Clixml, which keeps lists, null and dates apart; Teams and Graph objects by
ConvertTo-Json. Where an object does not say what it belongs to (the server of a certificate, the mailbox of a
permission), or where only a few properties of many thousand objects are needed, the line selects them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybridge.terms.applications import EXCHANGE_ONLINE, KEY_HOLDERS
from hybridge.terms.hybrid_application import NAME_PREFIX
from hybridge.terms.premises import Premises

FOLDER = "hybridge-export"
"""Name of the folder the printed commands fill."""

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE


@dataclass(frozen=True)
class Export:
    """One export: the cmdlet it is named after, the side, and the pipeline that gives its objects."""

    cmdlet: str
    premises: Premises
    pipeline: str
    json: bool = False

    @property
    def file(self) -> str:
        """Path below the export's folder, in Windows' spelling."""
        below = "online\\" if self.premises is ONLINE else ""
        return f"{below}{self.cmdlet.replace('-', '')}.{'json' if self.json else 'xml'}"

    @property
    def line(self) -> str:
        """The whole line to run."""
        if self.json:
            return f"{self.pipeline} | ConvertTo-Json -Depth 5 | Out-File -Encoding utf8 -FilePath {self.file}"
        return f"{self.pipeline} | Export-Clixml -Path {self.file}"


def _calculated(name: str, expression: str) -> str:
    return f"@{{Name='{name}';Expression={{{expression}}}}}"


_MAILBOX = (
    "Get-Mailbox -ResultSize Unlimited | Select-Object Name,Identity,PrimarySmtpAddress,UserPrincipalName,DisplayName,"
    "ServerName,GrantSendOnBehalfTo,HiddenFromAddressListsEnabled"
)
_CAS_MAILBOX = (
    "Get-CASMailbox -ResultSize Unlimited | Select-Object Name,PrimarySmtpAddress,EwsEnabled,"
    "EwsApplicationAccessPolicy,EwsAllowList,EwsBlockList"
)
_MAIL_USER = (
    "Get-MailUser -ResultSize Unlimited | Select-Object Name,PrimarySmtpAddress,UserPrincipalName,"
    "ExternalEmailAddress,HiddenFromAddressListsEnabled"
)
_EACH_MAILBOX = 'Get-Mailbox -ResultSize Unlimited | ForEach-Object { $mailbox = "$($_.PrimarySmtpAddress)"; '
_OF_MAILBOX = _calculated("Mailbox", "$mailbox")
_FOLDER_PERMISSION = (
    _EACH_MAILBOX
    + "$folder = (Get-MailboxFolderStatistics $mailbox -FolderScope Calendar "
    + "| Where-Object { $_.FolderType -eq 'Calendar' }).Name; "
    + 'Get-MailboxFolderPermission "${mailbox}:\\$folder" | Select-Object '
    + f"{_OF_MAILBOX},FolderName,User,AccessRights,SharingPermissionFlags,"
    + _calculated(
        "UserPrimarySmtpAddress",
        '"$($_.User.ADRecipient.PrimarySmtpAddress)$($_.User.RecipientPrincipal.PrimarySmtpAddress)"',
    )
    + " }"
)
_AUTO_REPLY = (
    _EACH_MAILBOX
    + "Get-MailboxAutoReplyConfiguration $mailbox | Select-Object "
    + f"{_OF_MAILBOX},AutoReplyState,StartTime,EndTime }}"
)
_CERTIFICATE = (
    "Get-ExchangeServer | Where-Object { \"$($_.ServerRole)\" -ne 'Edge' } | ForEach-Object { $server = $_.Name; "
    "Get-ExchangeCertificate -Server $server | Select-Object "
    + _calculated("Server", "$server")
    + ",RawData,Thumbprint,Subject,NotBefore,NotAfter,Services,Status,HasPrivateKey }"
)
_SERVICE_PRINCIPAL = (
    ",".join(f"'{application}'" for application in (*KEY_HOLDERS, EXCHANGE_ONLINE))
    + " | ForEach-Object { Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri "
    + "('v1.0/servicePrincipals(appId=''{0}'')?$select=id,appId,displayName,keyCredentials' -f $_) }"
)

_DEDICATED = (
    "(Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri "
    f"'v1.0/applications?$filter=startswith(displayName,''{NAME_PREFIX}'')&$select=id,appId').value"
)
_APPLICATION = (
    f"{_DEDICATED} | ForEach-Object {{ Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri "
    "('v1.0/applications/{0}?$select=id,appId,displayName,requiredResourceAccess,keyCredentials,passwordCredentials'"
    " -f $_.id) }"
)
_APP_ROLE_ASSIGNMENT = (
    f"{_DEDICATED} | ForEach-Object {{ (Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri "
    "('v1.0/servicePrincipals(appId=''{0}'')/appRoleAssignments' -f $_.appId)).value }"
)

EXPORTS = (
    Export("Get-OrganizationConfig", ON, "Get-OrganizationConfig"),
    Export("Get-AcceptedDomain", ON, "Get-AcceptedDomain"),
    Export("Get-ExchangeServer", ON, "Get-ExchangeServer"),
    Export("Get-ExchangeCertificate", ON, _CERTIFICATE),
    Export("Get-WebServicesVirtualDirectory", ON, "Get-WebServicesVirtualDirectory"),
    Export("Get-AuthConfig", ON, "Get-AuthConfig"),
    Export("Get-AuthServer", ON, "Get-AuthServer"),
    Export("Get-PartnerApplication", ON, "Get-PartnerApplication"),
    Export("Get-SettingOverride", ON, "Get-SettingOverride"),
    Export("Get-OrganizationRelationship", ON, "Get-OrganizationRelationship"),
    Export("Get-IntraOrganizationConnector", ON, "Get-IntraOrganizationConnector"),
    Export("Get-ManagementRole", ON, "Get-ManagementRole -RoleType UserApplication"),
    Export(
        "Get-ManagementRoleEntry",
        ON,
        'Get-ManagementRole -RoleType UserApplication | ForEach-Object { Get-ManagementRoleEntry "$($_.Name)\\*" }',
    ),
    Export("Get-ManagementRoleAssignment", ON, "Get-ManagementRoleAssignment -RoleAssigneeType User"),
    Export("Get-CASMailbox", ON, _CAS_MAILBOX),
    Export("Get-Mailbox", ON, _MAILBOX),
    Export("Get-MailUser", ON, _MAIL_USER),
    Export("Get-MailboxFolderPermission", ON, _FOLDER_PERMISSION),
    Export("Get-MailboxAutoReplyConfiguration", ON, _AUTO_REPLY),
    Export("Get-OrganizationConfig", ONLINE, "Get-OrganizationConfig"),
    Export("Get-CASMailbox", ONLINE, _CAS_MAILBOX),
    Export("Get-Mailbox", ONLINE, _MAILBOX),
    Export("Get-MailUser", ONLINE, _MAIL_USER),
    Export("Get-MailboxFolderPermission", ONLINE, _FOLDER_PERMISSION),
    Export("Get-MailboxAutoReplyConfiguration", ONLINE, _AUTO_REPLY),
    Export("Get-CsTeamsAppSetupPolicy", ONLINE, "Get-CsTeamsAppSetupPolicy", json=True),
    Export("Get-CsTeamsUpgradePolicy", ONLINE, "Get-CsTeamsUpgradePolicy", json=True),
    Export(
        "Get-CsOnlineUser",
        ONLINE,
        "Get-CsOnlineUser -ResultSize Unlimited | Select-Object UserPrincipalName,Identity,TeamsAppSetupPolicy,"
        "TeamsUpgradePolicy,TeamsUpgradeEffectiveMode",
        json=True,
    ),
    Export("Get-MgServicePrincipal", ONLINE, _SERVICE_PRINCIPAL, json=True),
    Export("Get-MgApplication", ONLINE, _APPLICATION, json=True),
    Export("Get-MgServicePrincipalAppRoleAssignment", ONLINE, _APP_ROLE_ASSIGNMENT, json=True),
)
"""Every export hybridge can use, in the order an administrator makes them."""

_HEADINGS = (
    (
        "On-premises: in the Exchange Management Shell",
        lambda export: export.premises is ON,
        (f"New-Item -ItemType Directory -Force -Path {FOLDER} | Out-Null", f"Set-Location {FOLDER}"),
    ),
    (
        "Exchange Online: after Connect-ExchangeOnline, in the same folder",
        lambda export: export.premises is ONLINE and not export.json,
        ("New-Item -ItemType Directory -Force -Path online | Out-Null",),
    ),
    (
        "Teams: after Connect-MicrosoftTeams, in the same folder",
        lambda export: export.cmdlet.startswith("Get-Cs"),
        (),
    ),
    (
        "Entra: after Connect-MgGraph -Scopes Application.Read.All, in the same folder",
        lambda export: export.cmdlet.startswith("Get-Mg"),
        (),
    ),
)


def commands() -> str:
    """The PowerShell an administrator runs for an offline export of both premises, Teams and Entra.

    Everything only reads. Delegates are not among it: no cmdlet of Exchange Server prints them, EWS does.
    """
    parts = ["# Reads only. Run each part where its heading says; leave out what you cannot run."]
    for heading, belongs, before in _HEADINGS:
        parts.append("\n".join((f"# {heading}", *before, *(one.line for one in EXPORTS if belongs(one)))))
    parts.append(f"# Then: hybridge doctor --snapshot {FOLDER}")
    return "\n\n".join(parts) + "\n"


def command_for(cmdlet: str, premises: Premises) -> str:
    """The line that exports ``cmdlet`` of one side."""
    for export in EXPORTS:
        if export.cmdlet.lower() == cmdlet.lower() and export.premises is premises:
            return export.line
    return Export(cmdlet, premises, cmdlet).line

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
    "ServerName,GrantSendOnBehalfTo,HiddenFromAddressListsEnabled,RecipientTypeDetails,AccountDisabled,ExchangeGuid"
)
_CAS_MAILBOX = (
    "Get-CASMailbox -ResultSize Unlimited | Select-Object Name,PrimarySmtpAddress,EwsEnabled,"
    "MAPIEnabled,MapiHttpEnabled,EwsApplicationAccessPolicy,EwsAllowList,EwsBlockList"
)
_MAIL_USER = (
    "Get-MailUser -ResultSize Unlimited | Select-Object Name,PrimarySmtpAddress,UserPrincipalName,"
    "ExternalEmailAddress,HiddenFromAddressListsEnabled,ExchangeGuid"
)
_REMOTE_MAILBOX = (
    "Get-RemoteMailbox -ResultSize Unlimited | Select-Object Name,PrimarySmtpAddress,UserPrincipalName,"
    "RemoteRoutingAddress"
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
_ON_EACH_SERVER = (
    "$net = Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\.NETFramework\\v4.0.30319'; "
    "$tls = 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.2'; "
    "$setup = Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\Setup'; "
    "$rest = [xml](Get-Content (Join-Path $setup.MsiInstallPath 'FrontEnd\\HttpProxy\\Rest\\web.config')); "
    "$there = 'login.microsoftonline.com','outlook.office365.com','accounts.accesscontrol.windows.net' "
    "| Group-Object { (Test-NetConnection $_ -Port 443 -WarningAction SilentlyContinue).TcpTestSucceeded }; "
    "[pscustomobject]@{"
    "ExSetupVersion=(Get-Item (Join-Path $setup.MsiInstallPath 'bin\\ExSetup.exe')).VersionInfo.FileVersion; "
    "RestMaxQueryStringLength=$rest.configuration.'system.web'.httpRuntime.maxQueryStringLength; "
    "SchUseStrongCrypto=$net.SchUseStrongCrypto; SystemDefaultTlsVersions=$net.SystemDefaultTlsVersions; "
    'Tls12Client=(Get-ItemProperty "$tls\\Client" -ErrorAction SilentlyContinue).Enabled; '
    'Tls12Server=(Get-ItemProperty "$tls\\Server" -ErrorAction SilentlyContinue).Enabled; '
    "LmCompatibilityLevel=(Get-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa').LmCompatibilityLevel; "
    "Reached=@(($there | Where-Object Name -eq 'True').Group); "
    "NotReached=@(($there | Where-Object Name -eq 'False').Group); "
    "VirtualDirectories=@(Get-WebApplication | ForEach-Object { $place = $_.GetParentElement()['name'] + $_.Path; "
    "$at = @{ PSPath='MACHINE/WEBROOT/APPHOST'; Location=$place; ErrorAction='SilentlyContinue' }; "
    "$security = 'system.webServer/security'; "
    "$checking = Get-WebConfigurationProperty @at -Name tokenChecking "
    '-Filter "$security/authentication/windowsAuthentication/extendedProtection"; '
    '$flags = Get-WebConfigurationProperty @at -Name sslFlags -Filter "$security/access"; '
    '"$place|$checking|$flags" }) }'
)
_SERVER_SETTINGS = (
    "Get-ExchangeServer | Where-Object { \"$($_.ServerRole)\" -ne 'Edge' } | ForEach-Object { $server = $_.Name; "
    f"Invoke-Command -ComputerName $_.Fqdn -ScriptBlock {{ {_ON_EACH_SERVER} }} | Select-Object "
    + _calculated("Server", "$server")
    + ",* }"
)
_SERVICE_PRINCIPAL = (
    ",".join(f"'{application}'" for application in (*KEY_HOLDERS, EXCHANGE_ONLINE))
    + " | ForEach-Object { Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri "
    + "('v1.0/servicePrincipals(appId=''{0}'')?$select="
    + "id,appId,displayName,keyCredentials,servicePrincipalNames' -f $_) }"
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

_FOLDER_STATISTICS = (
    _EACH_MAILBOX
    + "Get-MailboxFolderStatistics $mailbox -FolderScope Calendar | Select-Object "
    + f"{_OF_MAILBOX},Name,FolderPath,FolderType }}"
)
_RECIPIENT = (
    "Get-Recipient -ResultSize Unlimited | Select-Object Name,Identity,PrimarySmtpAddress,DisplayName,RecipientType,"
    "RecipientTypeDetails"
)
_MEETING_POLICY = (
    "Get-CsTeamsMeetingPolicy | Select-Object Identity,AllowPrivateMeetingScheduling,AllowChannelMeetingScheduling,"
    "AllowOutlookAddIn,PreferredMeetingProviderForIslandsMode"
)
_LICENCES = (
    "Get-MgUser -All -Property Id,UserPrincipalName | ForEach-Object { $user = $_; "
    "Get-MgUserLicenseDetail -UserId $user.Id | Select-Object "
    + _calculated("UserPrincipalName", "$user.UserPrincipalName")
    + ",SkuPartNumber,ServicePlans }"
)

_DOMAIN = (
    "(Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri v1.0/domains).value | ForEach-Object { $federation = "
    "if ($_.authenticationType -eq 'Federated') { (Invoke-MgGraphRequest -Method GET -OutputType PSObject -Uri "
    "('v1.0/domains/{0}/federationConfiguration' -f $_.id)).value }; $_ | Select-Object id,authenticationType,"
    + ",".join(
        _calculated(name, f"$federation.{name}")
        for name in ("issuerUri", "passiveSignInUri", "signingCertificate", "nextSigningCertificate")
    )
    + " }"
)
_USER = (
    "Get-MgUser -All -Property Id,UserPrincipalName,Mail,AccountEnabled,OnPremisesSyncEnabled | Select-Object "
    "Id,UserPrincipalName,Mail,AccountEnabled,OnPremisesSyncEnabled"
)

_TEST_OAUTH = (
    "Test-OAuthConnectivity -Service EWS -TargetUri {} -Mailbox "
    '"$((Get-Mailbox -ResultSize 1 -WarningAction SilentlyContinue).PrimarySmtpAddress)" '
    "| Select-Object Task,Detail,ResultType"
)
"""One person stands for all; online, the address is that of the organization's own servers."""

EXPORTS = (
    Export("Get-OrganizationConfig", ON, "Get-OrganizationConfig"),
    Export("Get-AcceptedDomain", ON, "Get-AcceptedDomain"),
    Export("Get-ExchangeServer", ON, "Get-ExchangeServer"),
    Export("Get-ExchangeCertificate", ON, _CERTIFICATE),
    Export("Get-ExchangeServerSettings", ON, _SERVER_SETTINGS),
    Export("Get-WebServicesVirtualDirectory", ON, "Get-WebServicesVirtualDirectory"),
    Export("Get-AutodiscoverVirtualDirectory", ON, "Get-AutodiscoverVirtualDirectory"),
    Export("Get-MapiVirtualDirectory", ON, "Get-MapiVirtualDirectory"),
    Export("Get-OutlookAnywhere", ON, "Get-OutlookAnywhere"),
    Export("Get-OutlookProvider", ON, "Get-OutlookProvider"),
    Export("Get-ClientAccessService", ON, "Get-ClientAccessService"),
    Export("Get-AuthConfig", ON, "Get-AuthConfig"),
    Export("Get-AuthServer", ON, "Get-AuthServer"),
    Export("Get-PartnerApplication", ON, "Get-PartnerApplication"),
    Export("Get-SettingOverride", ON, "Get-SettingOverride"),
    Export("Get-OrganizationRelationship", ON, "Get-OrganizationRelationship"),
    Export("Get-IntraOrganizationConnector", ON, "Get-IntraOrganizationConnector"),
    Export("Get-FederationTrust", ON, "Get-FederationTrust"),
    Export("Get-HybridConfiguration", ON, "Get-HybridConfiguration"),
    Export("Test-OAuthConnectivity", ON, _TEST_OAUTH.format("https://outlook.office365.com/ews/exchange.asmx")),
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
    Export("Get-RemoteMailbox", ON, _REMOTE_MAILBOX),
    Export("Get-Recipient", ON, _RECIPIENT),
    Export("Get-MailboxFolderStatistics", ON, _FOLDER_STATISTICS),
    Export("Get-MailboxFolderPermission", ON, _FOLDER_PERMISSION),
    Export("Get-MailboxAutoReplyConfiguration", ON, _AUTO_REPLY),
    Export("Get-OrganizationConfig", ONLINE, "Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy"),
    Export("Get-OrganizationRelationship", ONLINE, "Get-OrganizationRelationship"),
    Export("Get-IntraOrganizationConnector", ONLINE, "Get-IntraOrganizationConnector"),
    Export("Test-OAuthConnectivity", ONLINE, _TEST_OAUTH.format("https://mail.contoso.com/metadata/json/1")),
    Export("Get-CASMailbox", ONLINE, _CAS_MAILBOX),
    Export("Get-Mailbox", ONLINE, _MAILBOX),
    Export("Get-MailUser", ONLINE, _MAIL_USER),
    Export("Get-MailboxFolderStatistics", ONLINE, _FOLDER_STATISTICS),
    Export("Get-MailboxFolderPermission", ONLINE, _FOLDER_PERMISSION),
    Export("Get-MailboxAutoReplyConfiguration", ONLINE, _AUTO_REPLY),
    Export("Get-CsTeamsAppSetupPolicy", ONLINE, "Get-CsTeamsAppSetupPolicy", json=True),
    Export("Get-CsTeamsUpgradePolicy", ONLINE, "Get-CsTeamsUpgradePolicy", json=True),
    Export("Get-CsTeamsAppPermissionPolicy", ONLINE, "Get-CsTeamsAppPermissionPolicy", json=True),
    Export("Get-CsTeamsMeetingPolicy", ONLINE, _MEETING_POLICY, json=True),
    Export(
        "Get-CsOnlineUser",
        ONLINE,
        "Get-CsOnlineUser -ResultSize Unlimited | Select-Object UserPrincipalName,Identity,TeamsAppSetupPolicy,"
        "TeamsUpgradePolicy,TeamsUpgradeEffectiveMode,TeamsAppPermissionPolicy,TeamsMeetingPolicy",
        json=True,
    ),
    Export("Get-MgUserLicenseDetail", ONLINE, _LICENCES, json=True),
    Export("Get-MgServicePrincipal", ONLINE, _SERVICE_PRINCIPAL, json=True),
    Export("Get-MgApplication", ONLINE, _APPLICATION, json=True),
    Export("Get-MgDomain", ONLINE, _DOMAIN, json=True),
    Export("Get-MgUser", ONLINE, _USER, json=True),
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
        "Entra: after Connect-MgGraph -Scopes Application.Read.All,User.Read.All,Domain.Read.All, in the same folder",
        lambda export: export.cmdlet.startswith("Get-Mg"),
        (),
    ),
)


def commands() -> str:
    """The PowerShell an administrator runs for an offline export of both premises, Teams and Entra.

    Everything only reads. Delegates are not among it: no cmdlet of Exchange Server prints them, EWS does.
    """
    parts = [
        "# Reads only. Run each part where its heading says. Leave out what you cannot run: it counts as not checked.\n"
        "# Windows PowerShell 5.1 and PowerShell 7 will both do, in any language; keep the names of the files."
    ]
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

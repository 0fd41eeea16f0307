"""What an organization is made of: frozen records named as the cmdlet nouns.

Fields are the cmdlets' property names in snake case, with Exchange's meaning kept to the letter: ``None`` is "not
set", an empty tuple is a list that is there and empty, and the two differ in an export (what an enforced list without
entries means is for the checks to say). Our own coordinates are ``premises`` and ``identity``; a record's ``scope``
says which subject it belongs to ("" for the organization), so that one mailbox can be examined without the rest.

``cmdlet`` names what an administrator runs to export the record; it is printed whenever a record is missing.
"""

from hybridge.org.records.access import CasMailbox, EwsAccess, OrganizationConfig
from hybridge.org.records.base import Address, Record
from hybridge.org.records.calendars import (
    CalendarEvent,
    DelegateUser,
    MailboxFolderPermission,
    MailboxFolderStatistics,
    UserOofSettings,
)
from hybridge.org.records.entra import (
    AppRoleAssignment,
    EntraApplication,
    KeyCredential,
    ServicePlan,
    ServicePrincipal,
    UserLicense,
)
from hybridge.org.records.federation import EntraDomain, EntraUser, FederationService, PublishedRealm
from hybridge.org.records.network import DirectoryProtection, FirewallAllowList, ServerSettings
from hybridge.org.records.outlook import ClientAccessService, OutlookAnywhere, OutlookProvider
from hybridge.org.records.publishing import PublishedHost, PublishedPath, PublishedService
from hybridge.org.records.recipients import Mailbox, MailUser, Recipient, RemoteMailbox, SoftDeletedMailbox
from hybridge.org.records.servers import (
    ExchangeCertificate,
    ExchangeServer,
    SettingOverride,
    WebServicesVirtualDirectory,
)
from hybridge.org.records.sharing import (
    FederationTrust,
    HybridConfiguration,
    IntraOrganizationConnector,
    OrganizationRelationship,
    TrustedKeys,
)
from hybridge.org.records.teams import (
    CsOnlineUser,
    TeamsAppPermissionPolicy,
    TeamsAppSetupPolicy,
    TeamsMeetingPolicy,
    TeamsUpgradePolicy,
)
from hybridge.org.records.trust import (
    AuthConfig,
    AuthServer,
    ManagementRole,
    ManagementRoleAssignment,
    PartnerApplication,
)
from hybridge.org.records.virtual_directories import AutodiscoverVirtualDirectory, MapiVirtualDirectory

__all__ = [
    "Address",
    "AppRoleAssignment",
    "AuthConfig",
    "AuthServer",
    "AutodiscoverVirtualDirectory",
    "CalendarEvent",
    "CasMailbox",
    "ClientAccessService",
    "CsOnlineUser",
    "DelegateUser",
    "DirectoryProtection",
    "EntraApplication",
    "EntraDomain",
    "EntraUser",
    "EwsAccess",
    "ExchangeCertificate",
    "ExchangeServer",
    "FirewallAllowList",
    "FederationTrust",
    "HybridConfiguration",
    "FederationService",
    "IntraOrganizationConnector",
    "KeyCredential",
    "MailUser",
    "Mailbox",
    "MailboxFolderPermission",
    "MailboxFolderStatistics",
    "ManagementRole",
    "ManagementRoleAssignment",
    "MapiVirtualDirectory",
    "OrganizationConfig",
    "OrganizationRelationship",
    "OutlookAnywhere",
    "OutlookProvider",
    "PartnerApplication",
    "PublishedHost",
    "PublishedPath",
    "PublishedRealm",
    "PublishedService",
    "Recipient",
    "Record",
    "RemoteMailbox",
    "ServicePlan",
    "ServerSettings",
    "ServicePrincipal",
    "SettingOverride",
    "SoftDeletedMailbox",
    "TeamsAppPermissionPolicy",
    "TeamsAppSetupPolicy",
    "TeamsMeetingPolicy",
    "TeamsUpgradePolicy",
    "TrustedKeys",
    "UserLicense",
    "UserOofSettings",
    "WebServicesVirtualDirectory",
]

"""What an organization is made of: frozen records named as the cmdlet nouns.

Fields are the cmdlets' property names in snake case, with Exchange's meaning kept to the letter: ``None`` is "not
set", an empty tuple is a list that is there and empty, and the two differ in an export (what an enforced list without
entries means is for the checks to say). Our own coordinates are ``premises`` and ``identity``; a record's ``scope``
says which subject it belongs to ("" for the organization), so that one mailbox can be examined without the rest.

``cmdlet`` names what an administrator runs to export the record; it is printed whenever a record is missing.
"""

from hybridge.org.records.access import CasMailbox, EwsAccess, OrganizationConfig
from hybridge.org.records.base import Address, Record
from hybridge.org.records.calendars import CalendarEvent, DelegateUser, MailboxFolderPermission, UserOofSettings
from hybridge.org.records.entra import AppRoleAssignment, EntraApplication, KeyCredential, ServicePrincipal
from hybridge.org.records.publishing import PublishedHost, PublishedPath, PublishedService
from hybridge.org.records.recipients import Mailbox, MailUser
from hybridge.org.records.servers import (
    ExchangeCertificate,
    ExchangeServer,
    SettingOverride,
    WebServicesVirtualDirectory,
)
from hybridge.org.records.sharing import IntraOrganizationConnector, OrganizationRelationship
from hybridge.org.records.teams import CsOnlineUser, TeamsAppSetupPolicy, TeamsUpgradePolicy
from hybridge.org.records.trust import (
    AuthConfig,
    AuthServer,
    ManagementRole,
    ManagementRoleAssignment,
    PartnerApplication,
)

__all__ = [
    "Address",
    "AppRoleAssignment",
    "AuthConfig",
    "AuthServer",
    "CalendarEvent",
    "CasMailbox",
    "CsOnlineUser",
    "DelegateUser",
    "EntraApplication",
    "EwsAccess",
    "ExchangeCertificate",
    "ExchangeServer",
    "IntraOrganizationConnector",
    "KeyCredential",
    "MailUser",
    "Mailbox",
    "MailboxFolderPermission",
    "ManagementRole",
    "ManagementRoleAssignment",
    "OrganizationConfig",
    "OrganizationRelationship",
    "PartnerApplication",
    "PublishedHost",
    "PublishedPath",
    "PublishedService",
    "Record",
    "ServicePrincipal",
    "SettingOverride",
    "TeamsAppSetupPolicy",
    "TeamsUpgradePolicy",
    "UserOofSettings",
    "WebServicesVirtualDirectory",
]

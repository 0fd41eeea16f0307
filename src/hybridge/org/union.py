"""The union of every record kind, so that plans, journals and snapshots decode to the right class by its tag."""

from hybridge.org import records

AnyRecord = (
    records.OrganizationConfig
    | records.CasMailbox
    | records.Mailbox
    | records.MailUser
    | records.MailboxFolderPermission
    | records.DelegateUser
    | records.UserOofSettings
    | records.CalendarEvent
    | records.ExchangeServer
    | records.ExchangeCertificate
    | records.AuthConfig
    | records.AuthServer
    | records.PartnerApplication
    | records.ManagementRole
    | records.ManagementRoleAssignment
    | records.SettingOverride
    | records.OrganizationRelationship
    | records.IntraOrganizationConnector
    | records.WebServicesVirtualDirectory
    | records.ServicePrincipal
    | records.EntraApplication
    | records.AppRoleAssignment
    | records.TeamsAppSetupPolicy
    | records.TeamsUpgradePolicy
    | records.CsOnlineUser
    | records.PublishedPath
    | records.PublishedHost
    | records.PublishedService
)

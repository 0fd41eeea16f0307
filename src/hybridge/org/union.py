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
    | records.FederationTrust
    | records.HybridConfiguration
    | records.TrustedKeys
    | records.WebServicesVirtualDirectory
    | records.ServicePrincipal
    | records.EntraApplication
    | records.EntraDomain
    | records.EntraUser
    | records.PublishedRealm
    | records.FederationService
    | records.AppRoleAssignment
    | records.TeamsAppSetupPolicy
    | records.TeamsUpgradePolicy
    | records.TeamsAppPermissionPolicy
    | records.TeamsMeetingPolicy
    | records.UserLicense
    | records.Recipient
    | records.SoftDeletedMailbox
    | records.CsOnlineUser
    | records.AutodiscoverVirtualDirectory
    | records.MapiVirtualDirectory
    | records.ClientAccessService
    | records.OutlookAnywhere
    | records.OutlookProvider
    | records.RemoteMailbox
    | records.FirewallAllowList
    | records.ServerSettings
    | records.PublishedPath
    | records.PublishedHost
    | records.PublishedService
)

"""What an organization is made of: frozen records named as the cmdlet nouns.

Fields are the cmdlets' property names in snake case, with Exchange's meaning kept to the letter: ``None`` is "not
set", an empty tuple is a list that is there and empty, and the two differ in an export (what an enforced list without
entries means is for the checks to say). Our own coordinates are ``premises`` and ``identity``; a record's ``scope``
says which subject it belongs to ("" for the organization), so that one mailbox can be examined without the rest.

``cmdlet`` names what an administrator runs to export the record; it is printed whenever a record is missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from hybridge.terms.premises import Premises


class Address(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names one record: kind (class name), premises, identity (lower case)."""

    kind: str
    premises: Premises
    identity: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.identity}' ({self.premises})"


class Record(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="kind", gc=False):
    """Base of all records. ``identity`` is unique per kind and premises, compared without case.

    A record holds nothing that could hold it, so the collector of reference cycles is spared tens of thousands of them.
    """

    cmdlet: ClassVar[str] = ""
    premises: Premises
    identity: str

    @property
    def address(self) -> Address:
        return Address(type(self).__name__, self.premises, self.identity.lower())

    @property
    def scope(self) -> str:
        """The subject it belongs to: a mailbox's or server's identity in lower case, "" for the organization."""
        return ""


class EwsAccess(Record, frozen=True, kw_only=True):
    """The EWS access policy, the same five properties on the organization and on a mailbox."""

    ews_enabled: bool | None = None
    ews_application_access_policy: str | None = None
    """``None``, "EnforceAllowList" or "EnforceBlockList"."""
    ews_allow_list: tuple[str, ...] | None = None
    ews_block_list: tuple[str, ...] | None = None


class OrganizationConfig(EwsAccess, frozen=True, kw_only=True):
    """Get-OrganizationConfig."""

    cmdlet: ClassVar[str] = "Get-OrganizationConfig"
    guid: str = ""
    """The organization's own id; part of the dedicated hybrid application's name."""


class CasMailbox(EwsAccess, frozen=True, kw_only=True):
    """Get-CASMailbox. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-CASMailbox"

    @property
    def scope(self) -> str:
        return self.identity.lower()


class Mailbox(Record, frozen=True, kw_only=True):
    """Get-Mailbox. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-Mailbox"
    user_principal_name: str
    display_name: str = ""
    server_name: str = ""
    grant_send_on_behalf_to: tuple[str, ...] = ()
    """Primary SMTP addresses where they are known, else the names Exchange printed."""
    hidden_from_address_lists_enabled: bool = False

    @property
    def scope(self) -> str:
        return self.identity.lower()


class MailUser(Record, frozen=True, kw_only=True):
    """Get-MailUser. ``identity`` is the Name; online, the address of the on-premises mailbox it stands for."""

    cmdlet: ClassVar[str] = "Get-MailUser"
    user_principal_name: str = ""
    external_email_address: str = ""
    hidden_from_address_lists_enabled: bool = False


class MailboxFolderPermission(Record, frozen=True, kw_only=True):
    """One entry of Get-MailboxFolderPermission on the calendar. ``identity`` is ``<mailbox>:\\<folder>/<user>``."""

    cmdlet: ClassVar[str] = "Get-MailboxFolderPermission"
    mailbox: str
    folder: str = "Calendar"
    user: str
    """Primary SMTP address, or "Default" and "Anonymous"."""
    access_rights: tuple[str, ...] = ()
    """Roles such as "Editor", or single rights; ("Custom",) where only GetDelegate's view of it was read."""
    sharing_permission_flags: tuple[str, ...] = ()
    """Online: "Delegate", and "CanViewPrivateItems" beside it. On-premises always empty: delegates are kept apart."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class DelegateUser(Record, frozen=True, kw_only=True):
    """One delegate as EWS GetDelegate returns it. ``identity`` is ``<delegator>/<delegate>``.

    The calendar level GetDelegate also reports is not kept here: it is a view of the calendar's
    ``MailboxFolderPermission``, which is the one place that says what the delegate may do.
    """

    cmdlet: ClassVar[str] = "EWS GetDelegate"
    delegator: str
    delegate: str
    receive_copies_of_meeting_messages: bool = False
    view_private_items: bool = False

    @property
    def scope(self) -> str:
        return self.delegator.lower()


class UserOofSettings(Record, frozen=True, kw_only=True):
    """Automatic replies as EWS GetUserOofSettings returns them. ``identity`` is the mailbox."""

    cmdlet: ClassVar[str] = "Get-MailboxAutoReplyConfiguration"
    oof_state: str = "Disabled"
    """Disabled, Enabled or Scheduled; the duration counts only while Scheduled."""
    start_at: datetime | None = None
    end_at: datetime | None = None

    @property
    def scope(self) -> str:
        return self.identity.lower()

    def active(self, now: datetime) -> bool:
        """Whether automatic replies are being sent at ``now``."""
        if self.oof_state == "Enabled":
            return True
        scheduled = self.oof_state == "Scheduled" and self.start_at is not None and self.end_at is not None
        return bool(scheduled and self.start_at and self.end_at and self.start_at <= now < self.end_at)


class CalendarEvent(Record, frozen=True, kw_only=True):
    """One entry of a calendar's free/busy. ``identity`` is ``<mailbox>/<number>``."""

    cmdlet: ClassVar[str] = "EWS GetUserAvailability"
    mailbox: str
    start_at: datetime
    end_at: datetime
    busy_type: str = "Busy"
    """Free, Tentative, Busy, OOF, WorkingElsewhere or NoData."""
    subject: str = ""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class ExchangeServer(Record, frozen=True, kw_only=True):
    """Get-ExchangeServer. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-ExchangeServer"
    fqdn: str = ""
    admin_display_version: str = ""
    """As printed: "Version 15.2 (Build 1544.4)"."""
    server_role: str = "Mailbox, ClientAccess"


class ExchangeCertificate(Record, frozen=True, kw_only=True):
    """Get-ExchangeCertificate. ``identity`` is ``<server>/<thumbprint>``; ``server`` is "" where unknown."""

    cmdlet: ClassVar[str] = "Get-ExchangeCertificate"
    server: str = ""
    thumbprint: str
    """SHA-1 of the DER, 40 upper-case hexadecimal digits."""
    subject: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    raw_data: bytes = b""
    """DER of the public certificate."""


class AuthConfig(Record, frozen=True, kw_only=True):
    """Get-AuthConfig."""

    cmdlet: ClassVar[str] = "Get-AuthConfig"
    current_certificate_thumbprint: str = ""
    next_certificate_thumbprint: str = ""
    next_certificate_effective_date: datetime | None = None
    service_name: str = ""
    realm: str = ""


class AuthServer(Record, frozen=True, kw_only=True):
    """Get-AuthServer. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-AuthServer"
    type: str = "MicrosoftACS"
    """"MicrosoftACS" or "AzureAD"."""
    issuer_identifier: str = ""
    realm: str = ""
    """The tenant id it trusts."""
    enabled: bool = True
    is_default_authorization_endpoint: bool = False
    application_identifier: str = ""
    """Id of the application Exchange asks this server for tokens as; "" where it is the shared one."""
    domain_name: tuple[str, ...] = ()
    """Domains of the cloud organization this server belongs to."""


class PartnerApplication(Record, frozen=True, kw_only=True):
    """Get-PartnerApplication. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-PartnerApplication"
    application_identifier: str
    enabled: bool = True
    linked_account: str = ""
    """Name of the linked account ("" when none)."""
    use_auth_server: bool = True
    realm: str = ""
    auth_metadata_url: str = ""


class ManagementRole(Record, frozen=True, kw_only=True):
    """Get-ManagementRole with its RoleEntries. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-ManagementRole"
    parent: str = ""
    role_entries: tuple[str, ...] = ()
    """Names of the entries the role keeps, sorted."""


class ManagementRoleAssignment(Record, frozen=True, kw_only=True):
    """Get-ManagementRoleAssignment. ``identity`` is ``<role>-<assignee>``, Exchange's default name."""

    cmdlet: ClassVar[str] = "Get-ManagementRoleAssignment"
    role: str
    role_assignee: str
    enabled: bool = True


class SettingOverride(Record, frozen=True, kw_only=True):
    """Get-SettingOverride. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-SettingOverride"
    component_name: str
    section_name: str
    parameters: tuple[str, ...] = ()
    """Such as "Enabled=true"."""
    server: tuple[str, ...] = ()
    """Names of the servers it is for; empty for all."""
    reason: str = ""


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


class WebServicesVirtualDirectory(Record, frozen=True, kw_only=True):
    """Get-WebServicesVirtualDirectory. ``identity`` is ``<server>\\EWS (Default Web Site)``."""

    cmdlet: ClassVar[str] = "Get-WebServicesVirtualDirectory"
    server: str = ""
    external_url: str = ""
    internal_url: str = ""
    oauth_authentication: bool | None = True


class KeyCredential(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a service principal. ``key`` is the DER, or None where Graph did not return it."""

    key_id: str = ""
    custom_key_identifier: str = ""
    display_name: str = ""
    key: bytes | None = None
    end_at: datetime | None = None
    type: str = "AsymmetricX509Cert"
    usage: str = "Verify"


class ServicePrincipal(Record, frozen=True, kw_only=True):
    """A service principal of Entra. ``identity`` is the application id."""

    cmdlet: ClassVar[str] = "GET /servicePrincipals(appId='...')"
    object_id: str = ""
    display_name: str = ""
    key_credentials: tuple[KeyCredential, ...] = ()


class EntraApplication(Record, frozen=True, kw_only=True):
    """An application registered in the tenant. ``identity`` is its display name: Entra makes the ids at its creation.

    Where several bear one name, ``identity`` is the name followed by the application id in parentheses.
    """

    cmdlet: ClassVar[str] = "Get-MgApplication"
    application_id: str = ""
    object_id: str = ""
    display_name: str = ""
    required_resource_access: tuple[str, ...] = ()
    """Permissions it asks for, each "<application id of the resource>/<permission id>/<Role or Scope>"."""
    key_credentials: tuple[KeyCredential, ...] = ()
    password_credentials: tuple[str, ...] = ()
    """Ids of its client secrets."""


class AppRoleAssignment(Record, frozen=True, kw_only=True):
    """An application permission an administrator consented to. ``identity`` is ``<display name>/<permission id>``."""

    cmdlet: ClassVar[str] = "Get-MgServicePrincipalAppRoleAssignment"
    principal: str
    """Display name of the application that has the permission."""
    app_role_id: str
    resource_display_name: str = ""
    """Display name of the application the permission is for."""
    assignment_id: str = ""


class TeamsAppSetupPolicy(Record, frozen=True, kw_only=True):
    """Get-CsTeamsAppSetupPolicy. ``identity`` is "Global" or the policy's name."""

    cmdlet: ClassVar[str] = "Get-CsTeamsAppSetupPolicy"
    pinned_app_bar_apps: tuple[str, ...] = ()
    """Application ids in their order."""
    allow_user_pinning: bool = True


class TeamsUpgradePolicy(Record, frozen=True, kw_only=True):
    """Get-CsTeamsUpgradePolicy. ``identity`` is "Global" or the instance's name; ``mode`` the coexistence mode."""

    cmdlet: ClassVar[str] = "Get-CsTeamsUpgradePolicy"
    mode: str = "Islands"


class CsOnlineUser(Record, frozen=True, kw_only=True):
    """Get-CsOnlineUser. ``identity`` is the user principal name; "" as a policy name means Global."""

    cmdlet: ClassVar[str] = "Get-CsOnlineUser"
    teams_app_setup_policy: str = ""
    teams_upgrade_policy: str = ""
    object_id: str = ""

    @property
    def scope(self) -> str:
        return self.identity.lower()


class PublishedPath(Record, frozen=True, kw_only=True):
    """How the edge of the network publishes a path of an Exchange host. ``identity`` is ``<host><path>``.

    No cmdlet shows it: the doctor can only probe its effect.
    """

    host: str
    path: str
    """Lower-case prefix such as "/api"."""
    answered_by: str = "exchange"
    """exchange | nothing-there (404) | login-page (a proxy's pre-authentication) | denied (a proxy's 403)."""
    refused_user_agents: tuple[str, ...] = ()
    """Patterns of user agents a filtering device in front answers with its own 403."""

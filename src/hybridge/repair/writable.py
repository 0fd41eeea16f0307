"""What may be written at all: one row per record kind, read by the planner, the executor and every hand.

A kind without a row is never written: probe records, certificates, what the network's edge publishes. ``fields`` are
those a hand sets on an existing record, ``at_creation`` those it gives to a new one only; both are compared with the
present before and after writing. Fields in neither (a display name, the server of a mailbox) may change meanwhile
without disturbing a plan.

``need`` orders a plan: the account exists before the role is assigned to it, both before the partner application is
linked to the account, and all of it before the key that lets the service call in. A delegate is listed once the right
on the calendar is there. The dedicated hybrid application is made and consented to before the AuthServer names it, and
the setting that makes servers use it comes last of all.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybridge.org import records as r
from hybridge.org.records import Address, Record
from hybridge.terms.premises import Premises


@dataclass(frozen=True)
class Writable:
    """One kind that hands write, on one side."""

    kind: type[Record]
    premises: Premises
    need: int
    fields: tuple[str, ...]
    at_creation: tuple[str, ...] = ()
    created: bool = False
    """Whether records of the kind may be created, and removed again."""

    @property
    def compared(self) -> tuple[str, ...]:
        """Every field that must be as planned before writing and after it."""
        return self.at_creation + self.fields


EWS_ACCESS = ("ews_enabled", "ews_application_access_policy", "ews_allow_list", "ews_block_list")
_ON = Premises.ON_PREMISES
_ONLINE = Premises.ONLINE

_ROWS = (
    Writable(r.OrganizationConfig, _ON, 0, EWS_ACCESS),
    Writable(r.CasMailbox, _ON, 0, (*EWS_ACCESS, "mapi_enabled", "mapi_http_enabled")),
    Writable(r.OrganizationConfig, _ONLINE, 0, (*EWS_ACCESS, "ews_allowed_app_ids")),
    Writable(r.Mailbox, _ON, 0, ("grant_send_on_behalf_to", "hidden_from_address_lists_enabled")),
    Writable(r.MailboxFolderPermission, _ON, 0, ("access_rights",), created=True),
    Writable(r.Mailbox, _ONLINE, 0, ("grant_send_on_behalf_to",)),
    Writable(r.MailboxFolderPermission, _ONLINE, 0, ("access_rights", "sharing_permission_flags"), created=True),
    Writable(r.OrganizationRelationship, _ON, 0, ("target_sharing_epr", "enabled", "free_busy_access_enabled")),
    Writable(r.IntraOrganizationConnector, _ON, 0, ("enabled", "target_address_domains", "discovery_endpoint")),
    Writable(
        r.WebServicesVirtualDirectory,
        _ON,
        0,
        ("external_url", "oauth_authentication", "ws_security_authentication", "windows_authentication"),
    ),
    Writable(r.MapiVirtualDirectory, _ON, 0, ("external_url",)),
    Writable(r.ClientAccessService, _ON, 0, ("auto_discover_service_internal_uri",)),
    Writable(r.OutlookProvider, _ON, 0, ("cert_principal_name",)),
    Writable(r.TeamsAppSetupPolicy, _ONLINE, 0, ("pinned_app_bar_apps",)),
    Writable(r.TeamsAppPermissionPolicy, _ONLINE, 0, ("default_catalog_apps",)),
    Writable(r.TeamsMeetingPolicy, _ONLINE, 0, ("allow_private_meeting_scheduling", "allow_outlook_add_in")),
    Writable(r.CsOnlineUser, _ONLINE, 1, ("teams_upgrade_policy",)),
    Writable(r.DelegateUser, _ON, 1, ("receive_copies_of_meeting_messages", "view_private_items"), created=True),
    Writable(r.MailUser, _ON, 1, ("external_email_address", "hidden_from_address_lists_enabled"), created=True),
    Writable(r.ManagementRole, _ON, 2, ("role_entries",), ("parent",), created=True),
    Writable(r.ManagementRoleAssignment, _ON, 3, ("enabled",), ("role", "role_assignee"), created=True),
    Writable(
        r.PartnerApplication, _ON, 4, ("application_identifier", "enabled", "linked_account", "realm"), created=True
    ),
    Writable(r.ServicePrincipal, _ONLINE, 5, ("key_credentials",), created=True),
    Writable(r.EntraApplication, _ONLINE, 6, ("required_resource_access", "key_credentials"), created=True),
    Writable(r.AppRoleAssignment, _ONLINE, 7, (), ("resource_display_name",), created=True),
    Writable(r.AuthServer, _ON, 8, ("enabled", "application_identifier", "domain_name", "auth_metadata_url")),
    Writable(r.SettingOverride, _ON, 9, ("parameters",), ("component_name", "section_name"), created=True),
)

WRITABLE = {(row.kind.__name__, row.premises): row for row in _ROWS}
"""Every row by (kind name, premises)."""


def writable(address: Address) -> Writable | None:
    """The row for the record at ``address``, or None when nothing may write it."""
    return WRITABLE.get((address.kind, address.premises))

"""Today's procedure for Teams as a partner of Exchange, as a target: what must be there, and what is absent.

Two partner applications (scheduler and voicemail) are linked to one hidden mail user, whose only right is a custom
management role with seven entries. ``missing_records`` compares an organization with that target: any part that is
absent is created, any part that is present stays as it is unless it is the very application asked about. Nothing is
ever removed; the legacy application of older procedures stays beside the new ones.

The procedure has been published in four generations; this is the newest, in which both applications share one account
(September 2025).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hybridge.org.organization import Organization
from hybridge.org.records import (
    MailUser,
    ManagementRole,
    ManagementRoleAssignment,
    PartnerApplication,
    Record,
)
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES

NEEDS: tuple[tuple[type[Record], Premises], ...] = (
    (PartnerApplication, ON),
    (MailUser, ON),
    (ManagementRole, ON),
    (ManagementRoleAssignment, ON),
)
"""What the procedure consists of."""

NAMES = {
    apps.TEAMS_SCHEDULER: "Teams scheduler",
    apps.CLOUD_VOICEMAIL: "Cloud Voicemail",
    apps.SKYPE_FOR_BUSINESS_ONLINE: "Skype for Business Online (legacy)",
}
"""What the applications are called in sentences."""


def leaf(name: str) -> str:
    """The name without its place in the directory, in lower case: "contoso.com/Users/Account" is "account"."""
    return name.rpartition("/")[2].lower()


def with_id(applications: Iterable[PartnerApplication], app_id: str) -> tuple[PartnerApplication, ...]:
    """The partner applications with ``app_id``; those that are enabled first."""
    mine = (one for one in applications if one.application_identifier.lower() == app_id)
    return tuple(sorted(mine, key=lambda one: not one.enabled))


def account_record(domain: str, name: str = apps.INTEGRATION_ACCOUNT) -> MailUser:
    """The hidden mail user; ``domain`` is a verified domain of the organization."""
    return MailUser(
        premises=ON,
        identity=name,
        user_principal_name=f"{name}@{domain}",
        external_email_address=f"{name}@{domain}",
        hidden_from_address_lists_enabled=True,
    )


def role_record() -> ManagementRole:
    """The custom role with its seven entries."""
    return ManagementRole(
        premises=ON,
        identity=apps.INTEGRATION_ROLE,
        parent=apps.INTEGRATION_ROLE_PARENT,
        role_entries=tuple(sorted(apps.INTEGRATION_ROLE_ENTRIES)),
    )


def assignment_record(
    role: str = apps.INTEGRATION_ROLE, account: str = apps.INTEGRATION_ACCOUNT
) -> ManagementRoleAssignment:
    """The assignment of ``role`` to ``account`` under Exchange's default name."""
    return ManagementRoleAssignment(premises=ON, identity=f"{role}-{account}", role=role, role_assignee=account)


def application_record(app_id: str, name: str) -> PartnerApplication:
    """A partner application linked to the integration account."""
    return PartnerApplication(
        premises=ON, identity=name, application_identifier=app_id, linked_account=apps.INTEGRATION_ACCOUNT
    )


def has_account(organization: Organization, name: str = apps.INTEGRATION_ACCOUNT) -> bool:
    """Whether the mail user ``name`` is there."""
    return any(leaf(one.identity) == leaf(name) for one in organization.all(MailUser, ON))


def missing_records(organization: Organization, domain: str, app_ids: Iterable[str]) -> tuple[Record, ...]:
    """The records that make the applications ``app_ids`` work, in the order in which they must be made.

    ``domain`` is only used when the account has to be created.
    """
    applications = tuple(one for app_id in app_ids for one in _application(organization, app_id))
    if not any(leaf(one.linked_account) == leaf(apps.INTEGRATION_ACCOUNT) for one in applications):
        return applications
    return (*_account(organization, domain), *granted(organization), *applications)


def granted(organization: Organization) -> Iterator[Record]:
    """The role and its assignment to the integration account, as far as they are absent."""
    if organization.one(ManagementRole, ON, apps.INTEGRATION_ROLE) is None:
        yield role_record()
    if not any(_assigns(one) for one in organization.all(ManagementRoleAssignment, ON)):
        yield assignment_record()


def _assigns(one: ManagementRoleAssignment) -> bool:
    wanted = (leaf(apps.INTEGRATION_ROLE), leaf(apps.INTEGRATION_ACCOUNT))
    return (leaf(one.role), leaf(one.role_assignee)) == wanted


def _account(organization: Organization, domain: str) -> Iterator[Record]:
    if not has_account(organization):
        yield account_record(domain)


def _application(organization: Organization, app_id: str) -> Iterator[PartnerApplication]:
    """The application as it shall be, or nothing when one that works is there."""
    present = with_id(organization.all(PartnerApplication, ON), app_id)
    if not present:
        yield application_record(app_id, _free_name(organization, app_id))
    elif not any(one.enabled and one.linked_account for one in present):
        account = present[0].linked_account or apps.INTEGRATION_ACCOUNT
        yield msgspec.structs.replace(present[0], enabled=True, linked_account=account)


def _free_name(organization: Organization, app_id: str) -> str:
    name = apps.TEAMS_PAIR[app_id]
    taken = organization.one(PartnerApplication, ON, name) is not None
    return f"{name} {app_id.partition('-')[0]}" if taken else name


def procedure(domain: str) -> tuple[str, ...]:
    """The whole procedure as the lines an administrator types in the Exchange Management Shell."""
    account, role = apps.INTEGRATION_ACCOUNT, apps.INTEGRATION_ROLE
    kept = ", ".join(f'"{entry}"' for entry in apps.INTEGRATION_ROLE_ENTRIES)
    return (
        f'New-MailUser -Name "{account}" -ExternalEmailAddress "{account}@{domain or "<your domain>"}"',
        f'Set-MailUser -Identity "{account}" -HiddenFromAddressListsEnabled $true',
        f'New-ManagementRole -Name "{role}" -Parent "{apps.INTEGRATION_ROLE_PARENT}"',
        f"$keep = {kept}",
        f'Get-ManagementRoleEntry "{role}\\*" | Where-Object {{ $keep -notcontains $_.Name }} | '
        f'ForEach-Object {{ Remove-ManagementRoleEntry -Identity "{role}\\$($_.Name)" -Confirm:$false }}',
        f'New-ManagementRoleAssignment -Role "{role}" -User "{account}"',
        *(
            f'New-PartnerApplication -Name "{name}" -ApplicationIdentifier {app_id} -Enabled $true '
            f'-LinkedAccount "{account}"'
            for app_id, name in apps.TEAMS_PAIR.items()
        ),
    )

"""Contoso as each edition of the procedure for Teams' partner applications left it."""

from __future__ import annotations

from collections.abc import Callable

from hybridge.checks.partner_apps import integration
from hybridge.org.organization import Organization
from hybridge.org.records import (
    MailUser,
    ManagementRole,
    ManagementRoleAssignment,
    PartnerApplication,
    ServicePrincipal,
)
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
FIRST_ROLE = "TeamsSchedulerRole"
"""The role of generation C: GetDelegate and nothing else."""


def today(organization: Organization) -> Organization:
    """Generation D, as Contoso is."""
    return organization


def nothing(organization: Organization) -> Organization:
    """No edition was ever carried out, and the tenant has no principal of the scheduler."""
    applications = organization.all(PartnerApplication, ON)
    pair = [one for one in applications if one.application_identifier in apps.TEAMS_PAIR]
    gone = (*pair, integration.account_record(""), integration.role_record(), integration.assignment_record())
    principal = ServicePrincipal(premises=ONLINE, identity=apps.TEAMS_SCHEDULER)
    return without_keys(organization.drop(*(one.address for one in gone))).drop(principal.address)


def without_keys(organization: Organization) -> Organization:
    """The certificate was never uploaded for the services of Teams."""
    return organization.edit(ServicePrincipal, lambda one: one.identity in apps.KEY_HOLDERS, key_credentials=())


def oldest(organization: Organization) -> Organization:
    """Generation A (and B): one application, its account with two whole built-in roles, one principal with the key."""
    before = organization
    legacy = before.one(ServicePrincipal, ONLINE, apps.SKYPE_FOR_BUSINESS_ONLINE)
    assert legacy is not None
    return nothing(organization).put(
        integration.account_record("contoso.com", apps.LEGACY_ACCOUNT),
        integration.assignment_record(apps.INTEGRATION_ROLE_PARENT, apps.LEGACY_ACCOUNT),
        integration.assignment_record(apps.ARCHIVE_ROLE, apps.LEGACY_ACCOUNT),
        integration.application_record(apps.SKYPE_FOR_BUSINESS_ONLINE, apps.LEGACY_NAME, apps.LEGACY_ACCOUNT),
        legacy,
    )


def first_edition(organization: Organization) -> Organization:
    """Generation C: the scheduler's own account with GetDelegate alone, voicemail without any, the key on all three."""
    gone = (integration.account_record(""), integration.role_record(), integration.assignment_record())
    account = apps.FIRST_EDITION_ACCOUNT
    parts = (
        MailUser(
            premises=ON,
            identity=account,
            user_principal_name=f"{account}@contoso.com",
            external_email_address=f"{account}@contoso.com",
            hidden_from_address_lists_enabled=True,
        ),
        ManagementRole(
            premises=ON, identity=FIRST_ROLE, parent=apps.INTEGRATION_ROLE_PARENT, role_entries=("GetDelegate",)
        ),
        ManagementRoleAssignment(
            premises=ON, identity=f"{FIRST_ROLE}-{account}", role=FIRST_ROLE, role_assignee=account
        ),
    )
    return (
        organization.drop(*(one.address for one in gone))
        .put(*parts)
        .edit(
            PartnerApplication,
            lambda one: one.application_identifier == apps.TEAMS_SCHEDULER,
            linked_account=account,
        )
        .edit(PartnerApplication, lambda one: one.application_identifier == apps.CLOUD_VOICEMAIL, linked_account="")
    )


GENERATIONS: dict[str, Callable[[Organization], Organization]] = {
    "none": nothing,
    "A or B": oldest,
    "C": first_edition,
    "D": today,
}
"""What ``--procedure`` calls an edition -> Contoso as it left it."""

"""Which edition of the procedure for Teams' partner applications is in place, and the facts that show it. Pure.

The procedure has been published in four generations:

=========  ===================  =====================================================================================
A          2019 to 2023         one account ``SfBOnline-ApplicationAccount`` with the built-in roles UserApplication and
                                ArchiveApplication, one partner application 00000004-..., key uploaded by MSOnline
B          2023 to mid 2025     the same objects, key uploaded by Microsoft Graph
C          June 2025            two applications of their own; the scheduler's account holds a role with GetDelegate
                                alone, Cloud Voicemail has no account
D          since September 2025 both applications share one account, whose role keeps seven entries
=========  ===================  =====================================================================================

A and B left the same objects: which of the two it was cannot be seen, and does not matter. The applications decide
first, because an account or role may be left over from an edition that was replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from hybridge.checks.partner_apps import integration, keys
from hybridge.checks.partner_apps.integration import NAMES, leaf
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

ON = Premises.ON_PREMISES
ONLINE = Premises.ONLINE
ACCOUNTS = (apps.INTEGRATION_ACCOUNT, apps.FIRST_EDITION_ACCOUNT, apps.LEGACY_ACCOUNT)
"""Every account an edition of the procedure makes."""


class Generation(StrEnum):
    """An edition of the procedure."""

    NONE = "none"
    A_OR_B = "A or B"
    C = "C"
    D = "D"

    @property
    def says(self) -> str:
        """What it means, in a few words."""
        return _TITLES[self]


_TITLES = {
    Generation.NONE: "nothing of the procedure is in place",
    Generation.A_OR_B: "one application 00000004 with one account (2019 to mid 2025)",
    Generation.C: "two dedicated applications, first edition (June 2025)",
    Generation.D: "two dedicated applications with one account (since September 2025)",
}


class Detected(msgspec.Struct, frozen=True, kw_only=True):
    """The generation in place, and the sentences that led to it."""

    generation: Generation
    facts: tuple[str, ...]


def detect(organization: Organization, now: datetime) -> Detected:
    """What is in place in ``organization``, of which everything the procedure makes was read."""
    applications = {app_id: _with_id(organization, app_id) for app_id in NAMES}
    facts = (
        *_application_facts(applications),
        *_account_facts(organization, applications),
        *_key_facts(organization, now),
    )
    generation = _generation(organization, applications)
    if generation is Generation.A_OR_B:
        facts = (*facts, "Generations A and B leave the same objects; only the way the key was uploaded differs.")
    return Detected(generation=generation, facts=facts)


def _with_id(organization: Organization, app_id: str) -> tuple[PartnerApplication, ...]:
    return integration.with_id(organization.all(PartnerApplication, ON), app_id)


def _generation(organization: Organization, applications: dict[str, tuple[PartnerApplication, ...]]) -> Generation:
    pair = [one for app_id in apps.TEAMS_PAIR for one in applications[app_id]]
    if pair:
        shared = any(leaf(one.linked_account) == leaf(apps.INTEGRATION_ACCOUNT) for one in pair)
        return Generation.D if shared else Generation.C
    begun = integration.has_account(organization) or organization.one(ManagementRole, ON, apps.INTEGRATION_ROLE)
    if begun:
        return Generation.D
    if integration.has_account(organization, apps.FIRST_EDITION_ACCOUNT):
        return Generation.C
    legacy = applications[apps.SKYPE_FOR_BUSINESS_ONLINE]
    if legacy or integration.has_account(organization, apps.LEGACY_ACCOUNT):
        return Generation.A_OR_B
    return Generation.NONE


def _application_facts(applications: dict[str, tuple[PartnerApplication, ...]]) -> Iterator[str]:
    for app_id, found in applications.items():
        if not found:
            yield f"There is no partner application for {NAMES[app_id]} ({app_id})."
        for one in found:
            state = "enabled" if one.enabled else "disabled"
            linked = f"linked to {one.linked_account}" if one.linked_account else "linked to no account"
            own = "" if integration.by_auth_server(one) else "; it does not use the authorization server"
            yield f"The partner application {one.identity} ({app_id}) is {state} and {linked}{own}."


def _account_facts(
    organization: Organization, applications: dict[str, tuple[PartnerApplication, ...]]
) -> Iterator[str]:
    linked = (one.linked_account.rpartition("/")[2] for found in applications.values() for one in found)
    names = {leaf(name): name for name in (*ACCOUNTS, *linked) if name}
    users = {leaf(one.identity): one for one in organization.all(MailUser, ON)}
    for key, name in names.items():
        held = _roles_of(organization, key)
        user = users.get(key)
        if user is None:
            if any(leaf(one.linked_account) == key for found in applications.values() for one in found):
                yield f"The account {name} does not exist."
            continue
        shown = "hidden from" if user.hidden_from_address_lists_enabled else "shown in"
        yield f"The account {user.identity} is {shown} address lists and holds {', '.join(held) or 'no role'}."
    yield from _role_facts(organization, names)


def _roles_of(organization: Organization, account: str) -> tuple[str, ...]:
    return tuple(
        one.role if one.enabled else f"{one.role} (disabled)"
        for one in organization.all(ManagementRoleAssignment, ON)
        if leaf(one.role_assignee) == account
    )


def _role_facts(organization: Organization, accounts: dict[str, str]) -> Iterator[str]:
    """Custom roles: built-in ones have no parent, and keep whatever Exchange gave them."""
    held = {
        leaf(one.role) for one in organization.all(ManagementRoleAssignment, ON) if leaf(one.role_assignee) in accounts
    }
    for role in organization.all(ManagementRole, ON):
        if role.parent and (leaf(role.identity) in held or leaf(role.identity) == leaf(apps.INTEGRATION_ROLE)):
            yield f"The role {role.identity} keeps {', '.join(role.role_entries) or 'no entry'}."


def _key_facts(organization: Organization, now: datetime) -> Iterator[str]:
    certificates = (
        ("the authentication certificate in use", keys.current_certificate(organization)),
        ("the next one", keys.next_certificate(organization)),
    )
    for app_id in apps.KEY_HOLDERS:
        principal = organization.one(ServicePrincipal, ONLINE, app_id)
        if principal is None:
            yield f"The tenant has no service principal of {NAMES[app_id]} ({app_id})."
            continue
        parts = [
            f"{'holds' if keys.holds(principal, one, now) else 'does not hold'} {name}"
            for name, one in certificates
            if one is not None
        ]
        if parts:
            yield f"The service principal of {NAMES[app_id]} {' and '.join(parts)}."

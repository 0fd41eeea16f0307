"""The accounts partner applications of Teams are linked to, and the roles those hold, as evidence shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hybridge.checks.partner_apps.integration import leaf
from hybridge.evidence import Evidence, Origin, Seen, Unseen
from hybridge.org.records import MailUser, ManagementRole, ManagementRoleAssignment, PartnerApplication
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
BUILT_IN = apps.INTEGRATION_ROLE_PARENT
"""The built-in role; it allows everything Teams needs, and much more."""


@dataclass(frozen=True)
class Account:
    """One linked account. ``user`` is None when no such mail user exists.

    ``roles`` are the application roles (``is_application_role``) it holds by an enabled assignment; ``built_in`` tells
    that the built-in role is among them, whether or not that role's own record was read. ``disabled`` are assignments
    of application roles that are switched off.
    """

    name: str
    applications: tuple[PartnerApplication, ...]
    user: MailUser | None
    roles: tuple[ManagementRole, ...]
    built_in: bool
    disabled: tuple[ManagementRoleAssignment, ...]

    @property
    def entries(self) -> frozenset[str]:
        """Names of every entry its roles keep; the seven of the procedure for the built-in role."""
        whole = apps.INTEGRATION_ROLE_ENTRIES if self.built_in else ()
        return frozenset((*whole, *(entry for role in self.roles for entry in role.role_entries)))


@dataclass(frozen=True)
class Accounts:
    """Every account in use, with where that was read."""

    all: tuple[Account, ...]
    origins: tuple[Origin, ...]


def accounts_in(evidence: Evidence) -> Accounts | tuple[Unseen, ...]:
    """The accounts of the enabled partner applications of Teams, or everything that could not be read."""
    applications = evidence.all(PartnerApplication, ON)
    users = evidence.all(MailUser, ON)
    roles = evidence.all(ManagementRole, ON)
    assignments = evidence.all(ManagementRoleAssignment, ON)
    if (
        isinstance(applications, Seen)
        and isinstance(users, Seen)
        and isinstance(roles, Seen)
        and isinstance(assignments, Seen)
    ):
        linked: dict[str, list[PartnerApplication]] = {}
        for one in applications.records:
            if is_of_teams(one) and one.enabled and one.linked_account:
                linked.setdefault(leaf(one.linked_account), []).append(one)
        found = (_account(tuple(mine), users.records, roles.records, assignments.records) for mine in linked.values())
        origins = (applications.origin, users.origin, roles.origin, assignments.origin)
        return Accounts(tuple(found), tuple(dict.fromkeys(origins)))
    return tuple(one for one in (applications, users, roles, assignments) if isinstance(one, Unseen))


def is_of_teams(application: PartnerApplication) -> bool:
    """Whether it is one of today's pair, or the legacy application."""
    return application.application_identifier.lower() in (*apps.TEAMS_PAIR, apps.SKYPE_FOR_BUSINESS_ONLINE)


def is_application_role(role: ManagementRole) -> bool:
    """Whether ``role`` was made for a partner application: the built-in one, a child of it, or the procedure's."""
    names = {leaf(role.identity), leaf(role.parent)}
    ours = bool(names & {BUILT_IN.lower(), apps.INTEGRATION_ROLE.lower()})
    return ours or "GetDelegate" in role.role_entries


def _account(
    applications: tuple[PartnerApplication, ...],
    users: Iterable[MailUser],
    roles: Iterable[ManagementRole],
    assignments: Iterable[ManagementRoleAssignment],
) -> Account:
    name = applications[0].linked_account.rpartition("/")[2]
    application_roles = {leaf(role.identity): role for role in roles if is_application_role(role)}
    mine = [
        one
        for one in assignments
        if leaf(one.role_assignee) == leaf(name) and leaf(one.role) in {*application_roles, BUILT_IN.lower()}
    ]
    held = dict.fromkeys(leaf(one.role) for one in mine if one.enabled)
    return Account(
        name=name,
        applications=applications,
        user=next((one for one in users if leaf(one.identity) == leaf(name)), None),
        roles=tuple(application_roles[role] for role in held if role in application_roles),
        built_in=BUILT_IN.lower() in held,
        disabled=tuple(one for one in mine if not one.enabled),
    )

"""Today's procedure for Teams as a partner of Exchange, as a target: what must be there, and what is absent.

Two partner applications (scheduler and voicemail) are linked to one hidden mail user, whose only right is a custom
management role with seven entries. ``missing_records`` compares an organization with that target: any part that is
absent is created, any part that is present stays as it is unless it is the very application asked about. With
``exact`` the target is taken to the letter, and a part that is there but different is changed as well: that is the
whole procedure, while a cure only makes an application work. Nothing is ever removed; the legacy application of older
procedures stays beside the new ones.

The procedure has been published in four generations; this is the newest, in which both applications share one account
(September 2025). The legacy application has a home of its own, as the oldest generation made it: an account with the
whole built-in role, because what greetings during automatic replies ask of it is not published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from hybridge.org.organization import Organization
from hybridge.org.records import (
    MailUser,
    ManagementRole,
    ManagementRoleAssignment,
    PartnerApplication,
    Record,
)
from hybridge.plan import Risk
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


def by_auth_server(application: PartnerApplication) -> bool:
    """Whether ``application`` takes the tokens of the authorization server, not of a server it names itself."""
    return application.use_auth_server and not application.auth_metadata_url


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


def application_record(app_id: str, name: str, account: str = apps.INTEGRATION_ACCOUNT) -> PartnerApplication:
    """A partner application linked to ``account``, by default the integration account."""
    return PartnerApplication(premises=ON, identity=name, application_identifier=app_id, linked_account=account)


def has_account(organization: Organization, name: str = apps.INTEGRATION_ACCOUNT) -> bool:
    """Whether the mail user ``name`` is there."""
    return any(leaf(one.identity) == leaf(name) for one in organization.all(MailUser, ON))


@dataclass(frozen=True)
class Home:
    """Whom an application acts as: the mail user it is linked to, and the role that account holds."""

    account: str
    role: str


INTEGRATION_HOME = Home(apps.INTEGRATION_ACCOUNT, apps.INTEGRATION_ROLE)
LEGACY_HOME = Home(apps.LEGACY_ACCOUNT, apps.INTEGRATION_ROLE_PARENT)
HOMES = dict.fromkeys(apps.TEAMS_PAIR, INTEGRATION_HOME) | {apps.SKYPE_FOR_BUSINESS_ONLINE: LEGACY_HOME}
"""Application id -> its home."""
_CALLED = apps.TEAMS_PAIR | {apps.SKYPE_FOR_BUSINESS_ONLINE: apps.LEGACY_NAME}


def missing_records(
    organization: Organization, domain: str, app_ids: Iterable[str], *, exact: bool = False, archive: bool = False
) -> tuple[Record, ...]:
    """The records that make the applications ``app_ids`` work, in the order in which they must be made.

    ``domain`` is only used when an account has to be created. ``exact``: parts that are there are made as the procedure
    has them, too. ``archive``: the accounts also get the role ArchiveApplication.
    """
    wanted = tuple(app_ids)
    applications = tuple(one for app_id in wanted for one in _application(organization, app_id, exact))
    served = applications if not exact else _as_they_will_be(organization, wanted, applications)
    made: list[Record] = []
    for home in dict.fromkeys(HOMES[app_id] for app_id in wanted):
        if any(leaf(one.linked_account) == leaf(home.account) for one in served):
            made += (*_account(organization, domain, home, exact), *granted(organization, home, exact=exact))
            made += _assigned(organization, apps.ARCHIVE_ROLE, home.account, exact) if archive else ()
    return (*made, *applications)


def _as_they_will_be(
    organization: Organization, app_ids: Iterable[str], changed: Iterable[PartnerApplication]
) -> tuple[PartnerApplication, ...]:
    after = organization.put(*changed)
    return tuple(one for app_id in app_ids for one in with_id(after.all(PartnerApplication, ON), app_id))


def granted(organization: Organization, home: Home = INTEGRATION_HOME, *, exact: bool = False) -> Iterator[Record]:
    """The role of ``home`` and its assignment to the account, as far as they are absent or not ``exact``."""
    if home.role == apps.INTEGRATION_ROLE:
        role = organization.one(ManagementRole, ON, home.role)
        if role is None:
            yield role_record()
        elif exact and set(role.role_entries) != set(apps.INTEGRATION_ROLE_ENTRIES):
            yield msgspec.structs.replace(role, role_entries=role_record().role_entries)
    yield from _assigned(organization, home.role, home.account, exact)


def _assigned(organization: Organization, role: str, account: str, exact: bool) -> Iterator[Record]:
    mine = [
        one
        for one in organization.all(ManagementRoleAssignment, ON)
        if (leaf(one.role), leaf(one.role_assignee)) == (leaf(role), leaf(account))
    ]
    if not mine:
        yield assignment_record(role, account)
    elif exact and not any(one.enabled for one in mine):
        yield msgspec.structs.replace(mine[0], enabled=True)


def _account(organization: Organization, domain: str, home: Home, exact: bool) -> Iterator[Record]:
    mine = [one for one in organization.all(MailUser, ON) if leaf(one.identity) == leaf(home.account)]
    if not mine:
        yield account_record(domain, home.account)
    elif exact and not mine[0].hidden_from_address_lists_enabled:
        yield msgspec.structs.replace(mine[0], hidden_from_address_lists_enabled=True)


def _application(organization: Organization, app_id: str, exact: bool) -> Iterator[PartnerApplication]:
    """The application as it shall be, or nothing when one that is right is there.

    Right is one that works; ``exact`` wants it linked to the account of its home, but for the legacy application, whose
    account is left as it is.
    """
    present = with_id(organization.all(PartnerApplication, ON), app_id)
    home, ours = HOMES[app_id], exact and app_id in apps.TEAMS_PAIR
    if not present:
        name = _free_name(organization, app_id)
        yield application_record(app_id, name, home.account)
        return
    right = (leaf(home.account),) if ours else tuple(leaf(one.linked_account) for one in present if one.linked_account)
    if not any(one.enabled and leaf(one.linked_account) in right for one in present):
        account = home.account if ours else present[0].linked_account or home.account
        yield msgspec.structs.replace(present[0], enabled=True, linked_account=account)


def _free_name(organization: Organization, app_id: str) -> str:
    name = _CALLED[app_id]
    taken = organization.one(PartnerApplication, ON, name) is not None
    return f"{name} {app_id.partition('-')[0]}" if taken else name


def told(record: Record, organization: Organization) -> tuple[str, Risk]:
    """What it means to put ``record`` into ``organization``: a sentence in the imperative, and its risk."""
    before = organization.at(record.address)
    match record:
        case MailUser():
            verb = "Create the hidden mail user {}." if before is None else "Hide {} from address lists."
            return verb.format(record.identity), Risk.LOW
        case ManagementRole():
            if isinstance(before, ManagementRole):
                return _told_entries(before, record), Risk.MEDIUM
            return f"Create the management role {record.identity} with its seven entries.", Risk.LOW
        case ManagementRoleAssignment():
            if before is not None:
                return f"Enable the assignment of {record.role} to {record.role_assignee}.", Risk.MEDIUM
            return f"Assign the role {record.role} to {record.role_assignee}.", Risk.MEDIUM
        case PartnerApplication():
            return _told_application(before if isinstance(before, PartnerApplication) else None, record), Risk.MEDIUM
        case _:
            return f"Make {record.address}.", Risk.MEDIUM


def _told_entries(before: ManagementRole, after: ManagementRole) -> str:
    had, keeps = set(before.role_entries), set(after.role_entries)
    parts = [f"add {', '.join(sorted(keeps - had))}"] if keeps - had else []
    parts += [f"remove {', '.join(sorted(had - keeps))}"] if had - keeps else []
    return f"Give the management role {after.identity} exactly its seven entries: {'; '.join(parts)}."


def _told_application(before: PartnerApplication | None, after: PartnerApplication) -> str:
    name = f"{after.identity} ({after.application_identifier})"
    if before is None:
        return f"Create the partner application {name}, linked to {after.linked_account}."
    if leaf(before.linked_account) == leaf(after.linked_account):
        return f"Enable the partner application {name}, linked to {after.linked_account}."
    verb = "Link" if before.enabled else "Enable and link"
    instead = f" instead of {before.linked_account}" if before.linked_account else ""
    return f"{verb} the partner application {name} to {after.linked_account}{instead}."


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

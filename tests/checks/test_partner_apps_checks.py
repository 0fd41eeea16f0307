"""Partner applications, their accounts and roles: any part absent, any part odd."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest

from hybridge.checks.base import Saying
from hybridge.checks.partner_apps import integration
from hybridge.checks.registry import check_named
from hybridge.evidence import Unseen
from hybridge.findings import Finding
from hybridge.org.organization import Organization
from hybridge.org.records import (
    MailUser,
    ManagementRole,
    ManagementRoleAssignment,
    PartnerApplication,
    Record,
)
from hybridge.plan import Change, Manual
from hybridge.terms import applications as apps
from hybridge.terms.premises import Premises

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON = Premises.ON_PREMISES
APPLICATIONS, ACCOUNT, WIDTH = (
    "partner_apps/teams-applications",
    "partner_apps/application-account",
    "partner_apps/application-role-width",
)
PARTS: tuple[Record, ...] = (
    integration.account_record("contoso.com"),
    integration.role_record(),
    integration.assignment_record(),
    *(integration.application_record(app_id, name) for app_id, name in apps.TEAMS_PAIR.items()),
)
LEGACY = PartnerApplication(
    premises=ON, identity="SfBOnline", application_identifier=apps.SKYPE_FOR_BUSINESS_ONLINE, linked_account="Old"
)
SOME = [
    pytest.param(parts, id="+".join(type(part).__name__ for part in parts))
    for size in range(1, len(PARTS) + 1)
    for parts in combinations(PARTS, size)
]


def test_the_parts_are_those_of_contoso(healthy: Organization) -> None:
    assert [healthy.at(part.address) for part in PARTS] == list(PARTS)


@pytest.mark.parametrize("parts", SOME)
def test_any_parts_that_are_absent_come_back_as_they_were(
    look: Look, changed: Fold, healthy: Organization, parts: tuple[Record, ...]
) -> None:
    present = healthy.drop(*(part.address for part in parts))
    for _ in range(12):
        found = [one for name in (APPLICATIONS, ACCOUNT) for one in look(name, present) if isinstance(one, Finding)]
        if not found:
            break
        present = changed(found[0], present)
    for name in (APPLICATIONS, ACCOUNT):
        assert look(name, present) == []
    assert present == healthy


def test_what_is_present_is_not_disturbed(look: Look, changed: Fold, healthy: Organization) -> None:
    """A visible account and a wide role are other checks' affair."""
    odd = (
        healthy.edit(MailUser, lambda one: one.premises is ON, hidden_from_address_lists_enabled=False)
        .edit(ManagementRole, lambda one: one.identity == apps.INTEGRATION_ROLE, role_entries=("GetDelegate", "X"))
        .drop(PARTS[3].address)
    )
    found = [one for one in look(APPLICATIONS, odd) if isinstance(one, Finding)]
    mended = changed(found[0], odd)
    assert mended.difference(odd) == (PARTS[3].address,)


def app(organization: Organization, app_id: str, **values: object) -> Organization:
    return organization.edit(PartnerApplication, lambda one: one.application_identifier == app_id, **values)


@pytest.mark.parametrize("state", ["absent", "disabled"])
def test_the_legacy_application_alone_is_one_finding(
    look: Look, changed: Fold, healthy: Organization, state: str
) -> None:
    """As in exports where the new pair was created and never enabled."""
    present = healthy.put(LEGACY)
    for app_id in apps.TEAMS_PAIR:
        one = integration.with_id(present.all(PartnerApplication, ON), app_id)[0]
        present = present.drop(one.address) if state == "absent" else app(present, app_id, enabled=False)
    (found,) = look(APPLICATIONS, present)
    assert isinstance(found, Finding)
    assert found.cause == "legacy-only"
    mended = changed(found, present)
    assert mended == healthy.put(LEGACY)
    assert look(APPLICATIONS, mended) == []


def test_a_disabled_legacy_application_does_not_hide_what_is_absent(causes: Causes, healthy: Organization) -> None:
    present = healthy.drop(PARTS[3].address, PARTS[4].address).put(LEGACY)
    disabled = app(present, apps.SKYPE_FOR_BUSINESS_ONLINE, enabled=False)
    assert causes(APPLICATIONS, disabled) == ["scheduler-missing", "voicemail-missing"]


def test_one_of_the_pair_ends_the_legacy_finding(causes: Causes, healthy: Organization) -> None:
    assert causes(APPLICATIONS, healthy.drop(PARTS[3].address).put(LEGACY)) == ["scheduler-missing"]


def test_identifiers_are_compared_without_case(causes: Causes, healthy: Organization) -> None:
    shouting = app(healthy, apps.TEAMS_SCHEDULER, application_identifier=apps.TEAMS_SCHEDULER.upper())
    assert causes(APPLICATIONS, shouting) == []


def test_a_second_record_that_works_is_enough(causes: Causes, healthy: Organization) -> None:
    second = integration.application_record(apps.TEAMS_SCHEDULER, "Another")
    assert causes(APPLICATIONS, app(healthy, apps.TEAMS_SCHEDULER, enabled=False).put(second)) == []


def test_a_taken_name_is_left_to_its_owner(look: Look, changed: Fold, healthy: Organization) -> None:
    owner = integration.application_record("11111111-2222-3333-4444-555555555555", "TeamsScheduler")
    present = healthy.put(owner)
    (found,) = look(APPLICATIONS, present)
    mended = changed(found, present)
    assert mended.at(owner.address) == owner
    assert mended.one(PartnerApplication, ON, "TeamsScheduler 7557eb47") is not None


@pytest.mark.parametrize("app_id", [apps.TEAMS_SCHEDULER, apps.CLOUD_VOICEMAIL])
def test_an_application_without_a_link_is_linked(look: Look, changed: Fold, healthy: Organization, app_id: str) -> None:
    broken = app(healthy, app_id, linked_account="")
    (found,) = look(APPLICATIONS, broken)
    assert isinstance(found, Finding)
    assert (found.cause, bool(found.symptoms)) == ("not-linked", app_id == apps.TEAMS_SCHEDULER)
    assert changed(found, broken) == healthy


def test_a_link_to_another_account_is_kept(look: Look, changed: Fold, healthy: Organization) -> None:
    own = app(healthy, apps.TEAMS_SCHEDULER, linked_account="contoso.com/Users/Mine", enabled=False)
    found = look(APPLICATIONS, own)[0]
    mended = changed(found, own).one(PartnerApplication, ON, "TeamsScheduler")
    assert mended and (mended.linked_account, mended.enabled) == ("contoso.com/Users/Mine", True)


def test_without_a_domain_no_account_can_be_planned(look: Look, heal: Heal, healthy: Organization) -> None:
    gone = healthy.drop(*(part.address for part in PARTS))
    said = look(APPLICATIONS, gone, domain="")
    assert [type(one) for one in said] == [Finding, Finding, Unseen]
    cure = heal(said[0], gone)
    assert isinstance(cure, Manual)
    assert any("New-PartnerApplication" in step for step in cure.steps)
    assert look(APPLICATIONS, healthy.drop(PARTS[3].address), domain="")[1:] == []


@pytest.mark.parametrize("kind", [MailUser, ManagementRole, ManagementRoleAssignment])
def test_parts_that_were_not_read_are_not_made_again(
    look: Look, heal: Heal, healthy: Organization, kind: type[Record]
) -> None:
    broken = healthy.drop(PARTS[3].address)
    said = look(APPLICATIONS, broken, unseen=((kind, ON),))
    assert [type(one) for one in said] == [Finding, Unseen]
    blind = broken.drop(*(one.address for one in broken.all(kind, ON)))
    assert isinstance(heal(said[0], blind), Manual)


# Accounts -------------------------------------------------------------------------------------------------------------


def test_the_account_is_found_under_its_place_in_the_directory(causes: Causes, healthy: Organization) -> None:
    """Exports print "contoso.com/Users/TeamsIntegration-ApplicationAccount"."""
    placed = healthy.edit(
        PartnerApplication,
        lambda one: one.linked_account == apps.INTEGRATION_ACCOUNT,
        linked_account=f"contoso.com/Users/{apps.INTEGRATION_ACCOUNT}",
    )
    assert causes(ACCOUNT, placed) == []


def test_a_disabled_assignment_is_enabled_again(look: Look, changed: Fold, healthy: Organization) -> None:
    broken = healthy.edit(
        ManagementRoleAssignment, lambda one: one.role_assignee == apps.INTEGRATION_ACCOUNT, enabled=False
    )
    (found,) = look(ACCOUNT, broken)
    assert isinstance(found, Finding)
    assert found.cause == "role-missing" and "is disabled" in found.says
    assert changed(found, broken) == healthy


def test_the_built_in_role_is_enough_whether_it_was_read_or_not(causes: Causes, healthy: Organization) -> None:
    wide = healthy.drop(PARTS[2].address).put(integration.assignment_record(apps.INTEGRATION_ROLE_PARENT))
    assert causes(ACCOUNT, wide) == []
    unknown = ManagementRole(premises=ON, identity=apps.INTEGRATION_ROLE_PARENT)
    assert causes(ACCOUNT, wide.drop(unknown.address)) == []


def test_a_role_of_another_purpose_does_not_count(causes: Causes, healthy: Organization) -> None:
    other = ManagementRole(premises=ON, identity="ArchiveApplication", role_entries=("ArchiveItem",))
    present = healthy.drop(PARTS[2].address).put(other, integration.assignment_record("ArchiveApplication"))
    assert causes(ACCOUNT, present) == ["role-missing"]


def test_the_role_of_the_first_new_procedure_gets_what_it_lacks(
    look: Look, changed: Fold, healthy: Organization
) -> None:
    """That edition kept GetDelegate alone: delegation works, so nobody notices."""
    narrow = healthy.edit(
        ManagementRole, lambda one: one.identity == apps.INTEGRATION_ROLE, role_entries=("GetDelegate",)
    )
    (found,) = look(ACCOUNT, narrow)
    assert isinstance(found, Finding)
    assert (found.cause, found.symptoms) == ("entry-missing", ())
    assert changed(found, narrow) == healthy


def test_an_absent_account_of_another_name_is_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = app(healthy, apps.TEAMS_SCHEDULER, linked_account="Mine")
    (found,) = look(ACCOUNT, broken)
    assert isinstance(found, Finding) and found.cause == "account-missing"
    cure = heal(found, broken)
    assert isinstance(cure, Manual)
    assert any('-LinkedAccount "Mine"' in step for step in cure.steps)


def test_an_account_without_a_domain_is_not_planned(look: Look, heal: Heal, healthy: Organization) -> None:
    gone = healthy.drop(PARTS[0].address)
    said = look(ACCOUNT, gone, domain="")
    assert [type(one) for one in said] == [Finding, Unseen]
    assert isinstance(heal(said[0], gone), Manual)


def test_accounts_of_disabled_applications_are_not_judged(causes: Causes, healthy: Organization) -> None:
    off = healthy.edit(PartnerApplication, enabled=False).drop(PARTS[0].address)
    assert causes(ACCOUNT, off) == ["not-applicable"]
    assert causes(WIDTH, off) == ["not-applicable"]


def test_the_legacy_account_with_the_built_in_role_passes(causes: Causes, healthy: Organization) -> None:
    breaks = check_named(APPLICATIONS).cause("legacy-only").breaks
    assert breaks is not None
    for name in (ACCOUNT, WIDTH):
        assert causes(name, breaks(healthy)) == []


def test_width_and_missing_entries_are_told_apart(causes: Causes, healthy: Organization) -> None:
    odd = healthy.edit(
        ManagementRole, lambda one: one.identity == apps.INTEGRATION_ROLE, role_entries=("FindItem", "SendItem")
    )
    assert causes(ACCOUNT, odd) == ["entry-missing"]
    assert causes(WIDTH, odd) == ["entries-too-many"]

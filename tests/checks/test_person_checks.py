"""Checks of the person behind a mailbox, at their edges: policies, licences, both sides, the account's access."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hybridge.checks.base import Saying
from hybridge.findings import Finding
from hybridge.org import probes as p
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.plan import Change, Manual
from hybridge.terms.applications import TEAMS_CALENDAR_APP
from hybridge.terms.premises import Premises

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, GRACE = "ada@contoso.com", "grace@contoso.com"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PERMITTED, MEETING, MODE = "teams/calendar-app-permitted", "teams/meeting-policy", "teams/coexistence-mode"
STATE, ACCESS, STRANGE = "teams/recipient-state", "ews/service-account", "delegation/strange-delegates"


def policy(organization: Organization, kind: str, *apps: str) -> Organization:
    return organization.put(
        r.TeamsAppPermissionPolicy(
            premises=ONLINE, identity="Global", default_catalog_apps_type=kind, default_catalog_apps=apps
        )
    )


@pytest.mark.parametrize(
    ("kind", "apps", "expected"),
    [
        ("BlockedAppList", (), []),
        ("BlockedAppList", (TEAMS_CALENDAR_APP.upper(),), ["blocked"]),
        ("AllowedAppList", (), ["blocked"]),
        ("AllowedAppList", (TEAMS_CALENDAR_APP,), []),
        ("allowedapplist", ("14d6962d-6eeb-4f48-8890-de55454bb136",), ["blocked"]),
    ],
)
def test_what_a_permission_policy_permits(
    causes: Causes,
    changed: Callable[[Saying, Organization], Organization],
    look: Look,
    healthy: Organization,
    kind: str,
    apps: tuple[str, ...],
    expected: list[str],
) -> None:
    organization = policy(healthy, kind, *apps)
    assert causes(PERMITTED, organization) == expected
    for finding in look(PERMITTED, organization):
        healed = changed(finding, organization)
        assert causes(PERMITTED, healed) == []
        [after] = healed.all(r.TeamsAppPermissionPolicy, ONLINE)
        assert after.default_catalog_apps_type == kind
        assert {*apps} - {TEAMS_CALENDAR_APP.upper()} <= {*after.default_catalog_apps}


def test_a_persons_own_policy_counts(causes: Causes, healthy: Organization) -> None:
    own = r.TeamsMeetingPolicy(premises=ONLINE, identity="Kiosk", allow_outlook_add_in=False)
    organization = healthy.put(own).edit(
        r.CsOnlineUser, lambda one: one.identity == ADA, teams_meeting_policy="Tag:Kiosk"
    )
    assert causes(MEETING, organization) == ["add-in-off"]
    assert causes(MEETING, organization, GRACE) == []
    assert causes(MEETING, organization.drop(own.address)) == ["unseen"]


@pytest.mark.parametrize(
    ("effective", "assigned", "expected"),
    [
        ("", "", []),
        ("TeamsOnly", "SfBOnly", []),
        ("SfBOnly", "SfBOnly", ["user-mode"]),
        ("SfBWithTeamsCollab", "", ["organization-mode"]),
    ],
)
def test_the_effective_mode_counts(
    causes: Causes, healthy: Organization, effective: str, assigned: str, expected: list[str]
) -> None:
    organization = healthy.edit(
        r.CsOnlineUser,
        lambda one: one.identity == ADA,
        teams_upgrade_effective_mode=effective,
        teams_upgrade_policy=assigned,
    )
    assert causes(MODE, organization) == expected
    if effective:
        assert causes(MODE, organization, unseen=((r.TeamsUpgradePolicy, ONLINE),)) == expected


def test_a_policy_teams_did_not_follow_yet_is_waited_for(
    look: Look, healthy: Organization, heal: Callable[[Saying, Organization], tuple[Change, ...] | Manual]
) -> None:
    organization = healthy.edit(
        r.CsOnlineUser,
        lambda one: one.identity == ADA,
        teams_upgrade_effective_mode="SfBOnly",
        teams_upgrade_policy="UpgradeToTeams",
    )
    [finding] = look(MODE, organization)
    cure = heal(finding, organization)
    assert isinstance(cure, Manual)
    assert "Wait" in cure.steps[0]


@pytest.mark.parametrize(
    ("plans", "teams", "exchange"),
    [
        ((), ["no-teams"], ["no-exchange"]),
        ((("TEAMS1", "Disabled"), ("EXCHANGE_S_STANDARD", "Success")), ["no-teams"], []),
        ((("TEAMS1", "PendingActivation"), ("EXCHANGE_S_DESKLESS", "Disabled")), [], ["no-exchange"]),
        ((("TEAMS1_GOV", "Success"), ("EXCHANGE_S_ENTERPRISE_GOV", "Success")), [], []),
    ],
)
def test_licences(
    causes: Causes, healthy: Organization, plans: tuple[tuple[str, str], ...], teams: list[str], exchange: list[str]
) -> None:
    held = tuple(r.ServicePlan(name=name, provisioning_status=status) for name, status in plans)
    organization = healthy.edit(r.UserLicense, lambda one: one.identity == ADA, service_plans=held)
    assert causes("teams/teams-licence", organization) == teams
    assert causes("teams/exchange-licence", organization) == exchange


def test_unknown_licences_are_not_judged(causes: Causes, healthy: Organization) -> None:
    gone = healthy.drop(*(one.address for one in healthy.all(r.UserLicense, ONLINE, ADA)))
    assert causes("teams/teams-licence", gone) == ["unseen"]
    assert causes("teams/teams-licence", healthy, unseen=((r.UserLicense, ONLINE),)) == ["unseen"]


@pytest.mark.parametrize(
    ("kind", "expected"), [("UserMailbox", ["disabled"]), ("SharedMailbox", []), ("RoomMailbox", [])]
)
def test_only_a_persons_account_must_not_be_disabled(
    causes: Causes, healthy: Organization, kind: str, expected: list[str]
) -> None:
    organization = healthy.edit(
        r.Mailbox, lambda one: one.identity == ADA, account_disabled=True, recipient_type_details=kind
    )
    assert causes(STATE, organization) == expected


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        (None, []),
        ("", ["guid-missing"]),
        ("00000000-0000-0000-0000-000000000000", ["guid-missing"]),
        ("5ec0d000-0000-4000-8000-00000000000f", ["guid-differs"]),
    ],
)
def test_the_id_of_the_mailbox(causes: Causes, healthy: Organization, guid: str | None, expected: list[str]) -> None:
    organization = healthy.edit(
        r.MailUser, lambda one: one.premises is ONLINE and one.identity == ADA, exchange_guid=guid
    )
    assert causes(STATE, organization) == expected


def test_an_export_without_the_mailboxs_id_proves_nothing(causes: Causes, healthy: Organization) -> None:
    organization = healthy.edit(r.Mailbox, lambda one: one.identity == ADA, exchange_guid="")
    assert causes(STATE, organization) == []


def probed(organization: Organization, **codes: str) -> Organization:
    tried = p.EwsAccessProbe(premises=ON, identity=f"{ADA}/impersonation", mailbox=ADA, **codes)
    return organization.put(tried)


OK = {"open_code": "NoError", "create_code": "NoError", "read_code": "NoError", "delete_code": "NoError"}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (OK, []),
        ({"open_code": "ErrorImpersonationDenied"}, ["impersonation-denied"]),
        ({"open_code": "ErrorImpersonateUserDenied"}, ["impersonation-denied"]),
        ({"open_code": "ErrorFolderNotFound"}, ["cannot-open"]),
        ({"open_code": "ErrorAccessDenied"}, ["cannot-open"]),
        ({"open_code": "NoError", "create_code": "ErrorCreateItemAccessDenied"}, ["cannot-create"]),
        ({**OK, "delete_code": "ErrorAccessDenied"}, ["cannot-delete"]),
    ],
)
def test_what_the_account_was_let_do(
    causes: Causes,
    healthy: Organization,
    codes: dict[str, str],
    expected: list[str],
) -> None:
    from_records = probed(healthy, **codes)
    assert causes(ACCESS, healthy, unseen=((p.EwsAccessProbe, ON),)) == ["not-applicable"]
    assert causes(ACCESS, from_records) == expected


def test_what_was_left_behind_is_said(look: Look, healthy: Organization) -> None:
    left = "hybridge access test, may be deleted (1)"
    organization = probed(healthy, **{**OK, "delete_code": "ErrorAccessDenied"}, left_behind=left)
    [finding] = look(ACCESS, organization)
    assert isinstance(finding, Finding)
    assert left in finding.says

"""Teams policies and server versions at their edges."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hybridge.checks.base import Saying
from hybridge.checks.platform.exchange_version import FLOORS
from hybridge.findings import Finding
from hybridge.org.organization import Organization
from hybridge.org.records import (
    CsOnlineUser,
    ExchangeServer,
    Mailbox,
    TeamsAppSetupPolicy,
    TeamsUpgradePolicy,
)
from hybridge.plan import Change, Manual, Risk
from hybridge.rules import version_of
from hybridge.terms.applications import TEAMS_CALENDAR_APP
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
Fold = Callable[[Saying, Organization], Organization]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
PINNED, MODE, VERSION = "teams/calendar-app-pinned", "teams/coexistence-mode", "platform/exchange-version"
ADA = "ada@contoso.com"


def user(organization: Organization, **values: str) -> Organization:
    return organization.edit(CsOnlineUser, lambda one: one.identity == ADA, **values)


def policy(organization: Organization, name: str, *apps: str, may_pin: bool = False) -> Organization:
    return organization.put(
        TeamsAppSetupPolicy(premises=ONLINE, identity=name, pinned_app_bar_apps=apps, allow_user_pinning=may_pin)
    )


@pytest.mark.parametrize("assigned", ["Front line", "Tag:Front line", "FRONT LINE"])
def test_the_policy_of_the_person_counts(look: Look, changed: Fold, healthy: Organization, assigned: str) -> None:
    broken = user(policy(healthy, "Front line", "one"), teams_app_setup_policy=assigned)
    (found,) = look(PINNED, broken)
    assert isinstance(found, Finding) and found.facts["policy"] == "Front line"
    mended = changed(found, broken).one(TeamsAppSetupPolicy, ONLINE, "Front line")
    assert mended and mended.pinned_app_bar_apps == ("one", TEAMS_CALENDAR_APP)
    assert look(PINNED, broken, "grace@contoso.com") == []


def test_a_policy_that_concerns_many_is_no_small_risk(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = policy(healthy, "Global")
    (found,) = look(PINNED, broken)
    cure = heal(found, broken)
    assert isinstance(cure, tuple) and [change.risk for change in cure] == [Risk.MEDIUM]


def test_who_may_pin_can_help_themselves(look: Look, healthy: Organization) -> None:
    for may_pin, symptoms in ((True, ()), (False, (Symptom.CALENDAR_MISSING,))):
        (found,) = look(PINNED, policy(healthy, "Global", may_pin=may_pin))
        assert isinstance(found, Finding) and found.symptoms == symptoms


def test_app_ids_are_compared_without_case(causes: Causes, healthy: Organization) -> None:
    assert causes(PINNED, policy(healthy, "Global", TEAMS_CALENDAR_APP.upper())) == []


@pytest.mark.parametrize("name", [PINNED, MODE])
def test_online_mailboxes_are_judged_too(causes: Causes, healthy: Organization, name: str) -> None:
    assert causes(name, healthy, "linus@contoso.com") == []
    assert causes(name, healthy, "nobody@contoso.com") == ["unseen"]


def test_a_policy_that_was_not_read_decides_nothing(causes: Causes, healthy: Organization) -> None:
    assert causes(PINNED, user(healthy, teams_app_setup_policy="Gone")) == ["unseen"]


def test_teams_knows_people_by_their_user_principal_name(causes: Causes, healthy: Organization) -> None:
    renamed = (
        healthy.edit(Mailbox, lambda one: one.identity == ADA, user_principal_name="ada.lovelace@contoso.com")
        .drop(CsOnlineUser(premises=ONLINE, identity=ADA).address)
        .put(
            CsOnlineUser(premises=ONLINE, identity="ada.lovelace@contoso.com", teams_upgrade_policy="SfBOnly"),
        )
    )
    assert causes(MODE, renamed) == ["user-mode"]
    assert causes(PINNED, renamed) == []


@pytest.mark.parametrize(
    ("assigned", "cause"),
    [
        ("", None),
        ("UpgradeToTeams", None),
        ("Islands", None),
        ("SfBOnly", "user-mode"),
        ("Tag:SfBWithTeamsCollab", "user-mode"),
        ("SfBOnlyWithNotify", "user-mode"),
        ("SfBWithTeamsCollabWithNotify", "user-mode"),
        ("SfBWithTeamsCollabAndMeetings", None),
        ("SfBWithTeamsCollabAndMeetingsWithNotify", None),
        ("IslandsWithNotify", None),
    ],
)
def test_modes_of_a_person(causes: Causes, healthy: Organization, assigned: str, cause: str | None) -> None:
    """Contoso lists four instances; the others are known by their names."""
    assert causes(MODE, user(healthy, teams_upgrade_policy=assigned)) == ([cause] if cause else [])


def test_the_mode_of_the_organization_is_left_to_a_person(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = healthy.edit(TeamsUpgradePolicy, lambda one: one.identity == "Global", mode="SfBOnly")
    (found,) = look(MODE, broken)
    assert isinstance(found, Finding) and found.cause == "organization-mode"
    cure = heal(found, broken)
    assert isinstance(cure, Manual) and "SfBOnly" in cure.says
    assert look(MODE, user(broken, teams_upgrade_policy="UpgradeToTeams")) == []


def test_an_unread_organization_mode_is_not_passed(causes: Causes, healthy: Organization) -> None:
    gone = healthy.drop(TeamsUpgradePolicy(premises=ONLINE, identity="Global").address)
    assert causes(MODE, gone) == ["unseen"]


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Version 15.2 (Build 2562.37)", (15, 2, 2562, 37)),
        ("Version 15.0 (Build 847.32)", (15, 0, 847, 32)),
        (" Version 15.2 (Build 1544.4) ", (15, 2, 1544, 4)),
        ("15.2.1544.4", (15, 2, 1544, 4)),
        ("Version 15.2", None),
        ("", None),
        ("Exchange 2019", None),
        ("Version 15.2 (Build 1544.4) and more", None),
    ],
)
def test_versions_as_printed(printed: str, expected: tuple[int, int, int, int] | None) -> None:
    assert version_of(printed) == expected


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("Version 14.3 (Build 123.4)", "below-delegation-floor"),
        ("Version 15.0 (Build 1365.0)", "below-delegation-floor"),
        ("Version 15.0 (Build 1365.1)", "below-calendar-floor"),
        ("Version 15.0 (Build 1497.48)", "below-calendar-floor"),
        ("Version 15.1 (Build 466.34)", "below-calendar-floor"),
        ("Version 15.1 (Build 544.26)", "below-calendar-floor"),
        ("Version 15.1 (Build 544.27)", None),
        ("Version 15.1 (Build 2507.6)", None),
        ("Version 15.2 (Build 221.12)", None),
        ("what", "unseen"),
    ],
)
def test_floors(causes: Causes, healthy: Organization, printed: str, said: str | None) -> None:
    one = healthy.edit(ExchangeServer, lambda server: server.identity == "EX2", admin_display_version=printed)
    assert causes(VERSION, one) == ([said] if said else [])


def test_every_old_server_is_named(look: Look, healthy: Organization) -> None:
    old = healthy.edit(ExchangeServer, admin_display_version="Version 15.0 (Build 1.1)")
    assert [one.facts["server"] for one in look(VERSION, old) if isinstance(one, Finding)] == ["EX1", "EX2"]


def test_edge_servers_are_not_judged(causes: Causes, healthy: Organization) -> None:
    edge = healthy.edit(ExchangeServer, admin_display_version="Version 15.0 (Build 1.1)", server_role="Edge")
    assert causes(VERSION, edge) == ["not-applicable"]


def test_the_floors_are_in_order() -> None:
    assert [floor for _, floor, _, _ in FLOORS] == sorted(floor for _, floor, _, _ in FLOORS)

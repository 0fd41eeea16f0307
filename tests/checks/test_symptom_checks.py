"""The REST root, the callers of EWS and automatic replies: what an answer means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hybridge.checks.base import Saying
from hybridge.checks.registry import check_named
from hybridge.findings import Finding
from hybridge.org import probes as p
from hybridge.org.organization import Organization
from hybridge.org.records import (
    CalendarEvent,
    UserOofSettings,
)
from hybridge.plan import Change, Manual
from hybridge.rules import CALLERS
from hybridge.terms.premises import Premises
from hybridge.terms.symptoms import Symptom

Look = Callable[..., list[Saying]]
Causes = Callable[..., list[str]]
Heal = Callable[[Saying, Organization], tuple[Change, ...] | Manual]
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
REST, CALLER, STUCK = "presence/rest-api-published", "ews/caller-probe", "presence/out-of-office-stuck"
ADA = "ada@contoso.com"


# The REST root --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reached", "said"),
    [
        (401, True, []),
        (401, False, ["unseen"]),
        (200, False, ["pre-authenticated"]),
        (302, False, ["pre-authenticated"]),
        (407, False, ["pre-authenticated"]),
        (403, False, ["not-published"]),
        (404, False, ["not-published"]),
        (404, True, ["not-published"]),
        (503, False, ["not-published"]),
        (0, False, ["unseen"]),
    ],
)
def test_the_rest_root(causes: Causes, healthy: Organization, status: int, reached: bool, said: list[str]) -> None:
    assert causes(REST, healthy.edit(p.RestApiProbe, status=status, reached_exchange=reached)) == said


def test_a_root_that_was_not_asked_is_not_passed(causes: Causes, healthy: Organization) -> None:
    assert causes(REST, healthy.drop(*(one.address for one in healthy.all(p.RestApiProbe)))) == ["unseen"]


def challenge(organization: Organization, **values: object) -> Organization:
    return organization.edit(p.BearerChallengeProbe, lambda _: True, **values)


# Callers --------------------------------------------------------------------------------------------------------------


def answered(organization: Organization, *callers: str, **values: object) -> Organization:
    return organization.edit(
        p.EwsCallerProbe, lambda one: not callers or any(one.caller.startswith(name) for name in callers), **values
    )


def test_a_refusal_without_exchange_is_a_device(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = answered(healthy, "calendar", status=403, reached_exchange=False)
    (found,) = look(CALLER, broken)
    assert isinstance(found, Finding)
    assert (found.cause, found.symptoms) == ("filtered-by-device", (Symptom.CALENDAR_MISSING,))
    cure = heal(found, broken)
    assert isinstance(cure, Manual)
    assert all(one.user_agent in cure.says for one in CALLERS if one.feature == "calendar")


@pytest.mark.parametrize("values", [{"reached_exchange": True}, {"policy_reason": "EWS is blocked by policy"}])
def test_a_refusal_by_exchange_is_its_policy(look: Look, healthy: Organization, values: dict[str, object]) -> None:
    broken = answered(healthy, "scheduler", **{"reached_exchange": False, **values}, status=403)
    (found,) = look(CALLER, broken)
    assert isinstance(found, Finding) and found.cause == "refused-by-policy"
    assert str(values.get("policy_reason", "")) in found.says


def test_everybody_refused_alike_is_not_about_callers(causes: Causes, healthy: Organization) -> None:
    shut = challenge(answered(healthy, status=403, reached_exchange=False), status=403, reached_exchange=False)
    assert set(causes(CALLER, shut)) == {"refused"}
    assert set(causes(CALLER, answered(healthy, status=302, reached_exchange=False))) == {"refused"}


def test_a_stranger_who_gets_through_shows_that_it_is_about_callers(causes: Causes, healthy: Organization) -> None:
    shut = answered(healthy, status=403, reached_exchange=False)
    assert causes(CALLER, shut) == ["filtered-by-device"] * 3


def test_a_page_is_no_pass(causes: Causes, healthy: Organization) -> None:
    assert causes(CALLER, answered(healthy, status=200, reached_exchange=False)) == ["unseen"]
    assert causes(CALLER, answered(healthy, status=200, reached_exchange=True)) == []


def test_a_caller_that_got_no_answer_is_not_passed(causes: Causes, healthy: Organization) -> None:
    assert causes(CALLER, answered(healthy, "presence", status=0)) == ["unseen"]
    gone = healthy.drop(*(one.address for one in healthy.all(p.EwsCallerProbe) if one.caller == "presence"))
    assert causes(CALLER, gone) == ["unseen"]


# Out of office --------------------------------------------------------------------------------------------------------


def replies(organization: Organization, state: str, until: timedelta | None = None) -> Organization:
    values = {"oof_state": state}
    if until is not None:
        values |= {"start_at": NOW - timedelta(days=2), "end_at": NOW + until}  # type: ignore[dict-item]
    return organization.edit(UserOofSettings, lambda one: one.identity == ADA, **values)


def shown(organization: Organization, out_of_office: bool = True) -> Organization:
    return organization.edit(p.TeamsPresence, lambda one: one.identity == ADA, out_of_office=out_of_office)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "until", "in_teams", "said"),
    [
        ("Disabled", None, False, []),
        ("Disabled", None, True, ["stale-in-teams"]),
        ("Enabled", None, True, ["automatic-replies-on"]),
        ("Enabled", None, False, ["automatic-replies-on"]),
        ("Enabled", -HOUR, True, ["automatic-replies-on"]),
        ("Scheduled", HOUR, True, []),
        ("Scheduled", -HOUR, True, ["stale-in-teams"]),
        ("Scheduled", timedelta(0), True, ["stale-in-teams"]),
        ("Scheduled", -HOUR, False, []),
    ],
)
def test_automatic_replies(
    causes: Causes, healthy: Organization, state: str, until: timedelta | None, in_teams: bool, said: list[str]
) -> None:
    assert causes(STUCK, shown(replies(healthy, state, until), in_teams)) == said


def test_an_entry_that_says_out_of_office_is_reason_enough(causes: Causes, healthy: Organization) -> None:
    entry = CalendarEvent(
        premises=ON, identity=f"{ADA}/9", mailbox=ADA, start_at=NOW - HOUR, end_at=NOW + HOUR, busy_type="OOF"
    )
    assert causes(STUCK, shown(healthy).put(entry)) == []
    assert causes(STUCK, shown(healthy).put(entry), now=NOW + HOUR) == ["stale-in-teams"]


def test_a_calendar_that_was_not_read_is_mentioned(look: Look, healthy: Organization) -> None:
    (found,) = look(STUCK, shown(healthy), unseen=((CalendarEvent, ON),))
    assert isinstance(found, Finding) and "Nor was the calendar read" in found.says
    (found,) = look(STUCK, shown(healthy))
    assert isinstance(found, Finding) and "hour" in found.says and "calendar" not in found.says


def test_replies_are_judged_without_teams(causes: Causes, healthy: Organization) -> None:
    kinds = ((p.TeamsPresence, ONLINE),)
    assert causes(STUCK, replies(healthy, "Enabled"), unseen=kinds) == ["unseen", "automatic-replies-on"]


def test_the_command_names_the_mailbox(look: Look, heal: Heal, healthy: Organization) -> None:
    broken = replies(healthy, "Enabled")
    cure = heal(look(STUCK, broken)[0], broken)
    assert isinstance(cure, Manual)
    assert any(
        f'Set-MailboxAutoReplyConfiguration -Identity "{ADA}" -AutoReplyState Disabled' in step for step in cure.steps
    )


# Effects --------------------------------------------------------------------------------------------------------------


def test_effects_name_what_explains_them() -> None:
    for name in ("autodiscover/v2-route", REST, CALLER, STUCK):
        check = check_named(name)
        assert check.symptom
        for explaining in check.explained_by:
            assert check_named(explaining).name == explaining

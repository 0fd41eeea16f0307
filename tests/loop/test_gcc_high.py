"""The closed loop in Office 365 GCC High: the same causes under other hosts, and what that cloud does not offer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.loop.walk import NOW, Walk, mailboxes_for, names, new_estate

from hybridge.findings import Outcome
from hybridge.lab.contoso import DELEGATIONS, PEOPLE
from hybridge.lab.faults import Fault, faults
from hybridge.lab.in_process import InProcess
from hybridge.lab.verbs import Verbs
from hybridge.net.clock import SetClock
from hybridge.terms.clouds import GCC_HIGH, WORLDWIDE
from hybridge.terms.symptoms import Symptom

GIVEN = "delegation/offered-in-cloud:not-offered"
"""What is found in the healthy organization, because the cloud is like that."""
WORLDWIDE_ONLY = (
    "oauth/auth-server-cloud:other-cloud",
    "sign_in/tenant:other-cloud",
    "sharing/hybrid-configuration:wrong-service",
    "network/allow-list-upkeep",
    "network/inbound-ranges",
)
"""Faults (beginnings of their names) that put the organization into GCC High, or are made of worldwide addresses."""

AREAS = ("delegation/", "ews/", "oauth/", "partner_apps/", "sharing/", "sign_in/", "teams/")
"""Areas that know addresses or services of a cloud; what is left is the same in every cloud."""
OF_THE_CLOUD = tuple(fault for fault in faults() if fault.healable and fault.name.startswith(AREAS))
"""What hybridge changes in this cloud, and so by its addresses."""


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    clock = SetClock(NOW)
    estate = new_estate(clock, GCC_HIGH)
    answerer = InProcess(estate)
    return Walk(estate, Verbs(estate, answerer), clock, tmp_path / "journals", answerer)


async def test_a_healthy_organization_lacks_only_what_the_cloud_does_not_offer(walk: Walk) -> None:
    diagnosis = await walk.look()
    assert names(diagnosis) == {GIVEN}
    on_premises = {person.address for person in PEOPLE if person.server}
    pairs = {f"{delegator}:{delegate}" for delegator, delegate in DELEGATIONS if delegator in on_premises}
    findings = [finding for result in diagnosis.results for finding in result.findings]
    assert {str(finding.subject) for finding in findings} == pairs
    open_questions = {one.check for one in diagnosis.results if one.outcome is Outcome.INCONCLUSIVE}
    assert not {check for check in open_questions if not check.startswith("network/")}
    assert {one["who"] for one in await walk.verbs.symptoms()} == pairs
    assert diagnosis.plan is not None and not diagnosis.plan.changes
    assert {manual.cause for manual in diagnosis.plan.manual} == {GIVEN}


async def test_nothing_of_another_cloud_is_asked(walk: Walk) -> None:
    await walk.look()
    asked = {request.host for request in walk.estate.log}
    others = {WORLDWIDE.login, WORLDWIDE.graph, WORLDWIDE.exchange, WORLDWIDE.teams_config}
    assert asked & {GCC_HIGH.graph, GCC_HIGH.exchange, GCC_HIGH.teams_config}
    assert not asked & others


@pytest.mark.parametrize("fault", OF_THE_CLOUD, ids=lambda fault: fault.name)
async def test_closed_loop_in_gcc_high(fault: Fault, walk: Walk) -> None:
    walk = replace(walk, mailboxes=mailboxes_for(fault))
    if fault.name.startswith(WORLDWIDE_ONLY):
        pytest.skip("the fault is to be in this cloud, or of another cloud's addresses")
    await walk.verbs.break_((fault.name,))
    broken = walk.estate.organization
    diagnosis = await walk.look()
    assert names(diagnosis) == {fault.name, GIVEN}
    noticed = {one["symptom"] for one in await walk.verbs.symptoms()}
    assert noticed == {*fault.symptoms, Symptom.DELEGATE_CANNOT_SCHEDULE}
    assert diagnosis.plan is not None, diagnosis.refused
    if not fault.healable:
        assert not diagnosis.plan.changes
        return
    if not GCC_HIGH.assigns_teams_policies and fault.name == "teams/coexistence-mode:user-mode":
        assert not diagnosis.plan.changes, "Graph assigns no policy in this cloud"
        return
    applied = await walk.apply(diagnosis)
    assert applied.complete, applied.says
    assert await walk.found() == {GIVEN}
    undone = await walk.undo(diagnosis.plan.id)
    assert undone.complete, undone.says
    assert walk.estate.organization.difference(broken) == ()

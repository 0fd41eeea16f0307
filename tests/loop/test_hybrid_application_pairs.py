"""The dedicated hybrid application broken in two ways at once, and never set up at all: healed and taken back."""

from __future__ import annotations

from itertools import combinations

import msgspec
import pytest
from tests.loop.walk import Walk, names

from hybridge.doctor.diagnose import Diagnosis
from hybridge.lab.contoso import DOMAIN
from hybridge.lab.contoso_hybrid import HYBRID_APPLICATION
from hybridge.lab.faults import fault_named, faults
from hybridge.org.organization import Organization
from hybridge.org.records import AuthServer, EntraApplication
from hybridge.plan import Manual, Risk
from hybridge.repair.hands.script import script
from hybridge.terms.premises import Premises

AREA = ("oauth/hybrid-application", "oauth/organization-relationship")
HEALABLE = [fault.name for fault in faults() if fault.name.startswith(AREA) and fault.healable]
NEVER_SET_UP = (
    "oauth/hybrid-application-object:application-missing",
    "oauth/hybrid-application-auth-server:not-linked",
    "oauth/hybrid-application-setting:not-configured",
    "oauth/organization-relationship-epr:address-missing",
)


async def applied(walk: Walk) -> tuple[Diagnosis, tuple[Manual, ...]]:
    """Look, and make every change the plan holds."""
    diagnosis = await walk.look()
    assert diagnosis.plan is not None, diagnosis.refused
    done = await walk.apply(diagnosis)
    assert done.complete, done.says
    return diagnosis, diagnosis.plan.manual


async def undone(walk: Walk, *diagnoses: Diagnosis) -> Organization:
    for diagnosis in reversed(diagnoses):
        assert diagnosis.plan is not None
        back = await walk.undo(diagnosis.plan.id)
        assert back.complete, back.says
    return walk.estate.organization


@pytest.mark.parametrize(("one", "other"), list(combinations(HEALABLE, 2)))
async def test_two_at_once_are_healed_by_one_plan(walk_in_process: Walk, one: str, other: str) -> None:
    walk = walk_in_process
    await walk.verbs.break_((one, other))
    broken = walk.estate.organization
    diagnosis, manual = await applied(walk)
    assert names(diagnosis) <= {one, other} and names(diagnosis)
    assert manual == ()
    again = await walk.look()
    assert names(again) == set() and again.plan is not None and again.plan.empty
    assert (await undone(walk, diagnosis)).difference(broken) == ()


NOT_OPEN_TO_IT = "ews/online-applications:hybrid-application-missing"
"""The new application has another id than the one EWS of Exchange Online is open to."""


async def test_a_tenant_that_never_had_the_application_is_set_up_in_two_plans(walk_in_process: Walk) -> None:
    """The application's id exists only once it was made, so what names it on-premises is planned afterwards."""
    walk = walk_in_process
    await walk.verbs.break_(NEVER_SET_UP)
    walk.estate.healthy = walk.estate.organization  # nothing can be restored
    broken = walk.estate.organization
    first, manual = await applied(walk)
    assert manual == () and names(first) == {NEVER_SET_UP[0], NEVER_SET_UP[3]}
    assert first.plan is not None
    assert [change.address.kind for change in first.plan.changes] == [
        "OrganizationRelationship",
        "EntraApplication",
        "AppRoleAssignment",
    ]
    assert [change.risk for change in first.plan.changes] == [Risk.LOW, Risk.MEDIUM, Risk.HIGH]
    assert "make the plan again" in first.plan.changes[1].says
    assert "Invoke-MgGraphRequest -Method POST" in script(first.plan)

    second, manual = await applied(walk)
    assert manual == () and names(second) == {NEVER_SET_UP[1], NOT_OPEN_TO_IT}
    assert second.plan is not None
    kinds = {change.address.kind for change in second.plan.changes}
    assert kinds == {"AuthServer", "SettingOverride", "OrganizationConfig"}
    assert names(await walk.look()) == set()
    made = walk.estate.organization.one(EntraApplication, Premises.ONLINE, HYBRID_APPLICATION)
    assert made is not None and made.application_id in {
        server.application_identifier for server in walk.estate.organization.all(AuthServer)
    }
    assert (await undone(walk, first, second)).difference(broken) == ()


async def test_an_application_made_anew_is_named_by_the_next_plan(walk_in_process: Walk) -> None:
    """Deleted for longer than thirty days: the new one has another id than the AuthServer names."""
    walk = walk_in_process
    await walk.verbs.break_(NEVER_SET_UP[:1])
    walk.estate.healthy = walk.estate.organization
    first, _ = await applied(walk)
    second, manual = await applied(walk)
    assert names(second) == {"oauth/hybrid-application-auth-server:not-linked", NOT_OPEN_TO_IT} and manual == ()
    assert names(await walk.look()) == set()
    assert first.plan is not None and first.plan.organization == DOMAIN


async def test_a_deleted_application_is_not_restored_with_a_key_of_others(walk_in_process: Walk) -> None:
    walk = walk_in_process
    (application,) = walk.estate.healthy.all(EntraApplication)
    secret = msgspec.structs.replace(application, password_credentials=("0c0ffee0-0000-4000-8000-00000000dead",))
    await walk.verbs.break_(NEVER_SET_UP[:1])
    walk.estate.healthy = walk.estate.healthy.put(secret)
    await applied(walk)
    made = walk.estate.organization.one(EntraApplication, Premises.ONLINE, HYBRID_APPLICATION)
    assert made is not None and made.password_credentials == ()
    assert made.application_id != application.application_id


async def test_a_fault_of_the_walk_is_one_of_the_lab() -> None:
    assert [fault_named(name).healable for name in NEVER_SET_UP] == [True] * 4
    assert len(HEALABLE) == 9

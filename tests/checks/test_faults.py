"""The lab's faults are the causes of the checks, all of them."""

from __future__ import annotations

import pytest

from hybridge.checks.registry import all_causes
from hybridge.lab.faults import UnknownFault, fault_named, faults
from hybridge.org.organization import Organization
from hybridge.terms.symptoms import Symptom


def test_every_cause_that_can_be_broken_is_a_fault() -> None:
    assert [fault.name for fault in faults()] == [name for name, _, cause in all_causes() if cause.breaks]


def test_every_fault_changes_contoso_and_leaves_it_alone(healthy: Organization) -> None:
    before = Organization(healthy)
    for fault in faults():
        broken = fault.breaks(healthy)
        assert broken != healthy, fault.name
        assert healthy == before


def test_symptoms_are_those_of_this_very_fault() -> None:
    assert fault_named("ews/allow-list-organization:caller-misspelt").symptoms == (Symptom.PRESENCE_STUCK,)
    assert fault_named("ews/allow-list-mailbox:caller-blocked").symptoms == (Symptom.CALENDAR_MISSING,)
    assert fault_named("delegation/send-on-behalf:missing").symptoms == ()
    assert fault_named("autodiscover/v2-route:not-published").symptoms == tuple(Symptom)


def test_symptoms_are_among_those_of_the_cause() -> None:
    symptoms = {name: set(cause.symptoms) for name, _, cause in all_causes()}
    assert all(set(fault.symptoms) <= symptoms[fault.name] for fault in faults())


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ews/allow-list-organisation:disabled", "ews/allow-list-organization:disabled"),
        ("visible", "partner_apps/application-account:visible"),
        ("teams/calendar-app-pinned", "teams/calendar-app-pinned:not-pinned"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(KeyError) as raised:
        fault_named(name)
    assert isinstance(raised.value, UnknownFault)
    assert name in str(raised.value) and nearest in str(raised.value)
    assert raised.value.nearest[0] == nearest


def test_a_name_like_no_other_is_told_where_to_look() -> None:
    with pytest.raises(UnknownFault, match="hybridge lab faults lists all of them"):
        fault_named("%%%")

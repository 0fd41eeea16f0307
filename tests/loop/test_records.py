"""The closed loop over records alone: broken, found, healed on paper, silent; and back again to what it was.

Every cause of every check takes part; nothing is listed here. Causes of symptom checks that only a probe can show are
broken too, and no cause check may mistake them for something else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hybridge.checks.base import Cause, Check
from hybridge.checks.registry import all_causes, all_checks
from hybridge.checks.rehearsal import subjects_of
from hybridge.doctor.examine import examine
from hybridge.evidence import Evidence, complete
from hybridge.findings import CheckResult, Finding, Outcome
from hybridge.lab.contoso import DELEGATIONS, DOMAIN, PEOPLE, TENANT_ID, AuthCertificate, contoso
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Manual
from hybridge.repair.planner import prove
from hybridge.repair.rules import refusal, unwritable
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CAUSE_CHECKS = tuple(check for check in all_checks() if not check.symptom)
ROUNDS = 12


@cache
def healthy() -> Organization:
    start, end = NOW - timedelta(days=100), NOW + timedelta(days=1700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Microsoft Exchange Server Auth Certificate")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(start).not_valid_after(end)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return contoso(NOW, AuthCertificate(der, start, end))


SUBJECTS = subjects_of(healthy())


def evidence_of(organization: Organization) -> Evidence:
    """Every kind Contoso has was read completely: what is gone from ``organization`` is known to be gone."""
    kinds: set[tuple[type[Record], Premises]] = {(type(record), record.premises) for record in healthy()}
    return complete(organization, kinds, NOW, domain=DOMAIN, tenant_id=TENANT_ID)


def results(organization: Organization, checks: tuple[Check, ...] = CAUSE_CHECKS) -> tuple[CheckResult, ...]:
    return examine(evidence_of(organization), SUBJECTS, checks)


def found(organization: Organization, checks: tuple[Check, ...] = CAUSE_CHECKS) -> list[Finding]:
    return [finding for result in results(organization, checks) for finding in result.findings]


def folded(broken: Organization, checks: tuple[Check, ...]) -> tuple[Organization, list[Change], list[Manual]]:
    """Heal the first finding, look again, until only findings for a person are left."""
    changes: list[Change] = []
    manual: dict[tuple[str, str], Manual] = {}
    present = broken
    for _ in range(ROUNDS):
        for finding in found(present, checks):
            cure = heal(finding, present)
            if isinstance(cure, Manual):
                manual[finding.name, str(finding.subject)] = cure
            elif cure:
                manual.pop((finding.name, str(finding.subject)), None)  # what another cure has made possible meanwhile
                break
        else:
            return present, changes, list(manual.values())
        for change in cure:
            present = change.applied_to(present)
        changes += cure
    raise AssertionError(f"does not settle: {[finding.name for finding in found(present, checks)]}")


def heal(finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
    check = next(check for check in all_checks() if check.name == finding.check)
    return check.cause(finding.cause).heals(finding, organization)


BREAKABLE = [
    pytest.param(check, cause, id=name) for name, check, cause in all_causes() if cause.breaks and not check.symptom
]
SEEN_FROM_OUTSIDE = [
    pytest.param(check, cause, id=name) for name, check, cause in all_causes() if cause.breaks and check.symptom
]
JUDGED_FROM_RECORDS = {
    "outlook/mapi-answer:external-url-blank",
    "autodiscover/v2-route:external-url-blank",
    "oauth/bearer-challenge:oauth-off",
    "oauth/bearer-challenge:issuer-missing",
    "oauth/bearer-challenge:wrong-tenant",
    "presence/out-of-office-stuck:automatic-replies-on",
}
"""Causes of symptom checks that the records show already."""


def broken_by(cause: Cause) -> Organization:
    assert cause.breaks is not None
    return cause.breaks(healthy())


def test_the_subjects_are_those_of_contoso() -> None:
    assert len(SUBJECTS) == 1 + sum(bool(person.server) for person in PEOPLE) + len(DELEGATIONS)


def test_contoso_is_healthy_and_everything_was_judged() -> None:
    judged = results(healthy())
    idle = [result for result in judged if result.outcome is not Outcome.PASSED]
    assert {result.outcome for result in idle} <= {Outcome.NOT_APPLICABLE}, idle
    assert all(result.reason for result in idle)
    passed = {result.check for result in judged if result.outcome is Outcome.PASSED}
    assert {result.check for result in judged} - passed == {"delegation/offered-in-cloud"}, "it is about other clouds"


@pytest.mark.parametrize(("check", "cause"), BREAKABLE)
def test_exactly_this_cause_is_found(check: Check, cause: Cause) -> None:
    names = {finding.name for finding in found(broken_by(cause))}
    assert names == {f"{check.name}:{cause.slug}"}


@pytest.mark.parametrize(("check", "cause"), BREAKABLE)
def test_findings_carry_what_a_report_needs(check: Check, cause: Cause) -> None:
    for finding in found(broken_by(cause)):
        assert set(finding.symptoms) <= set(cause.symptoms)
        assert finding.origins
        assert finding.says.endswith(".") and len(finding.says) > 20
        assert finding.says.isascii()


@pytest.mark.parametrize(("check", "cause"), BREAKABLE)
def test_healing_falls_silent_and_is_taken_back(check: Check, cause: Cause) -> None:
    broken = broken_by(cause)
    first = found(broken)
    mended, changes, manual = folded(broken, CAUSE_CHECKS)
    if not cause.healable:
        assert not changes
        assert manual and all(one.steps and one.verify and one.cause.endswith(cause.slug) for one in manual)
        return
    assert changes and not manual
    assert found(mended) == []
    assert all(change.why for change in changes)
    for finding in first:
        assert heal(finding, mended) == ()
    back = mended
    for change in reversed(changes):
        back = change.inverse.applied_to(back)
    assert back == broken


@pytest.mark.parametrize(("check", "cause"), BREAKABLE)
def test_the_planner_proves_the_same(check: Check, cause: Cause) -> None:
    broken = broken_by(cause)
    plan = prove(all_checks(), evidence_of(broken), SUBJECTS)
    for change in plan.changes:
        assert unwritable(change) == "" and refusal(change, NOW) == ""
    healed = broken
    for change in plan.changes:
        healed = change.applied_to(healed)
    assert bool(plan.changes) is cause.healable
    assert bool(plan.manual) is not cause.healable
    if cause.healable:
        assert found(healed) == []


@pytest.mark.parametrize(("check", "cause"), SEEN_FROM_OUTSIDE)
def test_a_fault_of_the_outside_is_no_other_cause(check: Check, cause: Cause) -> None:
    broken = broken_by(cause)
    assert broken != healthy()
    assert found(broken) == []
    names = {finding.name for finding in found(broken, all_checks())}
    name = f"{check.name}:{cause.slug}"
    assert names == ({name} if name in JUDGED_FROM_RECORDS else set())


@pytest.mark.parametrize(("check", "cause"), [one for one in SEEN_FROM_OUTSIDE if one.id in JUDGED_FROM_RECORDS])
def test_what_the_records_show_of_the_outside_is_healed(check: Check, cause: Cause) -> None:
    broken = broken_by(cause)
    mended, changes, manual = folded(broken, all_checks())
    assert bool(changes) is cause.healable and bool(manual) is not cause.healable
    if cause.healable:
        assert found(mended, all_checks()) == []


def test_two_faults_at_once_are_both_found_and_healed() -> None:
    """Every pair of healable faults would take minutes; every fault beside one of each area takes a second."""
    companions = [name for name in _first_of_each_area() if name]
    by_name = {name: cause for name, _, cause in all_causes()}
    for name, check, cause in all_causes():
        if cause.breaks is None or check.symptom or not cause.healable:
            continue
        for other in companions:
            second = by_name[other].breaks
            assert second is not None
            mended, _, manual = folded(second(cause.breaks(healthy())), CAUSE_CHECKS)
            assert found(mended) == [] and not manual, (name, other)


def _first_of_each_area() -> list[str]:
    first: dict[str, str] = {}
    for name, check, cause in all_causes():
        if cause.breaks and cause.healable and not check.symptom:
            first.setdefault(name.partition("/")[0], name)
    return list(first.values())

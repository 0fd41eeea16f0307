"""A cure of many mailboxes: proved with work that grows as their number does, shown folded, and the same as each alone.

Work is counted, not timed: how often checks are asked, and how many records they are handed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hybridge.checks.base import Cause, Check, Saying
from hybridge.checks.registry import all_checks
from hybridge.evidence import Evidence, Key, Origin, Reading, Readings, Seen
from hybridge.findings import ORGANIZATION, Finding, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID, AuthCertificate, contoso, people
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Manual, Plan, change
from hybridge.repair.looks import Draft, Look
from hybridge.repair.planner import prove
from hybridge.repair.what_if import what_if
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ORIGIN = Origin(source="Get")
Break = Callable[[Organization], Organization]


def here(record: Record) -> bool:
    return record.premises is ON


def shut(organization: Organization) -> Organization:
    return organization.edit(r.CasMailbox, here, ews_enabled=False)


def refused(organization: Organization) -> Organization:
    return organization.edit(
        r.CasMailbox, here, ews_application_access_policy="EnforceAllowList", ews_allow_list=("OWA/*",)
    )


def without_meetings(organization: Organization) -> Organization:
    return refused(organization).edit(r.CsOnlineUser, teams_upgrade_policy="SfBOnly")


def tenant(number: int, breaks: Break, whole: bool) -> tuple[Evidence, tuple[Subject, ...]]:
    """``number`` people of Contoso, read mailbox by mailbox or as a whole."""
    certificate = AuthCertificate(b"0der", NOW - timedelta(days=1), NOW + timedelta(days=900))
    organization = breaks(contoso(NOW, certificate, people(number)))
    readings: dict[Key, list[Record]] = {}
    for record in organization:
        key = Key(type(record).__name__, record.premises, "" if whole else record.scope)
        readings.setdefault(key, []).append(record)
    made: dict[Key, Reading] = {key: Seen(tuple(records), ORIGIN) for key, records in readings.items()}
    boxes = (Subject(Scope.MAILBOX, box.identity) for box in organization.all(r.Mailbox, ON))
    return Evidence(NOW, made, DOMAIN, TENANT_ID), (ORGANIZATION, *boxes)


class Counting(Check):
    """Another check, counted: how often it is asked, and how many records it is handed."""

    title = "?"
    why = ""
    scope = Scope.ORGANIZATION

    def __init__(self, inner: Check, work: Counter[str]) -> None:
        self._inner, self._work = inner, work
        for name in ("title", "why", "scope", "severity", "needs", "symptom", "explained_by", "causes"):
            setattr(self, name, getattr(inner, name))

    @property
    def name(self) -> str:
        return self._inner.name

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        self._work["finds"] += 1
        return self._inner.find(Handed(evidence, self._work), subject)


class Handed(Evidence):
    """Evidence that counts the records it hands out."""

    def __init__(self, inner: Evidence, work: Counter[str]) -> None:
        super().__init__(inner.now, inner.readings, inner.domain, inner.tenant_id)
        object.__setattr__(self, "_work", work)

    @property
    def _readings(self) -> Readings:
        return CountedReadings(super()._readings, self.__dict__["_work"])


class CountedReadings(Readings):
    """Readings that count the records of every answer."""

    def __init__(self, inner: Readings, work: Counter[str]) -> None:
        super().__init__(inner)
        self._inner, self._work = inner, work

    def __getitem__(self, key: Key) -> Reading:
        return self._counted(self._inner[key])

    def cut(self, key: Key, scope: str) -> Reading | None:
        found = self._inner.cut(key, scope)
        return found and self._counted(found)

    def one(self, key: Key, identity: str) -> Reading | None:
        found = self._inner.one(key, identity)
        return found and self._counted(found)

    def _counted(self, reading: Reading) -> Reading:
        self._work["records"] += len(reading.records) if isinstance(reading, Seen) else 0
        return reading


def proved(number: int, breaks: Break, whole: bool) -> tuple[Plan, Counter[str]]:
    evidence, subjects = tenant(number, breaks, whole)
    work: Counter[str] = Counter()
    plan = prove([Counting(check, work) for check in all_checks()], evidence, subjects)
    return plan, work


@pytest.mark.parametrize("whole", [False, True], ids=["by mailbox", "export"])
@pytest.mark.parametrize("breaks", [shut, refused, without_meetings])
def test_work_grows_as_the_number_of_mailboxes(breaks: Break, whole: bool) -> None:
    (small, little), (large, much) = (proved(number, breaks, whole) for number in (40, 400))
    assert len(large.changes) > 9 * len(small.changes)
    for what in ("finds", "records"):
        assert 0 < much[what] <= 10 * little[what], what


def test_reading_by_mailbox_or_as_a_whole_makes_the_same_plan() -> None:
    assert proved(80, without_meetings, True)[0] == proved(80, without_meetings, False)[0]


def test_the_plan_of_many_holds_what_each_alone_would_be_cured_by() -> None:
    evidence, subjects = tenant(20, without_meetings, False)
    together = prove(all_checks(), evidence, subjects)
    alone = [change for box in subjects[1:] for change in prove(all_checks(), evidence, (ORGANIZATION, box)).changes]
    assert {one.address: one for one in together.changes} == {one.address: one for one in alone}


class Listed(Check):
    """Wants an entry for every mailbox in the one list of the organization: all cures meet in one record."""

    title = "?"
    why = ""
    scope = Scope.MAILBOX

    def __init__(self) -> None:
        self.finds = 0
        self.causes = (Cause("missing", "Missing.", None, self._heal),)  # type: ignore[misc]

    @property
    def name(self) -> str:
        return "a/listed"

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        self.finds += 1
        reading = evidence.all(r.OrganizationConfig, ON)
        if isinstance(reading, Seen) and f"{subject}/*" not in (reading.records[0].ews_allow_list or ()):
            yield self.finding("missing", subject, f"{subject} is missing.", address=reading.records[0].address)

    def _heal(self, finding: Finding, organization: Organization) -> tuple[Change, ...] | Manual:
        (present,) = organization.all(r.OrganizationConfig, ON)
        listed = (*(present.ews_allow_list or ()), f"{finding.subject}/*")
        return (
            change(organization, msgspec.structs.replace(present, ews_allow_list=listed), f"Add {finding.subject}."),
        )


@pytest.mark.parametrize("number", [50, 500])
def test_cures_that_meet_in_one_record_cost_a_look_or_two_each(number: int) -> None:
    check = Listed()
    evidence, subjects = tenant(number, lambda organization: organization, False)
    (only,) = prove([check], evidence, subjects).changes
    assert only.says.count("Add ") == len(subjects) - 1
    assert check.finds <= 4 * len(subjects)


def test_a_look_is_repeated_only_when_what_it_asked_for_has_changed() -> None:
    check = next(check for check in all_checks() if check.name == "ews/allow-list-mailbox")
    work: Counter[str] = Counter()
    evidence, _ = tenant(10, shut, False)
    draft = Draft(evidence)
    ada, grace = (
        Look(Counting(check, work), Subject(Scope.MAILBOX, f"{name}@contoso.com")) for name in ("ada", "grace")
    )
    for one in (ada, grace, ada, grace):
        draft.refresh(one)
    assert work["finds"] == 2
    before = draft.organization.one(r.CasMailbox, ON, "ada@contoso.com")
    assert before is not None
    draft.change(before.address, msgspec.structs.replace(before, ews_enabled=True))
    draft.refresh(grace)
    assert work["finds"] == 2
    assert grace.findings
    draft.refresh(ada)
    assert work["finds"] == 3
    assert not ada.findings


def test_the_plan_is_shown_folded() -> None:
    plan, _ = proved(300, without_meetings, False)
    lines = what_if(plan)
    assert len(lines) < 40
    shown = "\n".join(lines)
    assert "1-298. 298 changes of one kind, the first: Add " in shown
    assert "ada@contoso.com, alan@contoso.com, grace@contoso.com and 295 more" in shown
    assert "Give ada@contoso.com the upgrade policy UpgradeToTeams in place of SfBOnly." in shown


@pytest.mark.parametrize(("number", "folded"), [(3, False), (4, True)])
def test_a_few_changes_are_shown_one_by_one(number: int, folded: bool) -> None:
    def some_shut(organization: Organization) -> Organization:
        boxes = [box.identity for box in organization.all(r.CasMailbox, ON)][:number]
        return organization.edit(r.CasMailbox, lambda one: here(one) and one.identity in boxes, ews_enabled=False)

    lines = what_if(proved(6, some_shut, False)[0])
    assert any("changes of one kind" in line for line in lines) is folded
    assert sum(line.startswith("   where:") for line in lines) == (1 if folded else number)


def test_cures_by_hand_are_shown_folded() -> None:
    steps = [
        Manual(
            cause="a/b:c",
            subject=f"box{n}@contoso.com",
            says=f"Ask box{n}@contoso.com.",
            steps=("Ask.",),
            verify="See.",
        )
        for n in range(500)
    ]
    plan = Plan(id="p", organization=DOMAIN, evidence_at=NOW, manual=tuple(steps))
    assert what_if(plan)[1:] == (
        "By hand, 500 times, the first: Ask box0@contoso.com. "
        "(box0@contoso.com, box1@contoso.com, box2@contoso.com and 497 more)",
        "   1) Ask.",
        "   see:    See.",
    )

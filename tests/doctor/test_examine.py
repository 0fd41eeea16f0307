"""The engine: outcomes, defects of a check, and what explains what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hybridge.checks.base import Cause, Check, Saying
from hybridge.doctor.examine import examine, subjects_for, unexplained
from hybridge.evidence import Evidence, Unseen
from hybridge.findings import NotApplicable, Outcome, Scope, Subject
from hybridge.plan import Manual

EVIDENCE = Evidence(now=datetime(2026, 11, 20, tzinfo=UTC))
SUBJECTS = subjects_for(["ada@contoso.com"], [("ada@contoso.com", "grace@contoso.com")])
BY_HAND = Manual(says="Look", steps=("Look",), verify="Look again")


class Sayer(Check):
    """A check that says what it was made with."""

    title = "Is it?"
    why = "Because."
    scope = Scope.MAILBOX
    causes = (Cause("wrong", "It is wrong", None, lambda *_: BY_HAND),)

    def __init__(self, name: str, *sayings: str, explained_by: tuple[str, ...] = ()) -> None:
        self._name = name
        self._sayings = sayings
        self.explained_by = explained_by  # type: ignore[misc]

    @property
    def name(self) -> str:
        return self._name

    def find(self, evidence: Evidence, subject: Subject) -> Iterator[Saying]:
        for saying in self._sayings:
            if saying == "finding":
                yield self.finding("wrong", subject, "wrong")
            elif saying == "unseen":
                yield Unseen(what="x", reason="unreachable", says="x could not be read")
            elif saying == "not-applicable":
                yield NotApplicable("the mailbox is online")
            else:
                raise RuntimeError("a defect")


def outcome(*sayings: str) -> Outcome:
    (result, *_) = examine(EVIDENCE, SUBJECTS[1:2], [Sayer("a/b", *sayings)])
    return result.outcome


def test_outcomes() -> None:
    assert outcome() is Outcome.PASSED
    assert outcome("finding") is Outcome.FAILED
    assert outcome("unseen") is Outcome.INCONCLUSIVE
    assert outcome("finding", "unseen") is Outcome.FAILED
    assert outcome("not-applicable") is Outcome.NOT_APPLICABLE
    assert outcome("not-applicable", "unseen") is Outcome.INCONCLUSIVE


def test_a_defect_of_a_check_is_inconclusive_and_ends_nothing() -> None:
    broken, fine = examine(EVIDENCE, SUBJECTS[1:2], [Sayer("a/broken", "raise"), Sayer("a/fine")])
    assert broken.outcome is Outcome.INCONCLUSIVE
    assert broken.unseen[0].reason == "defect"
    assert "a defect" in broken.unseen[0].says
    assert fine.outcome is Outcome.PASSED


def test_subjects_hold_both_sides_of_a_delegation_once() -> None:
    mailboxes = [subject.identity for subject in SUBJECTS if subject.scope is Scope.MAILBOX]
    assert mailboxes == ["ada@contoso.com", "grace@contoso.com"]


def test_a_symptom_hangs_under_the_cause_of_the_same_mailbox_only() -> None:
    cause, symptom = Sayer("a/cause", "finding"), Sayer("a/symptom", "finding", explained_by=("a/cause",))
    results = examine(EVIDENCE, SUBJECTS, [cause, symptom])
    assert {finding.name for finding in unexplained(results)} == {"a/cause:wrong"}
    ada = [result for result in results if result.check == "a/cause" and result.subject.identity == "ada@contoso.com"]
    alone = examine(EVIDENCE, (Subject(Scope.MAILBOX, "alan@contoso.com"),), [symptom])
    assert ada
    assert not alone[0].explained_by

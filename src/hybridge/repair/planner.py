"""From findings to a plan: fold cures into a projected organization and look again, until nothing is found.

Nothing is written here; a plan is proved on paper first. One round looks at the projected evidence and asks every
finding's cause for its cure, but cures each record once: a second cure of the same record waits for the next round,
because it must start from what is there by then, and may not be needed any more. So a round costs one look however
many mailboxes there are. A finding whose cure is left to a person stays, is collected once, and counts as answered.

Causes are healed first. What a server really answered (a symptom check's finding) does not change on paper, so those
that no found cause explains are asked for their cure once, afterwards; if that brought changes, the causes are looked
at once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from hybridge.checks.base import Check
from hybridge.doctor.examine import examine, unexplained
from hybridge.evidence import Evidence
from hybridge.findings import Finding, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import Address
from hybridge.plan import Change, Manual, Plan, Risk
from hybridge.repair.plan_file import plan_id
from hybridge.repair.rules import refusal
from hybridge.repair.writable import writable

ROUNDS = 12
"""How often a plan is looked at again, beside one round for each finding about the record with most of them. Cures
depend on each other in chains of about five (see ``writable``)."""

_RISKS = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)


class PlanRefused(Exception):
    """No plan is made, and why, in one sentence."""


class Unsettled(PlanRefused):
    """The cures of ``causes`` (full names) undo each other or do nothing: looking again never falls silent."""

    def __init__(self, causes: Iterable[str]) -> None:
        self.causes = tuple(dict.fromkeys(causes))
        super().__init__(
            f"No plan was made, because these causes are still found after their cures: {', '.join(self.causes)}. "
            "Leave one of them out with --only, and report this as a defect of hybridge."
        )


class Unallowed(PlanRefused):
    """The cure of ``cause`` holds a change that hybridge must not make."""

    def __init__(self, cause: str, reason: str) -> None:
        self.cause = cause
        super().__init__(f"No plan was made, because the cure of {cause} is not allowed: {reason}")


def prove(checks: Iterable[Check], evidence: Evidence, subjects: Sequence[Subject]) -> Plan:
    """The plan that silences every cause found in ``evidence`` for ``subjects``.

    Raises ``Unsettled`` when it does not fall silent after enough rounds (see ``ROUNDS``), and ``Unallowed`` when a
    cure would break a rule of ``repair.rules``.
    """
    draft = _Draft(tuple(checks), evidence, tuple(subjects), evidence.organization())
    symptoms = [
        finding
        for finding in unexplained(examine(evidence, draft.subjects, draft.checks))
        if draft.check(finding).symptom
    ]
    draft.settle()
    before = draft.organization
    while symptoms:
        symptoms = draft.round(symptoms)
    if draft.organization is not before:
        draft.settle()
    return draft.plan()


@dataclass
class _Draft:
    """A plan in the making. ``organization`` is what it would become."""

    checks: tuple[Check, ...]
    evidence: Evidence
    subjects: tuple[Subject, ...]
    organization: Organization
    changes: dict[Address, Change] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)
    """Changes of this round that ``organization`` does not show yet."""
    manual: dict[tuple[str, Subject, str], Manual] = field(default_factory=dict)
    answered: set[tuple[str, Subject, Address | None]] = field(default_factory=set)
    """Findings left to a person: cause, subject and record."""

    def check(self, finding: Finding) -> Check:
        return next(check for check in self.checks if check.name == finding.check)

    def settle(self) -> None:
        """Heal causes until none is found that a change can heal."""
        rounds = limit = 0
        found = self._open_findings()
        while found:
            before, answered = self.organization, len(self.answered)
            waiting = self.round(found)
            crowd = Counter(finding.address for finding in waiting)
            limit = limit or ROUNDS + max(crowd.values(), default=0)
            rounds += 1
            stuck = self.organization is before and len(self.answered) == answered
            if stuck or rounds > limit:
                raise Unsettled(finding.name for finding in found)
            found = self._open_findings()

    def _open_findings(self) -> list[Finding]:
        return [finding for finding in self._causes_found() if not self._left_to_a_person(finding)]

    def _causes_found(self) -> Iterator[Finding]:
        projected = self.evidence.projected(self.organization)
        causes = tuple(check for check in self.checks if not check.symptom)
        for result in examine(projected, self.subjects, causes):
            yield from result.findings

    def round(self, found: Iterable[Finding]) -> list[Finding]:
        """Add the cure of every finding, one per record; returns the findings that must wait for another round."""
        touched: set[Address] = set()
        waiting: list[Finding] = []
        for finding in found:
            cure = self._cure(finding)
            if not isinstance(cure, Manual) and any(change.address in touched for change in cure):
                waiting.append(finding)
                continue
            touched |= self._fold(finding, cure)
        self._show_pending()
        return waiting

    def _cure(self, finding: Finding) -> tuple[Change, ...] | Manual:
        return self.check(finding).cause(finding.cause).heals(finding, self.organization)

    def _fold(self, finding: Finding, cure: tuple[Change, ...] | Manual) -> set[Address]:
        """Add a cure to the draft; returns the addresses it changed."""
        if isinstance(cure, Manual):
            named = msgspec.structs.replace(cure, cause=finding.name, subject=str(finding.subject))
            self.answered.add((finding.name, finding.subject, finding.address))
            self.manual.setdefault((finding.name, finding.subject, cure.says), named)
            return set()
        changed: set[Address] = set()
        for one in cure:
            if one.before == one.after:
                continue
            if reason := refusal(one, self.evidence.now):
                raise Unallowed(finding.name, reason)
            named_change = msgspec.structs.replace(one, why=tuple(dict.fromkeys((*one.why, finding.name))))
            earlier = self.changes.get(one.address)
            self.changes[one.address] = merged(earlier, named_change) if earlier else named_change
            self.pending.append(one)
            changed.add(one.address)
        return changed

    def _show_pending(self) -> None:
        gone = [one.address for one in self.pending if one.after is None]
        kept = [one.after for one in self.pending if one.after is not None]
        if self.pending:
            self.organization = self.organization.drop(*gone).put(*kept)
        self.pending.clear()

    def _left_to_a_person(self, finding: Finding) -> bool:
        return (finding.name, finding.subject, finding.address) in self.answered

    def plan(self) -> Plan:
        changes = ordered(change for change in self.changes.values() if change.before != change.after)
        manual = folded_manual(self.manual.values())
        return Plan(
            id=plan_id(self.evidence.domain, self.evidence.now, changes, manual),
            organization=self.evidence.domain,
            evidence_at=self.evidence.now,
            changes=changes,
            manual=manual,
        )


def merged(first: Change, second: Change) -> Change:
    """Two changes of the same record as one: from before the first to after the second, with both sentences."""
    says = first.says if second.says in first.says else f"{first.says.rstrip('.')}. {second.says}"
    return msgspec.structs.replace(
        first,
        after=second.after,
        says=says,
        risk=max(first.risk, second.risk, key=_RISKS.index),
        why=tuple(dict.fromkeys((*first.why, *second.why))),
    )


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes in the order they are made: by need, then from low risk to high; removals last and the other way."""

    def rank(change: Change) -> tuple[bool, int, int]:
        row = writable(change.address)
        need = row.need if row else 0
        removes = change.after is None
        return removes, -need if removes else need, _RISKS.index(change.risk)

    return tuple(sorted(changes, key=rank))


def folded_manual(manual: Iterable[Manual]) -> tuple[Manual, ...]:
    """Manual cures that differ in nothing but their subject as one each, with every subject in it."""
    subjects: dict[Manual, list[str]] = {}
    for one in manual:
        subjects.setdefault(msgspec.structs.replace(one, subject=""), []).append(one.subject)
    return tuple(msgspec.structs.replace(one, subject=", ".join(names)) for one, names in subjects.items())

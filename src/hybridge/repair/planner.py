"""From findings to a plan: fold cures into a projected organization and look again, until nothing is found.

Nothing is written here; a plan is proved on paper first. A sweep passes every look (a check run for a subject) in
turn. One whose evidence an earlier cure has changed is looked at again before its turn, since a cure must start from
what is there by then, and may not be needed any more. Then every finding's cause is asked for its cure, which is folded
into the draft at once; a second cure of the same record waits until it was looked again. Sweeps follow until one finds
nothing. As a look is repeated only when something it asked for has changed (``looks``), the work grows with the number
of mailboxes and not with its square. A finding whose cure is left to a person stays, is collected once, and counts as
answered.

Causes are healed first. What a server really answered (a symptom check's finding) does not change on paper, so those
that no found cause explains are asked for their cure once, afterwards; if that brought changes, the causes are swept
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from hybridge.checks.base import Check
from hybridge.doctor.examine import examine, unexplained
from hybridge.evidence import Evidence
from hybridge.findings import CheckResult, Finding, Subject
from hybridge.org.records import Address
from hybridge.plan import Change, Manual, Plan, Risk
from hybridge.repair.looks import Draft, Look
from hybridge.repair.plan_file import plan_id
from hybridge.repair.rules import refusal
from hybridge.repair.writable import writable

SWEEPS = 12
"""How often all looks are passed. Cures depend on each other in chains of about five (see ``writable``)."""

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


def prove(
    checks: Iterable[Check],
    evidence: Evidence,
    subjects: Sequence[Subject],
    results: Sequence[CheckResult] | None = None,
    accepted: Callable[[Finding], bool] | None = None,
) -> Plan:
    """The plan that silences every cause found in ``evidence`` for ``subjects``.

    ``results`` are those of the same examination where it was made already; findings that ``accepted`` says yes to are
    left as they are. Raises ``Unsettled`` when it does not fall
    silent after ``SWEEPS``, and ``Unallowed`` when a cure would break a rule of ``repair.rules``.
    """
    planned = _Planning(tuple(checks), evidence, tuple(subjects), accepted)
    if results is None:
        results = examine(evidence, planned.subjects, planned.checks.values())
    symptoms = [finding for finding in unexplained(results) if planned.checks[finding.check].symptom]
    planned.settle()
    before = planned.draft.tick
    for finding in symptoms:
        planned.heal(finding)
    if planned.draft.tick != before:
        planned.settle()
    return planned.plan()


class _Planning:
    """A plan in the making."""

    def __init__(
        self,
        checks: Sequence[Check],
        evidence: Evidence,
        subjects: Sequence[Subject],
        accepted: Callable[[Finding], bool] | None = None,
    ) -> None:
        self._accepted = accepted
        self.checks = {check.name: check for check in checks}
        self.subjects = subjects
        self.draft = Draft(evidence)
        self._evidence = evidence
        self._looks = [
            Look(check, subject)
            for subject in subjects
            for check in checks
            if subject.scope is check.scope and not check.symptom
        ]
        self._changes: dict[Address, list[Change]] = {}
        self._manual: dict[tuple[str, Subject, str], Manual] = {}
        self._answered: set[tuple[str, Subject, Address | None]] = set()
        """Findings left to a person: cause, subject and record."""

    def settle(self) -> None:
        """Heal causes until none is found that a change can heal."""
        for _ in range(SWEEPS):
            before = self.draft.tick, len(self._answered)
            left = [finding for one in self._looks for finding in self._sweep(one)]
            if (self.draft.tick, len(self._answered)) == before:
                if left:
                    raise Unsettled(finding.name for finding in left)
                return
        raise Unsettled(self._still_found())

    def _sweep(self, one: Look) -> list[Finding]:
        """Heal what ``one`` finds, cause by cause; returns what is still found afterwards."""
        tried: set[tuple[str, Address | None, str]] = set()
        for _ in range(SWEEPS + len(one.findings)):
            fresh = [finding for finding in self._open(one) if _key(finding) not in tried]
            if not fresh:
                break
            touched: set[Address] = set()
            for finding in fresh:
                cure = self._cure(finding)
                if isinstance(cure, Manual) or not any(change.address in touched for change in cure):
                    tried.add(_key(finding))
                    touched |= self._fold(finding, cure)
        return self._open(one)

    def _open(self, one: Look) -> list[Finding]:
        """What ``one`` finds now and no person was asked to heal."""
        self.draft.refresh(one)
        return [
            finding
            for finding in one.findings
            if (finding.name, finding.subject, finding.address) not in self._answered
            and not (self._accepted and self._accepted(finding))
        ]

    def _still_found(self) -> Iterator[str]:
        return (finding.name for one in self._looks for finding in self._open(one))

    def heal(self, finding: Finding) -> None:
        """Add the cure of ``finding`` as the draft is now."""
        self._fold(finding, self._cure(finding))

    def _cure(self, finding: Finding) -> tuple[Change, ...] | Manual:
        return self.checks[finding.check].cause(finding.cause).heals(finding, self.draft.organization)

    def _fold(self, finding: Finding, cure: tuple[Change, ...] | Manual) -> set[Address]:
        """Add a cure to the draft; returns the addresses it changed."""
        if isinstance(cure, Manual):
            named = msgspec.structs.replace(cure, cause=finding.name, subject=str(finding.subject))
            self._answered.add((finding.name, finding.subject, finding.address))
            self._manual.setdefault((finding.name, finding.subject, cure.says), named)
            return set()
        changed: set[Address] = set()
        for one in cure:
            if one.before == one.after:
                continue
            if reason := refusal(one, self._evidence.now):
                raise Unallowed(finding.name, reason)
            named_change = msgspec.structs.replace(one, why=tuple(dict.fromkeys((*one.why, finding.name))))
            self._changes.setdefault(one.address, []).append(named_change)
            self.draft.change(one.address, one.after)
            changed.add(one.address)
        return changed

    def plan(self) -> Plan:
        """What was planned so far."""
        folded = (merged(*parts) for parts in self._changes.values())
        changes = ordered(change for change in folded if change.before != change.after)
        manual = folded_manual(self._manual.values())
        return Plan(
            id=plan_id(self._evidence.domain, self._evidence.now, changes, manual),
            organization=self._evidence.domain,
            evidence_at=self._evidence.now,
            changes=changes,
            manual=manual,
        )


def _key(finding: Finding) -> tuple[str, Address | None, str]:
    return finding.name, finding.address, finding.says


def merged(first: Change, *others: Change) -> Change:
    """Changes of the same record as one: from before the first to after the last, with the sentences of all."""
    if not others:
        return first
    every = (first, *others)
    return msgspec.structs.replace(
        first,
        after=others[-1].after,
        says=_together(change.says for change in every),
        risk=max((change.risk for change in every), key=_RISKS.index),
        why=tuple(dict.fromkeys(name for change in every for name in change.why)),
    )


def _together(sentences: Iterable[str]) -> str:
    """Sentences one after the other, each once; the last keeps its full stop, if it has one."""
    *before, last = dict.fromkeys(sentences)
    return ". ".join((*(sentence.rstrip(".") for sentence in before), last))


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

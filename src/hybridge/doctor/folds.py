"""Results of many subjects folded by cause as they come: said once, every subject kept, nothing else.

A slice of mailboxes folds to a ``SliceFold``, a small value that can be written down; slices merge into a ``Fold`` in
any number. What a check was not asked for is counted and told once; it is neither passed nor a list of names.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hybridge.evidence import Unseen
from hybridge.findings import CheckResult, Finding, Outcome, Severity
from hybridge.org.folding import shape
from hybridge.terms.symptoms import Symptom

NOT_ASKED = "not-asked"
VARIANTS = 20
"""Different sentences kept of one cause; those beyond are counted with the last."""

FoundKey = tuple[str, str, tuple[str, ...], tuple[Symptom, ...], Severity]
GapKey = tuple[str, str, str, str]

PASSED, FAILED, NOT_APPLICABLE, INCONCLUSIVE, ACCEPTED, NOT_ASKED_AT = range(6)
_PLACE = {
    Outcome.PASSED: PASSED,
    Outcome.FAILED: FAILED,
    Outcome.NOT_APPLICABLE: NOT_APPLICABLE,
    Outcome.INCONCLUSIVE: INCONCLUSIVE,
    Outcome.ACCEPTED: ACCEPTED,
}


class Found(msgspec.Struct, kw_only=True):
    """One cause with everything it was found at. ``variants`` maps a sentence's shape to the sentence and how often."""

    example: Finding
    severity: Severity
    subjects: list[str] = []
    variants: dict[str, tuple[str, int]] = {}

    def add(self, subject: str, form: str, says: str, count: int = 1) -> None:
        """One more subject; ``form`` is the shape of ``says``."""
        self.subjects.append(subject)
        self.vary(form, says, count)

    def vary(self, form: str, says: str, count: int) -> None:
        """Count a sentence."""
        if form not in self.variants and len(self.variants) >= VARIANTS:
            form = next(reversed(self.variants))
        first, before = self.variants.get(form, (says, 0))
        self.variants[form] = (first, before + count)


class Gap(msgspec.Struct, kw_only=True):
    """Something missing, with everybody who lacks it; of what was not asked only the number is kept."""

    check: str
    unseen: Unseen
    subjects: list[str] = []
    count: int = 0


class SliceFold(msgspec.Struct, kw_only=True):
    """Results of some subjects, folded. ``counts`` has a number for each of the places ``PASSED`` ... of a check."""

    counts: dict[str, list[int]] = {}
    found: list[Found] = []
    gaps: list[Gap] = []


class Fold:
    """Everything folded so far."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}
        self.found: dict[FoundKey, Found] = {}
        self.gaps: dict[GapKey, Gap] = {}

    def add(self, results: Iterable[CheckResult]) -> None:
        """Fold ``results`` in."""
        for result in results:
            self._count(result)
            if result.unseen:
                self._lacks(result)
            if result.findings and result.outcome is Outcome.FAILED:
                self._finds(result)

    def merge(self, part: SliceFold) -> None:
        """Fold in what another fold holds."""
        for check, numbers in part.counts.items():
            own = self.counts.setdefault(check, [0] * len(numbers))
            own[:] = [one + more for one, more in zip(own, numbers, strict=True)]
        for found in part.found:
            mine = self.found.get(_found_key(found.example, found.severity))
            if mine is None:
                self.found[_found_key(found.example, found.severity)] = found
                continue
            mine.subjects += found.subjects
            for form, (says, count) in found.variants.items():
                mine.vary(form, says, count)
        for gap in part.gaps:
            own_gap = self.gaps.setdefault(
                _gap_key(gap.check, gap.unseen), Gap(check=gap.check, unseen=gap.unseen, subjects=[])
            )
            own_gap.subjects += gap.subjects
            own_gap.count += gap.count

    def part(self) -> SliceFold:
        """What was folded, as a value."""
        return SliceFold(counts=self.counts, found=list(self.found.values()), gaps=list(self.gaps.values()))

    def _count(self, result: CheckResult) -> None:
        numbers = self.counts.get(result.check)
        if numbers is None:
            numbers = self.counts[result.check] = [0] * 6
        place = _PLACE[result.outcome]
        if place == INCONCLUSIVE and all(one.reason == NOT_ASKED for one in result.unseen):
            place = NOT_ASKED_AT
        numbers[place] += 1

    def _lacks(self, result: CheckResult) -> None:
        for unseen in result.unseen:
            key = _gap_key(result.check, unseen)
            gap = self.gaps.get(key)
            if gap is None:
                gap = self.gaps[key] = Gap(check=result.check, unseen=unseen, subjects=[])
            gap.count += 1
            if unseen.reason != NOT_ASKED:
                gap.subjects.append(result.subject.identity)

    def _finds(self, result: CheckResult) -> None:
        for finding in result.findings:
            if finding.accepted is not None:
                continue
            key = _found_key(finding, result.severity)
            found = self.found.get(key)
            if found is None:
                found = self.found[key] = Found(example=finding, severity=result.severity, subjects=[], variants={})
            elif found.subjects and found.subjects[-1] == result.subject.identity:
                found.vary(shape(finding.says), finding.says, 1)
                continue
            found.add(result.subject.identity, shape(finding.says), finding.says)


def _found_key(finding: Finding, severity: Severity) -> FoundKey:
    return finding.check, finding.cause, finding.explained_by, finding.symptoms, severity


def _gap_key(check: str, unseen: Unseen) -> GapKey:
    if unseen.reason == NOT_ASKED:
        return check, unseen.what, NOT_ASKED, ""
    return check, unseen.what, unseen.reason, shape(unseen.says)

"""What a whole-tenant run found, for renderings for people: causes among the others of a symptom, said once.

A folded result stands for thousands of subjects; a rendering shows the first few and the number. Who needs all of them
finds them in the JSON and CSV reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hybridge.evidence import Unseen
from hybridge.findings import Finding, Scope
from hybridge.org.folding import NAMED, like_it, some
from hybridge.report.model import FoldedResult, Report
from hybridge.terms.symptoms import Symptom

NOT_ASKED = "not-asked"
_NOUNS = {Scope.MAILBOX: ("mailbox", "mailboxes"), Scope.DELEGATION: ("delegation", "delegations")}


@dataclass(frozen=True)
class Section:
    """What people notice (None for what nobody notices yet) and the causes behind it."""

    symptom: Symptom | None
    findings: tuple[Finding, ...] = ()
    folds: tuple[FoldedResult, ...] = ()

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.symptom.says if self.symptom else "Found, though nobody would notice it yet"


@dataclass
class FewGaps:
    """One thing many lacked: the checks that needed it, and how many subjects lacked it at most."""

    unseen: Unseen
    count: int = 0
    checks: list[str] = field(default_factory=list)

    @property
    def says(self) -> str:
        """What is missing, and for how many."""
        return self.unseen.says + like_it(self.count - 1)


def sections(report: Report) -> Iterator[Section]:
    """Findings and folded results by what people notice; what nobody notices comes last."""
    found = dict(report.by_symptom())
    standing = standing_folds(report)
    for symptom in Symptom:
        folds = tuple(one for one in standing if symptom in one.symptoms)
        if symptom in found or folds:
            yield Section(symptom, found.get(symptom, ()), folds)
    silent = tuple(one for one in standing if not one.symptoms)
    if None in found or silent:
        yield Section(None, found.get(None, ()), silent)


def standing_folds(report: Report) -> tuple[FoldedResult, ...]:
    """Folded causes that stand for themselves, the most frequent first."""
    standing = [one for one in report.folded if not one.explained_by]
    return tuple(sorted(standing, key=lambda one: (-one.count, one.name)))


def effects_of(report: Report, fold: FoldedResult) -> tuple[str, ...]:
    """What servers answered because of ``fold``, each with how often."""
    return tuple(
        one.says + like_it(one.count - 1)
        for one in sorted(report.folded, key=lambda one: -one.count)
        if fold.name in one.explained_by
    )


def who(fold: FoldedResult, few: int = NAMED) -> str:
    """Whom it concerns: "1,204 mailboxes: ada@contoso.com, ... and 1,201 more"."""
    scope = fold.example.subject.scope if fold.example else Scope.MAILBOX
    one, many = _NOUNS.get(scope, ("subject", "subjects"))
    return f"{fold.count:,} {one if fold.count == 1 else many}: {some(fold.subjects, few)}"


def said(fold: FoldedResult, few: int = NAMED) -> tuple[str, ...]:
    """Its sentences, each with how many more are like it; the most frequent first."""
    if not fold.variants:
        return (fold.says + like_it(fold.count - 1),)
    variants = sorted(fold.variants, key=lambda one: -one[1])
    shown = tuple(says + like_it(count - 1) for says, count in variants[:few])
    return (*shown, f"... and {len(variants) - few:,} more") if len(variants) > few else shown


def missing(report: Report) -> tuple[FewGaps, ...]:
    """What could not be read at many, each thing once."""
    return _gathered(report, asked=True)


def not_asked(report: Report) -> tuple[FewGaps, ...]:
    """What exists per mailbox only, and was not asked of everybody."""
    return _gathered(report, asked=False)


def _gathered(report: Report, *, asked: bool) -> tuple[FewGaps, ...]:
    found: dict[tuple[str, str], FewGaps] = {}
    for gap in report.folded_gaps:
        if (gap.unseen.reason != NOT_ASKED) is not asked:
            continue
        key = (gap.unseen.what, "" if not asked else gap.unseen.says.replace(gap.subjects[0], "@"))
        few = found.setdefault(key, FewGaps(gap.unseen))
        few.count = max(few.count, gap.count)
        if gap.check not in few.checks:
            few.checks.append(gap.check)
    return tuple(found.values())

"""The report as a value: everything a renderer may show, nothing it must look up.

Renderers live beside this file, one per format, each a function ``Report -> str``. A report is complete by itself: it
carries the titles of its checks, what was seen and from where, and the plan where one was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from hybridge.evidence import Unseen
from hybridge.findings import Acceptance, CheckResult, Comparison, Finding, Outcome, Severity, Stage
from hybridge.plan import Plan
from hybridge.rules import RulesAge
from hybridge.terms.symptoms import Symptom


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: ``source`` is "live" or the snapshot's name."""

    organization: str
    source: str = "live"
    mailboxes: tuple[str, ...] = ()
    delegations: tuple[str, ...] = ()
    symptom: str = ""
    only: tuple[str, ...] = ()
    test: str = ""
    """Name of the test that was asked for, "" for none."""
    tenant: bool = False
    """Whether every mailbox there is was examined."""


class CheckText(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needs to know of a check: its question, why it matters, where the rule comes from."""

    name: str
    title: str
    why: str
    symptom: bool = False
    sources: tuple[str, ...] = ()
    healable: tuple[str, ...] = ()
    """Slugs of causes that hybridge can cure."""


class StepText(msgspec.Struct, frozen=True, kw_only=True):
    """One planned change in words; ``number`` counts from 1, ``commands`` is what an administrator would type."""

    number: int
    before: str
    after: str
    undo: str
    rights: str = ""
    commands: str = ""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many results ended how. ``failed`` counts errors, ``warnings`` failed checks of lower severity."""

    passed: int = 0
    failed: int = 0
    warnings: int = 0
    not_applicable: int = 0
    inconclusive: int = 0
    accepted: int = 0
    not_asked: int = 0
    """Of a whole-tenant run: what exists per mailbox only and was asked for a few."""


class FoldedResult(msgspec.Struct, frozen=True, kw_only=True):
    """One cause found at many subjects of a whole-tenant run: said once, every subject kept.

    ``says`` is the sentence about the first subject, ``variants`` are sentences that differ in more than the mailbox
    they name, each with how many it stands for. ``explained_by`` names the causes that bring an effect about; it is
    empty for what stands for itself. ``example`` is the first finding.
    """

    check: str
    cause: str
    says: str
    subjects: tuple[str, ...]
    count: int
    severity: Severity = Severity.ERROR
    symptoms: tuple[Symptom, ...] = ()
    explained_by: tuple[str, ...] = ()
    variants: tuple[tuple[str, int], ...] = ()
    example: Finding | None = None

    @property
    def name(self) -> str:
        """The cause's full name, ``area/check:slug``."""
        return f"{self.check}:{self.cause}"


class FoldedGap(msgspec.Struct, frozen=True, kw_only=True):
    """Something that many subjects of a whole-tenant run lacked, or were not asked for (``reason`` "not-asked", then
    only ``count`` tells of them)."""

    check: str
    unseen: Unseen
    subjects: tuple[str, ...]
    count: int


class CheckCount(msgspec.Struct, frozen=True, kw_only=True):
    """How one check ended for the subjects of a whole-tenant run."""

    check: str
    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    inconclusive: int = 0
    accepted: int = 0
    not_asked: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One examination, ready to be shown. ``incomplete`` is true when anything could not be checked."""

    hybridge: str
    request: Request
    started: datetime
    ended: datetime
    subjects: tuple[str, ...]
    results: tuple[CheckResult, ...]
    checks: tuple[CheckText, ...] = ()
    tally: Tally = Tally()
    incomplete: bool = False
    plan: Plan | None = None
    test: Stage | None = None
    """The tree of the test that was asked for."""
    steps: tuple[StepText, ...] = ()
    """Words for the first changes of the plan."""
    requests_made: int = 0
    since: Comparison | None = None
    """What became of the findings of an earlier report; None when none was named."""
    unused_acceptances: tuple[Acceptance, ...] = ()
    """Accepted risks of the configuration that no finding needs any more."""
    rules: tuple[RulesAge, ...] = ()
    """How old the rules were that it judged by, oldest first."""
    folded: tuple[FoldedResult, ...] = ()
    """What a whole-tenant run found at mailboxes and delegations; ``results`` are those of the organization then."""
    folded_gaps: tuple[FoldedGap, ...] = ()
    folded_counts: tuple[CheckCount, ...] = ()

    def text_of(self, check: str) -> CheckText:
        """The text of ``check``; a bare one when the report does not carry it."""
        return next((text for text in self.checks if text.name == check), CheckText(name=check, title=check, why=""))

    @property
    def standing(self) -> tuple[CheckResult, ...]:
        """Failed results with a finding that stands for itself (not explained by a cause), errors first."""
        failed = [r for r in self.results if r.outcome is Outcome.FAILED and r.standing]
        return tuple(sorted(failed, key=lambda r: (list(Severity).index(r.severity), r.check, r.subject)))

    @property
    def accepted(self) -> tuple[Finding, ...]:
        """Findings that are accepted, but for the effects of causes."""
        return tuple(f for r in self.results for f in r.findings if f.accepted is not None and not f.explained_by)

    @property
    def ran_out(self) -> tuple[Finding, ...]:
        """Findings that count again because their acceptance ended."""
        return tuple(f for r in self.results for f in r.findings if f.ran_out is not None)

    @property
    def cause_count(self) -> int:
        """How many different causes stand for themselves."""
        names = {finding.name for result in self.standing for finding in result.standing}
        return len(names | {one.name for one in self.folded if not one.explained_by})

    def effects_of(self, finding: Finding) -> tuple[Finding, ...]:
        """What servers answered because of ``finding``."""
        return tuple(e for result in self.results for e in result.findings if finding.name in e.explained_by)

    def by_symptom(self) -> tuple[tuple[Symptom | None, tuple[Finding, ...]], ...]:
        """Standing findings grouped by what people notice; None holds those nobody notices yet."""
        findings = [finding for result in self.standing for finding in result.standing]
        groups: list[tuple[Symptom | None, tuple[Finding, ...]]] = []
        for symptom in Symptom:
            hit = tuple(finding for finding in findings if symptom in finding.symptoms)
            if hit:
                groups.append((symptom, hit))
        silent = tuple(finding for finding in findings if not finding.symptoms)
        if silent:
            groups.append((None, silent))
        return tuple(groups)


def tally(results: Iterable[CheckResult]) -> Tally:
    """Count ``results`` by outcome."""
    counts = dict.fromkeys(("passed", "failed", "warnings", "not_applicable", "inconclusive", "accepted"), 0)
    for result in results:
        if result.outcome is Outcome.FAILED and result.severity is not Severity.ERROR:
            counts["warnings"] += 1
        else:
            counts[result.outcome.value.replace("-", "_")] += 1
    return Tally(**counts)


def make_report(  # noqa: PLR0913
    *,
    version: str,
    request: Request,
    started: datetime,
    ended: datetime,
    subjects: Sequence[str],
    results: Sequence[CheckResult],
    checks: Sequence[CheckText],
    plan: Plan | None = None,
    steps: Sequence[StepText] = (),
    requests_made: int = 0,
    since: Comparison | None = None,
    unused_acceptances: Sequence[Acceptance] = (),
    rules: Sequence[RulesAge] = (),
    test: Stage | None = None,
) -> Report:
    """Put a report together; counts and completeness are derived from ``results``."""
    return Report(
        hybridge=version,
        request=request,
        started=started,
        ended=ended,
        subjects=tuple(subjects),
        results=tuple(results),
        checks=tuple(checks),
        tally=tally(results),
        incomplete=any(r.unseen for r in results),
        plan=plan,
        steps=tuple(steps),
        requests_made=requests_made,
        since=since,
        unused_acceptances=tuple(unused_acceptances),
        rules=tuple(rules),
        test=test,
    )

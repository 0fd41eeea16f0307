"""What formats for machines are made of: one row a finding, and one for each thing that could not be checked.

A whole-tenant report keeps what it found folded; here every subject has its own row again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from hybridge.findings import Acceptance, CheckResult, Finding, Outcome, Severity
from hybridge.org.folding import names_in
from hybridge.report.model import FoldedResult, Report

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """``text`` without what no XML document may hold: control characters and halves of characters become "?"."""
    return _ILLEGAL.sub("?", text)


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding (``outcome`` failed or accepted) or one gap (inconclusive).

    ``how`` tells how to get what is missing; ``change`` is "new" or "still there" where the report was compared.
    """

    outcome: Outcome
    severity: Severity
    check: str
    subject: str
    says: str
    cause: str = ""
    address: str = ""
    symptoms: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    seen_in: tuple[str, ...] = ()
    how: str = ""
    accepted: Acceptance | None = None
    change: str = ""

    @property
    def rule(self) -> str:
        """The cause's full name, or the check's for a gap."""
        return f"{self.check}:{self.cause}" if self.cause else self.check


def rows(report: Report) -> Iterator[Row]:
    """Every row of ``report``, in the order of its results."""
    changes = _changes(report)
    for result in report.results:
        yield from rows_of(result, changes)
    for folded in report.folded:
        yield from _folded(folded, changes)
    for gap in report.folded_gaps:
        for subject in gap.subjects:
            yield _gap(gap.check, subject, gap.unseen.says, gap.unseen.how, Severity.ERROR)


Changes = dict[tuple[str, str, str], str]
"""Full cause name, subject and address, without case, and what became of the finding."""


def _changes(report: Report) -> Changes:
    if report.since is None:
        return {}
    kinds = (("still there", report.since.still), ("new", report.since.new))
    return {(one.name, one.subject.lower(), one.address.lower()): word for word, known in kinds for one in known}


def rows_of(result: CheckResult, changes: Changes | None = None) -> Iterator[Row]:
    """The rows of one result."""
    for finding in result.findings:
        yield _row(finding, str(result.subject), result.severity, changes or {})
    for unseen in result.unseen:
        yield _gap(result.check, str(result.subject), unseen.says, unseen.how, result.severity)


def _row(finding: Finding, subject: str, severity: Severity, changes: Changes) -> Row:
    address = str(finding.address) if finding.address else ""
    return Row(
        outcome=Outcome.FAILED if finding.accepted is None else Outcome.ACCEPTED,
        severity=severity,
        check=finding.check,
        cause=finding.cause,
        subject=subject,
        says=finding.says,
        address=address,
        symptoms=tuple(finding.symptoms),
        explained_by=finding.explained_by,
        seen_in=tuple(dict.fromkeys(origin.source for origin in finding.origins)),
        accepted=finding.accepted,
        change=changes.get((finding.name, subject.lower(), address.lower()), ""),
    )


def _gap(check: str, subject: str, says: str, how: str, severity: Severity) -> Row:
    return Row(outcome=Outcome.INCONCLUSIVE, severity=severity, check=check, subject=subject, says=says, how=how)


def _folded(folded: FoldedResult, changes: Changes) -> Iterator[Row]:
    first = folded.subjects[0] if folded.subjects else ""
    for subject in folded.subjects:
        yield Row(
            outcome=Outcome.FAILED,
            severity=folded.severity,
            check=folded.check,
            cause=folded.cause,
            subject=subject,
            says=_said_of(folded.says, first, subject),
            symptoms=tuple(folded.symptoms),
            explained_by=folded.explained_by,
            change=changes.get((folded.name, subject.lower(), ""), ""),
        )


def _said_of(text: str, first: str, subject: str) -> str:
    for old, new in zip(names_in(first.replace(":", " ")), names_in(subject.replace(":", " ")), strict=False):
        text = text.replace(old, new)
    return text

"""The report as JSON: the contract scripts read.

``results[].check`` is "area/name", ``outcome`` one of passed, failed, not-applicable, inconclusive, accepted; each
finding has ``cause`` (slug), ``says``, ``address``, ``facts`` and ``origins``. Instants are ISO 8601 in UTC.

A check with more than ``FEW`` results shows those that differ in nothing but the mailbox once: ``also`` lists the other
subjects, so that ten thousand mailboxes make a file of a few megabytes and none is left unnamed. The plan is complete.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from hybridge.findings import CheckResult, Finding
from hybridge.org.folding import alike, folded, shape
from hybridge.report.document import Document, FindingRow, FoldedRow, ResultRow
from hybridge.report.encoding import encoded
from hybridge.report.model import FoldedResult, Report

FEW = 500
"""Results of a check that are shown one by one."""
_LARGE = 4 * 1024 * 1024
"""Bytes from which a document is not indented."""


def render(report: Report) -> str:
    """``report`` as a JSON document with a final newline, indented unless it is very large."""
    document = encoded(as_document(report))
    return (document if len(document) > _LARGE else msgspec.json.format(document, indent=2)).decode() + "\n"


def as_document(report: Report) -> Document:
    """``report`` in the shape of the JSON contract."""
    return Document(
        hybridge=report.hybridge,
        request=report.request,
        started=report.started,
        ended=report.ended,
        incomplete=report.incomplete,
        requests_made=report.requests_made,
        subjects=report.subjects,
        results=tuple(
            _result(result, tuple(str(other.subject) for other in others))
            for of_check in folded(report.results, lambda result: result.check)
            for result, *others in alike(of_check, _likeness, FEW)
        ),
        folded=tuple(map(_folded, report.folded)),
        folded_gaps=report.folded_gaps,
        folded_counts=report.folded_counts,
        tally=report.tally,
        plan=report.plan,
        test=report.test,
        since=report.since,
        unused_acceptances=report.unused_acceptances,
        rules=report.rules,
    )


def _likeness(result: CheckResult) -> Hashable:
    """Equal for results that differ in nothing but the mailboxes they name."""
    return (
        result.outcome,
        shape(result.reason),
        tuple((unseen.what, unseen.reason, shape(unseen.says), shape(unseen.how)) for unseen in result.unseen),
        tuple(
            (one.cause, shape(one.says), one.symptoms, one.explained_by, one.accepted, one.ran_out)
            + tuple(map(shape, one.facts.values()))
            for one in result.findings
        ),
    )


def _result(result: CheckResult, also: tuple[str, ...]) -> ResultRow:
    return ResultRow(
        check=result.check,
        subject=str(result.subject),
        also=also,
        outcome=result.outcome,
        severity=result.severity,
        findings=tuple(map(_finding, result.findings)),
        explained_by=result.explained_by,
        unseen=result.unseen,
        reason=result.reason,
        took_ms=round(result.took_ms, 3),
    )


def _finding(finding: Finding) -> FindingRow:
    return FindingRow(
        cause=finding.cause,
        says=finding.says,
        address=str(finding.address) if finding.address else None,
        facts=finding.facts,
        symptoms=finding.symptoms,
        explained_by=finding.explained_by,
        origins=finding.origins,
        accepted=finding.accepted,
        ran_out=finding.ran_out,
    )


def _folded(one: FoldedResult) -> FoldedRow:
    return FoldedRow(
        check=one.check,
        cause=one.cause,
        says=one.says,
        subjects=one.subjects,
        count=one.count,
        severity=one.severity,
        symptoms=one.symptoms,
        explained_by=one.explained_by,
        variants=one.variants,
        example=_finding(one.example) if one.example else None,
    )

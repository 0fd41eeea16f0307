"""The report as JSON: the contract scripts read.

``results[].check`` is "area/name", ``outcome`` one of passed, failed, not-applicable, inconclusive, accepted; each
finding has ``cause`` (slug), ``says``, ``address``, ``facts`` and ``origins``. Instants are ISO 8601 in UTC.

A check with more than ``FEW`` results shows those that differ in nothing but the mailbox once: ``also`` lists the other
subjects, so that ten thousand mailboxes make a file of a few megabytes and none is left unnamed. The plan is complete.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec

from hybridge.findings import CheckResult, Finding
from hybridge.org.folding import alike, folded, shape
from hybridge.report.model import Report

FEW = 500
"""Results of a check that are shown one by one."""
_LARGE = 4 * 1024 * 1024
"""Bytes from which a document is not indented."""


def render(report: Report) -> str:
    """``report`` as a JSON document with a final newline, indented unless it is very large."""
    document = msgspec.json.encode(as_dict(report))
    return (document if len(document) > _LARGE else msgspec.json.format(document, indent=2)).decode() + "\n"


def as_dict(report: Report) -> dict[str, Any]:
    """``report`` in the shape of the JSON contract."""
    return {
        "hybridge": report.hybridge,
        "request": report.request,
        "started": report.started,
        "ended": report.ended,
        "incomplete": report.incomplete,
        "requests_made": report.requests_made,
        "subjects": report.subjects,
        "results": [
            _result(result, [str(other.subject) for other in others])
            for of_check in folded(report.results, lambda result: result.check)
            for result, *others in alike(of_check, _likeness, FEW)
        ],
        "tally": report.tally,
        "plan": report.plan,
    }


def _likeness(result: CheckResult) -> Hashable:
    """Equal for results that differ in nothing but the mailboxes they name."""
    return (
        result.outcome,
        shape(result.reason),
        tuple((unseen.what, unseen.reason, shape(unseen.says), shape(unseen.how)) for unseen in result.unseen),
        tuple(
            (one.cause, shape(one.says), one.symptoms, one.explained_by, tuple(map(shape, one.facts.values())))
            for one in result.findings
        ),
    )


def _result(result: CheckResult, also: list[str]) -> dict[str, Any]:
    return {
        "check": result.check,
        "subject": str(result.subject),
        "also": also,
        "outcome": result.outcome,
        "severity": result.severity,
        "findings": [_finding(finding) for finding in result.findings],
        "explained_by": list(result.explained_by),
        "unseen": result.unseen,
        "reason": result.reason,
        "took_ms": round(result.took_ms, 3),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "cause": finding.cause,
        "says": finding.says,
        "address": str(finding.address) if finding.address else None,
        "facts": finding.facts,
        "symptoms": finding.symptoms,
        "explained_by": finding.explained_by,
        "origins": finding.origins,
    }

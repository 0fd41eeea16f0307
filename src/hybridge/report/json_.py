"""The report as JSON: the contract scripts read.

``results[].check`` is "area/name", ``outcome`` one of passed, failed, not-applicable, inconclusive, accepted; each
finding has ``cause`` (slug), ``says``, ``address``, ``facts`` and ``origins``. Instants are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.findings import CheckResult, Finding
from hybridge.report.model import Report


def render(report: Report) -> str:
    """``report`` as an indented JSON document with a final newline."""
    return msgspec.json.format(msgspec.json.encode(as_dict(report)), indent=2).decode() + "\n"


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
        "results": [_result(result) for result in report.results],
        "tally": report.tally,
        "plan": report.plan,
    }


def _result(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.check,
        "subject": str(result.subject),
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

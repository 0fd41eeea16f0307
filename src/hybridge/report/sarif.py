"""The report as SARIF 2.1.0 (OASIS), for what gathers findings of many tools.

A cause is a rule. A finding is a result of kind "fail", a thing that could not be checked one of kind "open", and an
accepted finding carries its suppression. There are no files to point at: a location is logical, the mailbox or record
by name. The fingerprint is the same from run to run (cause, subject, record), and with ``--since`` every result says
whether it is new, unchanged or absent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from hybridge.findings import Comparison, Known, Outcome, Severity
from hybridge.report.encoding import encoded
from hybridge.report.model import Report
from hybridge.report.rows import Row, printable, rows

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "hybridge/v1"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}
_CHANGES = {"new": "new", "still there": "unchanged"}


def render(report: Report) -> str:
    """``report`` as a SARIF log with one run."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return msgspec.json.format(encoded(log), indent=2).decode() + "\n"


def _run(report: Report) -> dict[str, Any]:
    every = tuple(rows(report))
    gone = report.since.fixed if report.since else ()
    rules: dict[str, int] = {}
    levels: dict[str, Severity] = {}
    for name, severity in (*((row.rule, row.severity) for row in every), *((one.name, one.severity) for one in gone)):
        rules.setdefault(name, len(rules))
        levels.setdefault(name, severity)
    results = [_result(row, rules, report.since) for row in every] + [_absent(one, rules) for one in gone]
    return {
        "tool": {"driver": _driver(report, rules, levels)},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"organization": report.request.organization, "incomplete": report.incomplete},
    }


def _driver(report: Report, rules: Iterable[str], levels: dict[str, Severity]) -> dict[str, Any]:
    return {
        "name": "hybridge",
        "version": report.hybridge,
        "rules": [_rule(report, name, levels[name]) for name in rules],
    }


def _rule(report: Report, name: str, severity: Severity) -> dict[str, Any]:
    text = report.text_of(name.partition(":")[0])
    rule: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": text.title},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "help": {"text": f"hybridge checks show {text.name}"},
    }
    if text.why:
        rule["fullDescription"] = {"text": text.why}
    return rule


def _result(row: Row, rules: dict[str, int], since: Comparison | None) -> dict[str, Any]:
    failed = row.outcome is not Outcome.INCONCLUSIVE
    result: dict[str, Any] = {
        "ruleId": row.rule,
        "ruleIndex": rules[row.rule],
        "kind": "fail" if failed else "open",
        "level": _LEVELS[row.severity] if failed else "none",
        "message": _message(f"{row.says} {row.how}".strip()),
        "locations": _locations(row.subject, row.address),
        "partialFingerprints": {FINGERPRINT: _fingerprint(row.rule, row.subject, row.address)},
        "properties": {
            "symptoms": list(row.symptoms),
            "explainedBy": list(row.explained_by),
            "seenIn": list(row.seen_in),
        },
    }
    if since is not None and row.change:
        result["baselineState"] = _CHANGES[row.change]
    if row.accepted is not None:
        why = f"{row.accepted.reason} (accepted until {row.accepted.until})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return result


def _absent(one: Known, rules: dict[str, int]) -> dict[str, Any]:
    return {
        "ruleId": one.name,
        "ruleIndex": rules[one.name],
        "kind": "fail",
        "level": _LEVELS[one.severity],
        "message": _message(one.says),
        "locations": _locations(one.subject, one.address),
        "partialFingerprints": {FINGERPRINT: _fingerprint(one.name, one.subject, one.address)},
        "baselineState": "absent",
    }


def _message(says: str) -> dict[str, str]:
    """``says`` as itself: brackets would begin a link, braces a placeholder."""
    text = printable(says).replace("\\", "\\\\").replace("{", "{{").replace("}", "}}")
    return {"text": text.replace("[", "\\[").replace("]", "\\]")}


def _locations(subject: str, address: str) -> list[dict[str, Any]]:
    places = [{"fullyQualifiedName": subject, "kind": "subject"}]
    if address:
        places.append({"fullyQualifiedName": address, "kind": "record"})
    return [{"logicalLocations": places}]


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(part.lower() for part in parts).encode("utf-8", "surrogatepass")).hexdigest()


def _invocation(report: Report) -> dict[str, Any]:
    return {
        "executionSuccessful": True,
        "startTimeUtc": report.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endTimeUtc": report.ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }

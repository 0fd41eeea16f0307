"""The report as JUnit XML: a suite per check, a test case per subject, as build servers draw it.

A failed check of severity error or warning is a failure; advice passes and says itself in ``system-out``. What could
not be checked is an error, what does not apply or is accepted is skipped, with the reason. The elements and attributes
are those of the format that Jenkins reads, in its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from hybridge.findings import CheckResult, Outcome, Severity
from hybridge.org.folding import folded
from hybridge.report.model import CheckCount, FoldedGap, FoldedResult, Report
from hybridge.report.rows import printable

SHOWN = 20
"""Subjects a folded test case names; the others are counted."""


def render(report: Report) -> str:
    """``report`` as an XML document in UTF-8."""
    root = etree.Element("testsuites", name=printable(f"hybridge doctor {report.request.organization}".strip()))
    for results in folded(report.results, lambda result: result.check):
        _suite(root, report, results[0].check, [_case(report, result) for result in results])
    for check, cases in _folded(report).items():
        _suite(root, report, check, cases)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{(report.ended - report.started).total_seconds():.3f}")
    etree.indent(root)
    document = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _suite(root: etree._Element, report: Report, check: str, cases: Sequence[etree._Element]) -> None:
    suite = etree.SubElement(root, "testsuite", name=printable(check))
    suite.set("tests", str(len(cases)))
    for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(element) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    suite.set("timestamp", report.started.strftime("%Y-%m-%dT%H:%M:%S"))
    properties = etree.SubElement(suite, "properties")
    for name, value in (("question", report.text_of(check).title), ("hybridge", report.hybridge)):
        etree.SubElement(properties, "property", name=name, value=printable(value))
    suite.extend(cases)


def _new_case(check: str, name: str, seconds: float = 0.0) -> etree._Element:
    case = etree.Element("testcase", name=printable(name), classname=printable(check.replace("/", ".")))
    case.set("time", f"{seconds:.3f}")
    return case


def _case(report: Report, result: CheckResult) -> etree._Element:
    case = _new_case(result.check, str(result.subject), result.took_ms / 1000)
    if result.outcome is Outcome.FAILED:
        said = [finding for finding in result.findings if finding.accepted is None]
        lines = [_line(finding.name, finding.says, finding.explained_by) for finding in said]
        _fail(case, result.severity, said[0].says, ", ".join(dict.fromkeys(one.cause for one in said)), lines)
    elif result.outcome is Outcome.INCONCLUSIVE:
        lines = [f"{one.says} {one.how}".strip() for one in result.unseen]
        _tell(case, "error", result.unseen[0].says, result.unseen[0].reason, lines)
    elif result.outcome is Outcome.ACCEPTED:
        why = [f"accepted until {one.accepted.until}: {one.accepted.reason}" for one in result.findings if one.accepted]
        _tell(case, "skipped", why[0], "accepted", [one.says for one in result.findings])
    elif result.outcome is Outcome.NOT_APPLICABLE:
        _tell(case, "skipped", result.reason, "not-applicable", [])
    return case


def _line(name: str, says: str, explained_by: Iterable[str]) -> str:
    behind = ", ".join(explained_by)
    return f"{name}: {says}" + (f" (because of {behind})" if behind else "")


def _fail(case: etree._Element, severity: Severity, says: str, causes: str, lines: Sequence[str]) -> None:
    if severity is Severity.ADVICE:
        etree.SubElement(case, "system-out").text = printable("\n".join(("advice", *lines)))
    else:
        _tell(case, "failure", says, f"{severity}: {causes}", lines)


def _tell(case: etree._Element, element: str, message: str, kind: str, lines: Sequence[str]) -> None:
    told = etree.SubElement(case, element, message=printable(message), type=printable(kind))
    if lines:
        told.text = printable("\n".join(lines))


def _folded(report: Report) -> dict[str, list[etree._Element]]:
    """Cases of a whole-tenant run: one a cause, one a gap, and one that counts the rest."""
    suites: dict[str, list[etree._Element]] = {}
    for one in report.folded:
        suites.setdefault(one.check, []).append(_folded_case(one))
    for gap in report.folded_gaps:
        suites.setdefault(gap.check, []).append(_folded_gap(gap))
    for count in report.folded_counts:
        suites.setdefault(count.check, []).append(_counted(count))
    return suites


def _folded_case(one: FoldedResult) -> etree._Element:
    case = _new_case(one.check, f"{one.cause} ({one.count:,})")
    lines = [_line(one.name, one.says, one.explained_by), *_named(one.subjects)]
    _fail(case, one.severity, one.says, one.cause, lines)
    return case


def _folded_gap(gap: FoldedGap) -> etree._Element:
    case = _new_case(gap.check, f"{gap.unseen.what} ({gap.count:,})")
    lines = [f"{gap.unseen.says} {gap.unseen.how}".strip(), *_named(gap.subjects)]
    _tell(case, "skipped" if gap.unseen.reason == "not-asked" else "error", gap.unseen.says, gap.unseen.reason, lines)
    return case


def _counted(count: CheckCount) -> etree._Element:
    return _new_case(count.check, f"{count.passed:,} passed, {count.not_applicable:,} not applicable")


def _named(subjects: Sequence[str]) -> list[str]:
    more = [f"... and {len(subjects) - SHOWN:,} more"] if len(subjects) > SHOWN else []
    return [*subjects[:SHOWN], *more]

"""The report as one HTML file: opens from disk, makes no request, light and dark, prints.

The page is rendered by Jinja with everything escaped; its only style and only script are inline and named by their
hashes in the Content-Security-Policy, so that nothing a server said can run. It works without the script, which adds
colours by choice, a search and "expand all".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from hybridge.findings import CheckResult, Finding, Outcome, Severity
from hybridge.report.model import Report
from hybridge.report.text import all_well, changes_for, counted, gaps, grouped
from hybridge.terms.symptoms import Symptom

SHOWN = 20
"""Sentences, subjects and origins shown for one cause; more are counted."""

_STATES = {Severity.ERROR: ("bad", "✗"), Severity.WARNING: ("warn", "!"), Severity.ADVICE: ("open", "i")}
_OUTCOMES = {
    Outcome.FAILED: ("bad", "✗", "failed"),
    Outcome.INCONCLUSIVE: ("open", "?", "not checked"),
    Outcome.PASSED: ("good", "✓", "passed"),
    Outcome.ACCEPTED: ("quiet", "~", "accepted"),
    Outcome.NOT_APPLICABLE: ("quiet", "-", "not applicable"),
}
_WORST = tuple(_OUTCOMES)
_CHAIN = {
    "autodiscover": "Autodiscover V2 finds the mailbox",
    "platform": "Exchange is new enough",
    "ews": "EWS lets Teams in",
    "oauth": "OAuth is trusted",
    "partner_apps": "Partner applications of Teams",
    "delegation": "Delegates and their rights",
    "teams": "Teams policies",
    "presence": "Presence and REST",
}


def render(report: Report) -> str:
    """``report`` as a complete HTML document."""
    folder = files("hybridge.report") / "page"
    style = (folder / "style.css").read_text(encoding="utf-8")
    script = (folder / "script.js").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        report=report,
        counted=counted,
        all_well=all_well(report)[0][2:],
        organization=report.request.organization or "organization",
        seconds=(report.ended - report.started).total_seconds(),
        cause_count=report.cause_count,
        check_count=len({result.check for result in report.results}),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        symptoms=_symptoms(report),
        chain=_chain(report),
        groups=_groups(report),
        gaps=gaps(report),
        all_checks=_all_checks(report),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _symptoms(report: Report) -> list[dict[str, str]]:
    causes = {symptom: {finding.name for finding in findings} for symptom, findings in report.by_symptom()}
    rows = []
    for symptom in Symptom:
        found = len(causes.get(symptom, ()))
        state, mark, count = (
            ("bad", "✗", f"{found} cause{'s' if found != 1 else ''} found") if found else _silent(report)
        )
        rows.append({"says": symptom.says, "state": state, "mark": mark, "count": count})
    return rows


def _silent(report: Report) -> tuple[str, str, str]:
    if report.incomplete:
        return "open", "?", "no cause found, but not everything could be checked"
    return "good", "✓", "no cause found"


def _chain(report: Report) -> list[dict[str, str]]:
    rows = []
    for area, name in _CHAIN.items():
        outcomes = {result.outcome for result in report.results if result.check.startswith(area + "/")}
        if not outcomes:
            continue
        state, mark, word = _OUTCOMES[min(outcomes, key=_WORST.index)]
        rows.append({"name": name, "state": state, "mark": mark, "word": word})
    return rows


def _groups(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "title": symptom.says if symptom else "Found, though nobody would notice it yet",
            "entries": [_item(report, name, group) for name, group in grouped(findings)],
        }
        for symptom, findings in report.by_symptom()
    ]


def _item(report: Report, name: str, group: tuple[Finding, ...]) -> dict[str, Any]:
    severity = next((r.severity for r in report.results if group[0] in r.findings), Severity.ERROR)
    state, mark = _STATES[severity]
    says = list(dict.fromkeys(finding.says for finding in group))
    who = list(dict.fromkeys(str(finding.subject) for finding in group))
    plan = report.plan
    return {
        "name": name,
        "check": group[0].check,
        "state": state,
        "mark": mark,
        "severity": severity.value,
        "who": ", ".join(who[:SHOWN]) + (f" and {len(who) - SHOWN} more" if len(who) > SHOWN else ""),
        "says": says[:SHOWN],
        "more": max(0, len(says) - SHOWN),
        "why": report.text_of(group[0].check).why,
        "effects": _unique(effect.says for finding in group for effect in report.effects_of(finding)),
        "changes": changes_for(report, group),
        "manual": [manual for manual in plan.manual if manual.cause == name] if plan else [],
        "origins": list({o.source: o for finding in group for o in finding.origins}.values())[:SHOWN],
        "search": " ".join((name, *says, *who)).lower(),
    }


def _unique(texts: Any) -> list[str]:
    return list(dict.fromkeys(texts))[:SHOWN]


def _all_checks(report: Report) -> list[dict[str, Any]]:
    names = dict.fromkeys(result.check for result in report.results)
    rows = []
    for name in names:
        results = [result for result in report.results if result.check == name]
        state, mark, word = _OUTCOMES[min((result.outcome for result in results), key=_WORST.index)]
        text = report.text_of(name)
        rows.append(
            {
                "name": name,
                "title": text.title,
                "sources": text.sources,
                "state": state,
                "mark": mark,
                "word": word,
                "results": _rows(results),
            }
        )
    return rows


def _rows(results: Sequence[CheckResult]) -> list[dict[str, str]]:
    def says(result: CheckResult) -> str:
        texts = (*(f.says for f in result.findings), *(u.says for u in result.unseen), result.reason)
        return " ".join(text for text in texts if text)

    return [{"subject": str(r.subject), "outcome": r.outcome.value, "says": says(r)} for r in results]

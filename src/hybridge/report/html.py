"""The report as one HTML file: opens from disk, makes no request, light and dark, prints.

The page is rendered by Jinja with everything escaped; its only style and only script are inline and named by their
hashes in the Content-Security-Policy, so that nothing a server said can run. It works without the script, which adds
colours by choice, a search and "expand all".
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from hybridge.findings import CheckResult, Finding, Outcome, Severity
from hybridge.org.folding import alike, crowds, folded, like_it, said_once, shape, some, spans
from hybridge.plan import Change, Manual, Plan
from hybridge.report import folded as folded_
from hybridge.report import told
from hybridge.report.model import FoldedResult, Report, StepText
from hybridge.report.stages import took
from hybridge.report.text import all_well, changes_for, counted, gaps, grouped, rules_line
from hybridge.terms.symptoms import Symptom

INLINED = 500
"""Results with findings in one page, and as many of the others; more are counted."""
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
    "network": "Names and networks reach Exchange",
    "tls": "TLS and certificates",
    "autodiscover": "Autodiscover finds the mailbox",
    "outlook": "Outlook finds the mailbox",
    "platform": "Exchange is new enough and sound",
    "ews": "EWS lets Teams in",
    "sign_in": "People and tenant are known to sign-in",
    "oauth": "OAuth is trusted",
    "partner_apps": "Partner applications of Teams",
    "delegation": "Delegates and their rights",
    "teams": "Teams policies and licences",
    "presence": "Presence and REST",
    "sharing": "Both sides share",
    "free_busy": "Free/busy is answered",
}
"""Areas of checks in the order of the chain, in words; an area that is not here shows by its name."""


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
        like_it=like_it,
        all_well=all_well(report)[0][2:],
        organization=report.request.organization or "organization",
        seconds=(report.ended - report.started).total_seconds(),
        cause_count=report.cause_count,
        check_count=len({result.check for result in report.results} | {one.check for one in report.folded_counts}),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        symptoms=_symptoms(report),
        chain=_chain(report),
        groups=_groups(report),
        steps=_steps(report, report.plan) if report.plan else [],
        became=told.became(report.since) if report.since else (),
        accepted=told.accepted(report),
        gaps=gaps(report),
        took=took,
        outcomes=_OUTCOMES,
        rules_line=rules_line(report) if report.rules else "",
        many_gaps=folded_.missing(report),
        not_asked=folded_.not_asked(report),
        all_checks=_all_checks(report),
        check_counts=_counts(report),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _symptoms(report: Report) -> list[dict[str, str]]:
    causes = {
        section.symptom: {one.name for one in section.findings} | {one.name for one in section.folds}
        for section in folded_.sections(report)
    }
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
    areas = dict.fromkeys((*_CHAIN, *(result.check.partition("/")[0] for result in report.results)))
    for area in areas:
        name = _CHAIN.get(area, area)
        outcomes = {result.outcome for result in report.results if result.check.startswith(area + "/")}
        outcomes |= _folded_outcomes(report, area)
        if not outcomes:
            continue
        state, mark, word = _OUTCOMES[min(outcomes, key=_WORST.index)]
        rows.append({"name": name, "state": state, "mark": mark, "word": word})
    return rows


def _folded_outcomes(report: Report, area: str) -> set[Outcome]:
    """How checks of ``area`` ended for somebody."""
    counts = [one for one in report.folded_counts if one.check.startswith(area + "/")]
    return {outcome for outcome in Outcome if any(getattr(one, outcome.value.replace("-", "_")) for one in counts)}


def _groups(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "title": section.title,
            "entries": [
                *(_item(report, name, group) for name, group in grouped(section.findings)),
                *(_fold(report, fold) for fold in section.folds),
            ],
        }
        for section in folded_.sections(report)
    ]


def _fold(report: Report, fold: FoldedResult) -> dict[str, Any]:
    state, mark = _STATES[fold.severity]
    said = folded_.said(fold, SHOWN)
    return {
        "name": fold.name,
        "check": fold.check,
        "state": state,
        "mark": mark,
        "severity": fold.severity.value,
        "who": folded_.who(fold, SHOWN),
        "says": list(said),
        "more": 0,
        "why": report.text_of(fold.check).why,
        "effects": list(folded_.effects_of(report, fold))[:SHOWN],
        "changes": [],
        "manual": [],
        "origins": list(fold.example.origins if fold.example else ()),
        "search": " ".join((fold.name, *said, *fold.subjects[:INLINED])).lower(),
    }


def _item(report: Report, name: str, group: tuple[Finding, ...]) -> dict[str, Any]:
    severity = next((r.severity for r in report.results if group[0] in r.findings), Severity.ERROR)
    state, mark = _STATES[severity]
    said = said_once((finding.says for finding in group), SHOWN)
    who = list(dict.fromkeys(str(finding.subject) for finding in group))
    sources = {origin.source: origin for finding in group for origin in finding.origins}
    manual = [one for one in report.plan.manual if one.cause == name] if report.plan else []
    return {
        "name": name,
        "check": group[0].check,
        "state": state,
        "mark": mark,
        "severity": severity.value,
        "who": (f"{len(who):,}: " if len(who) > SHOWN else "") + some(who, SHOWN),
        "says": [text + like_it(others) for text, others in said[:SHOWN]],
        "more": max(0, len(said) - SHOWN),
        "why": report.text_of(group[0].check).why,
        "effects": _few(effect.says for effect in report.effects_of(group[0])),
        "changes": _changes(changes_for(report, group)),
        "manual": _manual(manual),
        "origins": [sources[source] for source, _ in said_once(sources, SHOWN)[:SHOWN]],
        "search": " ".join((name, *(text for text, _ in said), *who[:INLINED])).lower(),
    }


def _few(texts: Iterable[str]) -> list[str]:
    return [text + like_it(others) for text, others in said_once(texts, SHOWN)[:SHOWN]]


def _changes(changes: Sequence[Change]) -> list[dict[str, str]]:
    groups = alike(changes, _likeness, SHOWN)[:SHOWN]
    return [{"says": first.says + like_it(len(rest)), "risk": first.risk} for first, *rest in groups]


def _manual(manual: Sequence[Manual]) -> list[dict[str, Any]]:
    groups = alike(manual, lambda one: (shape(one.says), *map(shape, one.steps)), SHOWN)[:SHOWN]
    return [
        {"says": first.says + like_it(len(rest)), "steps": first.steps, "verify": first.verify}
        for first, *rest in groups
    ]


def _steps(report: Report, plan: Plan) -> list[dict[str, str]]:
    """Rows of the plan: one for each change, or for those that differ in nothing but the mailbox."""
    numbered = enumerate(plan.changes, start=1)
    words = {step.number: step for step in report.steps}
    rows = []
    for group in crowds(numbered, lambda one: _likeness(one[1]), SHOWN)[:INLINED]:
        number, change = group[0]
        told = words.get(number, StepText(number=number, before="", after="", undo="yes"))
        rows.append(
            {
                "number": spans([one for one, _ in group]),
                "says": change.says + like_it(len(group) - 1),
                "where": f"{change.address.kind} {some([one.address.identity for _, one in group])}",
                "premises": change.address.premises,
                "before": told.before,
                "after": told.after,
                "risk": change.risk,
                "undo": told.undo,
                "rights": told.rights,
                "commands": told.commands,
            }
        )
    return rows


def _likeness(change: Change) -> tuple[str, ...]:
    return shape(change.says), change.address.kind, change.address.premises, change.risk


def _all_checks(report: Report) -> list[dict[str, Any]]:
    by_check = {group[0].check: group for group in folded(report.results, lambda result: result.check)}
    telling = _share(report, lambda result: _tells(result))
    silent = _share(report, lambda result: not _tells(result))
    rows = []
    for name, results in by_check.items():
        state, mark, word = _OUTCOMES[min((result.outcome for result in results), key=_WORST.index)]
        text = report.text_of(name)
        shown = _shown(results, telling, silent)
        rows.append(
            {
                "name": name,
                "title": text.title,
                "sources": text.sources,
                "state": state,
                "mark": mark,
                "word": word,
                "results": _rows(shown),
                "more": _more(results, shown),
            }
        )
    return rows


def _counts(report: Report) -> list[dict[str, Any]]:
    """Rows of the checks that looked at everybody: how many ended how."""
    return [
        {"name": one.check, "title": report.text_of(one.check).title, "numbers": list(msgspec.structs.astuple(one)[1:])}
        for one in report.folded_counts
    ]


def _tells(result: CheckResult) -> bool:
    return bool(result.findings or result.unseen)


def _share(report: Report, wanted: Callable[[CheckResult], bool]) -> int:
    """How many of the ``wanted`` results one check may show: all of them while the page can hold them."""
    counts = Counter(result.check for result in report.results if wanted(result))
    return INLINED if sum(counts.values()) <= INLINED else max(1, INLINED // len(counts))


def _shown(results: Sequence[CheckResult], telling: int, silent: int) -> list[CheckResult]:
    left = {True: telling, False: silent}
    shown = []
    for result in results:
        tells = _tells(result)
        if left[tells] > 0:
            left[tells] -= 1
            shown.append(result)
    return shown


def _more(results: Sequence[CheckResult], shown: Sequence[CheckResult]) -> str:
    """What is not in the table, counted: "1,180 more failed, 8,000 more passed"; "" when all is."""
    hidden = Counter(result.outcome for result in results)
    hidden.subtract(result.outcome for result in shown)
    return ", ".join(f"{number:,} more {_OUTCOMES[outcome][2]}" for outcome, number in hidden.items() if number)


def _rows(results: Sequence[CheckResult]) -> list[dict[str, str]]:
    def says(result: CheckResult) -> str:
        texts = (*(f.says for f in result.findings), *(u.says for u in result.unseen), result.reason)
        return " ".join(text for text in texts if text)

    return [{"subject": str(r.subject), "outcome": r.outcome.value, "says": says(r)} for r in results]

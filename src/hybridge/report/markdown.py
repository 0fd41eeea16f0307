"""The report in GitHub-flavoured Markdown, to be pasted into a ticket.

What servers said is text: nothing in it becomes a tag, a link with a name, the end of a table or somebody's mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from hybridge.findings import Comparison, Finding, Outcome, Severity, Stage
from hybridge.org.folding import NAMED, folded, like_it, said_once
from hybridge.report.model import FoldedResult, Report
from hybridge.report.rows import printable
from hybridge.report.stages import took
from hybridge.report.text import all_well, brief, crowd_of, cures, gaps, grouped, rules_line
from hybridge.report.told import accepted, became

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
_MENTION = re.compile(r"(?<![\w.%+-])@(?=\w)")
_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "advice"}


def render(report: Report) -> str:
    """``report`` as Markdown ending with a newline."""
    lines = [*_head(report), *_test(report.test), *_compared(report.since), *_findings(report), *_folded(report.folded)]
    lines += [*_accepted(report), *_not_checked(report), *_plan(report)]
    lines += ["", f"Made by hybridge {text(report.hybridge)}."]
    return "\n".join(lines) + "\n"


def _test(stage: Stage | None) -> Iterator[str]:
    """The tree of a named test as a nested list; what was asked stands in the other formats."""
    if stage is not None:
        yield from ("", f"## {text(stage.title)}", "", f"**{stage.outcome.value}**", "", *_stages(stage, ""))


def _stages(stage: Stage, indent: str) -> Iterator[str]:
    for one in stage.stages:
        tail = ", ".join(part for part in (one.outcome.value, took(one)) if part)
        yield f"{indent}- {text(one.title)}: {tail}"
        if one.outcome is not Outcome.PASSED:
            yield from (f"{indent}  - {text(says)}" for says in one.says)
        yield from _stages(one, indent + "  ")


def text(words: str) -> str:
    """``words`` as they are, on one line."""
    plain = " ".join(printable(words).split())
    return _MENTION.sub("@\u200b", _SPECIAL.sub(r"\\\1", plain))


def code(words: str) -> str:
    """``words`` as a code span, whatever backticks are in them."""
    plain = " ".join(printable(words).split())
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {plain} {fence}" if longest else f"`{plain}`"


def cell(words: str) -> str:
    """``words`` as a code span in a table, where a bar ends the cell even in code; "" for none."""
    return code(words).replace("|", "\\|") if words else ""


def _head(report: Report) -> Iterator[str]:
    source = "live" if report.request.source == "live" else f"offline, from {report.request.source}"
    counts = report.tally
    yield f"# hybridge report: {text(report.request.organization or 'organization')}"
    yield ""
    yield f"Collected {report.started:%Y-%m-%d %H:%M} UTC, {text(source)}."
    yield ""
    if report.rules:
        yield from (text(rules_line(report)), "")
    yield "| causes | failed | warnings | passed | not checked | not applicable | accepted |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    numbers = (report.cause_count, counts.failed, counts.warnings, counts.passed)
    rest = (counts.inconclusive, counts.not_applicable, counts.accepted)
    yield "| " + " | ".join(f"{number:,}" for number in (*numbers, *rest)) + " |"
    if not report.standing and not report.folded:
        yield ""
        yield text(all_well(report)[0][2:])


def _compared(since: Comparison | None) -> Iterator[str]:
    if since is None:
        return
    yield from ("", f"## Since {since.since:%Y-%m-%d %H:%M} UTC", "")
    for kind in became(since):
        yield f"- **{kind.number:,} {kind.word}**"
        yield from (f"  - {code(cause)} {text(says)}" for cause, says in kind.causes)
    yield from (f"- {text(note)}" for note in since.notes)


def _findings(report: Report) -> Iterator[str]:
    for symptom, findings in report.by_symptom():
        title = symptom.says if symptom else "Found, though nobody would notice it yet"
        yield from ("", f"## {text(title)}")
        for name, group in grouped(findings):
            yield from _cause(report, name, group)


def _cause(report: Report, name: str, group: tuple[Finding, ...]) -> Iterator[str]:
    severity = next((r.severity for r in report.results if group[0] in r.findings), Severity.ERROR)
    yield from ("", f"### {_WORDS[severity]}: {code(name)}", "")
    if crowd := crowd_of(group):
        yield from (text(crowd), "")
    yield from _list("", _said(finding.says for finding in group))
    yield from _list("Seen in", [brief(origin.source) for finding in group for origin in finding.origins], code)
    yield from _list("What servers answered", [effect.says for effect in report.effects_of(group[0])])
    yield from _list("Cure", list(cures(report, group)))


def _said(texts: Iterable[str]) -> list[str]:
    said = said_once(texts)
    more = [f"... and {len(said) - NAMED:,} more"] if len(said) > NAMED else []
    return [words + like_it(others) for words, others in said[:NAMED]] + more


def _list(label: str, texts: Sequence[str], dress: object = None) -> Iterator[str]:
    if not texts:
        return
    if label:
        yield from ("", f"{label}:", "")
    written = code if dress is code else text
    yield from (f"- {written(one)}" for one in _said(texts))


def _folded(found: Sequence[FoldedResult]) -> Iterator[str]:
    standing = [one for one in found if not one.explained_by]
    if not standing:
        return
    yield from ("", "## Mailboxes and delegations", "", "| severity | cause | how many | for example |")
    yield "| --- | --- | ---: | --- |"
    for one in standing:
        yield f"| {_WORDS[one.severity]} | {cell(one.name)} | {one.count:,} | {text(one.says)} |"


def _accepted(report: Report) -> Iterator[str]:
    told = accepted(report)
    if told:
        yield from ("", "## Accepted risks", "", *(f"- {code(cause)} {text(says)}" for cause, says in told))


def _not_checked(report: Report) -> Iterator[str]:
    missing = gaps(report)
    if not missing and not report.folded_gaps:
        return
    yield from ("", "## Not checked", "", "| what is missing | how to get it | needed by |", "| --- | --- | --- |")
    for unseen, checks, others in missing:
        needed = ", ".join(map(cell, checks))
        yield f"| {text(unseen.says + like_it(others))} | {cell(unseen.how)} | {needed} |"
    for gap in report.folded_gaps:
        yield f"| {text(gap.unseen.says)} ({gap.count:,}) | {cell(gap.unseen.how)} | {cell(gap.check)} |"


def _plan(report: Report) -> Iterator[str]:
    if report.plan is None or report.plan.empty:
        return
    yield from ("", f"## Plan {code(report.plan.id)}", "", "Nothing has been changed.", "")
    said = said_once(change.says for change in report.plan.changes)
    yield from (f"{number}. {text(says + like_it(others))}" for number, (says, others) in enumerate(said, start=1))
    for manual in folded(report.plan.manual, lambda one: (one.says, one.steps)):
        yield from ("", f"By hand: {text(manual[0].says)}", "")
        yield from (f"{number}. {text(step)}" for number, step in enumerate(manual[0].steps, start=1))
        yield from ("", f"To verify: {text(manual[0].verify)}")

"""The report for a terminal: symptom -> causes -> evidence -> cure.

Colour only repeats what a word or a symbol already says, so that the text reads the same in a pipe.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from hybridge.evidence import Unseen
from hybridge.findings import Finding, Scope, Severity, Subject
from hybridge.org.folding import NAMED, crowds, folded, like_it, said_once, shape, some
from hybridge.plan import Change
from hybridge.report import folded as folded_
from hybridge.report import stages
from hybridge.report.model import FoldedResult, Report
from hybridge.report.told import accepted, became
from hybridge.rules.model import OLD_DAYS

WIDTH = 110
_COLOURS = {"red": "31", "yellow": "33", "green": "32", "bold": "1", "dim": "2", "cyan": "36"}
_MARKS = {Severity.ERROR: ("x", "red"), Severity.WARNING: ("!", "yellow"), Severity.ADVICE: ("i", "cyan")}
_NOUNS = {
    Scope.SERVER: ("server", "servers"),
    Scope.MAILBOX: ("mailbox", "mailboxes"),
    Scope.DELEGATION: ("delegation", "delegations"),
}


class Paint:
    """Wraps text in ANSI colour, or leaves it alone."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colour else text


def render(report: Report, colour: bool = False) -> str:
    """``report`` as text ending with a newline."""
    paint = Paint(colour)
    lines = [*_head(report, paint), ""]
    if report.test is not None:
        lines += [*stages.lines(report.test, paint), ""]
    if not report.standing and not folded_.standing_folds(report):
        lines += [paint(*all_well(report)), ""]
    for section in folded_.sections(report):
        lines.append(paint(section.title, "bold"))
        causes = grouped(section.findings)
        for number, (name, group) in enumerate(causes, start=1):
            lines += _cause(report, name, group, number == len(causes) and not section.folds, paint)
        for number, fold in enumerate(section.folds, start=1):
            lines += _fold(report, fold, number == len(section.folds), paint)
        lines.append("")
    lines += _compared(report, paint)
    lines += _accepted(report, paint)
    lines += _not_checked(report, paint)
    lines += _tail(report, paint)
    return "\n".join(lines) + "\n"


def _head(report: Report, paint: Paint) -> Iterator[str]:
    took = (report.ended - report.started).total_seconds()
    source = "live" if report.request.source == "live" else f"offline, from {report.request.source}"
    checks = len({result.check for result in report.results} | {one.check for one in report.folded_counts})
    name = paint(report.request.organization or "organization", "bold")
    size = f"{counted(checks, 'check')} on {counted(len(report.subjects), 'subject')}"
    asked = f"{counted(report.requests_made, 'question')} asked, {took:.1f} s"
    yield f"{name}  {source}  {report.started:%Y-%m-%d %H:%M} UTC  {size}, {asked}"


def all_well(report: Report) -> tuple[str, str]:
    """What to say, and in which colour, where no cause was found: never more than what was checked."""
    if not report.incomplete:
        return "v Nothing wrong was found.", "green"
    if not report.tally.passed:
        return "? Nothing could be checked.", "yellow"
    return "? Nothing wrong was found in what could be checked.", "yellow"


def counted(number: int, noun: str) -> str:
    """``number`` with its noun in the right form."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def grouped(findings: Iterable[Finding]) -> tuple[tuple[str, tuple[Finding, ...]], ...]:
    """Findings by cause name, in order of appearance, each said once."""
    groups: dict[str, dict[tuple[str, str], Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.name, {}).setdefault((finding.says, str(finding.subject)), finding)
    return tuple((name, tuple(group.values())) for name, group in groups.items())


def _cause(report: Report, name: str, group: tuple[Finding, ...], last: bool, paint: Paint) -> Iterator[str]:
    severity = next((r.severity for r in report.results if group[0] in r.findings), Severity.ERROR)
    mark, colour = _MARKS[severity]
    stem = "   " if last else "|  "
    yield f"{'`' if last else '|'}- {paint(f'{mark} {severity.value.upper()}', colour)}  {paint(name, 'bold')}"
    yield from _wrapped(crowd_of(group), stem)
    said = said_once(finding.says for finding in group)
    for sentence, others in said[:NAMED]:
        yield from _wrapped(sentence + like_it(others), stem)
    if len(said) > NAMED:
        yield f"{stem}   ... and {len(said) - NAMED:,} more"
    for label, texts in (
        ("seen in", tuple(brief(origin.source) for finding in group for origin in finding.origins)),
        ("effect", tuple(effect.says for effect in report.effects_of(group[0]))),
        ("cure", tuple(cures(report, group))),
    ):
        yield from _labelled(label, texts, stem, paint)
    yield stem.rstrip() if not last else ""


def _fold(report: Report, fold: FoldedResult, last: bool, paint: Paint) -> Iterator[str]:
    mark, colour = _MARKS[fold.severity]
    stem = "   " if last else "|  "
    grade = paint(f"{mark} {fold.severity.value.upper()}", colour)
    yield f"{'`' if last else '|'}- {grade}  {paint(fold.name, 'bold')}"
    yield from _wrapped(folded_.who(fold), stem)
    for sentence in folded_.said(fold):
        yield from _wrapped(sentence, stem)
    origins = fold.example.origins if fold.example else ()
    for label, texts in (
        ("seen in", tuple(brief(origin.source) for origin in origins)),
        ("effect", folded_.effects_of(report, fold)),
        ("cure", (f"hybridge checks show {fold.check}",)),
    ):
        yield from _labelled(label, texts, stem, paint)
    yield stem.rstrip() if not last else ""


def crowd_of(group: Iterable[Finding]) -> str:
    """Whom ``group`` concerns: "1,204 mailboxes: ada@contoso.com, ... and 1,201 more"; "" for few."""
    subjects = dict.fromkeys(finding.subject for finding in group)
    if len(subjects) <= NAMED:
        return ""
    kinds = folded((subject for subject in subjects if subject.scope in _NOUNS), lambda subject: subject.scope)
    return "; ".join(f"{len(kind):,} {_noun(kind)}: {some([str(one) for one in kind])}" for kind in kinds)


def _noun(subjects: tuple[Subject, ...]) -> str:
    one, many = _NOUNS[subjects[0].scope]
    return one if len(subjects) == 1 else many


def cures(report: Report, group: tuple[Finding, ...]) -> Iterator[str]:
    """What ends ``group``, one text a change or manual cure."""
    for change in changes_for(report, group):
        yield change.says
    for manual in report.plan.manual if report.plan else ():
        if manual.cause == group[0].name:
            yield f"by hand: {manual.says} (hybridge checks show {group[0].check})"


def changes_for(report: Report, group: tuple[Finding, ...]) -> tuple[Change, ...]:
    """The planned changes that end ``group``: those of the very records at fault, else all of its cause."""
    changes = tuple(change for change in report.plan.changes if group[0].name in change.why) if report.plan else ()
    faulty = {finding.address for finding in group}
    return tuple(change for change in changes if change.address in faulty) or changes


def brief(source: str) -> str:
    """A source without the query of its URL."""
    address, mark, rest = source.partition("?")
    tail = rest[rest.index(" (") :] if " (" in rest else ""
    return f"{address}{tail}" if mark else source


def _labelled(label: str, texts: Iterable[str], stem: str, paint: Paint) -> Iterator[str]:
    said = said_once(texts)
    for number, (text, others) in enumerate(said[:NAMED]):
        first = f"{label:<8}" if number == 0 else " " * 8
        wrapped = textwrap.wrap(text + like_it(others), WIDTH - 16) or [""]
        yield f"{stem}   {paint(first, 'dim')} {wrapped[0]}"
        for line in wrapped[1:]:
            yield f"{stem}            {line}"
    if len(said) > NAMED:
        yield f"{stem}            ... and {len(said) - NAMED:,} more"


def _wrapped(text: str, stem: str) -> Iterator[str]:
    for line in textwrap.wrap(text, WIDTH - len(stem) - 3):
        yield f"{stem}   {line}"


def gaps(report: Report) -> tuple[tuple[Unseen, tuple[str, ...], int], ...]:
    """What could not be read, with the checks that lacked it; gaps of many mailboxes once, with how many more."""
    found: dict[tuple[str, str], tuple[Unseen, dict[str, None]]] = {}
    for result in report.results:
        for unseen in result.unseen:
            found.setdefault((unseen.says, unseen.how), (unseen, {}))[1][result.check] = None
    missing = tuple((unseen, tuple(checks)) for unseen, checks in found.values())
    groups = crowds(missing, lambda gap: (shape(gap[0].says), shape(gap[0].how), gap[1]))
    return tuple((*first, len(others)) for first, *others in groups)


def _compared(report: Report, paint: Paint) -> Iterator[str]:
    if report.since is None:
        return
    yield paint(f"Since {report.since.since:%Y-%m-%d %H:%M} UTC", "bold")
    for kind in became(report.since):
        yield f"  {kind.number:,} {kind.word}"
        for cause, says in kind.causes:
            yield from _indented(f"{cause}  {says}", "    ")
    for note in report.since.notes:
        yield from _indented(note, "  ")
    yield ""


def _accepted(report: Report, paint: Paint) -> Iterator[str]:
    told = accepted(report)
    if not told:
        return
    yield paint("Accepted risks", "bold")
    for cause, says in told:
        yield from _indented(f"~ {cause}  {says}", "  ")
    yield ""


def _not_checked(report: Report, paint: Paint) -> Iterator[str]:
    missing = gaps(report)
    many, not_asked = folded_.missing(report), folded_.not_asked(report)
    if not missing and not many and not not_asked:
        return
    yield paint("Not checked", "bold")
    for unseen, checks, others in missing:
        yield from _indented(f"? {unseen.says}{like_it(others)}", "  ")
        if unseen.how:
            yield from _indented(f"to get it: {unseen.how}", "    ")
        yield from _indented(f"needed by {some(checks)}", "    ")
    for gap in many:
        yield from _indented(f"? {gap.says}", "  ")
        if gap.unseen.how:
            yield from _indented(f"to get it: {gap.unseen.how}", "    ")
        yield from _indented(f"needed by {', '.join(gap.checks)}", "    ")
    for gap in not_asked:
        yield from _indented(f"- {gap.unseen.what} was not asked of {gap.count:,}: it exists per mailbox only", "  ")
        yield from _indented(f"needed by {', '.join(gap.checks)}", "    ")
    yield ""


def _indented(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _tail(report: Report, paint: Paint) -> Iterator[str]:
    counts = report.tally
    found = f"{counted(report.cause_count, 'cause')} found. Checks: "
    parts = [
        paint(f"{counts.failed:,} failed", "red" if counts.failed else "dim"),
        paint(f"{counts.warnings:,} warnings", "yellow" if counts.warnings else "dim"),
        paint(f"{counts.passed:,} passed", "green"),
        f"{counts.not_applicable:,} not applicable",
        f"{counts.inconclusive:,} not checked",
    ]
    if counts.not_asked:
        parts.append(f"{counts.not_asked:,} not asked")
    if counts.accepted:
        parts.append(f"{counts.accepted:,} accepted")
    yield found + ", ".join(parts)
    if report.rules:
        yield paint(rules_line(report), "dim")


def rules_line(report: Report) -> str:
    """How old the oldest rules are that the report judged by, and what to do when that is old."""
    oldest = report.rules[0]
    old = "; hybridge rules --help says how to get newer ones" if oldest.days > OLD_DAYS else ""
    return f"Judged by rules of {oldest.as_of} and later ({oldest.name}: {counted(oldest.days, 'day')} old{old})."

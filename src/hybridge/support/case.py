"""The text of a support case in Markdown: who, when, what was found, what was ruled out, and what is enclosed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from hybridge.findings import Outcome
from hybridge.org.folding import folded, some
from hybridge.report.document import Document, FindingRow, ResultRow
from hybridge.report.markdown import cell, code, text
from hybridge.support.places import PLACES
from hybridge.support.requests import Asked
from hybridge.terms.symptoms import Symptom

SHOWN = 25
"""Request ids in the text; the others are in ``requests.csv``."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the case is about. ``role`` is delegator, delegate or mailbox; ``upn`` "" where nobody told."""

    role: str
    address: str
    upn: str = ""
    place: str = ""
    """Where the mailbox lies, in words."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the text says. ``at`` is when it was reproduced (aware UTC), None when nobody told."""

    report: Document
    people: tuple[Person, ...]
    at: datetime | None
    tenant_id: str = ""
    requests: tuple[Asked, ...] = ()
    enclosed: tuple[str, ...] = ()


def case_text(case: Case) -> str:
    """``case`` as Markdown ending with a newline."""
    lines = [*_head(case), *_people(case), *_found(case), *_ruled_out(case), *_not_checked(case)]
    return "\n".join([*lines, *_requests(case.requests), *_logs(), *_enclosed(case)]) + "\n"


def _head(case: Case) -> Iterator[str]:
    report = case.report
    noticed = {one for result in report.results for finding in result.findings for one in finding.symptoms}
    said = [symptom.says for symptom in Symptom if symptom in noticed]
    yield f"# {text(said[0] if said else 'Teams and Exchange do not work together')}"
    yield from ("", f"- Organization: {text(report.request.organization)}")
    if case.tenant_id:
        yield f"- Tenant: {code(case.tenant_id)}"
    when = f"{case.at:%Y-%m-%d %H:%M:%S} UTC" if case.at else "**not given: write the UTC time of the failure here**"
    yield f"- Reproduced: {when}"
    yield f"- Examined: {report.started:%Y-%m-%d %H:%M:%S} UTC by hybridge {text(report.hybridge)}"
    yield from (f"- People notice: {text(one)}" for one in said)


def _people(case: Case) -> Iterator[str]:
    if not case.people:
        return
    yield from ("", "## Who", "", "| role | address | user principal name | mailbox |", "| --- | --- | --- | --- |")
    for one in case.people:
        upn = cell(one.upn) or "**write it here**"
        yield f"| {text(one.role)} | {cell(one.address)} | {upn} | {text(one.place or 'not known')} |"


def _standing(results: Iterable[ResultRow]) -> Iterator[tuple[ResultRow, FindingRow]]:
    for result in results:
        for finding in result.findings:
            if not finding.explained_by:
                yield result, finding


def _found(case: Case) -> Iterator[str]:
    yield from ("", "## Found", "")
    causes = folded(_standing(case.report.results), lambda one: (one[0].check, one[1].cause))
    if not causes and not case.report.folded:
        yield "Nothing wrong was found in what could be checked."
    for group in causes:
        (result, finding), who = group[0], [subject for one, _ in group for subject in (one.subject, *one.also)]
        accepted = " (accepted risk)" if finding.accepted else ""
        yield f"- {code(f'{result.check}:{finding.cause}')} at {text(some(who))}: {text(finding.says)}{accepted}"
    for row in case.report.folded:
        if not row.explained_by:
            yield f"- {code(f'{row.check}:{row.cause}')} at {row.count:,}: {text(row.says)}"


def _ruled_out(case: Case) -> Iterator[str]:
    passed = {one.check for one in case.report.results if one.outcome is Outcome.PASSED}
    passed -= {one.check for one in case.report.results if one.findings or one.unseen}
    if passed:
        yield from ("", "## Checked and in order", "")
        for area in folded(sorted(passed), lambda check: check.partition("/")[0]):
            yield f"- {text(area[0].partition('/')[0])}: {', '.join(code(one.partition('/')[2]) for one in area)}"


def _not_checked(case: Case) -> Iterator[str]:
    gaps = dict.fromkeys(unseen.says for result in case.report.results for unseen in result.unseen)
    if gaps:
        yield from ("", "## Could not be checked", "", *(f"- {text(says)}" for says in gaps))


def _requests(rows: Sequence[Asked]) -> Iterator[str]:
    told = [row for row in rows if row.id or row.server]
    if not told:
        return
    yield from ("", "## Request ids", "", "| UTC | request | status | request id | server | said |")
    yield "| --- | --- | ---: | --- | --- | --- |"
    for row in told[:SHOWN]:
        cells = (cell(f"{row.method} {row.where}"), str(row.status), cell(row.id), cell(row.server), text(row.reason))
        yield f"| {text(row.at)} | {' | '.join(cells)} |"
    if len(told) > SHOWN:
        yield from ("", f"{len(told) - SHOWN:,} more are in {code('requests.csv')}.")


def _logs() -> Iterator[str]:
    yield from ("", "## Logs to attach", "", "| what | where | path | how |", "| --- | --- | --- | --- |")
    for one in PLACES:
        yield f"| {text(one.what)} | {text(one.whose)} | {cell(one.path)} | {text(one.how)} |"


def _enclosed(case: Case) -> Iterator[str]:
    yield from ("", "## Enclosed", "", *(f"- {code(name)}" for name in case.enclosed))
    yield from ("", "Secrets, cookies, subjects and bodies of mail were taken out before anything was written.")

"""``hybridge doctor``: find out why things do not work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, QuietOption, colour_wanted, one_of, out, say, write_file

if TYPE_CHECKING:
    from hybridge.cli.session import Session
    from hybridge.doctor.diagnose import Diagnosis
    from hybridge.report.model import Report, StepText

FORMATS = ("text", "json", "html")
SUFFIXES = {".json": "json", ".html": "html", ".htm": "html", ".txt": "text"}
FAIL_ON = ("error", "warning", "advice", "never")


def doctor(
    mailboxes: Annotated[list[str] | None, typer.Argument(metavar="[MAILBOX]...", show_default=False)] = None,
    delegation: Annotated[
        list[str] | None, typer.Option("--delegation", metavar="DELEGATOR:DELEGATE", help="A pair to examine.")
    ] = None,
    symptom: Annotated[str, typer.Option("--symptom", metavar="S", help="Only checks that can explain it.")] = "",
    only: Annotated[list[str] | None, typer.Option("--only", metavar="CHECK", help="Only this check or area.")] = None,
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", metavar="DIR", help="Examine an offline export.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json or html.")] = "text",
    outs: Annotated[
        list[Path] | None, typer.Option("--out", metavar="FILE", help="Also write here; format from the suffix.")
    ] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help="error, warning, advice or never.")] = "warning",
    quiet: QuietOption = False,
) -> int:
    """Examine the organization, mailboxes and delegations; say what is wrong, why, and what cures it.

    Without mailboxes and delegations, those of the configuration's [doctor] section are examined.
    """
    import asyncio

    from hybridge.cli.session import open_session

    one_of(format, FORMATS, "--format")
    one_of(fail_on, FAIL_ON, "--fail-on")
    formats = {path: format_of(path) for path in outs or ()}
    session = open_session(config, snapshot, mailboxes or [], delegation or [], only or [], symptom)
    say(f"examining {session.title} ...", quiet)
    report = asyncio.run(examined(session))
    from hybridge.cli.rendering import render

    out(render(report, format, colour_wanted() and format == "text"))
    for path, kind in formats.items():
        write_file(path, render(report, kind))
        say(f"written: {path}", quiet)
    return exit_of(report, fail_on)


def format_of(path: Path) -> str:
    """The format a file's suffix asks for."""
    if path.suffix.lower() not in SUFFIXES:
        raise Stop(f"--out {path}: the format is not clear.", f"use one of the suffixes {', '.join(SUFFIXES)}")
    return SUFFIXES[path.suffix.lower()]


async def examined(session: Session) -> Report:
    """Run one examination and make its report."""
    from hybridge.doctor.diagnose import diagnose

    async with session.answerer() as answerer:
        started = session.clock.now()
        diagnosis = await diagnose(
            answerer,
            session.target,
            session.judged_at(started),
            delegations=session.delegations,
            checks=session.checks,
        )
        return report_of(session, diagnosis, started, sum(answerer.counts.values()))


def report_of(session: Session, diagnosis: Diagnosis, started: object, requests: int) -> Report:
    """The report of ``diagnosis``."""
    from datetime import datetime

    from hybridge import __version__
    from hybridge.report.model import CheckText, Request, make_report

    assert isinstance(started, datetime)
    return make_report(
        version=__version__,
        request=Request(
            organization=session.target.domain,
            source=session.source,
            mailboxes=session.target.mailboxes,
            delegations=tuple(f"{delegator}:{delegate}" for delegator, delegate in session.delegations),
            symptom=session.symptom,
            only=session.only,
        ),
        started=started,
        ended=session.clock.now(),
        subjects=[str(subject) for subject in diagnosis.subjects],
        results=diagnosis.results,
        checks=[
            CheckText(
                name=check.name,
                title=check.title,
                why=check.why,
                symptom=check.symptom,
                sources=check.sources,
                healable=tuple(cause.slug for cause in check.causes if cause.healable),
            )
            for check in diagnosis.checks
        ],
        plan=diagnosis.plan,
        steps=_steps(session, diagnosis),
        requests_made=requests,
    )


def _steps(session: Session, diagnosis: Diagnosis) -> tuple[StepText, ...]:
    from hybridge.cli.plans import hands
    from hybridge.cli.steps import steps_of

    if diagnosis.plan is None:
        return ()
    return steps_of(diagnosis.plan, hands(session.config) if session.config else ())


def exit_of(report: Report, fail_on: str) -> Exit:
    """1 for findings at or above ``fail_on``; else what kept the run from being complete; else 0."""
    from hybridge.findings import Outcome, Severity

    levels = [str(level) for level in Severity]
    limit = levels.index(fail_on) if fail_on in levels else -1
    for result in report.results:
        if result.outcome is Outcome.FAILED and levels.index(result.severity) <= limit:
            return Exit.FINDINGS
    reasons = {unseen.reason for result in report.results for unseen in result.unseen}
    if "defect" in reasons:
        return Exit.DEFECT
    if reasons & {"sign-in", "forbidden"}:
        return Exit.SIGN_IN
    return Exit.INCOMPLETE if report.incomplete else Exit.OK

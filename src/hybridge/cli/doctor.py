"""``hybridge doctor``: find out why things do not work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, QuietOption, colour_wanted, one_of, out, say, write_file

if TYPE_CHECKING:
    from hybridge.cli.session import Session
    from hybridge.cli.tenant import Wish
    from hybridge.doctor.diagnose import Diagnosis
    from hybridge.report.model import Report, StepText

FAIL_ON = ("error", "warning", "advice", "never")


def doctor(
    mailboxes: Annotated[list[str] | None, typer.Argument(metavar="[MAILBOX]...", show_default=False)] = None,
    delegation: Annotated[
        list[str] | None, typer.Option("--delegation", metavar="DELEGATOR:DELEGATE", help="A pair to examine.")
    ] = None,
    symptom: Annotated[str, typer.Option("--symptom", metavar="S", help="Only checks that can explain it.")] = "",
    only: Annotated[list[str] | None, typer.Option("--only", metavar="CHECK", help="Only this check or area.")] = None,
    test: Annotated[
        str, typer.Option("--test", metavar="NAME", help="One question, as a tree of steps: hybridge checks tests.")
    ] = "",
    access: Annotated[
        str, typer.Option("--access", metavar="WAY", help="With --test ews-access: impersonation or folder.")
    ] = "",
    tenant: Annotated[bool, typer.Option("--tenant", help="Examine every mailbox there is.")] = False,
    sample: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", min=0, help="With --tenant: ask N mailboxes what only each can tell."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --tenant: go on with the run that was stopped.")
    ] = False,
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", metavar="DIR", help="Examine an offline export.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text, json, html, csv, junit, sarif or markdown.")
    ] = "text",
    outs: Annotated[
        list[Path] | None, typer.Option("--out", metavar="FILE", help="Also write here; format from the suffix.")
    ] = None,
    since: Annotated[
        Path | None, typer.Option("--since", metavar="REPORT", help="Compare with this JSON report; only new fails.")
    ] = None,
    firewall: Annotated[
        str, typer.Option("--firewall", metavar="FILE", help="What the firewall admits to Exchange: a list of CIDRs.")
    ] = "",
    fail_on: Annotated[str, typer.Option("--fail-on", help="error, warning, advice or never.")] = "warning",
    quiet: QuietOption = False,
) -> int:
    """Examine the organization, mailboxes and delegations; say what is wrong, why, and what cures it.

    Without mailboxes and delegations, those of the configuration's [doctor] section are examined.

    The exit code is 1 when a finding at or above --fail-on was made; with --since, when a new one was. Findings that
    the configuration accepts do not count until the day they are accepted for.
    """
    import asyncio

    from hybridge.cli.named_test import narrowed, wanted
    from hybridge.cli.rendering import FORMATS, render
    from hybridge.cli.session import open_session
    from hybridge.cli.since import compared, earlier
    from hybridge.cli.tenant import run_tenant

    one_of(format, FORMATS, "--format")
    one_of(fail_on, FAIL_ON, "--fail-on")
    formats = {path: format_of(path) for path in outs or ()}
    named = (mailboxes or [], delegation or [], only or [])
    asked = wanted(test) if test else None
    if tenant and asked is not None:
        raise Stop("--test answers a question about mailboxes you name.", "leave --tenant or --test out")
    wish = _tenant_wish(tenant, sample, resume, outs or (), quiet)
    session = open_session(config, snapshot, *named, symptom, tenant=tenant, firewall=firewall)
    if asked is not None:
        session = narrowed(session, asked, access)
    elif access:
        raise Stop("--access belongs to --test ews-access.", "add --test ews-access")
    before = earlier(since, session.target.domain) if since else None
    whom = f"every mailbox of {session.target.domain or session.source}" if wish else session.title
    say(f"examining {whom} ...", quiet)
    report = compared(run_tenant(session, wish) if wish else asyncio.run(examined(session)), before)
    out(render(report, format, colour_wanted() and format == "text"))
    for path, kind in formats.items():
        write_file(path, render(report, kind))
        say(f"written: {path}", quiet)
    return exit_of(report, fail_on)


def _tenant_wish(tenant: bool, sample: int | None, resume: bool, outs: Sequence[Path], quiet: bool) -> Wish | None:
    """What a tenant run shall be like; None for any other."""
    from hybridge.cli.tenant import Wish, checkpoint_beside
    from hybridge.doctor.tenant import SAMPLE

    if not tenant:
        if sample is not None or resume:
            raise Stop("--sample and --resume belong to --tenant.", "add --tenant")
        return None
    return Wish(SAMPLE if sample is None else sample, checkpoint_beside(outs), resume, quiet)


def format_of(path: Path) -> str:
    """The format a file's suffix asks for."""
    from hybridge.cli.rendering import SUFFIXES

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
            acceptances=session.acceptances,
        )
        return report_of(session, diagnosis, started, sum(answerer.counts.values()))


def report_of(session: Session, diagnosis: Diagnosis, started: object, requests: int) -> Report:
    """The report of ``diagnosis``."""
    from datetime import datetime

    from hybridge import __version__
    from hybridge.doctor.accept import unused
    from hybridge.doctor.named_tests import run
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
            test=session.test.name if session.test else "",
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
        unused_acceptances=unused(diagnosis.results, session.acceptances, session.whole),
        rules=session.target.rules.ages(started),
        test=run(session.test, diagnosis.evidence, diagnosis.checks, diagnosis.results) if session.test else None,
    )


def _steps(session: Session, diagnosis: Diagnosis) -> tuple[StepText, ...]:
    from hybridge.cli.plans import hands
    from hybridge.cli.steps import steps_of

    if diagnosis.plan is None:
        return ()
    return steps_of(diagnosis.plan, hands(session.config) if session.config else ())


def exit_of(report: Report, fail_on: str) -> Exit:
    """1 for findings at or above ``fail_on`` (of a compared report: new ones); else what kept the run from being
    complete; else 0."""
    from hybridge.findings import Outcome, Severity

    levels = [str(level) for level in Severity]
    limit = levels.index(fail_on) if fail_on in levels else -1
    failed = [result.severity for result in report.results if result.outcome is Outcome.FAILED]
    failed += [one.severity for one in report.folded]
    if report.since is not None:
        failed = [one.severity for one in report.since.new]
    if any(levels.index(severity) <= limit for severity in failed):
        return Exit.FINDINGS
    reasons = {unseen.reason for result in report.results for unseen in result.unseen}
    reasons |= {gap.unseen.reason for gap in report.folded_gaps}
    if "defect" in reasons:
        return Exit.DEFECT
    if reasons & {"sign-in", "forbidden"}:
        return Exit.SIGN_IN
    return Exit.INCOMPLETE if report.incomplete else Exit.OK

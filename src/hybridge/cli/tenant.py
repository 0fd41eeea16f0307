"""``hybridge doctor --tenant``: every mailbox there is, in one run that can be stopped and gone on with."""

from __future__ import annotations

import asyncio
import gc
import shutil
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from hybridge import __version__
from hybridge.checks.base import Check
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.cli.pacing import Meter
from hybridge.cli.session import Session
from hybridge.collectors.bulk import FromRolls, Rolls, collect_bulk
from hybridge.collectors.collect import collect
from hybridge.doctor.accept import Register
from hybridge.doctor.checkpoint import (
    Asked,
    Checkpoint,
    CheckpointProblem,
    Done,
    Kept,
    Read,
    digest_of,
    read_checkpoint,
)
from hybridge.doctor.folds import (
    ACCEPTED,
    FAILED,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    NOT_ASKED,
    NOT_ASKED_AT,
    PASSED,
    Fold,
    Found,
)
from hybridge.doctor.tenant import Far, Tenant, Walk, chosen, tenant_of
from hybridge.findings import CheckResult, Severity
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.clock import stopwatch
from hybridge.repair.batches import Progress
from hybridge.report.model import CheckCount, CheckText, FoldedGap, FoldedResult, Report, Request, Tally, make_report
from hybridge.wire.ask import Answerer

CHECKPOINT = Path("hybridge-tenant.checkpoint")
"""Where a run without ``--out`` keeps what it has done."""
SUFFIX = ".checkpoint"
SELDOM = (100_000, 50, 100)
"""How often reference cycles are looked for: there are hardly any, and a look goes through every mailbox."""


@dataclass(frozen=True)
class Wish:
    """What the command line wants of a tenant run."""

    sample: int
    checkpoint: Path
    resume: bool = False
    quiet: bool = False


def checkpoint_beside(outs: Iterable[Path]) -> Path:
    """The checkpoint beside the first file that will be written."""
    first = next(iter(outs), None)
    return first.with_name(first.name + SUFFIX) if first is not None else CHECKPOINT


def run_tenant(session: Session, wish: Wish) -> Report:
    """Examine the tenant. Ctrl-C ends it with exit code 130; what is done is kept."""
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        return asyncio.run(examine_tenant(session, wish))
    except CheckpointProblem as problem:
        raise Stop(str(problem), "run it again without --resume") from problem
    except KeyboardInterrupt:
        step = f"go on with the same command and --resume (kept in '{wish.checkpoint}')"
        raise Stop("Stopped.", step, Exit.INTERRUPTED) from None
    finally:
        gc.set_threshold(*before)


@dataclass
class _Run:
    """One run: what it writes down, and how it tells of itself."""

    session: Session
    wish: Wish
    kept: Kept
    asked: Asked
    checkpoint: Checkpoint
    meter: Meter | None = None
    requests: int = 0
    known: Rolls = field(default_factory=dict)

    def reading(self, cmdlet: str, count: int) -> None:
        """Tell what is being read in bulk."""
        if self.meter is not None:
            self.meter.tell(Progress(count, 0, cmdlet))

    def examined(self, far: Far) -> None:
        """Tell how far the walk is."""
        if self.meter is not None:
            self.meter.tell(Progress(far.done, far.total, ""))


async def examine_tenant(session: Session, wish: Wish) -> Report:
    """Read, examine, and make the report; the checkpoint goes when the report is there."""
    async with _opened(session, wish) as run, session.source_answerer() as source:
        tenant, inner = await _read(run, source)
        if not tenant.mailboxes:
            raise Stop("No mailbox was found.", _why_none(run.known), Exit.INCOMPLETE)
        if run.meter is not None:
            run.meter.close()
            run.meter = _meter("mailboxes")
        walk = Walk(
            tenant,
            session.target,
            run.asked.judged_at,
            answerer=inner if _singly(session) else None,
            sampled=_sampled(run),
            tell=run.examined,
            keep=lambda number, fold: run.checkpoint.write(Done(number=number, fold=fold)),
        )
        done = run.kept.slices
        if done:
            say(f"  {len(done):,} of {tenant.slices:,} parts were done before", wish.quiet)
        results = await walk.run(done)
        run.requests = inner.made + walk.asked + len(run.known)
        report = _report(run, tenant, results, walk.fold)
    run.checkpoint.remove()
    return report


@asynccontextmanager
async def _opened(session: Session, wish: Wish) -> AsyncIterator[_Run]:
    started = session.clock.now()
    asked = Asked(
        hybridge=__version__,
        source=session.source,
        organization=session.target.domain,
        checks=tuple(check.name for check in session.checks),
        sample=wish.sample,
        started=started,
        judged_at=session.judged_at(started),
    )
    kept = Kept()
    if wish.resume:
        kept = read_checkpoint(wish.checkpoint)
        if not kept.of(asked) or kept.asked is None:
            raise CheckpointProblem(f"The checkpoint '{wish.checkpoint}' is of a run that asked for something else.")
        asked = kept.asked
    checkpoint = Checkpoint(wish.checkpoint, kept.end)
    if not wish.resume:
        checkpoint.write(asked)
    run = _Run(session, wish, kept, asked, checkpoint, None if wish.quiet else _meter("objects"))
    try:
        yield run
    finally:
        checkpoint.close()
        if run.meter is not None:
            run.meter.close()


def _meter(noun: str) -> Meter:
    columns = shutil.get_terminal_size().columns if sys.stderr.isatty() else 0
    return Meter(sys.stderr, stopwatch(), columns, noun)


async def _read(run: _Run, source: Answerer) -> tuple[Tenant, AskedOnce]:
    """The tenant, and the answerer for what is asked besides."""
    session, kept = run.session, run.kept
    offline = session.snapshot is not None
    complete = kept.read is not None and kept.read.complete
    rolls = kept.rolls if complete else await collect_bulk(source, session.target.cloud, run.reading, offline=offline)
    run.known = rolls
    inner = AskedOnce(FromRolls(source, rolls))
    evidence = await collect(inner, replace(session.target, mailboxes=_sampled(run)), run.asked.judged_at)
    tenant = tenant_of(
        evidence,
        rolls,
        session.checks,
        Register(session.acceptances, run.asked.judged_at.date()),
        session.target.mailboxes,
        offline=offline,
    )
    digest = digest_of(tenant.mailboxes)
    if kept.read is not None and kept.read.mailboxes != digest:
        raise CheckpointProblem("The mailboxes are not those the checkpoint was made of.")
    if kept.read is None:
        if not offline:
            run.checkpoint.write_rolls(rolls)
        run.checkpoint.write(Read(mailboxes=digest, complete=not offline))
    return tenant, inner


def _singly(session: Session) -> bool:
    """Whether single mailboxes can be asked anything: live, and where a snapshot was saved by hybridge."""
    return session.snapshot is None or session.snapshot.answerer.recorded


def _sampled(run: _Run) -> tuple[str, ...]:
    """The mailboxes asked what only each can tell, besides the delegators."""
    return chosen(run.known, run.wish.sample) if _singly(run.session) else ()


def _why_none(rolls: Rolls) -> str:
    gaps = [found for found in rolls.values() if isinstance(found, msgspec.Struct) and hasattr(found, "says")]
    return f"{gaps[0].says} {gaps[0].how}" if gaps else "check that the account may read mailboxes"


def _report(run: _Run, tenant: Tenant, results: tuple[CheckResult, ...], fold: Fold) -> Report:
    session = run.session
    report = make_report(
        version=__version__,
        request=Request(
            organization=session.target.domain,
            source=session.source,
            symptom=session.symptom,
            only=session.only,
            tenant=True,
        ),
        started=run.asked.started,
        ended=session.clock.now(),
        subjects=("organization", *tenant.mailboxes),
        results=results,
        checks=[_text(check) for check in tenant.checks],
        requests_made=run.requests,
        rules=session.target.rules.ages(run.asked.started),
    )
    return with_fold(report, fold)


def _text(check: Check) -> CheckText:
    return CheckText(
        name=check.name,
        title=check.title,
        why=check.why,
        symptom=check.symptom,
        sources=check.sources,
        healable=tuple(cause.slug for cause in check.causes if cause.healable),
    )


def with_fold(report: Report, fold: Fold) -> Report:
    """``report`` of the organization with what was found at everybody."""
    severities: dict[str, Severity] = {found.example.check: found.severity for found in fold.found.values()}
    return msgspec.structs.replace(
        report,
        folded=tuple(_folded(found) for found in fold.found.values()),
        folded_gaps=tuple(
            FoldedGap(check=gap.check, unseen=gap.unseen, subjects=tuple(gap.subjects), count=gap.count)
            for gap in fold.gaps.values()
        ),
        folded_counts=tuple(
            CheckCount(
                check=check,
                passed=numbers[PASSED],
                failed=numbers[FAILED],
                not_applicable=numbers[NOT_APPLICABLE],
                inconclusive=numbers[INCONCLUSIVE],
                accepted=numbers[ACCEPTED],
                not_asked=numbers[NOT_ASKED_AT],
            )
            for check, numbers in sorted(fold.counts.items())
        ),
        tally=_tally(report.tally, fold, severities),
        incomplete=report.incomplete or any(gap.unseen.reason != NOT_ASKED for gap in fold.gaps.values()),
    )


def _folded(found: Found) -> FoldedResult:
    example = found.example
    return FoldedResult(
        check=example.check,
        cause=example.cause,
        says=example.says,
        subjects=tuple(found.subjects),
        count=len(found.subjects),
        severity=found.severity,
        symptoms=example.symptoms,
        explained_by=example.explained_by,
        variants=tuple(found.variants.values()) if len(found.variants) > 1 else (),
        example=example,
    )


def _tally(organization: Tally, fold: Fold, severities: dict[str, Severity]) -> Tally:
    sums = [0] * 6
    failed = warned = 0
    for check, numbers in fold.counts.items():
        sums = [one + more for one, more in zip(sums, numbers, strict=True)]
        if severities.get(check, Severity.ERROR) is Severity.ERROR:
            failed += numbers[FAILED]
        else:
            warned += numbers[FAILED]
    return Tally(
        passed=organization.passed + sums[PASSED],
        failed=organization.failed + failed,
        warnings=organization.warnings + warned,
        not_applicable=organization.not_applicable + sums[NOT_APPLICABLE],
        inconclusive=organization.inconclusive + sums[INCONCLUSIVE],
        accepted=organization.accepted + sums[ACCEPTED],
        not_asked=sums[NOT_ASKED_AT],
    )

"""After a plan was applied: examine again, look again while something may still come, and say when to look next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.cli.plans import subjects_of
from hybridge.cli.session import Session, open_session
from hybridge.doctor.diagnose import diagnose
from hybridge.net.clock import SystemClock
from hybridge.plan import Plan
from hybridge.repair.executor import Applied, End
from hybridge.repair.journal import JournalProblem, State, read_journal
from hybridge.repair.plan_file import Part
from hybridge.repair.procedures.teams_partner_apps import strict
from hybridge.repair.waiting import Expected, Made, Polling, Seen, Verified, seen_in, verify

LONG_AGO = datetime.min.replace(tzinfo=UTC)
_UNITS = {"s": 1, "m": 60, "h": 3600}


def limit_of(text: str) -> timedelta:
    """The time ``text`` such as 90s, 2m or 0 means."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not number.isdecimal():
        raise Stop(f"--wait '{text}' is not a time.", "write it as 90s, 5m, 1h or 0")
    return timedelta(seconds=int(number) * _UNITS[unit])


async def verify_plan(plan: Plan, applied: Applied, config_file: Path, limit: timedelta, quiet: bool) -> Verified:
    """Examine again what ``plan`` was to cure, for at most ``limit``; progress goes to stderr."""
    mailboxes, delegations = subjects_of(plan)
    named = load_config(config_file)
    session = open_session(
        config_file,
        None,
        [*named.settings.doctor.mailboxes, *mailboxes],
        [*named.settings.doctor.delegations, *delegations],
        [],
        "",
    )
    session = replace(session, domain_controller=plan.domain_controller)
    verified = await verify(
        lambda: _look(session),
        made_by(applied),
        SystemClock(),
        asyncio.sleep,
        polling=Polling(limit=limit),
        tell=lambda text: say(text, quiet),
        later=plan.also if isinstance(plan, Part) else (),
    )
    return strict(plan, verified)


async def _look(session: Session) -> Seen:
    async with session.answerer() as answerer:
        again = await diagnose(
            answerer,
            session.target,
            session.clock.now(),
            delegations=session.delegations,
            checks=session.checks,
            acceptances=session.acceptances,
        )
    return seen_in(again.results, again.checks)


def made_by(applied: Applied) -> Sequence[Made]:
    """The changes that are made, and since when: as the journal says, long ago for those nobody of us made."""
    since: dict[int, datetime] = {}
    if applied.journal:
        try:
            steps = read_journal(Path(applied.journal)).steps
        except JournalProblem:
            steps = ()
        since = {step.number: step.at for step in steps if step.state is State.APPLIED}
    return [
        Made(number=step.number, change=step.change, at=since.get(step.number, LONG_AGO))
        for step in applied.steps
        if step.end in (End.APPLIED, End.ALREADY_SO)
    ]


def shown(verified: Verified) -> str:
    """``verified`` for a person."""
    lines = [verified.says]
    if verified.others:
        lines.append(f"Left to a person, or new: {', '.join(verified.others)}.")
    if verified.expected:
        lines.append("Not over yet:" if verified.waits_for else "What people may notice only later:")
        lines += [line for one in verified.expected for line in _expected_lines(one)]
    if verified.look_again_at:
        lines.append(f"Look again at {_at(verified.look_again_at)}: hybridge doctor")
    return "\n".join(lines)


def _expected_lines(one: Expected) -> list[str]:
    steps = ", ".join(map(str, one.steps[:8])) + (" ..." if len(one.steps) > 8 else "")
    lines = [f"  {one.lag} (step {steps}): {one.says}"]
    lines.append(f"      worth a look at {_at(one.look_again_at)}; over by {_at(one.at_latest)}")
    return lines


def _at(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def exit_of(verified: Verified) -> Exit:
    """1 when something is still found without an excuse, 3 when it may still go or was not looked at, else 0."""
    if verified.left:
        return Exit.FINDINGS
    return Exit.OK if verified.healed else Exit.INCOMPLETE

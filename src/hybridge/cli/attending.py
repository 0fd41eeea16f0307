"""The commands of ``hybridge repair`` that ask, try out, resume: one step at a time, with -WhatIf, after a crash."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Stop
from hybridge.cli.options import say
from hybridge.cli.pacing import walking
from hybridge.cli.plans import controller_of, hands, journal_root, opened, place, who
from hybridge.config import Config
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SystemClock
from hybridge.plan import Change, Plan
from hybridge.repair import journal as journals
from hybridge.repair.batches import BATCH
from hybridge.repair.executor import Applied, Choice, Choose
from hybridge.repair.resume import Way, resume, unfinished
from hybridge.repair.trial import Trial, try_out
from hybridge.repair.what_if import effect

_ANSWERS = {"y": Choice.MAKE, "yes": Choice.MAKE, "skip": Choice.SKIP, "s": Choice.SKIP, "stop": Choice.STOP}


def step_by_step(plan: Plan) -> Choose:
    """Asks about every change on the terminal: y, skip or stop."""
    if not sys.stdin.isatty():
        raise Stop("--step asks before every change, and nobody is there to answer.", "leave --step out, and use --yes")

    async def ask(number: int, change: Change) -> Choice:
        say(f"\n{number} of {len(plan.changes)}: {change.says}\n   where:  {change.address}")
        for line in effect(change):
            say(f"   {line}")
        say(f"   risk:   {change.risk}")
        while True:
            try:
                answer = typer.prompt("Make this change? y, skip or stop", default="", show_default=False, err=True)
            except typer.Abort:
                return Choice.STOP
            if choice := _ANSWERS.get(answer.strip().lower()):
                return choice

    return ask


async def try_plan(plan: Plan, config_file: Path, quiet: bool) -> tuple[Trial, ...]:
    """What Exchange says of ``plan`` with -WhatIf."""
    config = load_config(config_file)
    say("asking Exchange what it would do ...", quiet)
    async with open_live(config.net, config.exchange, config.entra, SystemClock()) as live:
        return await try_out(plan, live, hands(config, plan.domain_controller), SystemClock())


def to_resume(name: str, config_file: Path) -> journals.Journal:
    """The journal called ``name``, or the only one that is not finished."""
    config = load_config(config_file)
    if name:
        root, plan_id = place(name, config)
        try:
            return journals.read_journal(root / plan_id)
        except journals.JournalProblem as problem:
            raise Stop(str(problem), "hybridge repair journal lists them") from problem
    found = unfinished(journals.list_journals(journal_root(config)))
    if len(found) > 1:
        raise Stop(f"{len(found)} journals are not finished: {', '.join(one.plan for one in found)}.", "name one")
    if not found:
        raise Stop("There is nothing to resume: every journal is finished.", "hybridge repair journal lists them")
    return found[0]


async def resume_journal(
    journal: journals.Journal, way: Way, config_file: Path, quiet: bool, batch: int = BATCH
) -> Applied:
    """Finish, or take back, what ``journal`` tells of. Refuses while another process holds the journal."""
    config: Config = load_config(config_file)
    folder = Path(journal.path).parent
    say("taking everything back ..." if way is Way.BACK else "going on ...", quiet)
    async with opened(config, folder.name, folder.parent) as (answerer, writer):
        writing = hands(config, controller_of(folder))
        with walking(batch, quiet) as walk:
            asked, clock = walk.unhurried(answerer), SystemClock()
            return await resume(writer, asked, writing, way, who=who(), clock=clock, patience=walk.patience)

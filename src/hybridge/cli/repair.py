"""``hybridge repair``: plan the cure, look at it, apply it, take it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    FormatOption,
    QuietOption,
    colour_wanted,
    one_of,
    out,
    say,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from hybridge.plan import Plan
    from hybridge.repair.executor import Applied

app = typer.Typer(help="Plan the cure, look at it, apply it, take it back.", add_completion=False, no_args_is_help=True)

WaitOption = Annotated[
    str, typer.Option("--wait", metavar="TIME", help="How long to look again until the cure is seen: 0, 90s, 5m.")
]
BatchOption = Annotated[
    int, typer.Option("--batch", metavar="N", min=1, help="How many changes are looked at and made between two rests.")
]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan written by hybridge repair plan --out.")]


@app.command("plan")
def plan(
    mailboxes: Annotated[list[str] | None, typer.Argument(metavar="[MAILBOX]...", show_default=False)] = None,
    delegation: Annotated[list[str] | None, typer.Option("--delegation", metavar="DELEGATOR:DELEGATE")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="CHECK", help="Only this check or area.")] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="REPORT", help="The plan of a JSON report instead of a new run.")
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", metavar="DIR", help="Plan from an offline export.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="PLAN", help="Write the plan here.")] = None,
    split: Annotated[
        bool, typer.Option("--split", help="Write a file for each console: PLAN.exchange.json and PLAN.cloud.json.")
    ] = False,
    procedure: Annotated[
        str, typer.Option("--procedure", metavar="NAME", help="Plan a whole procedure: teams-partner-apps.")
    ] = "",
    legacy_sfb: Annotated[
        bool, typer.Option("--legacy-sfb", help="With --procedure: make or enable the application 00000004, too.")
    ] = False,
    with_archive_role: Annotated[
        bool, typer.Option("--with-archive-role", help="With --procedure: assign ArchiveApplication, too.")
    ] = False,
    domain_controller: Annotated[
        str, typer.Option("--domain-controller", metavar="FQDN", help="With --procedure: send every cmdlet there.")
    ] = "",
    format: Annotated[str, typer.Option("--format", help="text, json or powershell.")] = "text",
    quiet: QuietOption = False,
) -> int:
    """Examine, and plan what ends every finding. Changes nothing.

    --procedure teams-partner-apps plans the whole of today's procedure for the partner applications of Teams, from
    whatever an older edition of it left.

    With --split a plan can be applied where no machine reaches both Exchange and Microsoft Graph: apply
    PLAN.exchange.json at the Exchange console with --results done.json, carry that file and PLAN.cloud.json to a
    console that reaches Graph, and apply there with --after done.json. Undo in reverse order.
    """
    one_of(format, ("text", "json", "powershell"), "--format")
    if procedure:
        from hybridge.cli.procedures import options_for, plan_of

        if mailboxes or delegation or only or from_ is not None:
            raise Stop("A procedure is for the whole organization.", "leave mailboxes, --only and --from out")
        options = options_for(procedure, legacy_sfb, with_archive_role, domain_controller)
        outcome = plan_of(options, config, snapshot, format, quiet)
        if outcome.plan is None:
            return outcome.exit
        found = outcome.plan
    else:
        if legacy_sfb or with_archive_role or domain_controller:
            raise Stop("--legacy-sfb, --with-archive-role and --domain-controller go with --procedure.", "add it")
        found = _planned(from_, config, snapshot, mailboxes or [], delegation or [], only or [], format, quiet)
    _write(found, out_file, split, quiet)
    return Exit.OK


def _planned(
    from_: Path | None,
    config: Path,
    snapshot: Path | None,
    mailboxes: list[str],
    delegation: list[str],
    only: list[str],
    format: str,
    quiet: bool,
) -> Plan:
    """The plan of a report, or of an examination made now; printed."""
    import asyncio

    from hybridge.cli.plans import graph_of, made, of_report, printed, rights_needed
    from hybridge.cli.session import open_session

    if from_ is not None:
        found = of_report(from_)
    else:
        session = open_session(config, snapshot, mailboxes, delegation, only, "")
        say(f"examining {session.title} ...", quiet)
        found = asyncio.run(made(session))
    out(printed(found, format, rights_needed(found, config), graph_of(config)))
    return found


def _write(found: Plan, out_file: Path | None, split: bool, quiet: bool) -> None:
    """Write the plan to its file, or a file for each console."""
    if split:
        from hybridge.cli.carrying import write_parts

        write_parts(found, out_file, quiet)
    elif out_file is not None:
        from hybridge.repair.plan_file import PlanProblem, write_plan

        try:
            write_plan(found, out_file)
        except PlanProblem as problem:
            raise Stop(str(problem), "choose another place with --out") from problem
        say(f"written: {out_file}. Next: hybridge repair apply {out_file} --what-if", quiet)


@app.command("apply")
def apply(
    plan_file: PlanFile,
    what_if: Annotated[bool, typer.Option("--what-if", help="Say what would be done, and do nothing.")] = False,
    ask_exchange: Annotated[
        bool, typer.Option("--ask-exchange", help="With --what-if: run every on-premises cmdlet with -WhatIf.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    step: Annotated[bool, typer.Option("--step", help="Ask before every change: y, skip or stop.")] = False,
    after: Annotated[
        list[Path] | None, typer.Option("--after", metavar="FILE", help="Results of the part applied before this one.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", metavar="FILE", help="Write what was done, for another console.")
    ] = None,
    batch: BatchOption = 50,
    wait: WaitOption = "2m",
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
    quiet: QuietOption = False,
) -> int:
    """Apply a plan: journal each change, make it, read it back; then examine again.

    A long plan goes in batches; Ctrl-C stops it after the change under way, and hybridge repair resume goes on.

    Directories and caches may show the past for a while: the examination is repeated for --wait at most. Exit code 0:
    cured; 1: something is still found; 3: not everything was made, or it may only not be seen yet.
    """
    import asyncio

    from hybridge.cli.carrying import carry, ready
    from hybridge.cli.plans import apply_plan, read
    from hybridge.cli.verifying import limit_of

    one_of(format, ("text", "json"), "--format")
    limit = limit_of(wait)
    found = read(plan_file)
    if ask_exchange and not what_if:
        raise Stop("--ask-exchange only asks, and --what-if is not given.", "add --what-if, or leave it out")
    if what_if:
        return _what_if(found, ask_exchange, config, format, quiet)
    if step and yes:
        raise Stop("--step asks before every change, --yes never.", "use one of them")
    if not found.changes:
        out("Nothing to apply: the plan holds no change." + _by_hand(found))
        return Exit.OK
    ready(found, after or [], config)
    choose = None
    if step:
        from hybridge.cli.attending import step_by_step

        choose = step_by_step(found)
    elif not yes:
        _confirm(found)
    ended = asyncio.run(apply_plan(found, config, quiet, choose, batch))
    carry(ended, found, results, quiet)
    return _ended(ended, found, (config, format, quiet), limit)


def _what_if(plan: Plan, ask_exchange: bool, config: Path, format: str, quiet: bool) -> int:
    """Print the plan, and what Exchange says of it when it is asked; changes nothing."""
    if not ask_exchange:
        from hybridge.repair.what_if import what_if as lines

        out("\n".join(lines(plan)))
        return Exit.OK
    import asyncio

    from hybridge.cli.attending import try_plan
    from hybridge.cli.repair_shown import as_json, trials_shown
    from hybridge.repair.trial import Opinion

    trials = asyncio.run(try_plan(plan, config, quiet))
    out(as_json(trials) if format == "json" else trials_shown(plan, trials))
    wrong = any(one.opinion in (Opinion.REFUSED, Opinion.DRIFTED) for one in trials)
    return Exit.INCOMPLETE if wrong else Exit.OK


def _ended(ended: Applied, plan: Plan, where: tuple[Path, str, bool], limit: timedelta, **more: object) -> int:
    """Print how an apply ended, and verify a complete one; ``where`` is configuration, format and quiet."""
    import asyncio

    import msgspec

    from hybridge.cli import verifying
    from hybridge.cli.plans import shown_end
    from hybridge.cli.repair_shown import as_json

    config, format, quiet = where
    told = {**more, **msgspec.to_builtins(ended)}
    if format == "text":
        out(shown_end(ended, format, colour_wanted()))
    if not ended.complete:
        if format == "json":
            out(as_json(told))
        return Exit.INCOMPLETE
    say("examining again ...", quiet)
    verified = asyncio.run(verifying.verify_plan(plan, ended, config, limit, quiet))
    out(as_json({**told, "verified": verified}) if format == "json" else verifying.shown(verified))
    return verifying.exit_of(verified)


def _by_hand(plan: Plan) -> str:
    return f" {len(plan.manual)} cures are left to a person; --what-if shows the steps." if plan.manual else ""


def _confirm(plan: Plan) -> None:
    import sys

    if not sys.stdin.isatty():
        raise Stop("Applying a plan asks first, and nobody is there to answer.", "look with --what-if, then use --yes")
    wanted = plan.organization or "yes"
    answer = typer.prompt(f"{len(plan.changes):,} changes. Type {wanted} to make them", default="", show_default=False)
    if answer.strip() != wanted:
        raise Stop("Nothing was changed.", f"type {wanted} to go on")


@app.command("undo")
def undo(
    journal: Annotated[str, typer.Argument(metavar="JOURNAL", help="A plan's id or the path of its journal.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this mailbox, delegation, cause or check; repeatable."),
    ] = None,
    batch: BatchOption = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
    quiet: QuietOption = False,
) -> int:
    """Take back what a plan changed, last change first. Of a split plan, take back the part applied last first.

    With --only, take back a part: undo ID --only ada@contoso.com --only teams/coexistence-mode:user-mode.
    """
    import asyncio

    from hybridge.cli.carrying import last_first
    from hybridge.cli.configuration import load_config
    from hybridge.cli.plans import place, shown_end, undo_journal

    one_of(format, ("text", "json"), "--format")
    last_first(*place(journal, load_config(config)))
    ended = asyncio.run(undo_journal(journal, config, quiet, only or (), batch))
    out(shown_end(ended, format, colour_wanted()))
    return Exit.OK if ended.complete else Exit.INCOMPLETE


@app.command("resume")
def resume(
    journal: Annotated[str, typer.Argument(metavar="[ID]", help="A plan's id or the path of its journal.")] = "",
    back: Annotated[bool, typer.Option("--back", help="Take everything back instead of finishing.")] = False,
    what_if: Annotated[bool, typer.Option("--what-if", help="Only say what state each step is in.")] = False,
    batch: BatchOption = 50,
    wait: WaitOption = "2m",
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
    quiet: QuietOption = False,
) -> int:
    """After a crash or a failure: say what state each step is in, then finish, or go back with --back.

    The journal holds the whole plan; no other file is needed. Without an ID, the one journal that is not finished. A
    run that was undoing is finished by undoing; steps that were skipped stay skipped.
    """
    import asyncio

    import msgspec

    from hybridge.cli.attending import resume_journal, to_resume
    from hybridge.cli.plans import shown_end
    from hybridge.cli.repair_shown import as_json, standings_shown
    from hybridge.cli.verifying import limit_of
    from hybridge.repair.resume import Way, going_back, standings

    one_of(format, ("text", "json"), "--format")
    limit = limit_of(wait)
    found = to_resume(journal, config)
    way = Way.BACK if back or going_back(found) else Way.ON
    state = standings(found)
    if format == "text":
        out(f"Plan {found.plan}:\n{standings_shown(state)}")
    if what_if:
        if format == "json":
            out(as_json({"plan": found.plan, "way": way, "standing": state}))
        return Exit.OK
    ended = asyncio.run(resume_journal(found, way, config, quiet, batch))
    plan = found.whole_plan
    more = {"way": way, "standing": msgspec.to_builtins(state)}
    if way is Way.ON and plan is not None:
        code = _ended(ended, plan, (config, format, quiet), limit, **more)
        if not ended.complete:
            say(f"Or take everything back: hybridge repair resume {found.plan} --back", quiet)
        return code
    out(as_json({**more, **msgspec.to_builtins(ended)}) if format == "json" else shown_end(ended, format, False))
    return Exit.OK if ended.complete else Exit.INCOMPLETE


@app.command("journal")
def journal(
    plan_id: Annotated[str, typer.Argument(metavar="[ID]", show_default=False)] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """List the journals, or show one: who, when, before, after and the reply of every step."""
    from hybridge.cli.repair_shown import journals_shown

    one_of(format, ("text", "json"), "--format")
    out(journals_shown(plan_id, config, format))

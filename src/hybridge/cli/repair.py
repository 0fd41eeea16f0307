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
    from hybridge.plan import Plan

app = typer.Typer(help="Plan the cure, look at it, apply it, take it back.", add_completion=False, no_args_is_help=True)

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
    format: Annotated[str, typer.Option("--format", help="text, json or powershell.")] = "text",
    quiet: QuietOption = False,
) -> int:
    """Examine, and plan what ends every finding. Changes nothing."""
    import asyncio

    from hybridge.cli.plans import made, of_report, printed
    from hybridge.cli.session import open_session

    one_of(format, ("text", "json", "powershell"), "--format")
    if from_ is not None:
        found = of_report(from_)
    else:
        session = open_session(config, snapshot, mailboxes or [], delegation or [], only or [], "")
        say(f"examining {session.title} ...", quiet)
        found = asyncio.run(made(session))
    out(printed(found, format))
    if out_file is not None:
        from hybridge.repair.plan_file import PlanProblem, write_plan

        try:
            write_plan(found, out_file)
        except PlanProblem as problem:
            raise Stop(str(problem), "choose another place with --out") from problem
        say(f"written: {out_file}. Next: hybridge repair apply {out_file} --what-if", quiet)
    return Exit.OK


@app.command("apply")
def apply(
    plan_file: PlanFile,
    what_if: Annotated[bool, typer.Option("--what-if", help="Say what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
    quiet: QuietOption = False,
) -> int:
    """Apply a plan: journal each change, make it, read it back; then examine again."""
    import asyncio

    from hybridge.cli.plans import apply_plan, read, shown_end, verified
    from hybridge.repair.what_if import what_if as lines

    one_of(format, ("text", "json"), "--format")
    found = read(plan_file)
    if what_if:
        out("\n".join(lines(found)))
        return Exit.OK
    if not found.changes:
        out("Nothing to apply: the plan holds no change." + _by_hand(found))
        return Exit.OK
    if not yes:
        _confirm(found)
    ended = asyncio.run(apply_plan(found, config, quiet))
    out(shown_end(ended, format, colour_wanted()))
    if not ended.complete:
        return Exit.INCOMPLETE
    say("examining again ...", quiet)
    left = asyncio.run(verified(found, config))
    if format == "text":
        out(left.says)
    return Exit.OK if left.healed else Exit.FINDINGS


def _by_hand(plan: Plan) -> str:
    return f" {len(plan.manual)} cures are left to a person; --what-if shows the steps." if plan.manual else ""


def _confirm(plan: Plan) -> None:
    import sys

    if not sys.stdin.isatty():
        raise Stop("Applying a plan asks first, and nobody is there to answer.", "look with --what-if, then use --yes")
    wanted = plan.organization or "yes"
    answer = typer.prompt(f"{len(plan.changes)} changes. Type {wanted} to make them", default="", show_default=False)
    if answer.strip() != wanted:
        raise Stop("Nothing was changed.", f"type {wanted} to go on")


@app.command("undo")
def undo(
    journal: Annotated[str, typer.Argument(metavar="JOURNAL", help="A plan's id or the path of its journal.")],
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
    quiet: QuietOption = False,
) -> int:
    """Take back what a plan changed, last change first."""
    import asyncio

    from hybridge.cli.plans import shown_end, undo_journal

    one_of(format, ("text", "json"), "--format")
    ended = asyncio.run(undo_journal(journal, config, quiet))
    out(shown_end(ended, format, colour_wanted()))
    return Exit.OK if ended.complete else Exit.INCOMPLETE


@app.command("journal")
def journal(
    plan_id: Annotated[str, typer.Argument(metavar="[ID]", show_default=False)] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """List the journals, or show one: who changed what, when, and what became of it."""
    from hybridge.cli.plans import journals_shown

    one_of(format, ("text", "json"), "--format")
    out(journals_shown(plan_id, config, format))

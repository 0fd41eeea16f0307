"""Plans for two consoles at the command line: parts written, what a part waits for, results carried by file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import say
from hybridge.cli.plans import journal_root, who
from hybridge.net.clock import SystemClock
from hybridge.plan import Plan
from hybridge.repair import journal as journals
from hybridge.repair.executor import Applied
from hybridge.repair.plan_file import Part, PlanProblem, write_plan
from hybridge.repair.split import files_for, missing, read_results, results_of, split, standing_on, write_results


def write_parts(plan: Plan, out_file: Path | None, quiet: bool) -> None:
    """Write a file for each console beside ``out_file``, and say in which order they are applied."""
    if out_file is None:
        raise Stop("--split writes files and needs a place for them.", "add --out PLAN")
    files = files_for(split(plan), out_file)
    if not files:
        raise Stop("There is nothing to split: the plan holds no change.", "hybridge repair plan shows it", Exit.OK)
    for path, part in files:
        try:
            write_plan(part, path)
        except PlanProblem as problem:
            raise Stop(str(problem), "choose another place with --out") from problem
        say(f"written: {path} ({len(part.changes)} changes at the {part.console} console)", quiet)
    first, *rest = [path for path, _ in files]
    say(f"Next: hybridge repair apply {first}" + (" --results done.json" if rest else ""), quiet)
    for path in rest:
        say(f"then, at its console: hybridge repair apply {path} --after done.json", quiet)


def ready(plan: Plan, after: Sequence[Path], config_file: Path) -> None:
    """Stop when ``plan`` is a part that needs changes of which nobody says that they are made."""
    if not isinstance(plan, Part):
        if after:
            raise Stop("--after is for a part of a plan, and this is a whole one.", "leave --after out")
        return
    try:
        results = [read_results(path) for path in after]
    except PlanProblem as problem:
        raise Stop(str(problem), "name the file written by --results at the other console") from problem
    if lacking := missing(plan, results, _journals(config_file)):
        first = lacking[0]
        others = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise Stop(
            f"Not started: step {first.number} needs step {first.other} of {first.part} ({first.says}){others}.",
            "apply that part first with --results FILE, and name its file here with --after FILE",
            Exit.INCOMPLETE,
        )


def last_first(root: Path, plan_id: str) -> None:
    """Stop when another part that is still applied needs what the journal of ``plan_id`` made."""
    try:
        journal = journals.read_journal(root / plan_id)
    except journals.JournalProblem:
        return  # whoever undoes it says so in full
    others = [one for one in journals.list_journals(root) if isinstance(one, journals.Journal)]
    if standing := standing_on(journal, others):
        raise Stop(
            f"Not taken back: {standing[0]} is still applied and needs what {plan_id} made.",
            f"first: hybridge repair undo {standing[0]}",
        )


def carry(applied: Applied, plan: Plan, results: Path | None, quiet: bool) -> None:
    """Write what was done to ``results``, where it is given."""
    if results is None:
        return
    try:
        write_results(results_of(applied, plan, who(), SystemClock().now()), results)
    except PlanProblem as problem:
        raise Stop(str(problem), "choose another place with --results") from problem
    say(f"written: {results}", quiet)


def _journals(config_file: Path) -> list[journals.Journal]:
    found = journals.list_journals(journal_root(load_config(config_file)))
    return [one for one in found if isinstance(one, journals.Journal)]

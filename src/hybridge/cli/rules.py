"""``hybridge rules``: how old the dated rules are, and newer ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridge.cli.exits import Exit, Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, FormatOption, QuietOption, one_of, out, say

if TYPE_CHECKING:
    from datetime import datetime

    from hybridge.rules import Endpoints, Rules

app = typer.Typer(help="Show how old the dated rules are, or get newer ones.", add_completion=False)
HOUR = 3600


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Without a command: says which there are."""
    if context.invoked_subcommand is None:
        raise Stop("rules needs a command.", "hybridge rules show, or hybridge rules refresh")


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> int:
    """Print each rules file with its day, its age and where it is from."""
    import msgspec

    from hybridge.cli.rules_folder import rules_of
    from hybridge.net.clock import SystemClock

    one_of(format, ("text", "json"), "--format")
    rules, folder = rules_of(config)
    ages = rules.ages(SystemClock().now())
    if format == "json":
        shown = {"folder": str(folder), "rules": ages}
        out(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())
        return Exit.OK
    for age in ages:
        whose = f"yours, in {folder}" if age.own else "came with hybridge"
        out(f"{age.name:<13} {age.as_of}  {age.days:>4} days old  {whose}\n{'':<13} {age.source}")
    return Exit.OK


@app.command("refresh")
def refresh(
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Read this rules file instead of asking Microsoft.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    quiet: QuietOption = False,
) -> int:
    """Get newer rules: from FILE, or the address ranges from Microsoft's endpoint service. Shows what changed."""
    from hybridge.cli.rules_folder import rules_of

    rules, folder = rules_of(config)
    if source is not None:
        return _from_file(rules, folder, source)
    say("asking Microsoft's endpoint service ...", quiet)
    return _from_service(rules, folder, config)


def _from_file(rules: Rules, folder: Path, source: Path) -> int:
    from hybridge.rules import RulesProblem, read_file, write_file

    try:
        name, found = read_file(source)
        present = getattr(rules, name)
        if found.as_of < present.as_of:
            says = f"'{source}' is of {found.as_of}, older than the {name} in use ({present.as_of})."
            raise Stop(says, "name a newer file")
        path = write_file(folder, name, found)
    except RulesProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    _told(name, present, found, path)
    return Exit.OK


def _from_service(rules: Rules, folder: Path, config: Path) -> int:
    import asyncio
    from uuid import uuid4

    from hybridge.cli.configuration import load_config
    from hybridge.collectors.endpoints import collect_endpoints
    from hybridge.net.answerers.live import open_live
    from hybridge.net.clock import SystemClock
    from hybridge.rules import RulesProblem, write_file
    from hybridge.wire.ask import Failure

    loaded, clock = load_config(config), SystemClock()
    now = clock.now()
    _not_again(folder, now)

    async def ask() -> Endpoints | Failure:
        async with open_live(loaded.net, loaded.exchange, loaded.entra, clock) as live:
            return await collect_endpoints(live, rules.endpoints, _instances(loaded.cloud.name), now, uuid4)

    found = asyncio.run(ask())
    if isinstance(found, Failure):
        raise Stop(found.says, found.next_step, Exit.INCOMPLETE)
    try:
        path = write_file(folder, "endpoints", found)
    except RulesProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    _asked_now(folder, now)
    _told("endpoints", rules.endpoints, found, path)
    return Exit.OK


def _instances(cloud: str) -> tuple[str, ...]:
    from hybridge.rules.endpoints import INSTANCES

    return (INSTANCES.get(cloud, "Worldwide"),)


def _not_again(folder: Path, now: datetime) -> None:
    """Stops when the service was asked less than an hour ago, as Microsoft wants it."""
    from datetime import datetime

    try:
        asked_at = datetime.fromisoformat((folder / _ASKED).read_text(encoding="ascii").strip())
        seconds = (now - asked_at).total_seconds()
    except (OSError, ValueError, TypeError):
        return
    if 0 <= seconds < HOUR:
        says = f"The endpoint service was asked {seconds / 60:.0f} minutes ago; it wants to be asked hourly at most."
        raise Stop(
            says, f"wait {(HOUR - seconds) / 60:.0f} minutes, or read a file: hybridge rules refresh --from FILE"
        )


_ASKED = "endpoints.asked"


def _asked_now(folder: Path, now: datetime) -> None:
    from hybridge.cli.options import write_file

    write_file(folder / _ASKED, now.isoformat() + "\n")


def _told(name: str, before: Any, after: Any, path: Path) -> None:
    """Print what is new and what is gone."""
    from hybridge.rules.changes import changes

    out(f"{name}: of {after.as_of} (before: {before.as_of}), written to {path}")
    lines = changes(before, after)
    out("\n".join(f"  {line}" for line in lines) if lines else "  nothing in it has changed")

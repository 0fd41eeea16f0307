"""The entry point: registers the commands and turns every error into one sentence and an exit code.

Every command lives in its own module and imports what it needs when it runs, so that ``hybridge --help`` stays quick.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from hybridge import __version__
from hybridge.cli import checks, config, demo, doctor, lab, presence, repair, rules, snapshot, support_bundle
from hybridge.cli.exits import Exit, Stop

app = typer.Typer(
    name="hybridge",
    help="Finds why Exchange and Microsoft Teams do not work together, and cures it with an undo.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("support-bundle")(support_bundle.support_bundle)
app.add_typer(repair.app, name="repair")
app.add_typer(snapshot.app, name="snapshot")
app.add_typer(checks.app, name="checks")
app.add_typer(config.app, name="config")
app.add_typer(rules.app, name="rules")
app.add_typer(presence.app, name="presence")
app.add_typer(lab.app, name="lab")

_START = """\
hybridge finds why Exchange and Microsoft Teams do not work together, and cures it with an undo.

  hybridge demo                             see the whole story on an embedded lab, in a minute
  hybridge doctor ada@contoso.com           examine one mailbox (needs a hybridge.toml: hybridge config show)
  hybridge doctor --snapshot DIR            examine an offline export (hybridge snapshot commands prints how to make it)
  hybridge repair plan                      plan the cure of what was found; apply it; undo it
  hybridge checks                           everything hybridge can find
  hybridge --help                           all commands
"""


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Without a command: says what to do next."""
    if version:
        sys.stdout.write(f"hybridge {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(_START)


def main() -> None:
    """Run the command line and end the process with an exit code of ``Exit``."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are printed on stderr."""
    try:
        result = app(args=arguments, standalone_mode=False, prog_name="hybridge")
        return int(result) if isinstance(result, int) else Exit.OK
    except Stop as stop:
        return _say(stop.says, stop.next_step, stop.code)
    except KeyboardInterrupt:
        return _say("Interrupted.", "", Exit.INTERRUPTED)
    except BrokenPipeError:
        return Exit.OK
    except typer.Abort:
        return _say("Interrupted.", "", Exit.INTERRUPTED)
    except TyperException as error:
        return _say(*_usage(error), Exit.USAGE)
    except Exception as error:
        return _say(
            f"hybridge failed: {type(error).__name__}: {error}",
            "This is a defect of hybridge; please report it with the command you ran.",
            Exit.DEFECT,
        )


def _usage(error: TyperException) -> tuple[str, str]:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "hybridge"
    return error.format_message(), f"{command} --help"


def _say(says: str, next_step: str, code: Exit) -> int:
    sys.stderr.write(f"hybridge: {says}\n")
    if next_step:
        sys.stderr.write(f"  next: {next_step}\n")
    return code

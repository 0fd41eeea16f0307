"""``hybridge presence``: run the gateway, look at it, ask it why, end it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridge.cli.exits import Exit
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, FormatOption, QuietOption, colour_wanted, one_of, out

app = typer.Typer(
    help="Calendars and automatic replies become presence: run the gateway, look at it, ask it why.",
    add_completion=False,
    no_args_is_help=True,
)
FORMATS = ("text", "json")


@app.command("run")
def run(
    config: ConfigOption = DEFAULT_CONFIG,
    format: Annotated[str, typer.Option("--format", help="How the log is written: json, or text for people.")] = "json",
    quiet: QuietOption = False,
) -> int:
    """Run the gateway until it is stopped (Ctrl-C, SIGTERM) or drained; SIGHUP reads the configuration again.

    The log goes to stderr, a JSON object a line. A changed configuration is taken over by itself; a bad one is
    refused, and the old one stays in force.
    """
    from hybridge.cli.presence_running import run_gateway

    return run_gateway(config, one_of(format, FORMATS, "--format"), quiet)


@app.command("board")
def board(
    config: ConfigOption = DEFAULT_CONFIG,
    live: Annotated[bool, typer.Option("--live", help="Go on showing it until Ctrl-C.")] = False,
    trouble: Annotated[bool, typer.Option("--trouble", help="Only who or what is not well.")] = False,
    format: FormatOption = "text",
) -> None:
    """Show everybody's presence, the servers and the sinks, as the running gateway has them."""
    import msgspec

    from hybridge.cli.presence_control import Running
    from hybridge.cli.presence_shown import shown_board, shown_live
    from hybridge.presence.explained import Board

    running = Running(config)
    if one_of(format, FORMATS, "--format") == "json":
        _json(running.board())
        return

    def ask() -> Board:
        return msgspec.json.decode(running.board(), type=Board)

    if live:
        shown_live(ask, trouble)
    else:
        out(shown_board(ask(), trouble, colour_wanted()))


@app.command("why")
def why(
    user: Annotated[str, typer.Argument(metavar="USER", help="An address, an Entra user or a JID.")],
    config: ConfigOption = DEFAULT_CONFIG,
    format: FormatOption = "text",
) -> None:
    """Say why a person shows what they show: claims, rules, the next boundary, and every sink with its last error."""
    import msgspec

    from hybridge.cli.presence_control import Running
    from hybridge.cli.presence_shown import shown_why
    from hybridge.presence.explained import Why

    body = Running(config).why(user)
    if one_of(format, FORMATS, "--format") == "json":
        _json(body)
        return
    out(shown_why(msgspec.json.decode(body, type=Why), colour_wanted()))


@app.command("drain")
def drain(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Let the gateway send what waits, then end. What is shown stays until it expires, for the next gateway."""
    _asked(config, "/drain", format, "The gateway sends what waits and ends.")


@app.command("reload")
def reload(config: ConfigOption = DEFAULT_CONFIG, format: FormatOption = "text") -> None:
    """Let the gateway read its configuration again, now."""
    from hybridge.cli.configuration import load_config

    load_config(config)
    _asked(config, "/reload", format, "The gateway reads its configuration again.")


@app.command("check")
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="Only this server or sink.")] = None,
    format: FormatOption = "text",
    quiet: QuietOption = False,
) -> int:
    """Try everything the gateway needs, at every configured server: each a named step, with the next step.

    The exit code is 1 when a step failed, 3 when one could not be tried.
    """
    import asyncio

    from hybridge.cli.presence_shown import shown_steps
    from hybridge.cli.presence_trying import tried

    one_of(format, FORMATS, "--format")
    steps = asyncio.run(tried(config, tuple(only or ()), quiet))
    if format == "json":
        import msgspec

        _json(msgspec.json.encode(steps))
    else:
        out(shown_steps(steps, colour_wanted()))
    if any(step.outcome == "failed" for step in steps):
        return Exit.FINDINGS
    return Exit.INCOMPLETE if any(step.outcome == "not tried" for step in steps) else Exit.OK


@app.command("prosody")
def prosody() -> None:
    """Print where the module for prosody lies; copy it into a folder of prosody's plugin_paths."""
    from importlib.resources import files

    out(str(files("hybridge.presence") / "prosody" / "mod_hybridge_presence.lua"))


def _asked(config: Path, path: str, format: str, says: str) -> None:
    from hybridge.cli.presence_control import Running

    one_of(format, FORMATS, "--format")
    answer = Running(config).post(path)
    if format == "json":
        _json(answer)
    else:
        out(says)


def _json(body: bytes) -> None:
    import msgspec

    out(msgspec.json.format(body, indent=2).decode())

"""Options several commands share, and where results are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hybridge.cli.exits import Stop

ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", help="The configuration to use.", show_default=True)
]
FormatOption = Annotated[str, typer.Option("--format", metavar="FORMAT", help="How to print the result: text or json.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print no progress.")]

DEFAULT_CONFIG = Path("hybridge.toml")


def one_of(value: str, allowed: tuple[str, ...], option: str) -> str:
    """``value`` when it is allowed; otherwise stops with the choices."""
    if value not in allowed:
        raise Stop(f"{option} '{value}' is not known.", f"choose one of: {', '.join(allowed)}")
    return value


def colour_wanted() -> bool:
    """Whether stdout is a terminal and nobody asked for no colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str, quiet: bool = False) -> None:
    """Progress, for a person: stderr."""
    if not quiet:
        sys.stderr.write(text + "\n")


def out(text: str) -> None:
    """A result: stdout, at once, so that who waits for a line of a pipe gets it."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def write_file(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Stop(f"'{path}' could not be written: {error.strerror}.", "choose another place with --out") from error

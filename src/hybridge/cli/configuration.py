"""The configuration a command was given. Imports nothing else: many commands need no more."""

from __future__ import annotations

from pathlib import Path

from hybridge.cli.exits import Stop
from hybridge.config import Config, ConfigProblem, load


def load_config(path: Path) -> Config:
    """Read the configuration; a mistake in it ends the command."""
    try:
        return load(path)
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem

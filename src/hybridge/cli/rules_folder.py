"""Where the user's own rules lie: ``rules.folder`` of the configuration, beside it ``.hybridge/rules``."""

from __future__ import annotations

from pathlib import Path

from hybridge.cli.exits import Stop
from hybridge.config import Config, ConfigProblem, load
from hybridge.rules import Rules, RulesProblem
from hybridge.rules import load as load_rules

FOLDER = ".hybridge/rules"


def rules_of(config: Path, loaded: Config | None = None) -> tuple[Rules, Path]:
    """The rules in force and the folder of the user's. Without a configuration the folder beside where it would be."""
    if loaded is None and config.is_file():
        try:
            loaded = load(config)
        except ConfigProblem as problem:
            raise Stop(problem.says, problem.next_step) from problem
    folder = loaded.beside(loaded.settings.rules.folder) if loaded else config.parent / FOLDER
    try:
        return load_rules(folder), folder
    except RulesProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem

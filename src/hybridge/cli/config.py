"""``hybridge config``: check the configuration, or show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hybridge.cli.exits import Stop
from hybridge.cli.options import DEFAULT_CONFIG, ConfigOption, out

if TYPE_CHECKING:
    from hybridge.config import Config

app = typer.Typer(help="Check the configuration, or show what is in force.", add_completion=False, no_args_is_help=True)


@app.command("check")
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Read the file and say whether it can be used. Asks nothing over the network."""
    from hybridge.cli.configuration import load_config
    from hybridge.net.config import config_failures

    loaded = load_config(config)
    for failure in config_failures(loaded.net, loaded.exchange, loaded.entra):
        raise Stop(f"'{config}': {failure.says}", failure.next_step)
    if loaded.net.ca_file:
        from pathlib import Path

        if not Path(loaded.net.ca_file).is_file():
            raise Stop(f"'{config}': net.ca_file '{loaded.net.ca_file}' is not there.", "correct the path")
    if loaded.settings.presence.people:
        _check_presence(loaded)
    out(f"'{config}' can be used.")


def _check_presence(loaded: Config) -> None:
    from hybridge.config import ConfigProblem
    from hybridge.presence.layout import served

    try:
        served(loaded)
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print the configuration in force, secrets hidden; without a file, a commented example."""
    import msgspec

    from hybridge.cli.configuration import load_config
    from hybridge.config import example, shown

    if not config.is_file():
        out(example())
        return
    out(msgspec.json.format(msgspec.json.encode(shown(load_config(config))), indent=2).decode())

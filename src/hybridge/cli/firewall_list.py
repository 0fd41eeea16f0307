"""Where the list of addresses the firewall admits is: a command line's, the configuration's, or a snapshot's."""

from __future__ import annotations

from pathlib import Path

from hybridge.cli.exits import Stop
from hybridge.collectors.network import AllowList
from hybridge.config import Config

SAVED = "allow-list.txt"
"""Name of the list within a snapshot."""


def firewall_list(named: str, config: Config | None, saved: AllowList) -> AllowList:
    """The list ``named`` on the command line, else what the snapshot holds, else the configuration's. Ends the command
    where a file cannot be read."""
    if named:
        return _list(named, Path(named).expanduser(), "--firewall")
    if saved.where or config is None:
        return saved
    setting = config.settings.network.allow_list
    return _list(setting, config.beside(setting), f"{config.file}: network.allow_list") if setting else AllowList()


def _list(text: str, path: Path, who: str) -> AllowList:
    if text.lower().startswith("https://"):
        return AllowList(text)
    if "://" in text:
        raise Stop(f"{who} '{text}' is no https address.", "name a file, or an https address")
    try:
        return AllowList(text, path.read_bytes())
    except OSError as error:
        raise Stop(f"{who} '{text}' cannot be read: {error.strerror}.", "name a file with one CIDR a line") from error

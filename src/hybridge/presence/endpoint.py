"""Where a running gateway is steered: the file beside its state file. Every command reads it, so it imports little."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Endpoint(msgspec.Struct, frozen=True):
    """Where a running gateway is steered."""

    url: str
    token: str
    pid: int


def control_file(state: Path) -> Path:
    """The file that leads to the gateway of a state file."""
    return state.with_name(state.name + ".control")


def read_endpoint(state: Path) -> Endpoint | None:
    """Where the gateway of ``state`` listens; None where none has left word."""
    try:
        return msgspec.json.decode(control_file(state).read_bytes(), type=Endpoint)
    except (OSError, msgspec.DecodeError):
        return None

"""The presence machine's phases as a picture, for generated documentation."""

from __future__ import annotations

from hybridge.presence.machine import TABLE, Phase


def mermaid() -> str:
    """A Mermaid state diagram of every move of the machine's table that leads to another phase, with a line feed."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.UNSEEN.value}"]
    for move in TABLE:
        lines += [f"    {of.value} --> {move.to.value}: {move.trigger.value}" for of in move.of if of is not move.to]
    return "\n".join(lines) + "\n"

"""The troubleshooter of the command line: every configured server and sink, and the gateway if one runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Stop
from hybridge.cli.options import say
from hybridge.cli.presence_control import Running
from hybridge.config import ConfigProblem
from hybridge.net.clock import SystemClock
from hybridge.presence.explained import Board, Outcome, Step
from hybridge.presence.layout import Layout, served
from hybridge.presence.troubleshoot import troubleshoot

GATEWAY = "the gateway"


async def tried(config: Path, only: tuple[str, ...], quiet: bool) -> tuple[Step, ...]:
    """Every step, told on stderr as it is done."""
    loaded = load_config(config)
    try:
        layout = served(loaded)
    except ConfigProblem as problem:
        raise Stop(problem.says, problem.next_step) from problem
    _known(layout, only)
    steps = []
    async for step in troubleshoot(layout, SystemClock(), only):
        say(f"{step.subject}: {step.name}: {step.outcome}", quiet)
        steps.append(step)
    return (*steps, *_of_gateway(Running(config), timedelta(seconds=loaded.settings.presence.sweep)))


def _known(layout: Layout, only: tuple[str, ...]) -> None:
    names = (*layout.sources, *layout.sinks)
    for name in only:
        if name not in names:
            raise Stop(f"--only '{name}' is not configured.", f"choose one of: {', '.join(names)}")


def _of_gateway(running: Running, sweep: timedelta) -> tuple[Step, ...]:
    """What the running gateway says of itself: how old its reads are, and what is not well."""
    if not running.there:
        says = "No gateway runs, so its lag is not known."
        return (Step(subject=GATEWAY, name="running", outcome="passed", says=says),)
    try:
        board = msgspec.json.decode(running.board(), type=Board)
    except Stop as stop:
        return (Step(subject=GATEWAY, name="running", outcome="failed", says=stop.says, next_step=stop.next_step),)
    steps = [Step(subject=GATEWAY, name="running", outcome="passed", says=f"It serves {len(board.people)} people.")]
    for source in board.sources:
        age = (board.at - source.read_at) if source.read_at else None
        outcome: Outcome = "passed" if age is not None and age <= 3 * sweep else "failed"
        says = f"{source.name} told a calendar {age.total_seconds():.0f} s ago." if age else f"{source.name}: none yet."
        next_step = "" if outcome == "passed" else "hybridge presence board shows what its servers say"
        steps.append(Step(subject=GATEWAY, name="lag", outcome=outcome, says=says, next_step=next_step))
    steps += [Step(subject=GATEWAY, name="trouble", outcome="failed", says=says) for says in board.troubles]
    return tuple(steps)

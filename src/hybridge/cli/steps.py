"""The steps of a plan in words for a report: before, after, rights, undo, and what an administrator would type."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hybridge.plan import Change, Plan
from hybridge.repair.hands.base import Entitled, Hand, hand_for
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.script import ScriptRefused, script
from hybridge.repair.what_if import effect, undo_of
from hybridge.report.model import StepText
from hybridge.terms.clouds import WORLDWIDE

TOLD = 500
"""Changes told one by one; a plan may hold many thousands."""


def steps_of(plan: Plan, hands: Sequence[Hand]) -> tuple[StepText, ...]:
    """Words for the first ``TOLD`` changes of ``plan``."""
    return tuple(_step(number, change, plan, hands) for number, change in enumerate(plan.changes[:TOLD], start=1))


def _step(number: int, change: Change, plan: Plan, hands: Sequence[Hand]) -> StepText:
    lines = tuple(effect(change))
    hand = hand_for(hands, change.address)
    return StepText(
        number=number,
        before="; ".join(line.removeprefix("before: ") for line in lines if line.startswith("before: ")),
        after="; ".join(line.removeprefix("after:  ") for line in lines if line.startswith("after:  ")),
        undo=undo_of(change, plan),
        rights=hand.rights(change).least if isinstance(hand, Entitled) else "",
        commands=_commands(change, plan, _graph_host(hands)),
    )


def _graph_host(hands: Sequence[Hand]) -> str:
    """Host of Graph in the cloud the hands write to."""
    return next((hand.host for hand in hands if isinstance(hand, GraphHand)), WORLDWIDE.graph)


def _commands(change: Change, plan: Plan, graph_host: str) -> str:
    """The lines of the printed script that make this one change; "" where it cannot be printed."""
    alone = msgspec.structs.replace(plan, changes=(change,), manual=())
    try:
        whole = script(alone, graph_host)
    except ScriptRefused:
        return ""
    _, _, body = whole.partition("====\n")
    return "\n".join(line for line in body.splitlines() if line and not line.startswith("#"))

"""How a walk over a plan may go and how it ends: the words the executor shares with those who call it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from hybridge.plan import Change
from hybridge.repair.batches import UNPACED, Pace
from hybridge.repair.hands.base import Sleep


class End(StrEnum):
    """How one step ended."""

    APPLIED = "applied"
    ALREADY_SO = "already-so"
    """It was as wanted before we came; not ours."""
    UNDONE = "undone"
    DRIFTED = "drifted"
    FAILED = "failed"
    NOT_REACHED = "not-reached"
    SKIPPED = "skipped"
    """Left out by choice, or because it needs one that was."""


DONE_WITH = (End.APPLIED, End.ALREADY_SO, End.SKIPPED)
"""How steps end that nobody has to come back to."""


class Choice(StrEnum):
    """What to do about the change whose turn it is."""

    MAKE = "make"
    SKIP = "skip"
    STOP = "stop"


Choose = Callable[[int, Change], Awaitable[Choice]]
"""Decides about the change with a number, right before it is made."""


class StepEnd(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a plan and how it ended. ``number`` counts from 1."""

    number: int
    change: Change
    end: End
    says: str = ""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What ``apply`` did. ``complete``: everything is as the plan wants it. ``says`` sums up in a sentence or two."""

    plan: str
    complete: bool
    says: str
    steps: tuple[StepEnd, ...] = ()
    journal: str = ""
    """Path of the journal; "" when nothing was written."""

    def count(self, end: End) -> int:
        """How many steps ended so."""
        return sum(step.end is end for step in self.steps)


class Undone(Applied, frozen=True, kw_only=True):
    """What ``undo`` did. ``complete``: nothing of the plan is left to undo."""


@dataclass(frozen=True)
class Patience:
    """How long to wait until a change shows: ``tries`` looks, the first pause doubled each time up to ``longest``.

    Pauses are seconds; ``sleep`` is what waits. ``pace`` is how the walk goes from change to change.
    """

    tries: int = 8
    pause: float = 0.5
    longest: float = 10.0
    sleep: Sleep = asyncio.sleep
    pace: Pace = UNPACED

    @property
    def pauses(self) -> Iterator[float]:
        """The pauses between the looks, in seconds."""
        pause = self.pause
        for _ in range(1, self.tries):
            yield pause
            pause = min(pause * 2, self.longest)


PATIENT = Patience()


def not_reached(changes: Sequence[Change]) -> tuple[StepEnd, ...]:
    """Nothing was begun."""
    return tuple(
        StepEnd(number=number, change=change, end=End.NOT_REACHED) for number, change in enumerate(changes, start=1)
    )


def summary(ends: Sequence[StepEnd], word: str) -> str:
    """What was done, what was not, and why it stopped."""
    counts = {end: sum(step.end is end for step in ends) for end in End}
    done = counts[End.APPLIED] + counts[End.UNDONE]
    parts = [f"{done} of {len(ends)} changes {word}"]
    if counts[End.ALREADY_SO]:
        parts.append(f"{counts[End.ALREADY_SO]} already so")
    if counts[End.SKIPPED]:
        parts.append(f"{counts[End.SKIPPED]} skipped")
    if counts[End.NOT_REACHED]:
        parts.append(f"{counts[End.NOT_REACHED]} not reached")
    stopped = [f"Stopped at step {one.number}: {one.says}" for one in ends if one.end in (End.DRIFTED, End.FAILED)]
    return " ".join((", ".join(parts) + ".", *stopped))

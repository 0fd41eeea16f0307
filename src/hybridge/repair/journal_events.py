"""What a journal says: events as they are written, and the state of every step that follows from them. Pure.

The events of one run are

    begun, then for each change  intended -> applied | failed   or  undoing -> undone | failed   or  skipped, then ended

The first ``begun`` holds the whole plan, so that nothing but the journal is needed to finish it or to take it back. A
run without ``ended`` was cut short. The last event of a step decides its state; the events before stay readable as its
history.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from hybridge.plan import Change, Plan
from hybridge.repair.plan_file import Part, plain

APPLYING = "apply"
UNDOING = "undo"
"""What a run does."""


class State(StrEnum):
    """What became of one change."""

    INTENDED = "intended"
    """Begun; nobody wrote down how it ended, so it may or may not have been made."""
    APPLIED = "applied"
    FAILED = "failed"
    """The hand failed, or the record was not as wanted afterwards; a part may have been made."""
    UNDONE = "undone"
    SKIPPED = "skipped"
    """A person chose not to make it, or it needs one that was skipped; nothing was written."""


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun", tag_field="event", omit_defaults=True):
    """A run over the plan starts; the first line of every journal. ``contents`` is the plan, in the first line only."""

    version: int
    plan: str
    organization: str
    who: str
    at: datetime
    doing: str = APPLYING
    contents: Part | None = None
    only: tuple[str, ...] = ()
    """Names of the part that is taken back; empty for all of it."""


class Intended(msgspec.Struct, frozen=True, kw_only=True, tag="intended", tag_field="event"):
    """Change number ``step`` (from 1) is about to be made."""

    step: int
    change: Change
    at: datetime


class Applied(msgspec.Struct, frozen=True, kw_only=True, tag="applied", tag_field="event"):
    """It was made and read back; ``says`` is the hand's reply."""

    step: int
    says: str
    at: datetime


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed", tag_field="event"):
    """It was not made, or not wholly. While undoing, the step keeps its state and its undoing stays begun."""

    step: int
    says: str
    at: datetime


class Skipped(msgspec.Struct, frozen=True, kw_only=True, tag="skipped", tag_field="event"):
    """It was left out on purpose; ``says`` tells why."""

    step: int
    change: Change
    says: str
    at: datetime


class Undoing(msgspec.Struct, frozen=True, kw_only=True, tag="undoing", tag_field="event"):
    """It is about to be taken back; the step keeps its state until it is."""

    step: int
    who: str
    at: datetime


class Undone(msgspec.Struct, frozen=True, kw_only=True, tag="undone", tag_field="event"):
    """It was taken back."""

    step: int
    says: str
    at: datetime


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended", tag_field="event"):
    """The run came to its end; ``complete`` when it did all it was there for."""

    complete: bool
    says: str
    at: datetime


OfStep = Intended | Applied | Failed | Skipped | Undoing | Undone
Event = Begun | OfStep | Ended


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a step, with who ran it. ``says`` is the service's reply or our reason, "" for a beginning."""

    event: str
    who: str
    at: datetime
    says: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the journal and what became of it; ``at`` is the instant of its last event."""

    number: int
    change: Change
    state: State
    says: str
    at: datetime
    undoing: bool = False
    """Whether taking it back was begun and not finished."""
    history: tuple[Happened, ...] = ()

    @property
    def unsure(self) -> bool:
        """Whether it, or its taking back, may have been made in part."""
        return self.undoing or self.state in (State.INTENDED, State.FAILED)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run over the plan, ``doing`` "apply" or "undo". ``ended_at`` is None for one that was cut short."""

    doing: str
    who: str
    at: datetime
    ended_at: datetime | None = None
    complete: bool = False
    says: str = ""
    only: tuple[str, ...] = ()
    """Names of the part that it took back; empty for all of it."""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """A journal as read: ``steps`` in the order they were first begun, ``who`` and ``started_at`` of the first run."""

    path: str
    plan: str
    organization: str
    who: str
    started_at: datetime
    steps: tuple[Step, ...] = ()
    runs: tuple[Run, ...] = ()
    contents: Part | None = None
    """The plan as it was applied; None in a journal begun without one."""

    @property
    def whole_plan(self) -> Plan | None:
        """``contents`` as the plan it was."""
        return plain(self.contents) if self.contents else None

    @property
    def unfinished(self) -> bool:
        """Whether the last run was cut short, or could not do all it was there for."""
        return not self.runs or not self.runs[-1].complete

    @property
    def left_to_undo(self) -> tuple[Step, ...]:
        """Steps which may have changed something that was not taken back, last first."""
        open_steps = (step for step in self.steps if step.state not in (State.UNDONE, State.SKIPPED))
        return tuple(sorted(open_steps, key=lambda step: step.number, reverse=True))

    def made_since(self, instant: datetime) -> bool:
        """Whether a change was made at or after ``instant`` and not taken back."""
        return any(step.state is State.APPLIED and not step.undoing and step.at >= instant for step in self.steps)

    @property
    def by_number(self) -> dict[int, Step]:
        """Every step that was begun, by the number of its change."""
        return {step.number: step for step in self.steps}

    def step(self, number: int) -> Step | None:
        """The step of change ``number``, None when it was never begun."""
        return next((step for step in self.steps if step.number == number), None)


class OutOfOrder(ValueError):
    """The events are none of ours: one sentence without the file's name, which the reader adds."""


def fold(events: Iterable[Event], path: str, version: int) -> Journal:
    """The journal these events make. Raises ``OutOfOrder``."""
    first: Begun | None = None
    runs: list[Run] = []
    steps: dict[int, Step] = {}
    for event in events:
        if isinstance(event, Begun):
            first = first or _readable(event, version)
            runs.append(Run(doing=event.doing, who=event.who, at=event.at, only=event.only))
        elif first is None:
            break
        elif isinstance(event, Ended):
            runs[-1] = msgspec.structs.replace(runs[-1], ended_at=event.at, complete=event.complete, says=event.says)
        else:
            steps[event.step] = _after(steps.get(event.step), event, runs[-1].who)
    if first is None:
        raise OutOfOrder("is not a journal of hybridge: it does not begin with a run")
    return Journal(
        path=path,
        plan=first.plan,
        organization=first.organization,
        who=first.who,
        started_at=first.at,
        steps=tuple(steps.values()),
        runs=tuple(runs),
        contents=first.contents,
    )


def _readable(first: Begun, version: int) -> Begun:
    if first.version != version:
        raise OutOfOrder(f"was written by another version of hybridge ({first.version})")
    return first


def _after(step: Step | None, event: OfStep, who: str) -> Step:
    """``step`` once ``event`` happened to it."""
    happened = Happened(
        event=str(type(event).__struct_config__.tag), who=who, at=event.at, says=getattr(event, "says", "")
    )
    if step is None:
        if not isinstance(event, Intended | Skipped):
            raise OutOfOrder(f"ends step {event.step}, which it never began")
        step = Step(number=event.step, change=event.change, state=State.SKIPPED, says="", at=event.at)
    after = _changed(step, event)
    return msgspec.structs.replace(after, at=event.at, history=(*step.history, happened))


def _changed(step: Step, event: OfStep) -> Step:
    if isinstance(event, Undoing):
        return msgspec.structs.replace(step, undoing=True)
    if isinstance(event, Intended):
        return msgspec.structs.replace(step, change=event.change, state=State.INTENDED, undoing=False, says="")
    if isinstance(event, Skipped):
        nothing_made = step.state in (State.UNDONE, State.SKIPPED) and not step.undoing
        return msgspec.structs.replace(step, state=State.SKIPPED, says=event.says) if nothing_made else step
    if isinstance(event, Failed) and step.undoing:
        return msgspec.structs.replace(step, says=event.says)
    state = {Applied: State.APPLIED, Failed: State.FAILED, Undone: State.UNDONE}[type(event)]
    return msgspec.structs.replace(step, state=state, undoing=False, says=event.says)

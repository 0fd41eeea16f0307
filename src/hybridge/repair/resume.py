"""After a crash or a failure: what state each step is in, and then on to the end or back to the start.

Nothing is needed but the journal, which holds the whole plan. Whoever resumes holds the journal's lock from before it
is read, so that a run that is still alive is never joined by a second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from hybridge.plan import Change
from hybridge.repair.ends import PATIENT, Applied, Choice, Patience
from hybridge.repair.executor import apply, undo
from hybridge.repair.hands.base import Clock, Hand
from hybridge.repair.journal import APPLYING, UNDOING, Journal, JournalProblem, OpenJournal, State
from hybridge.wire.ask import Answerer


class Way(StrEnum):
    """Where to go from here."""

    ON = "on"
    """Finish what the last run was doing."""
    BACK = "back"
    """Take back everything."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the plan as the journal knows it. ``state`` is "not-begun" or a journal state; ``at`` its instant."""

    number: int
    change: Change
    state: str
    means: str
    says: str = ""
    at: datetime | None = None


NOT_BEGUN = "not-begun"
_MEANS = {
    State.INTENDED: "nobody knows whether it was made",
    State.APPLIED: "made and seen",
    State.FAILED: "a part may have been made",
    State.UNDONE: "taken back",
    State.SKIPPED: "left out by choice",
}


def standings(journal: Journal) -> tuple[Standing, ...]:
    """Every step of the plan and its state; without the plan in the journal, those that were begun."""
    steps = journal.by_number
    changes = dict(enumerate(journal.contents.changes, start=1)) if journal.contents else {}
    changes |= {number: step.change for number, step in steps.items()}
    found: list[Standing] = []
    for number, change in sorted(changes.items()):
        step = steps.get(number)
        if step is None:
            found.append(Standing(number=number, change=change, state=NOT_BEGUN, means="nothing was written"))
            continue
        means = "its taking back was begun; nobody knows whether it was done" if step.undoing else _MEANS[step.state]
        found.append(
            Standing(number=number, change=change, state=str(step.state), means=means, says=step.says, at=step.at)
        )
    return tuple(found)


def going_back(journal: Journal) -> bool:
    """Whether the last run was taking the plan back: then finishing means to finish that."""
    return bool(journal.runs) and journal.runs[-1].doing == UNDOING


def unfinished(journals: Iterable[Journal | JournalProblem]) -> tuple[Journal, ...]:
    """Those whose last run did not come to a good end."""
    return tuple(one for one in journals if isinstance(one, Journal) and one.unfinished)


async def resume(
    journal: OpenJournal,
    answerer: Answerer,
    hands: Sequence[Hand],
    way: Way = Way.ON,
    *,
    who: str,
    clock: Clock,
    patience: Patience = PATIENT,
) -> Applied:
    """Finish what the last run was doing, or take everything back. Raises ``JournalProblem`` and nothing else.

    Steps that a person skipped stay skipped. A plan whose evidence is too old, and that nobody went on with for as
    long, is only taken back.
    """
    known = journal.hold(APPLYING)
    if known is None:
        return Applied(plan=journal.plan, complete=True, says="There is nothing to resume: no run was begun.")
    if way is Way.BACK or going_back(known):
        only = known.runs[-1].only if going_back(known) and way is Way.ON else ()
        return await undo(journal, answerer, hands, who=who, clock=clock, patience=patience, only=only)
    plan = known.whole_plan
    if plan is None:
        return Applied(
            plan=journal.plan,
            complete=False,
            says="The journal does not hold its plan; apply the plan's file again, or go back.",
            journal=str(journal.path),
        )
    skipped = {step.number for step in known.steps if step.state is State.SKIPPED}

    async def as_before(number: int, _: Change) -> Choice:
        return Choice.SKIP if number in skipped else Choice.MAKE

    return await apply(
        plan, answerer, journal, hands, who=who, clock=clock, patience=patience, choose=as_before if skipped else None
    )

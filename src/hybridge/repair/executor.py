"""Makes the changes of a plan, and takes them back.

Both ways are the same walk, with the same steps for every change:

1. *look at all*: every record is read before anything is written. One that is neither as the plan expects nor already
   as wanted has drifted, and then nothing at all is written;
2. *look again*: right before its turn a record is read and judged once more;
3. *journal*: the intention is on the disk;
4. *write*: a hand makes the change;
5. *read back* until the record is as wanted, a few times, because directories and Graph need a moment;
6. *journal* how it ended. The walk stops at the first change that does not end well.

A change that is already as wanted is nobody's work and is not journaled. If a former run was killed after it intended
the change, or failed half-way, the journal knows, and the rest is completed (or taken back) from where it stands.

The answerer must really ask every time: one that remembers answers would show the past. ``now`` of the clock decides
whether the evidence is too old; a plan made of evidence older than ``FRESH`` is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from hybridge.org.records import Record
from hybridge.plan import Change, Plan
from hybridge.repair import journal as j
from hybridge.repair.comparison import differences
from hybridge.repair.hands.base import Clock, Hand, Reply, Sleep, hand_for
from hybridge.repair.rules import refusal
from hybridge.repair.verdict import Drifted, Verdict, judge
from hybridge.wire.ask import Answerer, Failure, FailureReason

FRESH = timedelta(hours=1)
"""How old the evidence of a plan may be when it is applied."""
AHEAD = timedelta(minutes=5)
"""How far the evidence may lie in the future before the clocks are not believed."""


class End(StrEnum):
    """How one step ended."""

    APPLIED = "applied"
    ALREADY_SO = "already-so"
    """It was as wanted before we came; not ours."""
    UNDONE = "undone"
    DRIFTED = "drifted"
    FAILED = "failed"
    NOT_REACHED = "not-reached"


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

    Pauses are seconds; ``sleep`` is what waits.
    """

    tries: int = 8
    pause: float = 0.5
    longest: float = 10.0
    sleep: Sleep = asyncio.sleep


PATIENT = Patience()


async def apply(
    plan: Plan,
    answerer: Answerer,
    journal: j.OpenJournal,
    hands: Sequence[Hand],
    *,
    who: str,
    clock: Clock,
    patience: Patience = PATIENT,
) -> Applied:
    """Make the changes of ``plan``. ``who`` is written into the journal; raises ``JournalProblem`` and nothing else."""
    now = clock.now()
    if reason := _unfit(plan, hands, journal, now):
        return Applied(plan=plan.id, complete=False, says=reason, steps=_not_reached(plan.changes))
    if not plan.changes:
        return Applied(plan=plan.id, complete=True, says="The plan holds no change to make.")
    known = journal.read()
    steps = []
    for number, change in enumerate(plan.changes, start=1):
        former = known.step(number) if known else None
        unsure = former is not None and former.state in (j.State.INTENDED, j.State.FAILED)
        steps.append(_Step(number, change, change, unsure))
    walk = _Walk(answerer, hands, journal, clock, patience, who)
    ends = await walk.through(steps)
    return Applied(
        plan=plan.id,
        complete=all(end.end in (End.APPLIED, End.ALREADY_SO) for end in ends),
        says=_summary(ends, "applied"),
        steps=ends,
        journal=str(journal.path) if walk.wrote or known else "",
    )


async def undo(
    journal: j.OpenJournal,
    answerer: Answerer,
    hands: Sequence[Hand],
    *,
    who: str,
    clock: Clock,
    patience: Patience = PATIENT,
) -> Undone:
    """Take back what ``journal`` says was changed, last first. Raises ``JournalProblem`` and nothing else."""
    known = journal.read()
    left = known.left_to_undo if known else ()
    if not left:
        return Undone(plan=journal.plan, complete=True, says="There is nothing left to undo.")
    steps = [
        _Step(step.number, step.change, step.change.inverse, step.state is not j.State.APPLIED or step.undoing, True)
        for step in left
    ]
    if reason := _homeless(steps, hands):
        return Undone(plan=journal.plan, complete=False, says=reason, steps=_not_reached([one.shown for one in steps]))
    ends = await _Walk(answerer, hands, journal, clock, patience, who).through(steps)
    return Undone(
        plan=journal.plan,
        complete=all(end.end is End.UNDONE for end in ends),
        says=_summary(ends, "undone"),
        steps=ends,
        journal=str(journal.path),
    )


@dataclass(frozen=True)
class _Step:
    """One change to make. ``shown`` is the plan's change, ``change`` what is made: the same, or its inverse."""

    number: int
    shown: Change
    change: Change
    unsure: bool
    """Whether a former run may have made it in part."""
    back: bool = False


@dataclass
class _Walk:
    """One run over steps; stops at the first that does not end well."""

    answerer: Answerer
    hands: Sequence[Hand]
    journal: j.OpenJournal
    clock: Clock
    patience: Patience
    who: str
    wrote: bool = field(default=False)
    """Whether the journal was begun."""

    async def through(self, steps: Sequence[_Step]) -> tuple[StepEnd, ...]:
        verdicts = await asyncio.gather(*(self._judge(step) for step in steps))
        stops = [
            self._stop(step, verdict)
            for step, verdict in zip(steps, verdicts, strict=True)
            if isinstance(verdict, Drifted | Failure)
        ]
        if stops:
            numbers = {stop.number for stop in stops}
            rest = [_end(step, End.NOT_REACHED) for step in steps if step.number not in numbers]
            return tuple(sorted((*stops, *rest), key=lambda end: end.number))
        ends: list[StepEnd] = []
        for step in steps:
            ends.append(await self._one(step))
            if ends[-1].end in (End.DRIFTED, End.FAILED):
                break
        ends += [_end(step, End.NOT_REACHED) for step in steps[len(ends) :]]
        return tuple(sorted(ends, key=lambda end: end.number))

    async def _one(self, step: _Step) -> StepEnd:
        verdict = await self._judge(step)
        if isinstance(verdict, Drifted | Failure):
            return self._stop(step, verdict)
        if verdict is None:
            return self._nothing_to_do(step)
        return await self._make(step, verdict)

    async def _judge(self, step: _Step) -> Verdict | Failure:
        present = await self._read(step)
        if isinstance(present, Failure):
            return present
        return judge(step.change, present, self.clock.now(), unsure=step.unsure, back=step.back)

    async def _make(self, step: _Step, change: Change) -> StepEnd:
        self._intend(step)
        reply = await self._write(step, change)
        if isinstance(reply, Failure):
            return self._failed(step, _sentence(reply))
        if reason := await self._unseen_yet(step, change):
            return self._failed(step, reason)
        return self._done(step, reply.says)

    async def _unseen_yet(self, step: _Step, change: Change) -> str:
        """Why the change does not show after all patience; "" once it does."""
        reason, pause = "", self.patience.pause
        for attempt in range(self.patience.tries):
            if attempt:
                await self.patience.sleep(pause)
                pause = min(pause * 2, self.patience.longest)
            present = await self._read(step)
            if isinstance(present, Failure):
                reason = _sentence(present)
                continue
            verdict = judge(change, present, self.clock.now(), back=step.back)
            if verdict is None:
                return ""
            found = differences(change.address, change.after, present, self.clock.now())
            reason = f"{change.address} is not as wanted after writing: {'; '.join(map(str, found))}."
        return reason

    async def _read(self, step: _Step) -> Record | None | Failure:
        try:
            return await self._hand(step).read(self.answerer, step.change.address)
        except Exception as error:  # a hand's defect must not cut the walk short without a word
            return _defect(error)

    async def _write(self, step: _Step, change: Change) -> Reply | Failure:
        try:
            return await self._hand(step).write(self.answerer, change)
        except Exception as error:  # the same, and here the journal waits for its end
            return _defect(error)

    def _hand(self, step: _Step) -> Hand:
        hand = hand_for(self.hands, step.change.address)
        if hand is None:  # apply and undo have refused such steps
            raise LookupError(f"No hand writes {step.change.address}.")
        return hand

    def _begin(self) -> None:
        if not self.wrote:
            self.journal.begin(self.who, self.clock.now())
            self.wrote = True

    def _intend(self, step: _Step) -> None:
        self._begin()
        now = self.clock.now()
        if step.back:
            self.journal.write(j.Undoing(step=step.number, who=self.who, at=now))
        else:
            self.journal.write(j.Intended(step=step.number, change=step.shown, at=now))

    def _done(self, step: _Step, says: str) -> StepEnd:
        self._begin()
        event = j.Undone if step.back else j.Applied
        self.journal.write(event(step=step.number, says=says, at=self.clock.now()))
        return _end(step, End.UNDONE if step.back else End.APPLIED, says)

    def _failed(self, step: _Step, says: str) -> StepEnd:
        self.journal.write(j.Failed(step=step.number, says=says, at=self.clock.now()))
        return _end(step, End.FAILED, says)

    def _nothing_to_do(self, step: _Step) -> StepEnd:
        if step.back:
            return self._done(step, "It was already as before.")
        if step.unsure:
            return self._done(step, "A run that was cut short had made it.")
        return _end(step, End.ALREADY_SO, "Already so.")

    def _stop(self, step: _Step, stop: Drifted | Failure) -> StepEnd:
        if isinstance(stop, Drifted):
            return _end(step, End.DRIFTED, stop.says)
        return _end(step, End.FAILED, _sentence(stop))


def _unfit(plan: Plan, hands: Sequence[Hand], journal: j.OpenJournal, now: datetime) -> str:
    """Why ``plan`` is not applied at all, "" when it may be."""
    if journal.plan != plan.id:
        return f"The journal {journal.path} belongs to plan {journal.plan}, not to {plan.id}."
    age = now - plan.evidence_at
    if age > FRESH:
        minutes = int(age.total_seconds() // 60)
        return f"The plan has expired: its evidence is {minutes} minutes old, the limit is 60. Make it again."
    if age < -AHEAD:
        return f"The plan's evidence lies in the future ({plan.evidence_at:%Y-%m-%d %H:%M} UTC). Check the clocks."
    for change in plan.changes:
        if reason := refusal(change, now):
            return f"The plan is refused: {reason}"
    return _homeless([_Step(0, change, change, False) for change in plan.changes], hands)


def _homeless(steps: Sequence[_Step], hands: Sequence[Hand]) -> str:
    for step in steps:
        if hand_for(hands, step.change.address) is None:
            return (
                f"Nothing that is configured can write {step.change.address}. "
                "Add the account for it to the configuration, or print the plan as a script."
            )
    return ""


def _not_reached(changes: Sequence[Change]) -> tuple[StepEnd, ...]:
    return tuple(
        StepEnd(number=number, change=change, end=End.NOT_REACHED) for number, change in enumerate(changes, start=1)
    )


def _end(step: _Step, end: End, says: str = "") -> StepEnd:
    return StepEnd(number=step.number, change=step.shown, end=end, says=says)


def _defect(error: Exception) -> Failure:
    return Failure(
        reason=FailureReason.DEFECT,
        says=f"hybridge itself failed ({type(error).__name__}: {error}).",
        next_step="Please report this as a defect of hybridge.",
    )


def _sentence(failure: Failure) -> str:
    return f"{failure.says} {failure.next_step}".strip()


def _summary(ends: Sequence[StepEnd], word: str) -> str:
    """What was done, what was not, and why it stopped."""
    counts = {end: sum(step.end is end for step in ends) for end in End}
    done = counts[End.APPLIED] + counts[End.UNDONE]
    parts = [f"{done} of {len(ends)} changes {word}"]
    if counts[End.ALREADY_SO]:
        parts.append(f"{counts[End.ALREADY_SO]} already so")
    if counts[End.NOT_REACHED]:
        parts.append(f"{counts[End.NOT_REACHED]} not reached")
    stopped = [f"Stopped at step {one.number}: {one.says}" for one in ends if one.end in (End.DRIFTED, End.FAILED)]
    return " ".join((", ".join(parts) + ".", *stopped))

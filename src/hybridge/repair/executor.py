"""Makes the changes of a plan, and takes them back.

Both ways are the same walk, with the same steps for every change:

1. *look at all*: every record is read before anything is written. One that is neither as the plan expects nor already
   as wanted has drifted, and then nothing at all is written (of a long plan: nothing of the batch, see ``batches``);
2. *look again*: right before its turn a record is read and judged once more;
3. *journal*: the intention is on the disk;
4. *write*: a hand makes the change;
5. *read back* until the record is as wanted, a few times, because directories and Graph need a moment;
6. *journal* how it ended. The walk stops at the first change that does not end well.

Before a change is made, ``choose`` may be asked: it is then made, skipped, or the walk stops there. A change that needs
a skipped one (see ``needs``) is not offered and counts as skipped too.

A change that is already as wanted is nobody's work and is not journaled. If a former run was killed after it intended
the change, or failed half-way, the journal knows, and the rest is completed (or taken back) from where it stands. What
such a run wrote may not be seen yet: a record that looks as if it had written nothing is looked at again for as long as
a change is waited for, unless that run was more than ``SETTLED`` ago.

The answerer must really ask every time: one that remembers answers would show the past. ``now`` of the clock decides
whether the evidence is too old; a plan made of evidence older than ``FRESH`` is refused, unless it is in the middle of
being applied: a long run may be stopped and gone on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hybridge.org.records import Record
from hybridge.plan import Change, Plan
from hybridge.repair import journal as j
from hybridge.repair.batches import Progress
from hybridge.repair.comparison import differences
from hybridge.repair.ends import (
    DONE_WITH,
    PATIENT,
    Applied,
    Choice,
    Choose,
    End,
    Patience,
    StepEnd,
    Undone,
    not_reached,
    summary,
)
from hybridge.repair.hands.base import Clock, Hand, Reply, hand_for
from hybridge.repair.needs import needs_of
from hybridge.repair.parts import NoPart, part_of
from hybridge.repair.rules import refusal
from hybridge.repair.verdict import Drifted, Verdict, judge
from hybridge.wire.ask import Answerer, Failure, FailureReason

__all__ = ["Applied", "Choice", "Choose", "End", "Patience", "StepEnd", "Undone", "apply", "undo"]

FRESH = timedelta(hours=1)
"""How old the evidence of a plan may be when it is applied."""
AHEAD = timedelta(minutes=5)
"""How far the evidence may lie in the future before the clocks are not believed."""
SETTLED = timedelta(minutes=10)
"""After how long a write that was cut short is certainly seen everywhere, if it was done at all."""


async def apply(
    plan: Plan,
    answerer: Answerer,
    journal: j.OpenJournal,
    hands: Sequence[Hand],
    *,
    who: str,
    clock: Clock,
    patience: Patience = PATIENT,
    choose: Choose | None = None,
) -> Applied:
    """Make the changes of ``plan``, those that ``choose`` wants where it is given.

    ``who`` is written into the journal; raises ``JournalProblem`` and nothing else.
    """
    known = journal.hold(j.APPLYING, plan) if journal.plan == plan.id else None
    if reason := _unfit(plan, hands, journal, clock.now(), known):
        return Applied(plan=plan.id, complete=False, says=reason, steps=not_reached(plan.changes))
    if not plan.changes:
        return Applied(plan=plan.id, complete=True, says="The plan holds no change to make.")
    former = known.by_number if known else {}
    needs = needs_of(plan.changes) if choose else ()
    steps = [
        _Step(number, change, change, former.get(number), needs=needs[number - 1] if choose else frozenset())
        for number, change in enumerate(plan.changes, start=1)
    ]
    walk = _Walk(answerer, hands, journal, clock, patience, who, choose)
    ends = await walk.through(steps)
    complete, says = all(end.end in (End.APPLIED, End.ALREADY_SO) for end in ends), summary(ends, "applied")
    walk.close(complete or all(end.end in DONE_WITH for end in ends), says, known)
    return Applied(
        plan=plan.id,
        complete=complete,
        says=says,
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
    only: Sequence[str] = (),
) -> Undone:
    """Take back what ``journal`` says was changed, last first; with ``only``, the part these names mean (``parts``).

    Raises ``JournalProblem`` and nothing else.
    """
    known = journal.hold(j.UNDOING, only=only)
    try:
        left = part_of(known, only) if known else ()
    except NoPart as refused:
        return Undone(plan=journal.plan, complete=False, says=str(refused), journal=str(journal.path))
    steps = [_Step(step.number, step.change, step.change.inverse, step, True) for step in left]
    walk = _Walk(answerer, hands, journal, clock, patience, who)
    if not left:
        says = "There is nothing left to undo."
        walk.close(True, says, known)
        return Undone(plan=journal.plan, complete=True, says=says)
    if reason := _homeless(steps, hands):
        return Undone(plan=journal.plan, complete=False, says=reason, steps=not_reached([one.shown for one in steps]))
    ends = await walk.through(steps)
    complete, says = all(end.end is End.UNDONE for end in ends), summary(ends, "undone")
    walk.close(complete, says, known)
    return Undone(plan=journal.plan, complete=complete, says=says, steps=ends, journal=str(journal.path))


@dataclass(frozen=True)
class _Step:
    """One change to make. ``shown`` is the plan's change, ``change`` what is made: the same, or its inverse."""

    number: int
    shown: Change
    change: Change
    former: j.Step | None
    """The journal's word on a former run that had to do with it."""
    back: bool = False
    needs: frozenset[int] = frozenset()
    """Numbers of the changes it needs."""

    @property
    def begun(self) -> j.Step | None:
        """The journal's word on a former run that may have made it, or taken it back, in part."""
        return self.former if self.former and self.former.unsure else None

    @property
    def unsure(self) -> bool:
        """Whether a former run may have left the record half-way."""
        return self.begun is not None

    def looks_untouched(self, verdict: Verdict | Failure) -> bool:
        """Whether the record looks as if the former run had written nothing: it may only not be seen yet."""
        if isinstance(verdict, Drifted | Failure):
            return False
        if self.begun is None:
            return self.back and verdict is None
        written_back = self.begun.undoing
        return (verdict == self.change) if written_back is self.back else (verdict is None)


@dataclass
class _Walk:
    """One run over steps; stops at the first that does not end well."""

    answerer: Answerer
    hands: Sequence[Hand]
    journal: j.OpenJournal
    clock: Clock
    patience: Patience
    who: str
    choose: Choose | None = None
    wrote: bool = field(default=False)
    """Whether the journal was begun."""
    left_out: set[int] = field(default_factory=set)
    """Numbers of the changes that were skipped."""
    stopped: bool = False
    """Whether the walk ends here by choice."""

    async def through(self, steps: Sequence[_Step]) -> tuple[StepEnd, ...]:
        ends: list[StepEnd] = []
        for batch in self.patience.pace.batches(steps, lambda step: id(self._hand(step))):
            if ends:
                await self.patience.pace.pause()
            ends += await self._batch(batch, len(ends), len(steps))
            if self.stopped or any(end.end in (End.DRIFTED, End.FAILED) for end in ends[-len(batch) :]):
                break
        ends += [_end(step, End.NOT_REACHED) for step in steps[len(ends) :]]
        return tuple(sorted(ends, key=lambda end: end.number))

    async def _batch(self, steps: Sequence[_Step], done: int, total: int) -> list[StepEnd]:
        """How the steps ended; ``done`` of ``total`` ended before them."""
        verdicts = await asyncio.gather(*(self._judge(step) for step in steps))
        stops = [
            self._stop(step, verdict)
            for step, verdict in zip(steps, verdicts, strict=True)
            if isinstance(verdict, Drifted | Failure)
        ]
        if stops:
            numbers = {stop.number for stop in stops}
            return [*stops, *(_end(step, End.NOT_REACHED) for step in steps if step.number not in numbers)]
        ends: list[StepEnd] = []
        for step in steps:
            if self.patience.pace.stop():
                self.stopped = True
                break
            ends.append(await self._one(step))
            self.patience.pace.tell(Progress(done + len(ends), total, step.shown.says))
            if self.stopped or ends[-1].end in (End.DRIFTED, End.FAILED):
                break
        return [*ends, *(_end(step, End.NOT_REACHED) for step in steps[len(ends) :])]

    async def _one(self, step: _Step) -> StepEnd:
        verdict = await self._judge(step)
        if step.former and step.looks_untouched(verdict) and self.clock.now() - step.former.at < SETTLED:
            verdict = await self._judge_patiently(step, verdict)
        if isinstance(verdict, Drifted | Failure):
            return self._stop(step, verdict)
        if verdict is None:
            return self._nothing_to_do(step)
        return await (self._make(step, verdict) if self.choose is None else self._chosen(step, self.choose))

    async def _chosen(self, step: _Step, choose: Choose) -> StepEnd:
        """The change as a person wants it; the record is looked at again, because an answer takes its time."""
        if waits := sorted(step.needs & self.left_out):
            return self._skipped(step, f"It needs step {', '.join(map(str, waits))}, which was skipped.")
        choice = await choose(step.number, step.shown)
        if choice is Choice.SKIP:
            return self._skipped(step, "Skipped by choice.")
        if choice is Choice.STOP:
            self.stopped = True
            return _end(step, End.NOT_REACHED, "Stopped here by choice.")
        verdict = await self._judge(step)
        if isinstance(verdict, Drifted | Failure):
            return self._stop(step, verdict)
        return self._nothing_to_do(step) if verdict is None else await self._make(step, verdict)

    async def _judge_patiently(self, step: _Step, verdict: Verdict | Failure) -> Verdict | Failure:
        """The verdict once what a former run wrote is seen, or the last one when all patience is used up."""
        for pause in self.patience.pauses:
            await self.patience.sleep(pause)
            verdict = await self._judge(step)
            if not step.looks_untouched(verdict):
                break
        return verdict

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
        reason = await self._unseen(step, change)
        for pause in self.patience.pauses:
            if not reason:
                break
            await self.patience.sleep(pause)
            reason = await self._unseen(step, change)
        return reason

    async def _unseen(self, step: _Step, change: Change) -> str:
        """Why the change does not show now, "" when it does."""
        present = await self._read(step)
        if isinstance(present, Failure):
            return _sentence(present)
        if judge(change, present, self.clock.now(), unsure=step.unsure, back=step.back) is None:
            return ""
        found = differences(change.address, change.after, present, self.clock.now())
        return f"{change.address} is not as wanted after writing: {'; '.join(map(str, found))}."

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

    def _skipped(self, step: _Step, says: str) -> StepEnd:
        self.left_out.add(step.number)
        if step.former is None or step.former.state is not j.State.SKIPPED:
            self._begin()
            self.journal.write(j.Skipped(step=step.number, change=step.shown, says=says, at=self.clock.now()))
        return _end(step, End.SKIPPED, says)

    def close(self, complete: bool, says: str, known: j.Journal | None) -> None:
        """Write that the run ended; also for a former one that was cut short, when nothing was left to do."""
        if not self.wrote and complete and known is not None and known.unfinished:
            self._begin()
        if self.wrote:
            self.journal.write(j.Ended(complete=complete, says=says, at=self.clock.now()))

    def _stop(self, step: _Step, stop: Drifted | Failure) -> StepEnd:
        if isinstance(stop, Drifted):
            return _end(step, End.DRIFTED, stop.says)
        return _end(step, End.FAILED, _sentence(stop))


def _unfit(plan: Plan, hands: Sequence[Hand], journal: j.OpenJournal, now: datetime, known: j.Journal | None) -> str:
    """Why ``plan`` is not applied at all, "" when it may be. A run that made a change lately may go on."""
    if journal.plan != plan.id:
        return f"The journal {journal.path} belongs to plan {journal.plan}, not to {plan.id}."
    age = now - plan.evidence_at
    if age > FRESH and not (known and known.made_since(now - FRESH)):
        minutes = int(age.total_seconds() // 60)
        return f"The plan has expired: its evidence is {minutes} minutes old, the limit is 60. Make it again."
    if age < -AHEAD:
        return f"The plan's evidence lies in the future ({plan.evidence_at:%Y-%m-%d %H:%M} UTC). Check the clocks."
    for change in plan.changes:
        if reason := refusal(change, now):
            return f"The plan is refused: {reason}"
    return _homeless([_Step(0, change, change, None) for change in plan.changes], hands)


def _homeless(steps: Sequence[_Step], hands: Sequence[Hand]) -> str:
    for step in steps:
        if hand_for(hands, step.change.address) is None:
            return (
                f"Nothing that is configured can write {step.change.address}. "
                "Add the account for it to the configuration, or print the plan as a script."
            )
    return ""


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

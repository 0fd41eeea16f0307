"""Which changes of a journal a person means by the names of mailboxes, records and causes.

A part of a plan is taken back like the whole, last change first. It is refused where it would leave something half: a
change that also cures a cause nobody named (one record, one change), or one that a change still needs which stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hybridge.org.folding import some
from hybridge.org.records import DelegateUser, MailboxFolderPermission
from hybridge.plan import Change
from hybridge.repair.journal_events import Journal, Step
from hybridge.repair.needs import needs_of


class NoPart(ValueError):
    """The names make no part that can be taken back: one sentence with the next step."""


def part_of(journal: Journal, names: Sequence[str]) -> tuple[Step, ...]:
    """The steps left to undo that ``names`` mean, last first; all of them without names. Raises ``NoPart``.

    A name is a mailbox, a delegation (``delegator:delegate``), the identity of a record, a cause
    (``area/check:slug``) or a check (``area/check``); case does not matter.
    """
    left = journal.left_to_undo
    wanted = {name.lower() for name in names}
    if not wanted:
        return left
    chosen = tuple(step for step in left if wanted & set(_names(step.change)))
    _refuse_unknown(wanted, journal)
    _refuse_shared_cures(chosen, wanted)
    _refuse_needed(chosen, left)
    return chosen


def _names(change: Change) -> Iterator[str]:
    """Everything ``change`` may be called, in lower case."""
    yield from _subjects(change)
    for cause in change.why:
        yield cause.lower()
        yield cause.lower().partition(":")[0]


def _subjects(change: Change) -> Iterator[str]:
    yield change.address.identity
    record = change.after or change.before
    if record is not None and record.scope:
        yield record.scope
    if isinstance(record, MailboxFolderPermission):
        yield f"{record.mailbox}:{record.user}".lower()
    if isinstance(record, DelegateUser):
        yield f"{record.delegator}:{record.delegate}".lower()


def _refuse_unknown(wanted: Iterable[str], journal: Journal) -> None:
    known = {name for step in journal.steps for name in _names(step.change)}
    if unknown := sorted(name for name in wanted if name not in known):
        raise NoPart(
            f"Nothing of plan {journal.plan} concerns '{some(unknown)}'. Name a mailbox or a cause that hybridge "
            f"repair journal {journal.plan} shows."
        )


def _refuse_shared_cures(chosen: Iterable[Step], wanted: set[str]) -> None:
    """A record named by itself is meant as it is; one meant for its cause must not bring others back."""
    for step in chosen:
        if wanted & set(_subjects(step.change)):
            continue
        others = [cause for cause in step.change.why if not wanted & {cause.lower(), cause.lower().partition(":")[0]}]
        if others:
            raise NoPart(
                f"Step {step.number} also cures {', '.join(others)}, and one change cannot be taken back in half. "
                f"Name that as well, or take back {step.change.address.identity} as a whole."
            )


def _refuse_needed(chosen: Sequence[Step], left: Sequence[Step]) -> None:
    numbers = {step.number for step in chosen}
    forwards = sorted(left, key=lambda step: step.number)
    places = [step.number for step in forwards]
    for step, needs in zip(forwards, needs_of([step.change for step in forwards]), strict=True):
        taken = sorted(number for place in needs if (number := places[place - 1]) in numbers)
        if step.number not in numbers and taken:
            raise NoPart(
                f"Step {step.number} ({step.change.says.rstrip('.')}) stays and needs step {taken[0]}. Take it back as "
                f"well: name {step.change.address.identity}."
            )

"""What every rendering for people tells of the last report and of accepted risks, in words, folded by cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hybridge.findings import Comparison, Known
from hybridge.org.folding import folded, some
from hybridge.report.model import Report


class Told(NamedTuple):
    """A cause (full name) and what is told of it."""

    cause: str
    says: str


class Kind(NamedTuple):
    """Findings that share what became of them: "2 new", and the causes."""

    word: str
    number: int
    causes: tuple[Told, ...]


def became(since: Comparison) -> tuple[Kind, ...]:
    """New, fixed, still there and not known, each with its causes."""
    kinds = (("new", since.new), ("fixed", since.fixed), ("still there", since.still), ("not known", since.not_known))
    return tuple(Kind(word, len(known), tuple(_told(known))) for word, known in kinds)


def _told(known: Sequence[Known]) -> Iterator[Told]:
    for group in folded(known, lambda one: (one.name, one.note)):
        note = f" ({group[0].note})" if group[0].note else ""
        yield Told(group[0].name, some([one.subject for one in group]) + note)


def accepted(report: Report) -> tuple[Told, ...]:
    """Risks that are accepted, those whose acceptance ran out, and acceptances nothing needs."""
    return (*_in_force(report), *_ran_out(report), *_unused(report))


def _in_force(report: Report) -> Iterator[Told]:
    for group in folded(report.accepted, lambda one: (one.name, one.accepted)):
        if (risk := group[0].accepted) is not None:
            who = some([str(one.subject) for one in group])
            yield Told(group[0].name, f"accepted until {risk.until} at {who}: {risk.reason}")


def _ran_out(report: Report) -> Iterator[Told]:
    for group in folded(report.ran_out, lambda one: (one.name, one.ran_out)):
        if (risk := group[0].ran_out) is not None:
            who = some([str(one.subject) for one in group])
            yield Told(group[0].name, f"counts again at {who}: its acceptance ran out on {risk.until} ({risk.reason})")


def _unused(report: Report) -> Iterator[Told]:
    for one in report.unused_acceptances:
        where = f" at {one.subject}" if one.subject else ""
        yield Told(one.cause, f"was not found{where}: its acceptance (until {one.until}) can be taken out")

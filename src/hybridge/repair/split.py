"""One plan for two consoles, carried by file.

Many Exchange networks have no way out to Microsoft Graph, and the machine that has one cannot reach Exchange. Then a
plan is split: one part is applied where Exchange is, the other where Graph is, and files are carried between them.

    hybridge repair plan --split --out plan.json          writes plan.exchange.json and plan.cloud.json
    (Exchange)  hybridge repair apply plan.exchange.json --results done.json
    (Graph)     hybridge repair apply plan.cloud.json --after done.json

Each part keeps the order of the whole, carries everything it writes (the certificate's public DER too), and names the
changes of earlier parts that its own need (``Need``). A part does not start before all of those are made, which a
results file says, or the journal of the earlier part where both lie on one machine. Some plans go back and forth, such
as an application that is registered before Exchange is told of it; then there is a third part, plan.exchange-2.json.

Parts are taken back in reverse order: the last applied first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from hybridge.plan import Change, Plan
from hybridge.repair.ends import Applied, End
from hybridge.repair.journal_events import Journal, State
from hybridge.repair.needs import needs_of
from hybridge.repair.plan_file import Need, Part, PlanProblem, in_shape, read_whole, right_id, write_whole
from hybridge.terms.premises import Premises

EXCHANGE = "exchange"
CLOUD = "cloud"
_MADE = (End.APPLIED, End.ALREADY_SO)
_RESULTS_AGAIN = "Write one with: hybridge repair apply PART --results FILE"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How change ``number`` of a part ended."""

    number: int
    end: End
    says: str = ""


class Results(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one run made of the plan (or part) ``results_of``, to be carried to the console of the next part."""

    results_of: str
    organization: str
    who: str
    at: datetime
    complete: bool
    says: str
    steps: tuple[Done, ...]


def split(plan: Plan) -> tuple[Part, ...]:
    """The parts of ``plan`` in the order they are applied; as few as its needs allow, Exchange first where it may be.

    What is left to a person stands in the first part. Without changes there are no parts.
    """
    needs = needs_of(plan.changes)
    starts = ((EXCHANGE, CLOUD), (CLOUD, EXCHANGE))
    stages = min((_stages(plan.changes, needs, consoles) for consoles in starts), key=len)
    parts: list[Part] = []
    place: dict[int, tuple[str, int]] = {}
    for count, (console, numbers) in enumerate(stages):
        later = {cause for _, others in stages[count + 1 :] for one in others for cause in plan.changes[one - 1].why}
        part = msgspec.structs.replace(
            in_shape(plan),
            id="",
            changes=tuple(plan.changes[one - 1] for one in numbers),
            manual=plan.manual if count == 0 else (),
            procedure=plan.procedure,
            domain_controller=plan.domain_controller,
            of=plan.id,
            console=console,
            numbers=numbers,
            needs=tuple(
                Need(number=here, part=place[other][0], other=place[other][1], says=plan.changes[other - 1].says)
                for here, one in enumerate(numbers, start=1)
                for other in sorted(needs[one - 1])
                if other in place
            ),
            also=tuple(sorted({cause for one in numbers for cause in plan.changes[one - 1].why} & later)),
        )
        part = msgspec.structs.replace(part, id=right_id(part))
        parts.append(part)
        place |= {one: (part.id, here) for here, one in enumerate(numbers, start=1)}
    return tuple(parts)


def _stages(
    changes: Sequence[Change], needs: Sequence[frozenset[int]], consoles: tuple[str, str]
) -> list[tuple[str, tuple[int, ...]]]:
    """Console and numbers of each part when the first of ``consoles`` begins and they take turns."""
    stages: list[tuple[str, tuple[int, ...]]] = []
    done: set[int] = set()
    turn = 0
    while len(done) < len(changes):
        console = consoles[turn % 2]
        taken: list[int] = []
        for number, change in enumerate(changes, start=1):
            if number not in done and console_of(change) == console and needs[number - 1] <= done:
                taken.append(number)
                done.add(number)
        if taken:
            stages.append((console, tuple(taken)))
        turn += 1
    return stages


def console_of(change: Change) -> str:
    """Where ``change`` is made: "exchange" on-premises, "cloud" online."""
    return EXCHANGE if change.address.premises is Premises.ON_PREMISES else CLOUD


def files_for(parts: Iterable[Part], path: Path) -> tuple[tuple[Path, Part], ...]:
    """Where each part is written when the whole would go to ``path``: plan.json makes plan.exchange.json and so on."""
    seen: Counter[str] = Counter()
    files: list[tuple[Path, Part]] = []
    for part in parts:
        seen[part.console] += 1
        again = f"-{seen[part.console]}" if seen[part.console] > 1 else ""
        files.append((path.with_name(f"{path.stem}.{part.console}{again}{path.suffix or '.json'}"), part))
    return tuple(files)


def results_of(applied: Applied, plan: Plan, who: str, at: datetime) -> Results:
    """What ``applied`` made of ``plan``, to be carried."""
    return Results(
        results_of=plan.id,
        organization=plan.organization,
        who=who,
        at=at,
        complete=applied.complete,
        says=applied.says,
        steps=tuple(Done(number=step.number, end=step.end, says=step.says) for step in applied.steps),
    )


def write_results(results: Results, path: Path) -> None:
    """Write ``results`` to ``path``. Raises ``PlanProblem``."""
    write_whole(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n", path, "results")


def read_results(path: Path) -> Results:
    """The results in ``path``. Raises ``PlanProblem`` for a file that is missing or holds something else."""
    content = read_whole(path, "results", _RESULTS_AGAIN)
    try:
        return msgspec.json.decode(content, type=Results)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        says = f"The file {path} does not hold the results of a run of hybridge. {_RESULTS_AGAIN}"
        raise PlanProblem(says) from None


def missing(part: Part, results: Iterable[Results], journals: Iterable[Journal]) -> tuple[Need, ...]:
    """Needs of ``part`` of which neither ``results`` nor ``journals`` say that they are made."""
    made: dict[str, set[int]] = {}
    for one in results:
        if one.organization.lower() == part.organization.lower():
            numbers = {step.number for step in one.steps if step.end in _MADE}
            made.setdefault(one.results_of, set()).update(numbers)
    for journal in journals:
        made.setdefault(journal.plan, set()).update(_made_in(journal))
    return tuple(need for need in part.needs if need.other not in made.get(need.part, ()))


def _made_in(journal: Journal) -> set[int]:
    """Changes that are made by now, as far as ``journal`` knows: after a complete run also those it found made."""
    made = {step.number for step in journal.steps if step.state is State.APPLIED and not step.undoing}
    last = journal.runs[-1] if journal.runs else None
    if journal.contents and last and last.complete and last.doing == "apply":
        begun = {step.number for step in journal.steps}
        made |= {number for number in range(1, len(journal.contents.changes) + 1) if number not in begun}
    return made


def standing_on(journal: Journal, others: Iterable[Journal]) -> tuple[str, ...]:
    """Ids of parts among ``others`` that need what ``journal`` made and are not taken back yet."""
    return tuple(
        other.plan
        for other in others
        if other.contents and other.left_to_undo and any(need.part == journal.plan for need in other.contents.needs)
    )

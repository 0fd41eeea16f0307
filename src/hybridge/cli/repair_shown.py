"""Journals, steps and trials in words, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hybridge.cli.configuration import load_config
from hybridge.cli.exits import Stop
from hybridge.cli.plans import journal_root, place
from hybridge.org.folding import crowds, like_it, shape, spans
from hybridge.plan import Plan
from hybridge.repair import journal as journals
from hybridge.repair.resume import Standing, standings
from hybridge.repair.trial import Opinion, Trial
from hybridge.repair.what_if import effect


def journals_shown(name: str, config_file: Path, format: str) -> str:
    """All journals in a line each, or all of the one called ``name`` (a plan's id, or a path)."""
    config = load_config(config_file)
    if not name:
        found = journals.list_journals(journal_root(config))
        if format == "json":
            return as_json([_outline(one) for one in found if isinstance(one, journals.Journal)])
        return "\n".join(_line(one) for one in found) or "There are no journals yet."
    root, plan_id = place(name, config)
    try:
        one = journals.read_journal(root / plan_id)
    except journals.JournalProblem as problem:
        raise Stop(str(problem), "hybridge repair journal lists them") from problem
    if format == "json":
        return as_json({**_outline(one), **msgspec.to_builtins(one), "standing": msgspec.to_builtins(standings(one))})
    return "\n".join(_told(one))


def _outline(one: journals.Journal) -> dict[str, Any]:
    """What a list of journals says of one."""
    return {
        "plan": one.plan,
        "organization": one.organization,
        "who": one.who,
        "started_at": one.started_at,
        "unfinished": one.unfinished,
        "states": dict(Counter(str(step.state) for step in one.steps)),
        "path": one.path,
        "steps": msgspec.to_builtins(one.steps),
    }


def _line(one: journals.Journal | journals.JournalProblem) -> str:
    if isinstance(one, journals.JournalProblem):
        return f"? {one}"
    counted = Counter(str(step.state) for step in one.steps)
    states = ", ".join(f"{number} {state}" for state, number in counted.items()) or "nothing begun"
    rest = "  (not finished: hybridge repair resume)" if one.unfinished else ""
    return f"{one.plan}  {one.organization}  {at(one.started_at)}  {one.who}  {states}{rest}"


def _told(one: journals.Journal) -> Iterator[str]:
    """A whole journal for a person: its runs, then every step with who, when, before, after and reply."""
    yield f"Plan {one.plan} for {one.organization or 'the organization'}"
    yield f"Journal: {one.path}"
    for run in one.runs:
        ended = f"until {at(run.ended_at)}: {run.says}" if run.ended_at else "was cut short"
        yield f"  {at(run.at)}  {run.who}  {run.doing}  {ended}"
    steps = one.by_number
    for standing in standings(one):
        yield ""
        yield f"{standing.number}. {standing.change.says}"
        yield f"   where:  {standing.change.address}"
        yield from (f"   {line}" for line in effect(standing.change))
        yield f"   state:  {standing.state} ({standing.means})"
        for happened in steps[standing.number].history if standing.number in steps else ():
            said = f": {happened.says}" if happened.says else ""
            yield f"   {at(happened.at, seconds=True)}  {happened.who}  {happened.event}{said}"


def standings_shown(found: Sequence[Standing]) -> str:
    """The state of every step in a line each; steps that differ in nothing but the mailbox share one."""
    lines: list[str] = []
    for one, *others in crowds(found, lambda one: (one.state, one.means, shape(one.change.says))):
        numbers = spans([one.number, *(other.number for other in others)])
        since = f", {at(one.at, seconds=True)}" if one.at else ""
        says = one.change.says + like_it(len(others))
        lines.append(f"  {numbers:>3}. {says}  [{one.state}: {one.means}{since}]")
    return "\n".join(lines)


_MARKS = {
    Opinion.ACCEPTED: "v",
    Opinion.REFUSED: "x",
    Opinion.ALREADY_SO: "=",
    Opinion.DRIFTED: "!",
    Opinion.NOT_ASKED: "-",
}


def trials_shown(plan: Plan, found: Sequence[Trial]) -> str:
    """What Exchange said of every change."""
    lines = [f"Plan {plan.id}: what Exchange says with -WhatIf. Nothing was changed, nothing journaled."]
    for one in found:
        lines.append(f"{_MARKS[one.opinion]} {one.number:>3}. {one.change.says}  [{one.opinion}]")
        for tried in one.tried:
            lines.append(f"        {tried.cmdlet} -WhatIf")
            lines += [f"          {says}" for says in tried.says or ("accepted",)]
        if one.says and one.says not in {says for tried in one.tried for says in tried.says}:
            lines.append(f"        {one.says}")
    return "\n".join(lines)


def at(instant: datetime, *, seconds: bool = False) -> str:
    """An instant for a person, in UTC."""
    form = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
    return f"{instant.astimezone(UTC):{form}} UTC"


def as_json(value: object) -> str:
    """``value`` as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()

"""The plan in words: what would be changed where, from what to what, how risky, and whether it can be undone.

Changes that differ in nothing but the mailbox are told once, with their numbers, the names of the first and how many
more there are; so are cures by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hybridge.org.folding import alike, crowds, shape, some, spans
from hybridge.org.records import KeyCredential, ServicePrincipal
from hybridge.plan import Change, Manual, Plan
from hybridge.repair.comparison import KEYED, field_of, live_keys, shown
from hybridge.repair.writable import writable
from hybridge.terms.premises import Premises

_SIDES = {Premises.ON_PREMISES: "Exchange on-premises", Premises.ONLINE: "Microsoft 365"}


def what_if(plan: Plan) -> tuple[str, ...]:
    """Lines that tell ``plan``; nothing is asked or written."""
    if plan.empty:
        return ("Nothing to do: the plan is empty.",)
    lines = [f"Plan {plan.id} for {plan.organization or 'the organization'}: nothing was changed yet."]
    if plan.domain_controller:
        lines.append(f"Every on-premises cmdlet reads and writes at the domain controller {plan.domain_controller}.")
    for group in crowds([(number, change, plan) for number, change in enumerate(plan.changes, start=1)], _likeness):
        lines += _change_lines(*group[0]) if len(group) == 1 else _crowd_lines(group)
    for one, *others in alike(plan.manual, lambda one: (shape(one.says), *map(shape, one.steps), shape(one.verify))):
        lines += _manual_lines(one, others)
    return tuple(lines)


_Numbered = tuple[int, Change, Plan]


def _likeness(one: _Numbered) -> tuple[str, ...]:
    _, change, _ = one
    first, where, *rest = _change_lines(*one)
    record = change.after or change.before
    own = {change.address.identity, record.identity if record else ""} - {""}
    lines = (first.partition(" ")[2], where, *rest)
    return tuple(shape(_without(line, own)) for line in lines)


def _without(line: str, names: set[str]) -> str:
    for name in names:
        line = line.replace(name, "@")
    return line


def _crowd_lines(group: Sequence[_Numbered]) -> Iterator[str]:
    _, first, _ = group[0]
    names = some([change.address.identity for _, change, _ in group])
    yield f"{spans([number for number, _, _ in group])}. {len(group):,} changes of one kind, the first: {first.says}"
    yield f"   where:  {_SIDES[first.address.premises]}, {first.address.kind} of {names}"
    _, _, *rest = _change_lines(*group[0])
    yield from rest


def _change_lines(number: int, change: Change, plan: Plan) -> Iterator[str]:
    yield f"{number}. {change.says}"
    yield f"   where:  {_SIDES[change.address.premises]}, {change.address.kind} '{change.address.identity}'"
    yield from (f"   {line}" for line in effect(change))
    yield f"   risk:   {change.risk}"
    yield f"   undo:   {undo_of(change, plan)}"
    if change.why:
        yield f"   cures:  {', '.join(change.why)}"


def effect(change: Change) -> Iterator[str]:
    """Lines that tell what a change makes of the record: before and after."""
    if change.after is None:
        yield "before: present"
        yield "after:  removed"
        return
    if change.before is None:
        yield "before: absent"
        fields = _telling(change)
        yield "after:  created" + (f" with {fields}" if fields else "")
        return
    for name in _changed_fields(change):
        old, new = field_of(change.before, name), field_of(change.after, name)
        if isinstance(old, tuple) and isinstance(new, tuple):
            yield from _list_effect(name, old, new)
        else:
            yield f"before: {name} {shown(old)}"
            yield f"after:  {name} {shown(new)}"


def _list_effect(name: str, old: tuple[object, ...], new: tuple[object, ...]) -> Iterator[str]:
    """Only what comes and goes: lists may be long."""
    added = tuple(entry for entry in new if _plain(entry) not in map(_plain, old))
    gone = tuple(entry for entry in old if _plain(entry) not in map(_plain, new))
    yield f"before: {name} with {_entries(old)}" + (f", to lose {shown(gone)}" if gone else "")
    yield f"after:  {name} with {_entries(new)}" + (f", new {shown(added)}" if added else "")


def _entries(value: tuple[object, ...]) -> str:
    return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"


def _plain(entry: object) -> object:
    return entry.key or entry.key_id if isinstance(entry, KeyCredential) else entry


def _telling(change: Change) -> str:
    row = writable(change.address)
    names = row.compared if row else ()
    given = ((name, field_of(change.after, name)) for name in names)
    return ", ".join(f"{name} {shown(value)}" for name, value in given if value not in (None, "", ()))


def _changed_fields(change: Change) -> tuple[str, ...]:
    if change.before is None or change.after is None:
        return ()
    before, after = msgspec.structs.asdict(change.before), msgspec.structs.asdict(change.after)
    return tuple(name for name in after if before[name] != after[name])


def undo_of(change: Change, plan: Plan) -> str:
    """Whether, and how far, ``change`` can be taken back."""
    if not isinstance(change.before or change.after, KEYED):
        return "yes"
    if change.before is None:
        what = "service principal" if isinstance(change.after, ServicePrincipal) else "application"
        return f"yes; if somebody has added a key by then, the {what} stays, without ours"
    keys = change.before.key_credentials if isinstance(change.before, KEYED) else ()
    expired = len(keys) - len(live_keys(keys, plan.evidence_at))
    return f"yes, but {expired} expired key(s) are dropped for good" if expired else "yes"


def _manual_lines(manual: Manual, others: Sequence[Manual]) -> Iterator[str]:
    """One cure by hand; ``others`` differ from it in the mailbox only."""
    subjects = [name for one in (manual, *others) for name in one.subject.split(", ") if name]
    first = f", {len(others) + 1:,} times, the first" if others else ""
    yield f"By hand{first}: {manual.says}" + (f" ({some(subjects)})" if subjects else "")
    for number, step in enumerate(manual.steps, start=1):
        yield f"   {number}) {step}"
    yield f"   see:    {manual.verify}"

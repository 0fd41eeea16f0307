"""The plan in words: what would be changed where, from what to what, how risky, and whether it can be undone."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.org.records import KeyCredential, ServicePrincipal
from hybridge.plan import Change, Manual, Plan
from hybridge.repair.comparison import field_of, live_keys, shown
from hybridge.repair.writable import writable
from hybridge.terms.premises import Premises

_SIDES = {Premises.ON_PREMISES: "Exchange on-premises", Premises.ONLINE: "Microsoft 365"}


def what_if(plan: Plan) -> tuple[str, ...]:
    """Lines that tell ``plan``; nothing is asked or written."""
    if plan.empty:
        return ("Nothing to do: the plan is empty.",)
    lines = [f"Plan {plan.id} for {plan.organization or 'the organization'}: nothing was changed yet."]
    for number, change in enumerate(plan.changes, start=1):
        lines += _change_lines(number, change, plan)
    for manual in plan.manual:
        lines += _manual_lines(manual)
    return tuple(lines)


def _change_lines(number: int, change: Change, plan: Plan) -> Iterator[str]:
    yield f"{number}. {change.says}"
    yield f"   where:  {_SIDES[change.address.premises]}, {change.address.kind} '{change.address.identity}'"
    yield from (f"   {line}" for line in _effect(change))
    yield f"   risk:   {change.risk}"
    yield f"   undo:   {_undo(change, plan)}"
    if change.why:
        yield f"   cures:  {', '.join(change.why)}"


def _effect(change: Change) -> Iterator[str]:
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


def _undo(change: Change, plan: Plan) -> str:
    if change.address.kind != ServicePrincipal.__name__:
        return "yes"
    if change.before is None:
        return "yes; if somebody has added a key by then, the service principal stays, without ours"
    keys = change.before.key_credentials if isinstance(change.before, ServicePrincipal) else ()
    expired = len(keys) - len(live_keys(keys, plan.evidence_at))
    return f"yes, but {expired} expired key(s) are dropped for good" if expired else "yes"


def _manual_lines(manual: Manual) -> Iterator[str]:
    yield f"By hand: {manual.says}" + (f" ({manual.subject})" if manual.subject else "")
    for number, step in enumerate(manual.steps, start=1):
        yield f"   {number}) {step}"
    yield f"   see:    {manual.verify}"

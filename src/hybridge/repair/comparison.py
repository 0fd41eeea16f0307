"""Whether two records say the same, as far as a hand writes them, and if not, in what.

Values are folded before they are compared. Text ignores case, as Exchange does. Lists which Exchange keeps as sets
(allow lists, delegates, rights, role entries) ignore their order; pinned apps keep it. "No list" and "an empty list"
differ. The keys of a service principal or an application are the DER bytes of those that have not expired: ids, names
and dates are given by Entra anew at every write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from hybridge.org.records import Address, EntraApplication, KeyCredential, Record, ServicePrincipal
from hybridge.repair.writable import writable

KEYED = (ServicePrincipal, EntraApplication)
"""Records with keys that others may hold too: only what we add or take away is ours."""
_ORDERED = {"pinned_app_bar_apps"}
_FLAGS = "sharing_permission_flags"
_PRESENCE = "(record)"
"""Pseudo field: whether the record is there."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field in which the ``found`` record is not the ``expected`` one. Values are short texts for people."""

    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        if self.field == _PRESENCE:
            return f"it is {self.found}, not {self.expected}"
        return f"{self.field} is {self.found}, not {self.expected}"


def differences(
    address: Address, expected: Record | None, found: Record | None, now: datetime
) -> tuple[Difference, ...]:
    """In what ``found`` is not ``expected``; empty when they say the same. ``now`` decides which keys have expired."""
    left, right = folded(address, expected, now), folded(address, found, now)
    if (left is None) != (right is None):
        words = {True: "absent", False: "present"}
        return (Difference(field=_PRESENCE, expected=words[left is None], found=words[right is None]),)
    if left is None or right is None:
        return ()
    return tuple(
        Difference(field=name, expected=shown(_living(expected, name, now)), found=shown(_living(found, name, now)))
        for name, value in left.items()
        if right[name] != value
    )


def _living(record: Record | None, name: str, now: datetime) -> Any:
    value = field_of(record, name)
    return live_keys(value, now) if name == "key_credentials" and isinstance(record, KEYED) else value


def same(address: Address, one: Record | None, other: Record | None, now: datetime) -> bool:
    """Whether both records say the same at ``address``."""
    return folded(address, one, now) == folded(address, other, now)


def between(address: Address, found: Record | None, before: Record | None, after: Record | None, now: datetime) -> bool:
    """Whether ``found`` is a change from ``before`` to ``after`` that stopped half-way.

    Every field is the one or the other, or a set that holds what both hold and nothing beside. Of a record that was
    created or removed any remainder counts: the journal says that the other state was ours or seen by us.
    """
    if before is None or after is None:
        return found is not None
    present, start, end = (folded(address, record, now) for record in (found, before, after))
    if start is None or end is None:
        return False
    if present is None:
        # Exchange Online may keep a flag it was told to take away: then the entry is removed and added again.
        return bool(start.get(_FLAGS)) and not end.get(_FLAGS)
    return all(_half_way(present[name], start[name], end[name]) for name in present)


def _half_way(present: Any, start: Any, end: Any) -> bool:
    if present in (start, end):
        return True
    if not all(isinstance(value, frozenset) for value in (present, start, end)):
        return False
    return bool(start & end <= present <= start | end)


def folded(address: Address, record: Record | None, now: datetime) -> dict[str, Any] | None:
    """The compared fields of ``record`` in a form in which equal means the same; None for an absent record."""
    row = writable(address)
    if record is None or row is None:
        return None
    if isinstance(record, KEYED):
        keys = frozenset(key.key or key.key_id for key in live_keys(record.key_credentials, now))
        others = (name for name in row.compared if name != "key_credentials")
        return {"key_credentials": keys, **{name: _fold(name, getattr(record, name)) for name in others}}
    return {name: _fold(name, getattr(record, name)) for name in row.compared}


def _fold(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        entries = tuple(entry.casefold() for entry in value)
        return entries if name in _ORDERED else frozenset(entries)
    if isinstance(value, str):
        return value.casefold().removeprefix("smtp:") or None
    return value


def live_keys(keys: Iterable[KeyCredential], now: datetime) -> tuple[KeyCredential, ...]:
    """The keys that have not expired at ``now``; one without a date counts as living."""
    return tuple(key for key in keys if key.end_at is None or key.end_at > now)


def live_ders(record: Record | None, now: datetime) -> tuple[bytes, ...]:
    """The DER of every living key of a service principal or an application; nothing of any other record."""
    keys = record.key_credentials if isinstance(record, KEYED) else ()
    return tuple(key.key for key in live_keys(keys, now) if key.key)


def field_of(record: Record | None, name: str) -> Any:
    """Field ``name`` of ``record``, None of an absent one."""
    return getattr(record, name, None)


def thumbprint(der: bytes) -> str:
    """SHA-1 of a certificate's DER as 40 upper-case hexadecimal digits, the way Windows prints it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def shown(value: Any) -> str:
    """A value as a short text for a person: keys by their thumbprints, lists by their entries."""
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_entry(entry) for entry in value) + "]"
    return f"'{value}'"


def _entry(entry: Any) -> str:
    if isinstance(entry, KeyCredential):
        return thumbprint(entry.key) if entry.key else f"key {entry.key_id or 'without id'}"
    return str(entry)

"""Parameters of a cmdlet, and how an argument becomes a value of the parameter's type.

A null given to a switch means the switch is there: that is how a client sends ``-WhatIf``.

``@{Add=...; Remove=...}`` arrives as a dict. It becomes a ``ListEdit``, which is applied to the present value, so that
a cmdlet treats a plain list and an edit alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Reads = Callable[[Any], Any]
"""Converts an argument; raises ``ValueError`` when it is not of the type."""


@dataclass(frozen=True)
class Parameter:
    """One parameter. ``position`` counts from 0; None means it is given by name only."""

    name: str
    reads: Reads
    net_type: str = "System.String"
    position: int | None = None
    mandatory: bool = False


@dataclass(frozen=True)
class ListEdit:
    """A change of a multi-valued property: a whole new value, or additions and removals."""

    whole: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    replaces: bool = False

    def applied(self, present: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """The value afterwards. Entries are compared without case; removed first, then added at the end, once."""
        if self.replaces:
            return self.whole
        gone = {entry.casefold() for entry in self.remove}
        kept = [entry for entry in present or () if entry.casefold() not in gone]
        for entry in self.add:
            if entry.casefold() not in {one.casefold() for one in kept}:
                kept.append(entry)
        return tuple(kept)

    def resolved(self, resolve: Callable[[str], str]) -> ListEdit:
        """The same edit with every entry replaced by what ``resolve`` makes of it."""
        whole = None if self.whole is None else tuple(map(resolve, self.whole))
        return ListEdit(whole, tuple(map(resolve, self.add)), tuple(map(resolve, self.remove)), self.replaces)


def text(name: str, position: int | None = None, *, mandatory: bool = False) -> Parameter:
    """A string; null stays None."""
    return Parameter(name, _text, position=position, mandatory=mandatory)


def switch(name: str) -> Parameter:
    """A switch: there or not, or given a Boolean as in ``-Confirm:$false``."""
    return Parameter(name, _switch, "System.Management.Automation.SwitchParameter")


def boolean(name: str) -> Parameter:
    """True or false, never null."""
    return Parameter(name, _boolean, "System.Boolean")


def nullable_boolean(name: str) -> Parameter:
    """True, false, or null for "not configured"."""
    return Parameter(
        name, lambda value: None if value is None else _boolean(value), "System.Nullable`1[System.Boolean]"
    )


def texts(name: str, *, mandatory: bool = False) -> Parameter:
    """A MultiValuedProperty of strings, read as a ``ListEdit``."""
    return Parameter(name, _list_edit, "Microsoft.Exchange.Data.MultiValuedProperty`1[System.String]", None, mandatory)


def choice(name: str, values: Iterable[str], net_type: str, *, nullable: bool = False) -> Parameter:
    """One of ``values``, compared without case and returned as spelt here."""
    return Parameter(name, _one_of(tuple(values), nullable), net_type)


def choices(name: str, values: Iterable[str], net_type: str, *, mandatory: bool = False) -> Parameter:
    """Several of ``values``, as a tuple; one text may hold several, separated by commas."""
    one = _one_of(tuple(values), nullable=False)

    def reads(value: Any) -> tuple[str, ...]:
        given = value if isinstance(value, list | tuple) else str(value).split(",")
        return tuple(one(str(entry).strip()) for entry in given)

    return Parameter(name, reads, net_type, None, mandatory)


def moment(name: str) -> Parameter:
    """A date and time; a text without a zone is taken for UTC."""
    return Parameter(name, _moment, "System.DateTime")


def count(name: str) -> Parameter:
    """A number or "Unlimited" (None)."""
    return Parameter(name, _count, "Microsoft.Exchange.Data.Unlimited`1[System.UInt32]")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple | dict):
        raise ValueError
    return str(value)


def _switch(value: Any) -> bool:
    return True if value is None else _boolean(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool | int):
        raise ValueError("Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0.")
    return bool(value)


def _one_of(values: tuple[str, ...], nullable: bool) -> Reads:
    def reads(value: Any) -> str | None:
        if nullable and (value is None or value == ""):
            return None
        for known in values:
            if str(value).casefold() == known.casefold():
                return known
        raise ValueError(f'Specify one of the following: "{", ".join(values)}".')

    return reads


def _entries(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _list_edit(value: Any) -> ListEdit:
    if not isinstance(value, Mapping):
        return ListEdit(whole=None if value is None else _entries(value), replaces=True)
    edit = {str(key).casefold(): _entries(entries) for key, entries in value.items()}
    if not edit or not edit.keys() <= {"add", "remove"}:
        raise ValueError('A hash table may hold the keys "Add" and "Remove" only.')
    return ListEdit(add=edit.get("add", ()), remove=edit.get("remove", ()))


_MOMENTS = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M", "%m/%d/%Y")


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    found = value if isinstance(value, datetime) else _written_moment(str(value).strip())
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _written_moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        for form in _MOMENTS:
            try:
                return datetime.strptime(written, form)
            except ValueError:
                continue
        raise ValueError("The string was not recognized as a valid DateTime.") from None


def _count(value: Any) -> int | None:
    return None if str(value).casefold() == "unlimited" else int(value)

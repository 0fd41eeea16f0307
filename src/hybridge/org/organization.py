"""The immutable map of records. Equality of two organizations is the oracle of undo.

A change gives a new organization that shares nearly everything with the old one: records lie by kind and side, each
such group in a persistent map (``shards``), and a change touches the groups it names alone. So does what is looked up:
the order of a group and which of its records belong to a mailbox are worked out when first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from hybridge.org.records import Address, Record
from hybridge.org.shards import Shards
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)


class Organization:
    """An immutable set of records, one per address.

    Every method that changes something returns a new organization. Iteration is in the order of addresses.
    """

    __slots__ = ("_groups",)

    def __init__(self, records: Iterable[Record] = ()) -> None:
        sorted_out: dict[_Side, dict[str, Record]] = {}
        for record in records:
            sorted_out.setdefault(_side_of(record), {})[record.identity.lower()] = record
        self._groups = {side: _Group(Shards(group)) for side, group in sorted_out.items()}

    def __iter__(self) -> Iterator[Record]:
        for side in sorted(self._groups):
            yield from self._groups[side].ordered()

    def __len__(self) -> int:
        return sum(len(group.records) for group in self._groups.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Organization) and not any(self._differences(other))

    __hash__ = None  # type: ignore[assignment]

    def at(self, address: Address) -> Record | None:
        """The record at ``address``, or None."""
        group = self._groups.get((address.kind, address.premises))
        return group.records.get(address.identity) if group else None

    def one(self, kind: type[R], premises: Premises, identity: str) -> R | None:
        """The record of ``kind`` with ``identity`` (case ignored), or None."""
        found = self.at(Address(kind.__name__, premises, identity.lower()))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[R], premises: Premises | None = None, scope: str | None = None) -> tuple[R, ...]:
        """Every record of ``kind``, optionally of one side and one scope, in the order of identities."""
        if premises is not None:
            return self.named(kind.__name__, premises, scope)  # type: ignore[return-value]
        return tuple(one for side in sorted(Premises) for one in self.all(kind, side, scope))

    def named(self, kind: str, premises: Premises, scope: str | None = None) -> tuple[Record, ...]:
        """Like ``all`` for the kind of that name on one side."""
        group = self._groups.get((kind, premises))
        if group is None:
            return ()
        return group.ordered() if scope is None else group.of_scope(scope.lower())

    def put(self, *records: Record) -> Organization:
        """With ``records`` added, each replacing the one at its address."""
        changes: dict[_Side, dict[str, Record | None]] = {}
        for record in records:
            changes.setdefault(_side_of(record), {})[record.identity.lower()] = record
        return self._changed(changes)

    def drop(self, *addresses: Address) -> Organization:
        """Without the records at ``addresses``; an absent one is ignored."""
        changes: dict[_Side, dict[str, Record | None]] = {}
        for address in addresses:
            changes.setdefault((address.kind, address.premises), {})[address.identity] = None
        return self._changed(changes)

    def edit(
        self,
        kind: type[R],
        where: Callable[[R], bool] = lambda _: True,
        **changes: Any,
    ) -> Organization:
        """With ``changes`` made to every record of ``kind`` that satisfies ``where``."""
        return self.put(*(msgspec.structs.replace(one, **changes) for one in self.all(kind) if where(one)))

    def difference(self, other: Organization) -> tuple[Address, ...]:
        """Addresses whose records differ between the two organizations."""
        return tuple(sorted(self._differences(other)))

    def _differences(self, other: Organization) -> Iterator[Address]:
        for kind, premises in self._groups.keys() | other._groups.keys():
            one, two = (each._groups.get((kind, premises), _EMPTY) for each in (self, other))
            if one is not two:
                for identity in one.differences(two):
                    yield Address(kind, premises, identity)

    def _changed(self, changes: Mapping[_Side, Mapping[str, Record | None]]) -> Organization:
        made = Organization()
        made._groups = dict(self._groups)
        for side, group in changes.items():
            made._groups[side] = self._groups.get(side, _EMPTY).changed(group)
        return made


_Side = tuple[str, Premises]
"""Kind (class name) and premises: what the first two parts of an address say."""


def _side_of(record: Record) -> _Side:
    return type(record).__name__, record.premises


class _Group:
    """Every record of one kind on one side, by identity in lower case."""

    __slots__ = ("_ordered", "_scopes", "records")

    def __init__(self, records: Shards[Record], scopes: Shards[tuple[Record, ...]] | None = None) -> None:
        self.records = records
        self._scopes = scopes
        self._ordered: tuple[Record, ...] | None = None

    def ordered(self) -> tuple[Record, ...]:
        """Every record, in the order of identities."""
        if self._ordered is None:
            self._ordered = _in_order(self.records.values())
        return self._ordered

    def of_scope(self, scope: str) -> tuple[Record, ...]:
        """The records of one scope, in the order of identities. Those of "" are few or the whole group: not kept."""
        if not scope:
            return tuple(record for record in self.ordered() if not record.scope)
        if self._scopes is None:
            scopes: dict[str, list[Record]] = {}
            for record in self.ordered():
                scopes.setdefault(record.scope, []).append(record)
            scopes.pop("", None)
            self._scopes = Shards({name: tuple(records) for name, records in scopes.items()})
        return self._scopes.get(scope) or ()

    def changed(self, changes: Mapping[str, Record | None]) -> _Group:
        """With ``changes`` made: a record for each identity, None where it goes."""
        scopes = None if self._scopes is None else self._changed_scopes(self._scopes, changes)
        return _Group(self.records.changed(changes), scopes)

    def _changed_scopes(
        self, scopes: Shards[tuple[Record, ...]], changes: Mapping[str, Record | None]
    ) -> Shards[tuple[Record, ...]]:
        touched: dict[str, dict[str, Record]] = {}

        def of(scope: str) -> dict[str, Record]:
            if scope not in touched:
                touched[scope] = {record.identity.lower(): record for record in scopes.get(scope) or ()}
            return touched[scope]

        for identity, after in changes.items():
            before = self.records.get(identity)
            if before is not None and before.scope:
                of(before.scope).pop(identity, None)
            if after is not None and after.scope:
                of(after.scope)[identity] = after
        return scopes.changed({scope: _in_order(records.values()) or None for scope, records in touched.items()})

    def differences(self, other: _Group) -> Iterator[str]:
        """Identities whose records differ."""
        for identity, record in self.records.items():
            if other.records.get(identity) != record:
                yield identity
        for identity in other.records:
            if self.records.get(identity) is None:
                yield identity


_EMPTY = _Group(Shards({}))


def _in_order(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(sorted(records, key=lambda record: record.identity.lower()))

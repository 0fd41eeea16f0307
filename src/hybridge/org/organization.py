"""The immutable map of records. Equality of two organizations is the oracle of undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from hybridge.org.records import Address, Record
from hybridge.terms.premises import Premises

R = TypeVar("R", bound=Record)


class Organization:
    """An immutable set of records, one per address.

    Every method that changes something returns a new organization. Iteration is in the order of addresses.
    """

    __slots__ = ("_by_kind", "_records")

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records: Mapping[Address, Record] = MappingProxyType({record.address: record for record in records})
        self._by_kind: dict[type[Record], tuple[Record, ...]] | None = None

    def __iter__(self) -> Iterator[Record]:
        return (self._records[address] for address in sorted(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Organization) and self._records == other._records

    __hash__ = None  # type: ignore[assignment]

    def at(self, address: Address) -> Record | None:
        """The record at ``address``, or None."""
        return self._records.get(address)

    def one(self, kind: type[R], premises: Premises, identity: str) -> R | None:
        """The record of ``kind`` with ``identity`` (case ignored), or None."""
        found = self._records.get(Address(kind.__name__, premises, identity.lower()))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[R], premises: Premises | None = None, scope: str | None = None) -> tuple[R, ...]:
        """Every record of ``kind``, optionally of one side and one scope, in the order of identities."""
        return tuple(
            record
            for record in self._of(kind)
            if (premises is None or record.premises is premises) and (scope is None or record.scope == scope.lower())
        )

    def _of(self, kind: type[R]) -> tuple[R, ...]:
        """Every record of exactly ``kind`` in the order of addresses; sorted once, as lookups by kind are the rule."""
        if self._by_kind is None:
            groups: dict[type[Record], list[Record]] = {}
            for record in self._records.values():
                groups.setdefault(type(record), []).append(record)
            self._by_kind = {
                each: tuple(sorted(group, key=lambda record: record.address)) for each, group in groups.items()
            }
        return self._by_kind.get(kind, ())  # type: ignore[return-value]

    def put(self, *records: Record) -> Organization:
        """With ``records`` added, each replacing the one at its address."""
        return Organization((*self._records.values(), *records))

    def drop(self, *addresses: Address) -> Organization:
        """Without the records at ``addresses``; an absent one is ignored."""
        gone = set(addresses)
        return Organization(record for address, record in self._records.items() if address not in gone)

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
        addresses = self._records.keys() | other._records.keys()
        return tuple(sorted(a for a in addresses if self._records.get(a) != other._records.get(a)))

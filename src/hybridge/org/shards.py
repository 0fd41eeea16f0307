"""A persistent map from text: changing it gives a new one that shares nearly everything with the old.

Entries lie in about as many dicts as each dict has entries, so that a change copies one small dict and the row of
dicts, not the whole: a thousand changes of a hundred thousand records cost what copying them twice would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isqrt
from typing import Generic, TypeVar

V = TypeVar("V")

_SMALL = 64
"""Entries up to which one dict is enough."""


class Shards(Generic[V]):
    """An immutable map from ``str`` to ``V``; its iteration order means nothing."""

    __slots__ = ("_count", "_dicts")

    def __init__(self, entries: Mapping[str, V]) -> None:
        self._count = len(entries)
        number = isqrt(self._count) if self._count > _SMALL else 1
        dicts: tuple[dict[str, V], ...] = tuple({} for _ in range(number))
        for key, value in entries.items():
            dicts[hash(key) % number][key] = value
        self._dicts = dicts

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for each in self._dicts:
            yield from each

    def get(self, key: str) -> V | None:
        """The value of ``key``, or None."""
        dicts = self._dicts
        return dicts[hash(key) % len(dicts)].get(key)

    def items(self) -> Iterator[tuple[str, V]]:
        """Every entry."""
        for each in self._dicts:
            yield from each.items()

    def values(self) -> Iterator[V]:
        """Every value."""
        for each in self._dicts:
            yield from each.values()

    def changed(self, changes: Mapping[str, V | None]) -> Shards[V]:
        """With every entry of ``changes`` in its place; None takes the entry away."""
        dicts = list(self._dicts)
        number = len(dicts)
        count, copied = self._count, set[int]()
        for key, value in changes.items():
            place = hash(key) % number
            if place not in copied:
                copied.add(place)
                dicts[place] = dict(dicts[place])
            count -= key in dicts[place]
            if value is None:
                dicts[place].pop(key, None)
            else:
                dicts[place][key] = value
                count += 1
        return _of(tuple(dicts), count)


def _of(dicts: tuple[dict[str, V], ...], count: int) -> Shards[V]:
    """Shards made of ``dicts``; dealt out anew when there are far more entries than they were made for."""
    if count > _SMALL and count > 4 * len(dicts) ** 2:
        return Shards({key: value for each in dicts for key, value in each.items()})
    shards: Shards[V] = Shards.__new__(Shards)
    shards._dicts, shards._count = dicts, count
    return shards

"""Many of a kind said as one: "for ada@contoso.com and 9,999 more".

Sentences about ten thousand mailboxes differ in the mailboxes they name and in nothing else. Their *shape* is what is
left without the names; what has the same shape is shown once, with the number of the others and the first of their
names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

NAMED = 3
"""Names shown before the rest is counted."""

_SIGN = r"""[^\s'"<>()\[\]{},;:\\/|=&?#]"""
_MAILBOX = re.compile(rf"{_SIGN}+@{_SIGN}*(?!\.){_SIGN}")


def names_in(text: str) -> tuple[str, ...]:
    """The addresses of mailboxes in ``text``, in order."""
    return tuple(_MAILBOX.findall(text))


def shape(text: str) -> str:
    """``text`` without the mailboxes it names."""
    return _MAILBOX.sub("@", text)


def folded(items: Iterable[T], key: Callable[[T], Hashable]) -> tuple[tuple[T, ...], ...]:
    """``items`` in groups of equal ``key``, in the order of the first of each."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return tuple(map(tuple, groups.values()))


def crowds(items: Iterable[T], key: Callable[[T], Hashable], few: int = NAMED) -> tuple[tuple[T, ...], ...]:
    """``items`` in their order, but more than ``few`` of equal ``key`` together, where the first of them stands."""
    keyed = [(key(item), item) for item in items]
    counts = Counter(name for name, _ in keyed)
    groups: list[list[T]] = []
    crowd: dict[Hashable, list[T]] = {}
    for name, item in keyed:
        if name in crowd:
            crowd[name].append(item)
            continue
        groups.append([item])
        if counts[name] > few:
            crowd[name] = groups[-1]
    return tuple(map(tuple, groups))


def some(names: Sequence[str], few: int = NAMED) -> str:
    """The first of ``names``, and how many more there are."""
    first = ", ".join(names[:few])
    return f"{first} and {len(names) - few:,} more" if len(names) > few else first


def alike(items: Iterable[T], key: Callable[[T], Hashable], few: int = NAMED) -> tuple[tuple[T, ...], ...]:
    """``items`` as ``folded``, but each by itself as long as there are only ``few``."""
    items = tuple(items)
    return tuple((item,) for item in items) if len(items) <= few else folded(items, key)


def said_once(texts: Iterable[str], few: int = NAMED) -> tuple[tuple[str, int], ...]:
    """Different ``texts``, each with the number of others that it stands for: none as long as there are few."""
    return tuple((group[0], len(group) - 1) for group in alike(dict.fromkeys(texts), shape, few))


def like_it(others: int) -> str:
    """What follows a text that stands for ``others`` as well; "" for none."""
    return f" (and {others:,} more like it)" if others else ""


def spans(numbers: Sequence[int]) -> str:
    """Rising ``numbers`` in short: "4", "1-9,998", or "1-20, 22, 24 and 310 more"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    shown = ", ".join("-".join(f"{end:,}" for end in run) for run in runs[:NAMED])
    rest = sum(run[-1] - run[0] + 1 for run in runs[NAMED:])
    return f"{shown} and {rest:,} more" if rest else shown

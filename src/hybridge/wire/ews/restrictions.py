"""Restrictions and orders of FindItem: which items, and in which order, judged by their properties.

A comparison with a property an item does not have fails, and so does its contrary; Exists tells whether it has one.
Bit masks (Excludes) are refused with ErrorUnsupportedTypeForConversion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from hybridge.wire.ews.faults import EwsFault, RequestRefused
from hybridge.wire.ews.item_properties import Properties, known_uri
from hybridge.wire.ews.item_shapes import PATHS
from hybridge.wire.ews.reading import Foreign, Slot, attribute, instant, local_name, sequence
from hybridge.wire.xml import Element

_COMPARISONS = {
    "IsEqualTo": (0,),
    "IsNotEqualTo": (-1, 1),
    "IsGreaterThan": (1,),
    "IsGreaterThanOrEqualTo": (0, 1),
    "IsLessThan": (-1,),
    "IsLessThanOrEqualTo": (-1, 0),
}
_EVERY = "|".join(f"t:{name}" for name in (*_COMPARISONS, "And", "Or", "Not", "Contains", "Exists", "Excludes"))


class Restriction(msgspec.Struct, frozen=True):
    """One test: And, Or and Not have ``parts``; a comparison, Contains and Exists have a path; ``other`` is the path a
    property is compared with, "" for the constant ``value``."""

    kind: str
    parts: tuple[Restriction, ...] = ()
    uri: str = ""
    value: str = ""
    other: str = ""
    mode: str = ""
    folds_case: bool = False

    def matches(self, item: Properties) -> bool:
        """Whether an item with these properties passes."""
        match self.kind:
            case "And":
                return all(part.matches(item) for part in self.parts)
            case "Or":
                return any(part.matches(item) for part in self.parts)
            case "Not":
                return not self.parts[0].matches(item)
            case "Exists":
                return item.get(self.uri) is not None
            case "Contains":
                return any(self._contains(one) for one in _strings(item.get(self.uri)))
            case _:
                wanted = item.get(self.other) if self.other else self.value
                return any(_compared(one, wanted) in _COMPARISONS[self.kind] for one in _each(item.get(self.uri)))

    def _contains(self, text: str) -> bool:
        here, wanted = (text.casefold(), self.value.casefold()) if self.folds_case else (text, self.value)
        if self.mode in ("FullString", "ExactPhrase"):
            return here == wanted if self.mode == "FullString" else wanted in here
        if self.mode == "Prefixed":
            return here.startswith(wanted)
        if self.mode == "PrefixOnWords":
            return any(word.startswith(wanted) for word in here.split())
        return wanted in here


class Order(msgspec.Struct, frozen=True):
    """One key of an order."""

    uri: str
    descending: bool = False


def read_restriction(restriction: Element) -> Restriction:
    """A Restriction strictly; raises ``RequestRefused``."""
    return _read(sequence(restriction, Slot(_EVERY))[_EVERY][0])


def _read(test: Element) -> Restriction:
    kind = local_name(test)
    if kind in ("And", "Or", "Not"):
        parts = sequence(test, Slot(_EVERY, at_most=None))[_EVERY]
        return Restriction(kind, tuple(_read(part) for part in parts))
    if kind == "Excludes":
        raise RequestRefused(EwsFault("ErrorUnsupportedTypeForConversion", "Bit masks are not supported here."))
    if kind == "Exists":
        return Restriction(kind, uri=known_uri(sequence(test, Slot(PATHS))[PATHS][0]))
    if kind == "Contains":
        parts = sequence(test, Slot(PATHS), Slot("t:Constant"))["t:Constant"]
        uri = known_uri(sequence(test, Slot(PATHS), Slot("t:Constant"))[PATHS][0])
        folds = "IgnoreCase" in attribute(test, "ContainmentComparison") or not attribute(test, "ContainmentComparison")
        return Restriction(
            kind, (), uri, attribute(parts[0], "Value"), mode=attribute(test, "ContainmentMode"), folds_case=folds
        )
    found = sequence(test, Slot(PATHS), Slot("t:FieldURIOrConstant"))
    value = sequence(found["t:FieldURIOrConstant"][0], Slot(f"{PATHS}|t:Constant"))[f"{PATHS}|t:Constant"][0]
    constant = local_name(value) == "Constant"
    return Restriction(
        kind,
        uri=known_uri(found[PATHS][0]),
        value=attribute(value, "Value") if constant else "",
        other="" if constant else known_uri(value),
    )


def read_order(order: Element) -> tuple[Order, ...]:
    """A SortOrder strictly; raises ``RequestRefused``."""
    fields = sequence(order, Slot("t:FieldOrder", at_most=None))["t:FieldOrder"]
    return tuple(
        Order(known_uri(sequence(one, Slot(PATHS))[PATHS][0]), attribute(one, "Order") == "Descending")
        for one in fields
    )


def ordered(items: Iterable[Properties], order: tuple[Order, ...]) -> list[Properties]:
    """``items`` in ``order``; one without a property comes first."""
    found = list(items)
    for key in reversed(order):
        found.sort(key=lambda one, uri=key.uri: _sortable(one.get(uri)), reverse=key.descending)  # type: ignore[misc]
    return found


def _sortable(value: Any) -> tuple[bool, Any]:
    known = isinstance(value, str | int | datetime)
    return known, value.casefold() if isinstance(value, str) else (value if known else 0)


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        yield from value
    elif value is not None:
        yield value


def _strings(value: Any) -> Iterator[str]:
    for one in _each(value):
        yield str(getattr(one, "text", None) or getattr(one, "address", None) or one)


def _compared(value: Any, wanted: Any) -> int | None:
    """-1, 0 or 1; None where the two cannot be compared."""
    try:
        if isinstance(value, datetime) and isinstance(wanted, str):
            wanted = instant(wanted)
        elif isinstance(value, bool):
            wanted = wanted if isinstance(wanted, bool) else wanted.lower() in ("true", "1")
        elif isinstance(value, int) and isinstance(wanted, str):
            wanted = int(wanted)
        elif isinstance(value, str):
            value, wanted = value.casefold(), str(wanted).casefold()
        return int(value > wanted) - int(value < wanted)
    except (Foreign, TypeError, ValueError):
        return None

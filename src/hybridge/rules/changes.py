"""What differs between two versions of one rules file, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from hybridge.rules.endpoints import Endpoints


def changes(before: Any, after: Any) -> tuple[str, ...]:
    """Lines such as "+ Worldwide set 12: 52.112.0.0/14"; none where nothing but the day or the source differs."""
    old, new = dict.fromkeys(_facts(before)), dict.fromkeys(_facts(after))
    gone = (f"- {fact}" for fact in old if fact not in new)
    come = (f"+ {fact}" for fact in new if fact not in old)
    return (*gone, *come)


def _facts(rules: Any) -> Iterator[str]:
    if not isinstance(rules, Endpoints):
        yield from _leaves(msgspec.to_builtins(rules), "")
        return
    for name, instance in rules.instances.items():
        for one in instance.sets:
            for what in (*one.ips, *one.urls):
                yield f"{name} set {one.id}: {what}"


def _leaves(value: Any, place: str) -> Iterator[str]:
    """Every value with its place: things in a list are told by their name, version or id."""
    if isinstance(value, dict):
        for name, below in value.items():
            if place or name not in ("as_of", "source"):
                yield from _leaves(below, f"{place} {name}".strip())
    elif isinstance(value, list):
        for below in value:
            mark = (
                next((below[key] for key in ("version", "id", "name") if key in below), "")
                if isinstance(below, dict)
                else ""
            )
            yield from _leaves(below, f"{place} {mark}".strip())
    else:
        yield f"{place}: {value}"

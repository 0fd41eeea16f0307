"""The lab's faults: every cause of every check that can be broken, under its full name.

Nothing is listed by hand. A fault's symptoms are those of this very fault, which can be fewer than its cause may
bring: they are taken from what its check finds after Contoso was broken by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache

from hybridge.checks.registry import all_causes
from hybridge.checks.rehearsal import symptoms_of
from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.org.organization import Organization
from hybridge.terms.symptoms import Symptom

_REHEARSED_AT = datetime(2026, 1, 15, 9, tzinfo=UTC)
"""Any instant serves: the organization is made and judged at the same one."""


class UnknownFault(KeyError):
    """There is no fault of that name. ``str`` is one sentence that names it and the nearest there are."""

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.nearest = nearest

    def __str__(self) -> str:
        hint = (
            f"did you mean {' or '.join(self.nearest)}?" if self.nearest else "hybridge lab faults lists all of them."
        )
        return f"There is no fault '{self.name}'; {hint}"


@dataclass(frozen=True)
class Fault:
    """One way to break the lab. ``name`` is "area/check:slug"; ``healable``: whether hybridge itself can cure it."""

    name: str
    healable: bool
    symptoms: tuple[Symptom, ...]
    says: str
    breaks: Callable[[Organization], Organization]


@cache
def faults() -> tuple[Fault, ...]:
    """Every fault, in the order of names of checks."""
    year = timedelta(days=365)
    certificate = AuthCertificate(b"a certificate", _REHEARSED_AT - year, _REHEARSED_AT + year)
    healthy = contoso(_REHEARSED_AT, certificate)
    return tuple(
        Fault(name, cause.healable, symptoms_of(check, cause, healthy, _REHEARSED_AT), cause.says, cause.breaks)
        for name, check, cause in all_causes()
        if cause.breaks is not None
    )


def fault_named(name: str) -> Fault:
    """The fault called ``name``. Raises ``UnknownFault``, which suggests the nearest names."""
    known = {fault.name: fault for fault in faults()}
    if name in known:
        return known[name]
    slugs = [full for full in known if full.partition(":")[2] == name or full.partition(":")[0] == name]
    near = slugs or get_close_matches(name, known, n=3, cutoff=0.4)
    raise UnknownFault(name, tuple(near[:3]))

"""Looks at an organization in the making, and looks again only where something changed since.

A *look* is one check run for one subject. While it runs, what it asks of the evidence is noted (``Need``); every
change of the draft is noted with the needs it touches. A look is stale once something it needed was touched after it,
and only stale looks are repeated: so a change of one mailbox costs the looks at this mailbox, not those at ten
thousand others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hybridge.checks.base import Check
from hybridge.doctor.examine import look
from hybridge.evidence import Evidence, Key, Projected, Reading
from hybridge.findings import Finding, Subject
from hybridge.org.organization import Organization
from hybridge.org.records import Address, Record
from hybridge.terms.premises import Premises

Need = tuple[str, Premises | None, str, str]
"""What a look asked for: kind, side, scope and identity. The last two are "" for the whole kind; the scope is given or
the identity, never both. ``EVERYTHING`` for all of it."""

EVERYTHING: Need = ("", None, "", "")


class _Watched(Projected):
    """Projected readings that note what is asked of them."""

    def __init__(self, made: Mapping[Key, Reading], organization: Organization, needs: dict[Need, None]) -> None:
        super().__init__(made, organization)
        self._needs = needs

    def __iter__(self) -> Iterator[Key]:
        self._needs[EVERYTHING] = None
        return super().__iter__()

    def _named(self, kind: str, premises: Premises, scope: str) -> tuple[Record, ...]:
        self._needs[kind, premises, scope, ""] = None
        return super()._named(kind, premises, scope)

    def _at(self, address: Address) -> Record | None:
        self._needs[_need_of(address)] = None
        return super()._at(address)


def _need_of(address: Address) -> Need:
    return address.kind, address.premises, "", address.identity


@dataclass(slots=True)
class Look:
    """One check run for one subject: ``findings`` as of ``tick``; ``tick`` is -1 until it was run."""

    check: Check
    subject: Subject
    findings: tuple[Finding, ...] = ()
    needs: tuple[Need, ...] = ()
    tick: int = -1


class Draft:
    """An organization in the making, and the evidence as it would be.

    ``organization`` is what it would be by now; ``tick`` counts the changes made to it.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.organization = evidence.organization()
        self.tick = 0
        self._touched: dict[Need, int] = {}
        self._known: dict[Need, Need] = {}
        """Needs as they were met first: thousands of looks share them."""
        self._asked: dict[Need, None] = {}
        self._watched = self._watch()

    def change(self, address: Address, after: Record | None) -> None:
        """Put ``after`` at ``address``; None takes the record away."""
        before = self.organization.at(address)
        self.organization = self.organization.drop(address) if after is None else self.organization.put(after)
        self.tick += 1
        kind, premises = address.kind, address.premises
        for need in (EVERYTHING, (kind, premises, "", ""), _need_of(address)):
            self._touched[need] = self.tick
        for record in (before, after):
            if record is not None and record.scope:
                self._touched[kind, premises, record.scope, ""] = self.tick
        self._watched = self._watch()

    def refresh(self, one: Look) -> None:
        """Run ``one`` unless nothing it needed was changed since it was run."""
        if not self._stale(one):
            return
        self._asked.clear()
        one.findings = look(one.check, self._watched, one.subject).findings
        one.needs = tuple(self._known.setdefault(need, need) for need in self._asked)
        one.tick = self.tick

    def _stale(self, one: Look) -> bool:
        if one.tick == self.tick:
            return False
        return one.tick < 0 or any(self._touched.get(need, -1) > one.tick for need in one.needs)

    def _watch(self) -> Evidence:
        start = self._evidence
        readings = _Watched(start.readings, self.organization, self._asked)
        return replace(start, readings=readings)

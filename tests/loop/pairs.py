"""Which pairs of causes meet, and the closed loop over two causes at once.

Two causes meet when hybridge cures at least one of them and their faults touch a record in common, or both belong to
what the procedure of the partner applications writes. No cause is listed by hand: every fault is rehearsed on Contoso
and what it touched is compared. Those of the hybrid application have a walk of their own beside this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

import msgspec
from tests.loop.walk import Walk, healthy, names, touched

from hybridge.doctor.diagnose import Diagnosis
from hybridge.lab.faults import Fault, faults
from hybridge.org.organization import Organization
from hybridge.org.records import Record

PROCEDURE = ("partner_apps/", "oauth/auth-certificate:")
ROUNDS = 3
"""How often a plan is applied, or a person lends a hand, until nothing is found."""


@dataclass(frozen=True)
class Pair:
    """Two faults that meet, in the order of the registry."""

    one: Fault
    other: Fault

    def __str__(self) -> str:
        return f"{self.one.name}+{self.other.name}"

    @property
    def names(self) -> set[str]:
        return {self.one.name, self.other.name}

    def ordered(self) -> tuple[Fault, ...] | str:
        """The faults in the order in which both leave a trace, or why they cannot be had both."""
        reasons = []
        for first, second in ((self.one, self.other), (self.other, self.one)):
            reason = _overwritten(first, second)
            if not reason:
                return first, second
            reasons.append(reason)
        return "; ".join(reasons)


def meet(one: Fault, other: Fault) -> bool:
    if not (one.healable or other.healable):
        return False
    together = one.name.startswith(PROCEDURE) and other.name.startswith(PROCEDURE)
    return together or bool(touched(one) & touched(other))


@cache
def pairs() -> tuple[Pair, ...]:
    """Every pair that meets."""
    return tuple(Pair(one, other) for one, other in combinations(faults(), 2) if meet(one, other))


def _overwritten(first: Fault, second: Fault) -> str:
    """Why breaking by ``first`` and then by ``second`` is not breaking by both; "" when it is."""
    alone = first.breaks(healthy())
    try:
        both = second.breaks(alone)
    except (LookupError, ValueError) as error:
        return f"{second.name} cannot break what {first.name} has broken ({type(error).__name__})"
    if both == alone:
        return f"{second.name} breaks nothing that {first.name} left"
    if both == second.breaks(healthy()):
        return f"{second.name} puts another fault in the place of {first.name}"
    return ""


@dataclass
class PairWalk:
    """The loop over one pair.

    ``seen`` are the findings of each look; ``named`` are the causes that the plans give as reasons of their changes or
    leave to a person: a plan looks again on paper, and so meets what a cause it cures has hidden. ``steps`` is what was
    done, to be taken back: the organization before, and the plan that was applied, "" where a person did it.
    """

    walk: Walk
    pair: Pair
    seen: list[set[str]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    steps: list[tuple[Organization, str]] = field(default_factory=list)
    open: list[Fault] = field(default_factory=list)
    """The faults no person has cured."""

    async def whole(self, faults_in_order: tuple[Fault, ...]) -> set[str]:
        """Every step of the loop; asserts at each. Returns the causes that the other fault has put out of force.

        Such a one never comes to light, and what its fault did is still there when nothing is found and nobody notices
        anything. A cause that never came to light because it was cured together with the other is none of them.
        """
        estate = self.walk.estate
        self.open = list(faults_in_order)
        for fault in self.open:
            estate.break_(fault.name, fault.breaks(estate.organization))
        broken = estate.organization
        looks = await self._until_silent()
        assert names(looks[0]) and names(looks[0]) <= self.pair.names
        assert names(looks[-1]) == set(), self.seen
        assert looks[-1].plan is not None and looks[-1].plan.empty
        assert await self.walk.verbs.symptoms() == []
        idle = self._idle(estate.organization)
        await self._back()
        assert estate.organization.difference(broken) == ()
        if looks[0].plan is not None and looks[0].plan.changes:
            await self.walk.drift(looks[0])
        return idle

    def _idle(self, organization: Organization) -> set[str]:
        """The causes that were never named though something of their faults is left in ``organization``."""
        left = {
            fault.name
            for fault in (self.pair.one, self.pair.other)
            if any(organization.at(address) != healthy().at(address) for address in touched(fault))
        }
        return left - self.named.union(*self.seen)

    async def _until_silent(self) -> list[Diagnosis]:
        """Look, apply the plan, do by hand what it leaves to a person, until nothing is found; returns every look."""
        looks = [await self._look()]
        while self.seen[-1] and len(looks) <= ROUNDS:
            plan = looks[-1].plan
            assert plan is not None, looks[-1].refused
            assert not plan.empty, self.seen
            by_hand = {manual.cause for manual in plan.manual}
            self.named |= by_hand.union(*(change.why for change in plan.changes))
            if plan.changes:
                self.steps.append((self.walk.estate.organization, plan.id))
                applied = await self.walk.apply(looks[-1])
                assert applied.complete, applied.says
            for fault in [one for one in self.open if one.name in by_hand]:
                self.steps.append((self.walk.estate.organization, ""))
                self._cure_by_hand(fault)
            looks.append(await self._look())
        return looks

    async def _look(self) -> Diagnosis:
        diagnosis = await self.walk.look()
        self.seen.append(names(diagnosis))
        return diagnosis

    def _cure_by_hand(self, fault: Fault) -> None:
        """Take away what ``fault`` did, field by field, where no plan has changed it meanwhile."""
        bad = broken_by(self.open)
        self.open.remove(fault)
        good = broken_by(self.open)
        present = self.walk.estate.organization
        for address in bad.difference(good):
            now, wrong, right = (one.at(address) for one in (present, bad, good))
            present = present.drop(address) if right is None else present.put(_mended(now, wrong, right))
        self.walk.estate.organization = present

    async def _back(self) -> None:
        """Take every step back, last first; each undo ends exactly where its plan began."""
        for before, plan in reversed(self.steps):
            if plan:
                undone = await self.walk.undo(plan)
                assert undone.complete, undone.says
                assert self.walk.estate.organization.difference(before) == ()
            else:
                self.walk.estate.organization = before


def broken_by(some: Iterable[Fault]) -> Organization:
    """Contoso broken by ``some`` faults, in their order."""
    organization = healthy()
    for fault in some:
        organization = fault.breaks(organization)
    return organization


def _mended(now: Record | None, wrong: Record | None, right: Record) -> Record:
    if now is None or wrong is None:
        return right
    fields = {}
    for name in right.__struct_fields__:
        present, bad, good = (getattr(one, name) for one in (now, wrong, right))
        if bad == good:
            continue
        if present == bad:
            fields[name] = good
        elif isinstance(bad, tuple) and len(bad) == len(good):
            mended = dict(zip(bad, good, strict=True))
            fields[name] = tuple(mended.get(entry, entry) for entry in present)
    return msgspec.structs.replace(now, **fields)

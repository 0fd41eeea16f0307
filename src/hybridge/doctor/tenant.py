"""A whole tenant examined: organization once, mailboxes a slice at a time, results folded at once.

What is read of every mailbox in bulk lies in rolls (``collectors.bulk``). ``TenantReadings`` shows the checks one slice
of it beside what the organization has and what was asked about single mailboxes, so that every check that can judge a
mailbox can judge a hundred thousand. Nobody holds a hundred thousand results: each slice folds to a few lines.

Some things are known only by asking about one mailbox: the calendar's permissions, the delegates EWS lists, automatic
replies, the way there, what callers are answered. They are asked for the delegators that bulk data show and for a few
others, the ``Sample``; whoever was not asked is counted as such.

The walk is driven from outside: it tells how far it is, writes down every slice through ``keep``, and goes on behind
slices that were kept before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Protocol

import msgspec

from hybridge.checks.base import Check
from hybridge.collectors.bulk import SOURCES, Roll, Rolls, delegations_of, reading_of_roll
from hybridge.collectors.collect import Target, collect
from hybridge.doctor.accept import Register, accept
from hybridge.doctor.examine import explain, look
from hybridge.doctor.folds import NOT_ASKED, Fold, SliceFold
from hybridge.evidence import Evidence, Key, Reading, Readings, Seen, Unseen
from hybridge.findings import ORGANIZATION, CheckResult, Scope, Subject
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, CmdletAnswer, CmdletAsk, Failure, FailureReason

SLICE = 500
"""Mailboxes examined together."""
SINGLY = 20
"""Mailboxes asked about one by one at the same time."""
SAMPLE = 5
"""Mailboxes asked about one by one besides the delegators."""


class TenantReadings(Readings):
    """What is known of the organization, of everybody (``rolls``), and of single mailboxes (``own``)."""

    def __init__(self, made: Mapping[Key, Reading], rolls: Rolls, own: Mapping[Key, Reading] | None = None) -> None:
        super().__init__({at: reading for at, reading in made.items() if at not in rolls})
        self._rolls = rolls
        self._own = own or {}
        self._whole: dict[Key, Reading] = {}

    def with_own(self, own: Mapping[Key, Reading]) -> TenantReadings:
        """The same with what was asked about the mailboxes of another slice."""
        other = TenantReadings({}, self._rolls, own)
        other._made, other._scopes, other._identities, other._whole = (
            self._made,
            self._scopes,
            self._identities,
            self._whole,
        )
        return other

    def __getitem__(self, key: Key) -> Reading:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: Key, default: Reading | None = None) -> Reading | None:  # type: ignore[override]
        """The reading of ``key``: asked singly, of the roll, or of the organization."""
        own = self._own.get(key)
        if own is not None:
            return own
        if key.scope:
            return self._made.get(key, default)
        if key in self._rolls:
            return self._all(key)
        return self._made.get(key, default)

    def __iter__(self) -> Iterator[Key]:
        yield from self._made
        yield from self._own

    def __len__(self) -> int:
        return len(self._made) + len(self._own)

    def cut(self, key: Key, scope: str) -> Reading | None:
        """The reading of ``key`` reduced to ``scope``."""
        roll = self._rolls.get(key)
        if isinstance(roll, Roll):
            return Seen(roll.of(scope), roll.origin)
        return roll if roll is not None else super().cut(key, scope)

    def one(self, key: Key, identity: str) -> Reading | None:
        """The reading of ``key`` reduced to the record with ``identity``."""
        roll = self._rolls.get(key)
        if not isinstance(roll, Roll):
            return roll if roll is not None else super().one(key, identity)
        return Seen(tuple(one for one in roll.of(identity) if one.identity.lower() == identity), roll.origin)

    def _all(self, key: Key) -> Reading:
        if key not in self._whole:
            self._whole[key] = reading_of_roll(self._rolls[key])
        return self._whole[key]


@dataclass(frozen=True)
class Tenant:
    """What is examined: the evidence of the organization and of everybody, and who everybody is."""

    evidence: Evidence
    rolls: Rolls
    mailboxes: tuple[str, ...]
    checks: tuple[Check, ...]
    register: Register

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return -(-len(self.mailboxes) // SLICE)

    def slice(self, number: int) -> tuple[str, ...]:
        """The mailboxes of slice ``number``, from 0."""
        return self.mailboxes[number * SLICE : (number + 1) * SLICE]


def everybody(rolls: Rolls, also: Iterable[str] = ()) -> tuple[str, ...]:
    """Every mailbox of the rolls, on-premises first, and those of ``also`` that are in none."""
    found: dict[str, str] = {}
    for premises in (Premises.ON_PREMISES, Premises.ONLINE):
        roll = rolls.get(Key(Mailbox.__name__, premises))
        for record in roll if isinstance(roll, Roll) else ():
            found.setdefault(record.scope, record.identity)
    for address in also:
        found.setdefault(address.lower(), address)
    return tuple(found.values())


def settled(rolls: Rolls, offline: bool) -> Rolls:
    """``rolls`` without the gaps nobody need close: what exists only per mailbox and was not exported is not asked."""
    lax = {source.key for source in SOURCES if source.exported} if offline else set()
    return {
        at: msgspec.structs.replace(found, reason=NOT_ASKED)
        if at in lax and isinstance(found, Unseen) and found.reason == "not-exported"
        else found
        for at, found in rolls.items()
    }


def tenant_of(
    evidence: Evidence,
    rolls: Rolls,
    checks: Sequence[Check],
    register: Register,
    also: Iterable[str] = (),
    *,
    offline: bool = False,
) -> Tenant:
    """The tenant that ``evidence`` (of the organization) and ``rolls`` show."""
    rolls = settled(rolls, offline)
    made = {
        at: reading
        for at, reading in evidence.readings.items()
        if not (at.scope and isinstance(reading, Unseen) and isinstance(rolls.get(Key(at.kind, at.premises)), Roll))
    }
    seen = replace(evidence, readings=TenantReadings(made, rolls))
    return Tenant(seen, rolls, everybody(rolls, also), tuple(checks), register)


def chosen(rolls: Rolls, number: int) -> tuple[str, ...]:
    """``number`` mailboxes of each side: those that are asked what only a single mailbox can tell."""
    found: list[str] = []
    for premises in (Premises.ON_PREMISES, Premises.ONLINE):
        roll = rolls.get(Key(Mailbox.__name__, premises))
        found += [one.identity for one in islice(roll if isinstance(roll, Roll) else (), number)]
    return tuple(found)


def delegators(tenant: Tenant, boxes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of delegator and delegate among ``boxes``, as bulk data show them."""
    return tuple((box, delegate) for box in boxes for delegate in delegations_of(tenant.rolls, box.lower()))


def judge_organization(tenant: Tenant) -> tuple[CheckResult, ...]:
    """Results of the checks of the organization."""
    results = [
        look(check, tenant.evidence, ORGANIZATION) for check in tenant.checks if check.scope is Scope.ORGANIZATION
    ]
    return accept(explain(results, {check.name: check for check in tenant.checks}), tenant.register)


def judge_slice(
    tenant: Tenant, boxes: Sequence[str], own: Mapping[Key, Reading], organization: Sequence[CheckResult]
) -> SliceFold:
    """Examine ``boxes`` and their delegations. Pure. ``organization`` are the results that may explain what is seen."""
    readings = tenant.evidence.readings
    assert isinstance(readings, TenantReadings)
    evidence = replace(tenant.evidence, readings=readings.with_own(own))
    pairs = delegators(tenant, boxes)
    subjects = {
        Scope.MAILBOX: [Subject(Scope.MAILBOX, box) for box in boxes],
        Scope.DELEGATION: [Subject(Scope.DELEGATION, f"{delegator}:{delegate}") for delegator, delegate in pairs],
    }
    results = [look(check, evidence, subject) for check in tenant.checks for subject in subjects.get(check.scope, ())]
    telling = [one for one in organization if one.findings]
    checks = {check.name: check for check in tenant.checks}
    together = accept(explain([*telling, *results], checks), tenant.register)
    fold = Fold()
    fold.add(together[len(telling) :])
    return fold.part()


def organization_explained(tenant: Tenant, organization: Sequence[CheckResult], fold: Fold) -> tuple[CheckResult, ...]:
    """The organization's results once everybody was seen: a cause at one mailbox may explain an effect of the whole."""
    witnesses = [
        CheckResult(
            check=found.example.check,
            subject=found.example.subject,
            outcome=organization[0].outcome,
            severity=found.severity,
            findings=(found.example,),
        )
        for found in fold.found.values()
        if organization
    ]
    explained = explain([*organization, *witnesses], {check.name: check for check in tenant.checks})
    return accept(explained[: len(organization)], tenant.register)


@dataclass(frozen=True)
class Far:
    """How far a run is: ``done`` of ``total`` mailboxes."""

    done: int
    total: int


class Branching(Answerer, Protocol):
    """An answerer that remembers what it was asked, and can lend its memory to another for a while."""

    @property
    def made(self) -> int: ...

    def branch(self) -> Branching: ...


class WithoutTests:
    """An answerer that runs no ``Test-`` cmdlet: what they tell of the organization was asked once."""

    def __init__(self, inner: Answerer) -> None:
        self._inner = inner
        self.http, self.dns, self.tls = inner.http, inner.dns, inner.tls

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        """As ``Answerer.cmdlet``."""
        if ask.name.lower().startswith("test-"):
            says = f"{ask.name} was run once, for the organization."
            return CmdletAnswer(failure=Failure(reason=FailureReason.REFUSED, says=says))
        return await self._inner.cmdlet(ask)


@dataclass
class Walk:
    """One run over a tenant. ``answerer`` is the one below, not one that remembers; None asks nothing singly."""

    tenant: Tenant
    target: Target
    now: datetime
    answerer: Branching | None = None
    sampled: tuple[str, ...] = ()
    """Mailboxes that the evidence holds everything about already."""
    tell: Callable[[Far], None] = lambda _: None
    keep: Callable[[int, SliceFold], None] = lambda _, __: None
    fold: Fold = field(default_factory=Fold)
    asked: int = 0
    """Questions asked about single mailboxes."""

    async def run(self, done: Mapping[int, SliceFold] | None = None) -> tuple[CheckResult, ...]:
        """Examine everybody; the results of the organization. ``done`` are slices that need not be looked at again."""
        tenant = self.tenant
        organization = judge_organization(tenant)
        sampled = frozenset(box.lower() for box in self.sampled)
        for number in range(tenant.slices):
            boxes = tenant.slice(number)
            part = (done or {}).get(number)
            if part is None:
                own = await self._singly(boxes, sampled)
                part = judge_slice(tenant, boxes, own, organization)
                self.keep(number, part)
            self.fold.merge(part)
            self.tell(Far(min((number + 1) * SLICE, len(tenant.mailboxes)), len(tenant.mailboxes)))
            await asyncio.sleep(0)
        return organization_explained(tenant, organization, self.fold)

    async def _singly(self, boxes: Sequence[str], sampled: frozenset[str]) -> dict[Key, Reading]:
        """What is known of single mailboxes of ``boxes`` by asking about them."""
        if self.answerer is None:
            return {}
        wanted = [box for box in boxes if box.lower() not in sampled and delegations_of(self.tenant.rolls, box.lower())]
        own: dict[Key, Reading] = {}
        for start in range(0, len(wanted), SINGLY):
            group = tuple(wanted[start : start + SINGLY])
            branch = self.answerer.branch()
            evidence = await collect(WithoutTests(branch), replace(self.target, mailboxes=group), self.now)
            self.asked += branch.made
            own |= self._worth_keeping(evidence, group)
        return own

    def _worth_keeping(self, evidence: Evidence, group: Iterable[str]) -> dict[Key, Reading]:
        """Readings of the mailboxes of ``group``; what a roll shows is not given up for a gap."""
        scopes = {box.lower() for box in group}
        kept: dict[Key, Reading] = {}
        for at, reading in evidence.readings.items():
            if at.scope not in scopes:
                continue
            whole = self.tenant.rolls.get(Key(at.kind, at.premises))
            if isinstance(reading, Unseen) and isinstance(whole, Roll):
                continue
            kept[at] = reading
        return kept

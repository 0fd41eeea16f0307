"""The closed loop as one walk: healthy -> broken -> found -> planned -> healed -> verified -> undone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import msgspec

from hybridge.collectors.collect import Target
from hybridge.collectors.ews_access import FOLDER, AccessAsked, MemoryNotes
from hybridge.collectors.network import AllowList
from hybridge.collectors.routes import ews_address
from hybridge.doctor.diagnose import Diagnosis, diagnose
from hybridge.doctor.examine import unexplained
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import DELEGATIONS, DOMAIN, PEOPLE, TENANT_ID, AuthCertificate, contoso
from hybridge.lab.contoso_network import ALLOW_LIST_URL
from hybridge.lab.estate import Estate
from hybridge.lab.faults import Fault
from hybridge.lab.verbs import Verbs
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.clock import SetClock
from hybridge.org.organization import Organization
from hybridge.org.records import Address, Record
from hybridge.plan import Change
from hybridge.repair.executor import Applied, End, Patience, apply, undo
from hybridge.repair.hands.base import Hand
from hybridge.repair.hands.debts import Debts
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.exchange_online import ExchangeOnlineHand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.hands.teams import TeamsHand
from hybridge.repair.journal import open_journal
from hybridge.repair.writable import writable
from hybridge.terms.clouds import WORLDWIDE, Cloud
from hybridge.wire.ask import Answerer

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


def new_estate(clock: SetClock, cloud: Cloud = WORLDWIDE) -> Estate:
    healthy = contoso(NOW, certificate(), cloud=cloud)
    return Estate(healthy, clock=clock.now, certificate=certificate(), cloud=cloud)


@cache
def healthy() -> Organization:
    """Contoso at ``NOW``, as every estate has it at the start."""
    return contoso(NOW, certificate())


@cache
def touched(fault: Fault) -> frozenset[Address]:
    """The addresses of what ``fault`` changes."""
    return frozenset(healthy().difference(fault.breaks(healthy())))


SOME = ("ada@contoso.com", "grace@contoso.com")
"""A delegation on-premises: enough to see whatever concerns everybody."""
ONLINE_TOO = ("ews/", "free_busy/", "oauth/", "sharing/")
"""Areas in which a mailbox online is asked for, by the servers or by us."""


def mailboxes_for(*broken_by: Fault) -> tuple[str, ...]:
    """``SOME``, somebody online where that is asked for, and the people whose records or server the faults change,
    with those they share a delegation with.
    """
    names = [address.identity for fault in broken_by for address in touched(fault)]
    servers = {re.split(r"[\\/.]", name)[0] for name in names}
    met = [one.address for one in PEOPLE if one.server.lower() in servers or any(one.address in name for name in names)]
    pairs = (pair for pair in DELEGATIONS if set(pair) & set(met))
    online = any(fault.name.startswith(ONLINE_TOO) for fault in broken_by)
    some = (*SOME, "linus@contoso.com") if online else SOME
    return tuple(dict.fromkeys((*some, *met, *(address for pair in pairs for address in pair))))


async def no_sleep(_: float) -> None:
    """Time is not waited for: the lab shows a change at once."""


@dataclass
class Walk:
    """One walk over one fault. ``open_answerer`` gives what the product asks through."""

    estate: Estate
    verbs: Verbs
    clock: SetClock
    folder: Path
    answerer: Answerer
    mailboxes: tuple[str, ...] = tuple(person.address for person in PEOPLE)
    debts: Debts = field(default_factory=Debts)

    @property
    def hands(self) -> tuple[Hand, ...]:
        powershell = PowerShellHand()
        cloud = self.estate.cloud
        find_ews = partial(ews_address, cloud_host=cloud.exchange, domain=DOMAIN)
        return (
            powershell,
            EwsHand(find_ews, "hybridge/test", powershell, self.clock, self.debts, no_sleep),
            ExchangeOnlineHand(),
            GraphHand(cloud.graph, self.clock, no_sleep),
            TeamsHand(cloud.teams_config, no_sleep),
        )

    @property
    def target(self) -> Target:
        listed = AllowList(ALLOW_LIST_URL)
        # The test that writes runs where it is asked for, and only these causes need it.
        tried = any(name.startswith("ews/service-account:") for name in self.estate.faults)
        return Target(
            DOMAIN,
            TENANT_ID,
            self.estate.cloud,
            self.mailboxes,
            "hybridge/test",
            allow_list=listed,
            ews_access=AccessAsked(MemoryNotes(), "loop", FOLDER) if tried else None,
        )

    async def look(self) -> Diagnosis:
        once = AskedOnce(self.answerer)
        return await diagnose(once, self.target, self.clock.now(), delegations=DELEGATIONS)

    async def found(self) -> set[str]:
        return names(await self.look())

    async def apply(self, diagnosis: Diagnosis) -> Applied:
        assert diagnosis.plan is not None, diagnosis.refused
        with open_journal(self.folder, diagnosis.plan.id, DOMAIN) as journal:
            return await apply(
                diagnosis.plan,
                self.answerer,
                journal,
                self.hands,
                who="test",
                clock=self.clock,
                patience=Patience(sleep=no_sleep),
            )

    async def undo(self, plan: str) -> Applied:
        with open_journal(self.folder, plan, DOMAIN) as journal:
            return await undo(
                journal, self.answerer, self.hands, who="test", clock=self.clock, patience=Patience(sleep=no_sleep)
            )

    async def whole(self, fault: Fault) -> None:
        """Every step of the loop for ``fault``, from the healthy lab on; asserts at each."""
        diagnosis = await self.there_and_back(fault)
        if fault.healable:
            await self.drift(diagnosis)

    async def there_and_back(self, fault: Fault, *, look_again: bool = True) -> Diagnosis:
        """From the healthy lab to the broken one, to the healed one; where hybridge heals, back to the broken one.

        Returns what was seen of the broken lab. ``look_again`` looks once more after a person healed it.
        """
        await self.verbs.break_((fault.name,))
        broken = self.estate.organization
        diagnosis = await self.look()
        assert names(diagnosis) == {fault.name}
        noticed = {one["symptom"] for one in await self.verbs.symptoms()}
        assert noticed == set(fault.symptoms)
        assert diagnosis.plan is not None, diagnosis.refused
        assert self.estate.organization == broken, "looking and planning change nothing"
        if not fault.healable:
            assert not diagnosis.plan.changes
            assert {manual.cause for manual in diagnosis.plan.manual} == {fault.name}
            await self.verbs.heal((fault.name,))
            if look_again:
                assert await self.found() == set()
                assert await self.verbs.symptoms() == []
            return diagnosis
        assert diagnosis.plan.changes
        assert not diagnosis.plan.manual
        applied = await self.apply(diagnosis)
        assert applied.complete, applied.says
        again = await self.look()
        assert names(again) == set()
        assert again.plan is not None
        assert again.plan.empty
        assert await self.verbs.symptoms() == []
        undone = await self.undo(diagnosis.plan.id)
        assert undone.complete, undone.says
        assert self.estate.organization.difference(broken) == ()
        return diagnosis

    async def drift(self, diagnosis: Diagnosis) -> None:
        """What somebody else changed meanwhile is never written over: nothing at all is written."""
        assert diagnosis.plan is not None
        first = diagnosis.plan.changes[0]
        meddled = tampered(first)
        present = self.estate.organization
        self.estate.organization = present.put(meddled) if meddled else present.drop(first.address)
        before = self.estate.organization
        refused = await self.apply(diagnosis)
        assert not refused.complete
        assert {step.end for step in refused.steps} <= {End.DRIFTED, End.NOT_REACHED, End.FAILED}
        assert self.estate.organization == before


def tampered(change: Change) -> Record | None:
    """The record of ``change`` as neither its before nor its after, or None where only its absence is neither."""
    base = change.before or change.after
    row = writable(change.address)
    assert base is not None
    assert row is not None
    for name in row.compared:
        value = getattr(base, name)
        for other in _others(value):
            if all(side is None or getattr(side, name) != other for side in (change.before, change.after)):
                return msgspec.structs.replace(base, **{name: other})
    assert change.before is not None
    return None


def _others(value: object) -> tuple[object, ...]:
    if isinstance(value, bool) or value is None:
        return (True, False)
    if isinstance(value, str):
        return (value + "x",)
    return ((*value, "X-drift"), ()) if isinstance(value, tuple) and all(isinstance(v, str) for v in value) else ((),)


def names(diagnosis: Diagnosis) -> set[str]:
    return {finding.name for finding in unexplained(diagnosis.results)}

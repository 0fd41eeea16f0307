"""The whole partner-application procedure on one desk: everything of it broken at once, its plan, its journal, the lab.

Missing are the account, its role, the assignment, both partner applications, the keys on all three service principals,
and one of those principals itself. Other parties have keys on the two that are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import get_args

from tests.repair.storm import NOW, certificate, healthy

from hybridge.checks.registry import all_checks
from hybridge.checks.rehearsal import subjects_of
from hybridge.evidence import complete
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.org.union import AnyRecord
from hybridge.plan import Plan
from hybridge.repair import journal as j
from hybridge.repair.executor import Applied, Choose, Patience, apply, undo
from hybridge.repair.hands.base import Hand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.planner import prove
from hybridge.repair.resume import Way, resume
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
KINDS: list[tuple[type[Record], Premises]] = [(kind, side) for kind in get_args(AnyRecord) for side in Premises]
ORDER = (
    "MailUser",
    "ManagementRole",
    "ManagementRoleAssignment",
    "PartnerApplication",
    "PartnerApplication",
    "ServicePrincipal",
    "ServicePrincipal",
    "ServicePrincipal",
)
"""Kinds of the plan's changes."""


@cache
def broken() -> Organization:
    """Contoso without anything of the procedure."""
    whole = healthy()
    left = whole.drop(
        *(one.address for one in whole.all(r.PartnerApplication, ON)),
        *(one.address for one in whole.all(r.ManagementRoleAssignment, ON) if one.role == apps.INTEGRATION_ROLE),
        r.ManagementRole(premises=ON, identity=apps.INTEGRATION_ROLE).address,
        r.MailUser(premises=ON, identity=apps.INTEGRATION_ACCOUNT).address,
        r.ServicePrincipal(premises=ONLINE, identity=apps.CLOUD_VOICEMAIL).address,
    )
    ours = certificate().der
    for principal in left.all(r.ServicePrincipal, ONLINE):
        others = tuple(key for key in principal.key_credentials if key.key != ours)
        left = left.edit(r.ServicePrincipal, lambda one, same=principal: one == same, key_credentials=others)  # type: ignore[misc]
    return left


@cache
def plan() -> Plan:
    """The plan for the broken organization."""
    evidence = complete(broken(), KINDS, NOW, domain="contoso.com", tenant_id=TENANT_ID)
    made = prove(all_checks(), evidence, subjects_of(healthy()))
    assert tuple(change.address.kind for change in made.changes) == ORDER
    return made


def new_estate() -> Estate:
    """The lab with the broken organization."""
    estate = Estate(healthy(), clock=lambda: NOW, certificate=certificate())
    estate.organization = broken()
    return estate


async def no_sleep(_: float) -> None:
    """Nothing here waits."""


@dataclass
class Desk:
    """What a person at the command line has: the lab, journals under ``root``, hands, a clock."""

    root: Path
    estate: Estate = field(default_factory=new_estate)
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    patience: Patience = field(default_factory=lambda: Patience(tries=3, sleep=no_sleep))

    def __post_init__(self) -> None:
        self.answerer = InProcess(self.estate)

    @property
    def organization(self) -> Organization:
        return self.estate.organization

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def hands(self) -> tuple[Hand, ...]:
        return (PowerShellHand(), GraphHand(WORLDWIDE.graph, self.clock, no_sleep))

    def journal(self, plan_id: str = "") -> j.Journal:
        return j.read_journal(self.root / (plan_id or plan().id))

    def states(self, plan_id: str = "") -> list[str]:
        return [str(step.state) for step in self.journal(plan_id).steps]

    async def apply(self, wanted: Plan | None = None, choose: Choose | None = None) -> Applied:
        made = wanted or plan()
        with j.open_journal(self.root, made.id, made.organization) as journal:
            return await apply(
                made,
                self.answerer,
                journal,
                self.hands,
                who="ada",
                clock=self.clock,
                patience=self.patience,
                choose=choose,
            )

    async def undo(self, plan_id: str = "") -> Applied:
        with j.open_journal(self.root, plan_id or plan().id) as journal:
            return await undo(journal, self.answerer, self.hands, who="grace", clock=self.clock, patience=self.patience)

    async def resume(self, way: Way = Way.ON, plan_id: str = "") -> Applied:
        with j.open_journal(self.root, plan_id or plan().id) as journal:
            return await resume(
                journal, self.answerer, self.hands, way, who="grace", clock=self.clock, patience=self.patience
            )

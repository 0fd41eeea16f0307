"""Every cause of every cause check against the lab in process: planned, printed, applied, silent, undone, equal."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from hybridge.checks.base import Cause
from hybridge.checks.registry import all_causes, all_checks
from hybridge.doctor.examine import examine, subjects_for
from hybridge.evidence import Evidence, complete
from hybridge.findings import Finding
from hybridge.lab.apps import router
from hybridge.lab.apps.base import Request
from hybridge.lab.apps.tokens import mint
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import DELEGATIONS, EWS_URL, PEOPLE, SERVERS, AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, ENTRA_CLIENT, Estate
from hybridge.lab.powershell import run
from hybridge.net.clock import SetClock
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.org.union import AnyRecord
from hybridge.plan import Plan
from hybridge.repair.executor import Patience, apply, undo
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.exchange_online import ExchangeOnlineHand
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.hands.script import script
from hybridge.repair.hands.teams import TeamsHand
from hybridge.repair.journal import open_journal
from hybridge.repair.plan_file import read_plan, write_plan
from hybridge.repair.planner import prove
from hybridge.repair.what_if import what_if
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    HttpAnswer,
    HttpAsk,
    Sign,
    TlsAnswer,
    TlsAsk,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
KINDS: list[tuple[type[Record], Premises]] = [(kind, side) for kind in get_args(AnyRecord) for side in Premises]
SUBJECTS = subjects_for([one.address for one in PEOPLE], DELEGATIONS, SERVERS)
CAUSES = [(name, cause) for name, check, cause in all_causes() if cause.breaks is not None and not check.symptom]
"""Symptom checks judge probes, which records alone do not give."""


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(NOW)


class InProcess:
    """The lab without a network: asks go straight to its apps and cmdlets."""

    def __init__(self, organization: Organization) -> None:
        self.estate = Estate(contoso(NOW, certificate()), clock=lambda: NOW, certificate=certificate())
        self.estate.organization = organization

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        return run(self.estate, ask, ADMINISTRATOR)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        url = urlsplit(ask.url)
        signed = ask.sign is Sign.EXCHANGE
        bearer = {"authorization": f"Bearer {mint(self.estate, ENTRA_CLIENT, ask.scope.removesuffix('/.default'))}"}
        request = Request(
            method=ask.method,
            host=url.hostname or "",
            path=unquote(url.path),
            query=dict(parse_qsl(url.query)),
            headers={name.lower(): value for name, value in ask.headers} | ({} if signed else bearer),
            body=ask.body,
            principal=ADMINISTRATOR if signed else "",
        )
        return router.answer(self.estate, request)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(ask.name)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)

    def evidence(self) -> Evidence:
        return complete(self.estate.organization, KINDS, NOW, domain="contoso.com")

    def findings(self) -> list[Finding]:
        results = examine(self.evidence(), SUBJECTS, all_checks())
        return [finding for result in results for finding in result.findings]

    def plan(self) -> Plan:
        return prove(all_checks(), self.evidence(), SUBJECTS)


async def no_sleep(_: float) -> None:
    return


async def published_ews(_: Answerer, __: str) -> str:
    return EWS_URL


@pytest.mark.parametrize(("name", "cause"), CAUSES, ids=[name for name, _ in CAUSES])
async def test_a_cause_is_planned_applied_and_undone(name: str, cause: Cause, tmp_path: Path) -> None:
    assert cause.breaks is not None
    broken = cause.breaks(contoso(NOW, certificate()))
    lab = InProcess(broken)
    plan = lab.plan()
    assert not plan.empty
    assert bool(plan.changes) is cause.healable
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
    assert what_if(plan) and script(plan).startswith("# Plan ")
    assert lab.estate.organization is broken

    hands = (
        PowerShellHand(),
        EwsHand(published_ews, "hybridge/test", PowerShellHand(), SetClock(NOW), sleep=no_sleep),
        ExchangeOnlineHand(),
        GraphHand(WORLDWIDE.graph, SetClock(NOW), no_sleep),
        TeamsHand(WORLDWIDE.teams_config, no_sleep),
    )
    patience = Patience(tries=2, sleep=no_sleep)
    with open_journal(tmp_path / "journals", plan.id, plan.organization) as journal:
        applied = await apply(plan, lab, journal, hands, who="ada", clock=SetClock(NOW), patience=patience)
    assert applied.complete, applied.says
    assert {finding.name for finding in lab.findings()} <= {manual.cause for manual in plan.manual}
    assert lab.plan().changes == ()

    with open_journal(tmp_path / "journals", plan.id) as journal:
        undone = await undo(journal, lab, hands, who="ada", clock=SetClock(NOW), patience=patience)
    assert undone.complete, undone.says
    assert lab.estate.organization.difference(broken) == ()


async def test_all_healable_causes_that_fit_together_at_once(tmp_path: Path) -> None:
    broken = contoso(NOW, certificate())
    for wanted in ("too-low", "missing", "caller-missing", "legacy-only", "principal-missing", "not-pinned"):
        for _, cause in CAUSES:
            if cause.slug == wanted and cause.healable and cause.breaks is not None:
                broken = cause.breaks(broken)
    lab = InProcess(broken)
    plan = lab.plan()
    kinds = [change.address.kind for change in plan.changes]
    assert kinds.index("MailUser") < kinds.index("ManagementRoleAssignment") < kinds.index("PartnerApplication")
    assert kinds.index("PartnerApplication") < kinds.index("ServicePrincipal")
    hands = (
        PowerShellHand(),
        EwsHand(published_ews, "hybridge/test", PowerShellHand(), SetClock(NOW), sleep=no_sleep),
        ExchangeOnlineHand(),
        GraphHand(WORLDWIDE.graph, SetClock(NOW), no_sleep),
        TeamsHand(WORLDWIDE.teams_config, no_sleep),
    )
    patience = Patience(tries=2, sleep=no_sleep)
    with open_journal(tmp_path, plan.id, plan.organization) as journal:
        applied = await apply(plan, lab, journal, hands, who="ada", clock=SetClock(NOW), patience=patience)
    assert applied.complete, applied.says
    assert lab.plan().changes == ()
    with open_journal(tmp_path, plan.id) as journal:
        assert (await undo(journal, lab, hands, who="ada", clock=SetClock(NOW), patience=patience)).complete
    assert lab.estate.organization == broken

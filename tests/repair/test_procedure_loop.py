"""The whole procedure in process: from every edition to today's, felt by the lab's scheduler, and back to equality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.loop.walk import NOW, certificate, new_estate, no_sleep
from tests.repair.generations import GENERATIONS, nothing, oldest

from hybridge.checks.oauth import certificates
from hybridge.checks.partner_apps import integration, keys
from hybridge.collectors.cloud import collect_principals
from hybridge.collectors.configuration import collect_configuration
from hybridge.collectors.reading import merged
from hybridge.evidence import Evidence
from hybridge.lab.apps.teams_services import symptoms
from hybridge.lab.contoso import DOMAIN, TENANT_ID
from hybridge.lab.contoso_sharing import EXCHANGE_ONLINE_ACCOUNT
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.answerers.at_domain_controller import AtDomainController
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.plan import Plan
from hybridge.repair.executor import Applied, End, Patience, apply, undo
from hybridge.repair.hands.graph import GraphHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.journal import open_journal
from hybridge.repair.procedures.generations import ACCOUNTS
from hybridge.repair.procedures.preconditions import gaps
from hybridge.repair.procedures.teams_partner_apps import Drafted, Options, draft
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, DnsAnswer, DnsAsk, HttpAnswer, HttpAsk, TlsAnswer, TlsAsk

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
CONTROLLER = "dc2.contoso.com"
PLAIN = Options()


@dataclass
class Listening:
    """Passes asks on and keeps the cmdlets."""

    inner: InProcess
    cmdlets: list[CmdletAsk] = field(default_factory=list)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return await self.inner.http(ask)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.cmdlets.append(ask)
        return await self.inner.cmdlet(ask)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return await self.inner.dns(ask)

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        return await self.inner.tls(ask)


class Lab:
    """One lab in process and the product in front of it."""

    def __init__(self, folder: Path, break_: Callable[[Organization], Organization]) -> None:
        self.clock = SetClock(NOW)
        self.estate: Estate = new_estate(self.clock)
        self.estate.organization = break_(self.estate.organization)
        self.answerer = Listening(InProcess(self.estate))
        self.folder = folder

    async def draft(self, options: Options = PLAIN) -> Drafted:
        asks: Any = self.answerer
        if options.domain_controller:
            asks = AtDomainController(asks, options.domain_controller)
        parts = (await collect_configuration(asks, ACCOUNTS), await collect_principals(asks, WORLDWIDE))
        evidence = Evidence(now=NOW, readings=merged(parts), domain=DOMAIN, tenant_id=TENANT_ID)
        assert gaps(evidence) == ()
        return draft(evidence, options)

    async def plan(self, options: Options = PLAIN) -> Plan:
        drafted = await self.draft(options)
        assert drafted.plan is not None, drafted.refused
        return drafted.plan

    async def apply(self, plan: Plan) -> Applied:
        with open_journal(self.folder, plan.id, DOMAIN) as journal:
            return await apply(
                plan,
                self.answerer,
                journal,
                self._hands(plan),
                who="test",
                clock=self.clock,
                patience=Patience(sleep=no_sleep),
            )

    async def undo(self, plan: Plan) -> Applied:
        with open_journal(self.folder, plan.id, DOMAIN) as journal:
            return await undo(
                journal,
                self.answerer,
                self._hands(plan),
                who="test",
                clock=self.clock,
                patience=Patience(sleep=no_sleep),
            )

    def _hands(self, plan: Plan) -> tuple[PowerShellHand, GraphHand]:
        return (PowerShellHand(plan.domain_controller), GraphHand(WORLDWIDE.graph, self.clock, no_sleep))

    async def noticed(self) -> set[str]:
        return {str(seen.symptom) for seen in await symptoms(self.estate, self.answerer.inner)}


@pytest.mark.parametrize("name", GENERATIONS)
async def test_from_every_generation_to_todays_and_back(name: str, tmp_path: Path) -> None:
    lab = Lab(tmp_path, GENERATIONS[name])
    broken = lab.estate.organization
    drafted = await lab.draft()
    assert drafted.detected.generation == name
    assert drafted.plan is not None and drafted.refused == ()
    assert bool(drafted.plan.changes) is (name != "D")
    assert lab.estate.organization == broken, "looking and planning change nothing"

    applied = await lab.apply(drafted.plan)
    assert applied.complete, applied.says
    assert await lab.noticed() == set(), "the scheduler works"
    again = await lab.draft()
    assert again.detected.generation == "D"
    assert again.plan is not None and again.plan.changes == ()
    as_built(lab.estate.organization)

    undone = await lab.undo(drafted.plan)
    assert undone.complete, undone.says
    assert lab.estate.organization.difference(broken) == ()


def as_built(organization: Organization) -> None:
    """Everything of today's procedure is as healthy Contoso has it, key ids aside."""
    parts = (
        integration.account_record(DOMAIN),
        integration.role_record(),
        integration.assignment_record(),
        *(integration.application_record(app_id, name) for app_id, name in apps.TEAMS_PAIR.items()),
    )
    assert [organization.at(one.address) for one in parts] == list(parts)
    for app_id in apps.KEY_HOLDERS:
        principal = organization.one(r.ServicePrincipal, ONLINE, app_id)
        assert principal is not None
        assert [key.key for key in principal.key_credentials] == [certificate().der]


@pytest.mark.parametrize("name", ["none", "A or B"])
async def test_without_the_procedure_delegates_cannot_schedule(name: str, tmp_path: Path) -> None:
    assert await Lab(tmp_path, GENERATIONS[name]).noticed() == {"delegate-cannot-schedule"}


async def test_the_order_is_that_of_the_procedure(tmp_path: Path) -> None:
    plan = await Lab(tmp_path, nothing).plan()
    assert [(change.address.kind, change.address.identity) for change in plan.changes] == [
        ("MailUser", apps.INTEGRATION_ACCOUNT.lower()),
        ("ManagementRole", apps.INTEGRATION_ROLE.lower()),
        ("ManagementRoleAssignment", integration.assignment_record().identity.lower()),
        ("PartnerApplication", "teamsscheduler"),
        ("PartnerApplication", "cloudvoicemail"),
        *(("ServicePrincipal", app_id) for app_id in apps.KEY_HOLDERS),
    ]
    assert all(change.why for change in plan.changes), "every change says what it ends"


async def test_todays_edition_is_made_exact(tmp_path: Path) -> None:
    """Parts that are there but not as the procedure has them: visible, too wide, switched off, disabled, elsewhere."""

    def odd(organization: Organization) -> Organization:
        wide = ("ConvertId", "CreateItem", "GetDelegate", "SendItem")
        return (
            organization.edit(r.MailUser, lambda one: one.premises is ON, hidden_from_address_lists_enabled=False)
            .edit(r.ManagementRole, lambda one: one.identity == apps.INTEGRATION_ROLE, role_entries=wide)
            .edit(r.ManagementRoleAssignment, enabled=False)
            .edit(r.PartnerApplication, lambda one: one.identity == "CloudVoicemail", enabled=False)
        )

    lab = Lab(tmp_path, odd)
    broken = lab.estate.organization
    plan = await lab.plan()
    says = " ".join(change.says for change in plan.changes)
    assert "Hide TeamsIntegration-ApplicationAccount" in says
    assert "remove CreateItem, SendItem" in says and "add DeleteItem" in says
    assert "Enable the assignment" in says
    assert "Enable the partner application CloudVoicemail" in says
    assert (await lab.apply(plan)).complete
    as_built(lab.estate.organization)
    assert (await lab.undo(plan)).complete
    assert lab.estate.organization.difference(broken) == ()


def with_next(organization: Organization) -> Organization:
    """AuthConfig names a next certificate, and every server holds it."""
    current = keys.current_certificate(organization)
    assert current is not None
    der = certificates.redated(current.raw_data, NOW, current.not_after or NOW)
    thumbprint = certificates.thumbprint_of(der)
    copies = (
        msgspec.structs.replace(one, identity=f"{one.server}/{thumbprint}", thumbprint=thumbprint, raw_data=der)
        for one in organization.all(r.ExchangeCertificate, ON)
    )
    return organization.put(*copies).edit(r.AuthConfig, next_certificate_thumbprint=thumbprint)


async def test_the_next_certificate_goes_up_with_the_one_in_use(tmp_path: Path) -> None:
    lab = Lab(tmp_path, lambda organization: nothing(with_next(organization)))
    broken = lab.estate.organization
    coming = keys.next_certificate(broken)
    assert coming is not None
    plan = await lab.plan()
    assert (await lab.apply(plan)).complete
    for app_id in apps.KEY_HOLDERS:
        principal = lab.estate.organization.one(r.ServicePrincipal, ONLINE, app_id)
        assert principal is not None
        assert [key.key for key in principal.key_credentials] == [certificate().der, coming.raw_data]
    assert (await lab.undo(plan)).complete
    assert lab.estate.organization.difference(broken) == ()


async def test_a_principal_that_lacks_the_next_certificate_alone_gets_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path, with_next)
    plan = await lab.plan()
    assert [change.why for change in plan.changes] == [
        ("partner_apps/service-principal-key-lasting:next-missing",)
    ] * len(apps.KEY_HOLDERS)
    assert (await lab.apply(plan)).complete


LEGACY = Options(legacy_sfb=True)


def legacy_in(organization: Organization) -> r.PartnerApplication:
    (found,) = integration.with_id(organization.all(r.PartnerApplication, ON), apps.SKYPE_FOR_BUSINESS_ONLINE)
    return found


async def test_the_legacy_application_is_made_beside_the_pair(tmp_path: Path) -> None:
    lab = Lab(tmp_path, nothing)
    broken = lab.estate.organization
    plan = await lab.plan(LEGACY)
    assert (await lab.apply(plan)).complete
    made = legacy_in(lab.estate.organization)
    assert made.enabled and made.linked_account == apps.LEGACY_ACCOUNT
    assert integration.has_account(lab.estate.organization, apps.LEGACY_ACCOUNT)
    roles = [
        one.role
        for one in lab.estate.organization.all(r.ManagementRoleAssignment, ON)
        if one.role_assignee == apps.LEGACY_ACCOUNT
    ]
    assert roles == [apps.INTEGRATION_ROLE_PARENT]
    as_built(lab.estate.organization)
    assert (await lab.undo(plan)).complete
    assert lab.estate.organization.difference(broken) == ()


async def test_the_legacy_application_keeps_its_account_and_is_never_deleted(tmp_path: Path) -> None:
    lab = Lab(tmp_path, oldest)
    before = legacy_in(lab.estate.organization)
    for options in (Options(), LEGACY, Options(archive_role=True)):
        plan = await lab.plan(options)
        assert all(change.after is not None for change in plan.changes)
        assert all(change.address != before.address for change in plan.changes)
    assert (await lab.apply(await lab.plan(LEGACY))).complete
    assert legacy_in(lab.estate.organization) == before


async def test_a_legacy_application_that_is_disabled_is_enabled_where_it_is(tmp_path: Path) -> None:
    def disabled(organization: Organization) -> Organization:
        elsewhere = r.MailUser(premises=ON, identity="Old", external_email_address="old@contoso.com")
        one = integration.application_record(apps.SKYPE_FOR_BUSINESS_ONLINE, "Lync", "Old")
        return organization.put(elsewhere, msgspec.structs.replace(one, enabled=False))

    lab = Lab(tmp_path, disabled)
    assert (await lab.plan()).changes == (), "nobody asked for it"
    plan = await lab.plan(LEGACY)
    (change,) = plan.changes
    assert change.says == f"Enable the partner application Lync ({apps.SKYPE_FOR_BUSINESS_ONLINE}), linked to Old."
    assert (await lab.apply(plan)).complete
    assert legacy_in(lab.estate.organization).linked_account == "Old"


def archive_assignees(organization: Organization) -> set[str]:
    assignments = organization.all(r.ManagementRoleAssignment, ON)
    return {one.role_assignee for one in assignments if one.role == apps.ARCHIVE_ROLE}


async def test_the_archive_role_is_assigned_when_asked_for(tmp_path: Path) -> None:
    lab = Lab(tmp_path, nothing)
    broken = lab.estate.organization
    plan = await lab.plan(Options(legacy_sfb=True, archive_role=True))
    ours = {apps.INTEGRATION_ACCOUNT, apps.LEGACY_ACCOUNT}
    others = archive_assignees(broken)
    assert others == {EXCHANGE_ONLINE_ACCOUNT}, "the role Exchange Online itself archives with"
    assert (await lab.apply(plan)).complete
    assert archive_assignees(lab.estate.organization) == others | ours
    assert await lab.noticed() == set()
    assert (await lab.undo(plan)).complete
    assert lab.estate.organization.difference(broken) == ()


async def test_one_domain_controller_through_every_cmdlet(tmp_path: Path) -> None:
    lab = Lab(tmp_path, nothing)
    plan = await lab.plan(Options(domain_controller=CONTROLLER))
    assert plan.domain_controller == CONTROLLER
    assert (await lab.apply(plan)).complete
    assert (await lab.undo(plan)).complete
    assert len(lab.answerer.cmdlets) > 40
    for ask in lab.answerer.cmdlets:
        assert dict(ask.parameters).get("DomainController") == CONTROLLER, ask


async def test_the_domain_controller_is_in_the_journal_for_the_undo(tmp_path: Path) -> None:
    lab = Lab(tmp_path, nothing)
    plan = await lab.plan(Options(domain_controller=CONTROLLER))
    await lab.apply(plan)
    with open_journal(tmp_path, plan.id) as journal:
        read = journal.read()
    assert read is not None and read.whole_plan == plan


async def test_what_somebody_made_meanwhile_is_drift(tmp_path: Path) -> None:
    lab = Lab(tmp_path, nothing)
    plan = await lab.plan()
    lab.estate.organization = lab.estate.organization.put(integration.account_record("elsewhere.com"))
    before = lab.estate.organization
    applied = await lab.apply(plan)
    assert not applied.complete
    assert {step.end for step in applied.steps} == {End.DRIFTED, End.NOT_REACHED}
    assert lab.estate.organization == before

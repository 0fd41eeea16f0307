"""Rights: what every hand needs, what the accounts have, and that a plan that lacks one is never begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.loop.walk import NOW, certificate, new_estate
from tests.repair.generations import nothing

from hybridge.cli.plans import hands
from hybridge.collectors.rights import EXCHANGE_ONLINE, GRAPH, collect_rights
from hybridge.config import load
from hybridge.evidence import Evidence, Key, Origin, Seen, Unseen, complete
from hybridge.lab.contoso import DOMAIN, TENANT_ID, contoso
from hybridge.lab.in_process import InProcess
from hybridge.lab.rights import EXCHANGE_ROLES, GRAPH_ROLES, rights_of
from hybridge.net.answerers.snapshot import SnapshotAnswerer
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.probes import AvailableCmdlet, GrantedPermissions
from hybridge.org.records import Address, Record
from hybridge.plan import Change, Plan
from hybridge.repair.hands.base import Entitled, Hand, hand_for
from hybridge.repair.procedures.preconditions import NEEDS
from hybridge.repair.procedures.teams_partner_apps import Options, draft
from hybridge.repair.rights import Accounts, Judged, Needed, judge, needed
from hybridge.repair.writable import WRITABLE
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk, Failure, FailureReason

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ACCOUNTS = Accounts(exchange="CONTOSO\\svc-hybridge", application="c11e47ab")
HEALTHY = contoso(NOW, certificate())


@pytest.fixture
def every_hand(tmp_path: Path) -> tuple[Hand, ...]:
    """The hands of the command line."""
    file = tmp_path / "hybridge.toml"
    file.write_text('[organization]\ndomain = "contoso.com"\n', encoding="utf-8")
    return hands(load(file))


def procedure(domain_controller: str = "") -> Plan:
    """The largest plan of the procedure: everything is made."""
    evidence = complete(nothing(HEALTHY), NEEDS, NOW, domain=DOMAIN, tenant_id=TENANT_ID)
    plan = draft(evidence, Options(legacy_sfb=True, domain_controller=domain_controller)).plan
    assert plan is not None
    return plan


# What is needed -------------------------------------------------------------------------------------------------------


def test_every_kind_that_is_written_has_a_hand_that_says_what_it_needs(every_hand: tuple[Hand, ...]) -> None:
    for kind, premises in WRITABLE:
        hand = hand_for(every_hand, Address(kind, premises, "any"))
        assert hand is not None, kind
        assert isinstance(hand, Entitled), f"{type(hand).__name__} does not say what rights it needs"
        for record in HEALTHY:
            if (type(record).__name__, record.premises) == (kind, premises):
                change = Change(address=record.address, before=record, after=None, says="")  # type: ignore[arg-type]
                rights = hand.rights(change)
                assert rights.says.endswith(".") and rights.least
                break


def test_the_procedure_needs_the_cmdlets_that_make_it_and_take_it_back(every_hand: tuple[Hand, ...]) -> None:
    wanted = needed(procedure(), every_hand)
    assert set(wanted.cmdlets) == {
        "Get-MailUser", "New-MailUser", "Set-MailUser", "Remove-MailUser",
        "Get-ManagementRole", "New-ManagementRole", "Remove-ManagementRole", "Remove-ManagementRoleEntry",
        "Get-ManagementRoleAssignment", "New-ManagementRoleAssignment", "Remove-ManagementRoleAssignment",
        "Get-PartnerApplication", "New-PartnerApplication", "Remove-PartnerApplication",
    }  # fmt: skip
    assert wanted.cmdlets["New-PartnerApplication"] == ("ApplicationIdentifier", "Enabled", "LinkedAccount", "Name")
    assert wanted.cmdlets["Remove-MailUser"] == ("Confirm", "Identity")
    assert wanted.permissions == {GRAPH: (("Application.ReadWrite.All",),)}
    assert {one.least for one in wanted.rights} == {
        "Organization Management", "Recipient Management", "Application.ReadWrite.All",
    }  # fmt: skip


def test_a_domain_controller_is_a_parameter_like_any_other(every_hand: tuple[Hand, ...]) -> None:
    wanted = needed(procedure("dc1.contoso.com"), every_hand)
    assert all("DomainController" in parameters for parameters in wanted.cmdlets.values())


def test_cures_of_teams_and_mailboxes_name_their_services(every_hand: tuple[Hand, ...]) -> None:
    policy = HEALTHY.all(r.TeamsAppSetupPolicy)[0]
    user = HEALTHY.all(r.CsOnlineUser)[0]
    online = HEALTHY.all(r.Mailbox, ONLINE)[0]
    changes = (
        changed(policy, pinned_app_bar_apps=()),
        changed(user, teams_upgrade_policy="Islands"),
        changed(online, grant_send_on_behalf_to=("x@contoso.com",)),
    )
    wanted = needed(plan_of(*changes), every_hand)
    assert wanted.cmdlets == {}
    assert wanted.permissions == {
        EXCHANGE_ONLINE: (("Exchange.ManageAsApp", "Exchange.ManageAsAppV2"),),
        GRAPH: (("TeamsPolicyUserAssign.ReadWrite.All",),),
    }
    judged = judge(
        wanted, holding(permissions={GRAPH: GRAPH_ROLES, EXCHANGE_ONLINE: ("Exchange.ManageAsAppV2",)}), ACCOUNTS
    )
    assert judged.lacks == ()
    (unasked,) = judged.unasked
    assert unasked.startswith("It cannot be asked beforehand:") and "Teams Administrator" in unasked


def changed(record: Record, **values: object) -> Change:
    after: Any = msgspec.structs.replace(record, **values)
    return Change(address=record.address, before=record, after=after, says="Change it.")  # type: ignore[arg-type]


def plan_of(*changes: Change) -> Plan:
    return Plan(id="p1", organization=DOMAIN, evidence_at=NOW, changes=changes)


# What is there --------------------------------------------------------------------------------------------------------


def holding(
    cmdlets: Mapping[str, tuple[str, ...] | None] | None = None, permissions: Mapping[str, Iterable[str]] | None = None
) -> Evidence:
    """Evidence of accounts that have exactly this; what is None was not asked."""
    origin = Origin(source="test")
    readings: dict[Key, Seen[Record] | Unseen] = {}
    if cmdlets is not None:
        had = tuple(AvailableCmdlet(premises=ON, identity=name, parameters=told) for name, told in cmdlets.items())
        readings[Key("AvailableCmdlet", ON)] = Seen(had, origin)
    if permissions is not None:
        held = tuple(
            GrantedPermissions(premises=ONLINE, identity=name, roles=tuple(roles))
            for name, roles in permissions.items()
        )
        readings[Key("GrantedPermissions", ONLINE)] = Seen(held, origin)
    return Evidence(now=NOW, readings=readings)


WANTED = Needed(
    rights=(),
    cmdlets={"Get-MailUser": ("Identity",), "New-MailUser": ("ExternalEmailAddress", "Name")},
    permissions={GRAPH: (("Application.ReadWrite.All",),)},
)
ALL = {GRAPH: ("Application.ReadWrite.All", "Other")}


def judged(cmdlets: Mapping[str, tuple[str, ...] | None], permissions: Mapping[str, Iterable[str]]) -> Judged:
    return judge(WANTED, holding(cmdlets, permissions), ACCOUNTS)


def test_names_are_compared_without_case_and_untold_parameters_are_believed() -> None:
    assert judged({"get-mailuser": ("identity",), "NEW-MAILUSER": None}, ALL) == Judged()


def test_a_missing_cmdlet_names_account_and_cmdlet() -> None:
    (lack,) = judged({"Get-MailUser": None}, ALL).lacks
    assert lack.says == "The account CONTOSO\\svc-hybridge may not run New-MailUser in Exchange."
    assert "Organization Management" in lack.next_step


def test_a_missing_parameter_is_named() -> None:
    (lack,) = judged({"Get-MailUser": ("Identity",), "New-MailUser": ("Name",)}, ALL).lacks
    assert lack.says == (
        "The account CONTOSO\\svc-hybridge may not run New-MailUser with -ExternalEmailAddress in Exchange."
    )


def test_a_missing_permission_names_application_and_permission() -> None:
    (lack,) = judged({"Get-MailUser": None, "New-MailUser": None}, {GRAPH: ("Other",)}).lacks
    assert lack.says == "The application c11e47ab lacks the permission Application.ReadWrite.All of Microsoft Graph."
    assert "administrator's consent" in lack.next_step


def test_what_could_not_be_asked_holds_nothing_up() -> None:
    told = judge(WANTED, Evidence(now=NOW), ACCOUNTS)
    assert told.lacks == ()
    assert len(told.unasked) == 2 and all("could not be asked" in one for one in told.unasked)
    empty = judge(WANTED, holding({}, ALL), ACCOUNTS)
    assert empty.lacks == () and "lists none at all" in empty.unasked[0]


# Asked in the lab -----------------------------------------------------------------------------------------------------


async def asked(answerer: Any, every_hand: tuple[Hand, ...], plan: Plan | None = None) -> Judged:
    wanted = needed(plan or procedure(), every_hand)
    readings = await collect_rights(answerer, WORLDWIDE, wanted.cmdlets, wanted.permissions)
    return judge(wanted, Evidence(now=NOW, readings=readings), ACCOUNTS)


async def test_the_labs_accounts_may_carry_out_every_cure(every_hand: tuple[Hand, ...]) -> None:
    answerer = InProcess(new_estate(SetClock(NOW)))
    assert await asked(answerer, every_hand) == Judged()
    assert await asked(answerer, every_hand, procedure("dc1.contoso.com")) == Judged()


@pytest.mark.parametrize(
    ("without", "says"),
    [
        ("Role Management", "New-ManagementRole, New-ManagementRoleAssignment, Remove-ManagementRole, "),
        ("Mail Recipient Creation", "may not run New-MailUser, Remove-MailUser in Exchange."),
        ("Organization Client Access", "may not run New-PartnerApplication, Remove-PartnerApplication in Exchange."),
        ("Organization Management", "Set-MailUser"),
        ("New-PartnerApplication:LinkedAccount", "may not run New-PartnerApplication with -LinkedAccount in Exchange."),
        ("Application.ReadWrite.All", "lacks the permission Application.ReadWrite.All of Microsoft Graph."),
    ],
)
async def test_each_right_taken_away_is_missed(every_hand: tuple[Hand, ...], without: str, says: str) -> None:
    estate = new_estate(SetClock(NOW))
    rights_of(estate).withhold([without])
    (lack,) = (await asked(InProcess(estate), every_hand)).lacks
    assert says in lack.says


async def test_other_rights_are_not_missed(every_hand: tuple[Hand, ...]) -> None:
    estate = new_estate(SetClock(NOW))
    rights_of(estate).withhold(["Federated Sharing", "Exchange Virtual Directories", "Presence.Read.All"])
    assert "Federated Sharing" in EXCHANGE_ROLES
    assert await asked(InProcess(estate), every_hand) == Judged()


async def test_offline_nothing_can_be_asked(every_hand: tuple[Hand, ...], tmp_path: Path) -> None:
    (tmp_path / "GetAuthConfig.xml").write_text(
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04" />', encoding="utf-8"
    )
    told = await asked(SnapshotAnswerer(tmp_path), every_hand)
    assert told.lacks == () and len(told.unasked) == 2


class Deaf:
    """A server that runs cmdlets and no Get-Command, and an answerer that cannot read its token."""

    def __init__(self, answer: CmdletAnswer) -> None:
        self._answer = answer

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        assert dict(ask.parameters)["ErrorAction"] == "SilentlyContinue", "an absent cmdlet is an answer, not an error"
        return self._answer


@pytest.mark.parametrize(
    "answer",
    [
        CmdletAnswer(failure=Failure(reason=FailureReason.FORBIDDEN, says="Get-Command is not available.")),
        CmdletAnswer(errors=("The syntax is not supported by this runspace.",)),
        CmdletAnswer(objects=({"Name": None}, {"ToString": "x"})),
    ],
)
async def test_a_session_that_does_not_tell_is_believed(every_hand: tuple[Hand, ...], answer: CmdletAnswer) -> None:
    told = await asked(Deaf(answer), every_hand)
    assert told.lacks == () and len(told.unasked) == 2


def test_undo_is_part_of_it(every_hand: tuple[Hand, ...]) -> None:
    """Whoever may make an application and not remove it again could not undo the plan."""
    record = r.PartnerApplication(premises=ON, identity="TeamsScheduler", application_identifier=apps.TEAMS_SCHEDULER)
    made = Change(address=record.address, before=None, after=record, says="Make it.")
    assert "Remove-PartnerApplication" in needed(plan_of(made), every_hand).cmdlets

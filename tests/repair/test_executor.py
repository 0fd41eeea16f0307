"""Apply and undo against an organization in memory that runs the lab's cmdlets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hybridge.lab.contoso import AuthCertificate, contoso
from hybridge.lab.powershell import run
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import Change, Plan, change
from hybridge.repair import journal as j
from hybridge.repair.executor import Applied, End, Patience, Undone, apply, undo
from hybridge.repair.hands.base import Hand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.planner import ordered
from hybridge.terms import applications as apps
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    Answerer,
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    TlsAnswer,
    TlsAsk,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
CERTIFICATE = AuthCertificate(der=b"0ertificate", not_before=NOW, not_after=NOW + timedelta(days=365))
HEALTHY = contoso(NOW, CERTIFICATE)
CHANGING = ("Set-", "New-", "Add-", "Remove-")
GONE = (
    r.PartnerApplication(premises=ON, identity="TeamsScheduler", application_identifier="").address,
    r.ManagementRoleAssignment(
        premises=ON, identity=f"{apps.INTEGRATION_ROLE}-{apps.INTEGRATION_ACCOUNT}", role="", role_assignee=""
    ).address,
    r.ManagementRole(premises=ON, identity=apps.INTEGRATION_ROLE).address,
    r.MailUser(premises=ON, identity=apps.INTEGRATION_ACCOUNT).address,
)
LIST = r.OrganizationConfig(premises=ON, identity="Contoso").address


def _short_list(organization: Organization) -> Organization:
    return organization.edit(r.OrganizationConfig, _on_premises, ews_allow_list=("OWA/*",))


def _on_premises(record: Record) -> bool:
    """Contoso's Exchange Online has the same kinds; what is broken and drifts here is Exchange Server's."""
    return record.premises is ON


BROKEN = _short_list(HEALTHY.drop(*GONE))


class InMemory:
    """An answerer over one organization. ``before`` is called with every changing cmdlet and may answer for it."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.asked: list[str] = []
        self.before: Callable[[CmdletAsk], CmdletAnswer | None] = lambda _: None

    cloud = WORLDWIDE

    def now(self) -> datetime:
        return NOW

    @property
    def changing(self) -> list[str]:
        return [name for name in self.asked if name.startswith(CHANGING)]

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.asked.append(ask.name)
        if ask.name.startswith(CHANGING) and (answer := self.before(ask)) is not None:
            return answer
        return run(self, ask, "administrator")

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        raise AssertionError(f"nothing here may ask {ask.url}")

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(f"nothing here may ask {ask.name}")

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)


def plan_to(healthy: Organization, broken: Organization) -> Plan:
    """The plan that makes ``broken`` what ``healthy`` is."""
    changes = [_change(broken, healthy.at(address)) for address in broken.difference(healthy)]
    return Plan(id="p1", organization="contoso.com", evidence_at=NOW, changes=ordered(changes))


def _change(organization: Organization, wanted: Record | None) -> Change:
    assert wanted is not None
    return change(organization, wanted, f"Make {wanted.identity} right.")


PLAN = plan_to(HEALTHY, BROKEN)


class Desk:
    """One organization, one journal root, one clock: what a person at the command line has."""

    def __init__(self, root: Path, organization: Organization = BROKEN) -> None:
        self.answerer = InMemory(organization)
        self.root = root
        self.clock = SetClock(NOW)
        self.slept: list[float] = []
        self.asleep: Callable[[], None] = lambda: None
        self.hands: tuple[Hand, ...] = (PowerShellHand(),)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep()

    async def apply(self, plan: Plan = PLAN) -> Applied:
        with j.open_journal(self.root, plan.id, plan.organization) as journal:
            return await apply(
                plan,
                self.answerer,
                journal,
                self.hands,
                who="ada",
                clock=self.clock,
                patience=Patience(tries=4, sleep=self.sleep),
            )

    async def undo(self) -> Undone:
        with j.open_journal(self.root, PLAN.id) as journal:
            return await undo(
                journal,
                self.answerer,
                self.hands,
                who="ada",
                clock=self.clock,
                patience=Patience(tries=4, sleep=self.sleep),
            )

    @property
    def organization(self) -> Organization:
        return self.answerer.organization

    def edit(self, kind: type[Record], **values: Any) -> None:
        self.answerer.organization = self.organization.edit(kind, _on_premises, **values)

    def states(self) -> list[j.State]:
        return [step.state for step in j.read_journal(self.root / PLAN.id).steps]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def ends(applied: Applied) -> list[End]:
    return [step.end for step in applied.steps]


async def test_apply_heals_and_undo_brings_back_exactly_what_was(desk: Desk) -> None:
    applied = await desk.apply()
    assert applied.complete, applied.says
    assert set(ends(applied)) == {End.APPLIED}
    assert desk.organization == HEALTHY
    assert applied.journal == str(desk.root / PLAN.id / j.FILE_NAME)
    undone = await desk.undo()
    assert undone.complete, undone.says
    assert desk.organization == BROKEN
    assert set(desk.states()) == {j.State.UNDONE}
    assert desk.slept == []


async def test_needs_are_made_before_what_needs_them(desk: Desk) -> None:
    await desk.apply()
    made = [name for name in desk.answerer.changing if name.startswith("New-")]
    assert made == ["New-MailUser", "New-ManagementRole", "New-ManagementRoleAssignment", "New-PartnerApplication"]


async def test_applying_twice_changes_and_journals_nothing(desk: Desk) -> None:
    await desk.apply()
    journaled = (desk.root / PLAN.id / j.FILE_NAME).read_bytes()
    desk.answerer.asked.clear()
    again = await desk.apply()
    assert again.complete
    assert set(ends(again)) == {End.ALREADY_SO}
    assert desk.answerer.changing == []
    assert (desk.root / PLAN.id / j.FILE_NAME).read_bytes() == journaled


async def test_what_was_already_so_is_not_ours_to_undo(desk: Desk) -> None:
    desk.answerer.organization = HEALTHY
    applied = await desk.apply()
    assert (applied.complete, applied.journal) == (True, "")
    assert list(desk.root.iterdir()) == []
    undone = await desk.undo()
    assert undone.says == "There is nothing left to undo."
    assert desk.organization == HEALTHY


async def test_undoing_twice_says_that_nothing_is_left(desk: Desk) -> None:
    await desk.apply()
    await desk.undo()
    desk.answerer.asked.clear()
    again = await desk.undo()
    assert (again.complete, again.says, desk.answerer.asked) == (True, "There is nothing left to undo.", [])


async def test_apply_after_undo_works_again(desk: Desk) -> None:
    await desk.apply()
    await desk.undo()
    assert (await desk.apply()).complete
    assert desk.organization == HEALTHY
    assert (await desk.undo()).complete
    assert desk.organization == BROKEN


async def test_drift_of_one_record_writes_nothing_at_all(desk: Desk) -> None:
    desk.edit(r.OrganizationConfig, ews_allow_list=("OWA/*", "Somebody/*"))
    drifted = desk.organization
    applied = await desk.apply()
    assert not applied.complete
    assert desk.answerer.changing == []
    assert desk.organization is drifted
    assert list(desk.root.iterdir()) == []
    (stop,) = [step for step in applied.steps if step.end is End.DRIFTED]
    assert stop.change.address == LIST
    assert "ews_allow_list is [OWA/*, Somebody/*], not [OWA/*]" in stop.says
    assert "Stopped at step" in applied.says
    assert ends(applied).count(End.NOT_REACHED) == len(PLAN.changes) - 1


async def test_fields_no_hand_writes_may_change_meanwhile(desk: Desk) -> None:
    boxes = HEALTHY.edit(r.Mailbox, lambda one: one.identity == "ada@contoso.com", grant_send_on_behalf_to=())
    plan = plan_to(HEALTHY, boxes)
    moved = boxes.edit(r.Mailbox, server_name="EX9")
    desk.answerer.organization = moved.edit(
        r.Mailbox, lambda one: one.identity == "ada@contoso.com", display_name="Married"
    )
    assert (await desk.apply(plan)).complete


async def test_a_policy_switched_meanwhile_is_drift_so_that_the_current_one_is_repeated(desk: Desk) -> None:
    desk.edit(r.OrganizationConfig, ews_application_access_policy=None, ews_allow_list=None)
    applied = await desk.apply()
    assert End.DRIFTED in ends(applied)
    assert desk.answerer.changing == []


async def test_drift_between_two_steps_stops_there(desk: Desk) -> None:
    def meddle(ask: CmdletAsk) -> None:
        if ask.name == "New-ManagementRole":
            stranger = r.PartnerApplication(premises=ON, identity="TeamsScheduler", application_identifier="other")
            desk.answerer.organization = desk.organization.put(stranger)

    desk.answerer.before = meddle
    applied = await desk.apply()
    assert ends(applied)[-1] is End.DRIFTED
    assert "PartnerApplication 'teamsscheduler' (on-premises) was changed meanwhile" in applied.says
    assert (await desk.undo()).complete
    assert desk.organization.at(GONE[0]) is not None
    assert desk.organization.drop(GONE[0]) == BROKEN


def failing(name: str, times: int = 99) -> Callable[[CmdletAsk], CmdletAnswer | None]:
    left = [times]

    def before(ask: CmdletAsk) -> CmdletAnswer | None:
        if ask.name == name and left[0]:
            left[0] -= 1
            return CmdletAnswer(errors=("You don't have sufficient permissions.",))
        return None

    return before


async def test_a_failure_in_mid_plan_stops_and_tells_what_was_done(desk: Desk) -> None:
    desk.answerer.before = failing("New-ManagementRoleAssignment")
    applied = await desk.apply()
    assert ends(applied) == [End.APPLIED, End.APPLIED, End.APPLIED, End.FAILED, End.NOT_REACHED]
    assert applied.says.startswith("3 of 5 changes applied, 1 not reached. Stopped at step 4: ")
    assert "New-ManagementRoleAssignment was refused: You don't have sufficient permissions." in applied.says
    assert desk.states() == [j.State.APPLIED] * 3 + [j.State.FAILED]
    undone = await desk.undo()
    assert undone.complete, undone.says
    assert desk.organization == BROKEN


async def test_apply_goes_on_after_a_failure(desk: Desk) -> None:
    desk.answerer.before = failing("New-ManagementRoleAssignment", times=1)
    await desk.apply()
    again = await desk.apply()
    assert again.complete
    assert ends(again) == [End.ALREADY_SO] * 3 + [End.APPLIED] * 2
    assert desk.organization == HEALTHY
    await desk.undo()
    assert desk.organization == BROKEN


@pytest.mark.parametrize("name", ["Set-MailUser", "Remove-ManagementRoleEntry"])
async def test_a_step_that_failed_half_way_is_completed_or_taken_back(tmp_path: Path, name: str) -> None:
    for finish in (True, False):
        desk = Desk(tmp_path / str(finish))
        desk.answerer.before = failing(name, times=1)
        failed = await desk.apply()
        assert End.FAILED in ends(failed)
        if finish:
            assert (await desk.apply()).complete
            assert desk.organization == HEALTHY
        assert (await desk.undo()).complete
        assert desk.organization == BROKEN


async def test_half_a_change_that_is_not_ours_is_drift(desk: Desk) -> None:
    half = msgspec.structs.replace(
        HEALTHY.one(r.MailUser, ON, apps.INTEGRATION_ACCOUNT) or BROKEN.all(r.MailUser)[0],
        hidden_from_address_lists_enabled=False,
    )
    desk.answerer.organization = BROKEN.put(half)
    applied = await desk.apply()
    assert ends(applied).count(End.DRIFTED) == 1
    assert "it is present, not absent" in applied.says


async def test_reading_back_waits_for_a_slow_directory(desk: Desk) -> None:
    desk.answerer.organization = _short_list(HEALTHY)
    later: list[Organization] = []

    def slow(ask: CmdletAsk) -> CmdletAnswer:
        holder = InMemory(desk.organization)
        answer = run(holder, ask, "administrator")
        later.append(holder.organization)
        return answer

    def on_second_look() -> None:
        if len(desk.slept) == 2:
            desk.answerer.organization = later.pop()

    desk.answerer.before = slow
    desk.asleep = on_second_look
    applied = await desk.apply(plan_to(HEALTHY, _short_list(HEALTHY)))
    assert applied.complete, applied.says
    assert desk.slept == [0.5, 1.0]


async def test_a_change_that_never_shows_fails(desk: Desk) -> None:
    desk.answerer.before = lambda ask: CmdletAnswer() if ask.name == "Set-OrganizationConfig" else None
    applied = await desk.apply()
    assert End.FAILED in ends(applied)
    assert "is not as wanted after writing: ews_allow_list is [OWA/*], not" in applied.says
    assert desk.slept == [0.5, 1.0, 2.0]
    assert (await desk.undo()).complete
    assert desk.organization == BROKEN


async def test_undo_stops_at_drift_and_goes_on_when_it_is_mended(desk: Desk) -> None:
    await desk.apply()
    desk.edit(r.MailUser, hidden_from_address_lists_enabled=False)
    undone = await desk.undo()
    assert not undone.complete
    assert "hidden_from_address_lists_enabled is false, not true" in undone.says
    assert desk.states() == [j.State.APPLIED] * 5
    desk.edit(r.MailUser, hidden_from_address_lists_enabled=True)
    assert (await desk.undo()).complete


async def test_undo_that_fails_half_way_can_be_repeated(desk: Desk) -> None:
    await desk.apply()
    desk.answerer.before = failing("Remove-ManagementRole", times=1)
    undone = await desk.undo()
    assert not undone.complete
    assert undone.says.startswith("2 of 5 changes undone, 2 not reached. Stopped at step 3: ")
    assert (await desk.undo()).complete
    assert desk.organization == BROKEN


async def test_undo_accepts_what_somebody_took_back_already(desk: Desk) -> None:
    await desk.apply()
    desk.edit(r.OrganizationConfig, ews_allow_list=("OWA/*",))
    undone = await desk.undo()
    assert undone.complete
    assert desk.organization == BROKEN


@pytest.mark.parametrize(
    ("later", "reason"),
    [(timedelta(minutes=61), "has expired: its evidence is 61 minutes old"), (timedelta(hours=-1), "in the future")],
)
async def test_old_and_future_evidence_is_refused(desk: Desk, later: timedelta, reason: str) -> None:
    desk.clock.advance(later)
    applied = await desk.apply()
    assert reason in applied.says
    assert set(ends(applied)) == {End.NOT_REACHED}
    assert desk.answerer.asked == []


async def test_evidence_of_just_under_an_hour_is_good(desk: Desk) -> None:
    desk.clock.advance(timedelta(minutes=59))
    assert (await desk.apply()).complete


async def test_a_plan_that_breaks_a_rule_is_refused_before_anything_is_asked(desk: Desk) -> None:
    unset = r.OrganizationConfig(premises=ON, identity="Contoso")
    allowing = msgspec.structs.replace(
        unset, ews_application_access_policy="EnforceAllowList", ews_allow_list=("*Teams/*",)
    )
    on = Change(address=unset.address, before=unset, after=allowing, says="Switch it on.")
    applied = await desk.apply(msgspec.structs.replace(PLAN, changes=(*PLAN.changes, on)))
    assert "The plan is refused" in applied.says and "never switches an EWS policy" in applied.says
    assert desk.answerer.asked == []


async def test_a_plan_no_hand_can_write_is_refused_whole(desk: Desk) -> None:
    key = r.ServicePrincipal(
        premises=Premises.ONLINE, identity="7557eb47", key_credentials=(r.KeyCredential(key=b"0key"),)
    )
    online = Change(address=key.address, before=None, after=key, says="Upload.")
    applied = await desk.apply(msgspec.structs.replace(PLAN, changes=(*PLAN.changes, online)))
    assert "Nothing that is configured can write ServicePrincipal '7557eb47'" in applied.says
    assert desk.answerer.asked == []


async def test_a_record_that_cannot_be_read_stops_before_writing(desk: Desk) -> None:
    class Deaf(InMemory):
        async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
            if ask.name == "Get-PartnerApplication":
                gone = Failure(reason=FailureReason.UNREACHABLE, says="mail.contoso.com did not answer.")
                return CmdletAnswer(failure=gone)
            return await super().cmdlet(ask)

    desk.answerer = Deaf(BROKEN)
    applied = await desk.apply()
    assert "mail.contoso.com did not answer." in applied.says
    assert desk.answerer.changing == []
    assert list(desk.root.iterdir()) == []


async def test_a_defect_of_a_hand_is_told_and_journaled(desk: Desk) -> None:
    class Clumsy(PowerShellHand):
        async def write(self, answerer: Answerer, change: Change) -> Failure:
            raise ZeroDivisionError("oops")

    desk.hands = (Clumsy(),)
    applied = await desk.apply()
    assert "hybridge itself failed (ZeroDivisionError: oops)" in applied.says
    assert desk.states() == [j.State.FAILED]


async def test_a_journal_of_another_plan_is_refused(desk: Desk) -> None:
    with j.open_journal(desk.root, "other") as journal:
        applied = await apply(PLAN, desk.answerer, journal, desk.hands, who="ada", clock=desk.clock)
    assert "belongs to plan other, not to p1" in applied.says


async def test_one_domain_controller_is_named_in_every_cmdlet(desk: Desk) -> None:
    named: list[bool] = []

    class Listening(InMemory):
        async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
            named.append(("DomainController", "dc2.contoso.com") in ask.parameters)
            return await super().cmdlet(ask)

    desk.answerer = Listening(BROKEN)
    desk.hands = (PowerShellHand(domain_controller="dc2.contoso.com"),)
    assert (await desk.apply()).complete
    assert named and all(named)


async def test_the_journal_holds_who_when_and_the_hands_reply(desk: Desk) -> None:
    await desk.apply()
    journal = j.read_journal(desk.root / PLAN.id)
    assert (journal.who, journal.organization, journal.started_at) == ("ada", "contoso.com", NOW)
    assert [step.change for step in journal.steps] == list(PLAN.changes)
    assert journal.steps[1].says == "New-MailUser, Set-MailUser: done."

"""A plan for many mailboxes: applied in batches, told, stopped, gone on with, and taken back as a whole or in part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hybridge.checks.registry import all_checks
from hybridge.checks.rehearsal import evidence_of
from hybridge.findings import ORGANIZATION, Scope, Subject
from hybridge.lab.contoso import DOMAIN, TENANT_ID, AuthCertificate, contoso, people
from hybridge.lab.powershell import run
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.plan import Plan, change
from hybridge.repair import journal as j
from hybridge.repair.batches import FIRST_PAUSE, LONGEST_PAUSE, TRIES, Pace, Progress, Unhurried
from hybridge.repair.executor import Applied, End, Patience, apply, undo
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.planner import ordered, prove
from hybridge.repair.resume import Way, resume
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import (
    CmdletAnswer,
    CmdletAsk,
    DnsAnswer,
    DnsAsk,
    Failure,
    FailureReason,
    HttpAnswer,
    HttpAsk,
    Sign,
    TlsAnswer,
    TlsAsk,
)
from hybridge.wire.ews.envelope import EwsFault, ServerVersion, write_fault
from hybridge.wire.throttling import UNKNOWN_END

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON = Premises.ON_PREMISES
CERTIFICATE = AuthCertificate(der=b"0der", not_before=NOW, not_after=NOW + timedelta(days=365))
HEALTHY = contoso(NOW, CERTIFICATE, people(124))
ADA, GRACE = (r.CasMailbox(premises=ON, identity=f"{name}@contoso.com").address for name in ("ada", "grace"))
BOXES = tuple(box.identity for box in HEALTHY.all(r.CasMailbox, ON))
BROKEN = HEALTHY.edit(r.CasMailbox, lambda one: one.premises is ON, ews_enabled=False)
QUOTA = "Quota exceeded. The next request from this user will not be approved for at least 2500 milliseconds."


def plan_for(broken: Organization) -> Plan:
    subjects = (ORGANIZATION, *(Subject(Scope.MAILBOX, box) for box in BOXES))
    checks = [check for check in all_checks() if check.name == "ews/allow-list-mailbox"]
    return prove(checks, evidence_of(broken, NOW, DOMAIN, TENANT_ID), subjects)


PLAN = plan_for(BROKEN)


class InMemory:
    """An answerer over one organization that runs the lab's cmdlets. ``before`` may answer in their place."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.asked: list[CmdletAsk] = []
        self.before: Callable[[CmdletAsk], CmdletAnswer | None] = lambda _: None

    cloud = WORLDWIDE

    def now(self) -> datetime:
        return NOW

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.asked.append(ask)
        return self.before(ask) or run(self, ask, "administrator")

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        raise AssertionError(f"nothing here may ask {ask.url}")

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        raise AssertionError(f"nothing here may ask {ask.name}")

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)

    @property
    def changed(self) -> list[str]:
        """Mailboxes that were set, in order."""
        return [str(dict(ask.parameters)["Identity"]) for ask in self.asked if ask.name.startswith("Set-")]


class Desk:
    """One organization, one journal root, one clock, one pace."""

    def __init__(self, root: Path, organization: Organization = BROKEN, plan: Plan = PLAN) -> None:
        self.answerer = InMemory(organization)
        self.root, self.plan = root, plan
        self.clock = SetClock(NOW)
        self.rests: list[float] = []
        self.told: list[Progress] = []
        self.pace = Pace(batch=50, rest=1.0, sleep=self.sleep, tell=self.told.append)

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)

    @property
    def patience(self) -> Patience:
        return Patience(tries=2, sleep=self.sleep, pace=self.pace)

    async def apply(self) -> Applied:
        with j.open_journal(self.root, self.plan.id, DOMAIN) as journal:
            return await apply(
                self.plan,
                self.answerer,
                journal,
                (PowerShellHand(),),
                who="ada",
                clock=self.clock,
                patience=self.patience,
            )

    async def undo(self, *only: str) -> Applied:
        with j.open_journal(self.root, self.plan.id) as journal:
            return await undo(
                journal,
                self.answerer,
                (PowerShellHand(),),
                who="ada",
                clock=self.clock,
                patience=self.patience,
                only=only,
            )

    async def resume(self, way: Way = Way.ON) -> Applied:
        with j.open_journal(self.root, self.plan.id) as journal:
            return await resume(
                journal, self.answerer, (PowerShellHand(),), way, who="ada", clock=self.clock, patience=self.patience
            )

    def stop_after(self, number: int) -> None:
        """Ask the next walk to stop once ``number`` changes have ended."""
        self.told.clear()
        self.pace = replace(self.pace, stop=lambda: len(self.told) >= number)

    def go_on(self) -> None:
        self.told.clear()
        self.pace = replace(self.pace, stop=lambda: False)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_plan_for_many_is_applied_in_batches_with_rests_and_told(desk: Desk) -> None:
    ended = await desk.apply()
    assert ended.complete
    assert desk.answerer.organization == HEALTHY
    assert desk.rests == [1.0, 1.0]
    assert desk.told == [Progress(number, 122, one.says) for number, one in enumerate(PLAN.changes, start=1)]
    assert len(list((desk.root / PLAN.id).iterdir())) == 1
    assert (await desk.apply()).says.startswith("0 of 122 changes applied, 122 already so")


async def test_a_batch_is_looked_at_before_anything_of_it_is_written(desk: Desk) -> None:
    await desk.apply()
    names = [ask.name for ask in desk.answerer.asked]
    assert names[:50] == ["Get-CASMailbox"] * 50
    assert names[50:53] == ["Get-CASMailbox", "Set-CASMailbox", "Get-CASMailbox"]
    assert names[200:250] == ["Get-CASMailbox"] * 50


async def test_one_that_drifted_keeps_its_batch_from_being_written_and_the_rest_from_being_begun(desk: Desk) -> None:
    drifted = PLAN.changes[60].address
    record = desk.answerer.organization.at(drifted)
    assert isinstance(record, r.CasMailbox)
    desk.answerer.organization = desk.answerer.organization.put(msgspec.structs.replace(record, ews_block_list=("x",)))
    ended = await desk.apply()
    assert [ended.count(end) for end in (End.APPLIED, End.DRIFTED, End.NOT_REACHED)] == [50, 1, 71]
    assert len(desk.answerer.changed) == 50
    assert not ended.complete
    assert (await desk.undo()).complete


@pytest.mark.parametrize("number", [0, 7, 50, 121])
async def test_a_walk_that_was_stopped_goes_on_where_it_stood(desk: Desk, number: int) -> None:
    desk.stop_after(number)
    ended = await desk.apply()
    assert ended.count(End.APPLIED) == number
    assert ended.count(End.NOT_REACHED) == 122 - number
    assert not ended.complete
    desk.go_on()
    ended = await (desk.resume() if number else desk.apply())
    assert ended.complete
    assert ended.count(End.APPLIED) == 122 - number
    assert sorted(desk.answerer.changed) == sorted(BOXES)
    assert desk.answerer.organization == HEALTHY


async def test_a_long_run_may_be_gone_on_with_after_the_hour_of_its_evidence(desk: Desk) -> None:
    desk.clock.advance(timedelta(minutes=50))
    desk.stop_after(10)
    await desk.apply()
    desk.go_on()
    desk.clock.advance(timedelta(minutes=40))
    assert (await desk.resume()).complete
    desk.clock.advance(timedelta(minutes=61))
    assert "has expired" in (await desk.apply()).says


async def test_an_undo_that_was_stopped_goes_on(desk: Desk) -> None:
    await desk.apply()
    desk.stop_after(30)
    assert (await desk.undo()).count(End.UNDONE) == 30
    desk.go_on()
    ended = await desk.resume()
    assert ended.complete
    assert ended.count(End.UNDONE) == 92
    assert desk.answerer.organization == BROKEN


# A part ---------------------------------------------------------------------------------------------------------------


async def test_one_mailbox_is_taken_back_alone_and_then_the_rest(desk: Desk) -> None:
    await desk.apply()
    ended = await desk.undo("Grace@contoso.com")
    assert ended.complete
    assert [step.change.address.identity for step in ended.steps] == ["grace@contoso.com"]
    assert HEALTHY.difference(desk.answerer.organization) == (GRACE,)
    assert (await desk.undo("grace@contoso.com")).says == "There is nothing left to undo."
    ended = await desk.undo()
    assert ended.count(End.UNDONE) == 121
    assert desk.answerer.organization == BROKEN


async def test_a_part_that_was_cut_short_is_resumed_as_that_part(desk: Desk) -> None:
    await desk.apply()
    desk.stop_after(1)
    two = ("ada@contoso.com", "grace@contoso.com")
    assert (await desk.undo(*two)).count(End.UNDONE) == 1
    desk.go_on()
    ended = await desk.resume()
    assert ended.complete
    assert ended.count(End.UNDONE) == 1
    assert HEALTHY.difference(desk.answerer.organization) == (ADA, GRACE)
    assert (await desk.resume(Way.BACK)).complete
    assert desk.answerer.organization == BROKEN


def two_causes(organization: Organization) -> Organization:
    """Ada's mailbox has two causes in one record, Grace's has one of them."""
    organization = organization.edit(r.CasMailbox, lambda one: one.address == ADA, ews_enabled=False)
    return organization.edit(
        r.CasMailbox,
        lambda one: one.address in (ADA, GRACE),
        ews_application_access_policy="EnforceAllowList",
        ews_allow_list=(),
    )


async def test_a_cause_is_taken_back_where_it_stands_alone(tmp_path: Path) -> None:
    broken = two_causes(HEALTHY)
    desk = Desk(tmp_path, broken, plan_for(broken))
    assert (await desk.apply()).complete
    shared = await desk.undo("ews/allow-list-mailbox:disabled")
    assert not shared.complete
    assert "also cures ews/allow-list-mailbox:list-empty" in shared.says
    ended = await desk.undo("ews/allow-list-mailbox:list-empty", "grace@contoso.com", "ada@contoso.com")
    assert ended.count(End.UNDONE) == 2
    assert desk.answerer.organization == broken


async def test_a_check_names_all_its_causes(tmp_path: Path) -> None:
    broken = two_causes(HEALTHY)
    desk = Desk(tmp_path, broken, plan_for(broken))
    await desk.apply()
    assert (await desk.undo("EWS/allow-list-mailbox")).count(End.UNDONE) == 2
    assert desk.answerer.organization == broken


async def test_a_name_that_means_nothing_takes_nothing_back(desk: Desk) -> None:
    await desk.apply()
    asked = len(desk.answerer.asked)
    refused = await desk.undo("ada@contoso.com", "nobody@contoso.com")
    assert not refused.complete
    assert "Nothing of plan" in refused.says
    assert "'nobody@contoso.com'" in refused.says
    assert len(desk.answerer.asked) == asked


async def test_what_another_change_still_needs_is_not_taken_back_alone(tmp_path: Path) -> None:
    account = r.MailUser(premises=ON, identity="App", external_email_address="app@contoso.com")
    application = r.PartnerApplication(premises=ON, identity="Teams", application_identifier="1", linked_account="App")
    changes = ordered([change(HEALTHY, one, f"Make {one.identity}.") for one in (application, account)])
    plan = Plan(id="p1", organization=DOMAIN, evidence_at=NOW, changes=changes)
    desk = Desk(tmp_path, HEALTHY, plan)
    assert (await desk.apply()).complete
    refused = await desk.undo("App")
    assert "Step 2 (Make Teams) stays and needs step 1" in refused.says
    assert (await desk.undo("App", "teams")).complete
    assert desk.answerer.organization == HEALTHY


# Batches by hand ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hands", "batches"),
    [
        ("aaaaa", ["aa", "aa", "a"]),
        ("ababa", ["abab", "a"]),
        ("abbbb", ["abb", "bb"]),
        ("ab", ["ab"]),
        ("", []),
    ],
)
def test_a_batch_ends_when_one_hand_has_its_share(hands: str, batches: Sequence[str]) -> None:
    assert list(Pace(batch=2).batches(hands, str)) == batches


def test_without_a_pace_everything_is_one_batch() -> None:
    assert list(Pace().batches("a" * 500, str)) == ["a" * 500]


# Throttling -----------------------------------------------------------------------------------------------------------


class Waits:
    """Sleeps that are written down, and what was said about them."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.said: list[str] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def throttling(answer: CmdletAnswer, times: int) -> Callable[[CmdletAsk], CmdletAnswer | None]:
    left = [answer] * times

    def before(_: CmdletAsk) -> CmdletAnswer | None:
        return left.pop() if left else None

    return before


REFUSED = CmdletAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says=QUOTA))


async def test_a_plan_is_applied_through_throttling(desk: Desk) -> None:
    waits = Waits()
    inner = desk.answerer
    inner.before = throttling(REFUSED, 3)
    desk.answerer = Unhurried(inner, waits.sleep, waits.said.append)  # type: ignore[assignment]
    assert (await desk.apply()).complete
    assert waits.slept == [2.5, 2.5, 2.5]
    assert waits.said == ["waiting 2 s: the quota of the account for PowerShell is used up"] * 3
    assert sorted(inner.changed) == sorted(BOXES)


async def test_who_is_refused_again_and_again_gives_up(desk: Desk) -> None:
    waits = Waits()
    desk.answerer.before = lambda _: REFUSED
    ask = CmdletAsk(premises=ON, name="Set-CASMailbox")
    assert await Unhurried(desk.answerer, waits.sleep).cmdlet(ask) == REFUSED
    assert len(desk.answerer.asked) == TRIES
    assert len(waits.slept) == TRIES - 1


async def test_what_may_have_been_done_is_not_asked_again(desk: Desk) -> None:
    says = f"Set-CASMailbox was sent, but {UNKNOWN_END}: {QUOTA}"
    lost = CmdletAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says=says))
    desk.answerer.before = lambda _: lost
    waits = Waits()
    assert await Unhurried(desk.answerer, waits.sleep).cmdlet(CmdletAsk(premises=ON, name="Set-CASMailbox")) == lost
    assert len(desk.answerer.asked) == 1


async def test_a_micro_delay_is_paid_before_the_next_cmdlet(desk: Desk) -> None:
    slowed = CmdletAnswer(warnings=("Micro delay applied. Actual delayed: 4000 msecs, Enforced: True",))
    desk.answerer.before = throttling(slowed, 1)
    waits = Waits()
    unhurried = Unhurried(desk.answerer, waits.sleep, waits.said.append)
    ask = CmdletAsk(premises=ON, name="Get-CASMailbox", parameters=(("Identity", BOXES[0]),))
    assert await unhurried.cmdlet(ask) == slowed
    assert waits.slept == []
    await unhurried.cmdlet(ask)
    await unhurried.cmdlet(ask)
    assert waits.slept == [4.0]


class Ews:
    """Answers EWS requests from a list."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self.answers = list(answers)

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        return self.answers.pop(0)

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        raise AssertionError(ask.name)

    async def dns(self, ask: DnsAsk) -> DnsAnswer:
        return DnsAnswer(records=("192.0.2.1",))

    async def tls(self, ask: TlsAsk) -> TlsAnswer:
        raise AssertionError(ask.host)


def busy(milliseconds: int) -> HttpAnswer:
    fault = EwsFault("ErrorServerBusy", "Busy.", (("BackOffMilliseconds", str(milliseconds)),))
    return write_fault(fault, ServerVersion(15, 2, 2562, 37))


def soap(operation: str, sign: Sign = Sign.EXCHANGE) -> HttpAsk:
    body = f"<s:Body><m:{operation} x='1'/></s:Body>".encode()
    return HttpAsk(method="POST", url="https://mail.contoso.com/EWS/Exchange.asmx", body=body, sign=sign)


FINE = HttpAnswer(status=200, body=b"<fine/>")


async def test_ews_is_left_alone_as_long_as_it_asks() -> None:
    waits = Waits()
    inner = Ews(busy(9_000), busy(0), busy(999_999_999), FINE)
    assert await Unhurried(inner, waits.sleep).http(soap("GetDelegate")) == FINE
    assert waits.slept == [9.0, FIRST_PAUSE * 2, LONGEST_PAUSE]


async def test_an_operation_that_changes_something_is_not_repeated_but_waits() -> None:
    waits = Waits()
    assert (await Unhurried(Ews(busy(9_000)), waits.sleep).http(soap("AddDelegate"))).status == 500
    assert waits.slept == [9.0]
    not_begun = HttpAnswer(status=429, headers=(("retry-after", "3"),))
    assert await Unhurried(Ews(not_begun, FINE), waits.sleep).http(soap("AddDelegate")) == FINE
    assert waits.slept == [9.0, 3.0]


async def test_others_are_asked_as_they_are() -> None:
    waits = Waits()
    refused = HttpAnswer(status=429, headers=(("retry-after", "3"),))
    unhurried = Unhurried(Ews(refused), waits.sleep)
    assert await unhurried.http(soap("x", Sign.ENTRA)) == refused
    assert (await unhurried.dns(DnsAsk(name="mail.contoso.com"))).records == ("192.0.2.1",)
    assert waits.slept == []

"""A whole tenant says of every mailbox what an examination of that mailbox says, folded; and it can be gone on with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hybridge.checks.registry import all_checks
from hybridge.collectors.bulk import FromRolls, Roll, Rolls, collect_bulk, delegations_of
from hybridge.collectors.collect import Target, collect
from hybridge.doctor import tenant as tenants
from hybridge.doctor.accept import Register
from hybridge.doctor.checkpoint import Asked, Checkpoint, CheckpointProblem, Done, Read, digest_of, read_checkpoint
from hybridge.doctor.diagnose import diagnose
from hybridge.doctor.folds import NOT_ASKED_AT, PASSED, Fold, SliceFold
from hybridge.doctor.tenant import Far, Tenant, Walk, chosen, tenant_of
from hybridge.evidence import Key
from hybridge.findings import CheckResult, Outcome
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import DELEGATIONS, DOMAIN, TENANT_ID, contoso, people
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.net.answerers.once import AskedOnce
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.terms.clouds import WORLDWIDE
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAnswer, CmdletAsk

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
STAFF = 14
TARGET = Target(DOMAIN, TENANT_ID, WORLDWIDE, (), "hybridge/test")


def broken() -> Estate:
    """Every third mailbox has a list without Teams, every fourth person no meetings, one delegation no entry."""
    healthy = contoso(NOW, make_auth_certificate(NOW), people(STAFF))
    third = {one.identity for number, one in enumerate(healthy.all(r.CasMailbox, ON)) if number % 3 == 0}
    fourth = {one.identity for number, one in enumerate(healthy.all(r.CsOnlineUser)) if number % 4 == 0}
    organization = healthy.edit(
        r.CasMailbox,
        lambda one: one.identity in third,
        ews_application_access_policy="EnforceAllowList",
        ews_allow_list=("OWA/*",),
    ).edit(r.CsOnlineUser, lambda one: one.identity in fourth, teams_upgrade_policy="SfBOnly")
    organization = organization.drop(
        *(one.address for one in organization.all(r.DelegateUser) if one.delegator == "alan@contoso.com")
    )
    clock = SetClock(NOW)
    return Estate(organization, clock=clock.now, certificate=make_auth_certificate(NOW))


class Counted:
    """An answerer that remembers which cmdlets were asked."""

    def __init__(self, inner: InProcess) -> None:
        self.inner = inner
        self.cmdlets: list[CmdletAsk] = []
        self.http, self.dns, self.tls = inner.http, inner.dns, inner.tls

    async def cmdlet(self, ask: CmdletAsk) -> CmdletAnswer:
        self.cmdlets.append(ask)
        return await self.inner.cmdlet(ask)


async def opened(answerer: Counted, sample: int = 0) -> tuple[Tenant, AskedOnce, Rolls]:
    rolls = await collect_bulk(answerer, WORLDWIDE)
    inner = AskedOnce(FromRolls(answerer, rolls))
    evidence = await collect(inner, replace(TARGET, mailboxes=chosen(rolls, sample)), NOW)
    return tenant_of(evidence, rolls, all_checks(), Register((), NOW.date())), inner, rolls


def causes(results: Iterable[CheckResult]) -> set[tuple[str, str]]:
    return {
        (finding.name, result.subject.identity)
        for result in results
        for finding in result.findings
        if result.subject.identity and not finding.explained_by
    }


def folded_causes(fold: Fold) -> set[tuple[str, str]]:
    return {
        (found.example.name, subject)
        for found in fold.found.values()
        for subject in found.subjects
        if not found.example.explained_by
    }


async def test_says_what_an_examination_of_each_mailbox_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "SLICE", 4)
    estate = broken()
    tenant, inner, rolls = await opened(Counted(InProcess(estate)), STAFF)
    told: list[Far] = []
    walk = Walk(tenant, TARGET, NOW, inner, chosen(rolls, STAFF), tell=told.append)

    organization = await walk.run()

    boxes = tuple(one.address for one in people(STAFF))
    plain = await diagnose(AskedOnce(InProcess(estate)), replace(TARGET, mailboxes=boxes), NOW, delegations=DELEGATIONS)
    assert folded_causes(walk.fold) == causes(plain.results)
    assert {name for name, _ in folded_causes(walk.fold)} == {
        "ews/allow-list-mailbox:caller-missing",
        "teams/coexistence-mode:user-mode",
        "delegation/delegate-listed:not-listed",
    }
    assert [one.outcome for one in organization] == [one.outcome for one in plain.results if not one.subject.identity]
    assert told[-1] == Far(STAFF, STAFF)
    assert {check: sum(numbers) for check, numbers in walk.fold.counts.items()} == Counter(
        result.check for result in plain.results if result.subject.identity
    )
    assert {check: numbers[PASSED] for check, numbers in walk.fold.counts.items() if numbers[PASSED]} == Counter(
        result.check for result in plain.results if result.subject.identity and result.outcome is Outcome.PASSED
    )


async def test_asks_nothing_per_mailbox_that_bulk_data_tell() -> None:
    answerer = Counted(InProcess(broken()))
    tenant, inner, rolls = await opened(answerer)
    before = len(answerer.cmdlets)

    await Walk(tenant, TARGET, NOW, inner).run()

    bulk = {(roll.key.kind, roll.key.premises) for roll in rolls.values() if isinstance(roll, Roll)}
    assert {("Mailbox", ON), ("CasMailbox", ON), ("CsOnlineUser", ONLINE)} <= bulk
    singly = [one for one in answerer.cmdlets[before:] if one.name in ("Get-Mailbox", "Get-CASMailbox")]
    assert singly == []
    asked = {str(dict(one.parameters).get("Identity", "")).partition(":")[0] for one in answerer.cmdlets[before:]}
    assert asked <= {side for pair in DELEGATIONS for side in pair}


async def test_what_was_not_asked_is_counted_and_never_passed() -> None:
    tenant, _, _ = await opened(Counted(InProcess(broken())))
    walk = Walk(tenant, TARGET, NOW, answerer=None)

    await walk.run()

    places = walk.fold.counts["ews/caller-probe"]
    assert places[NOT_ASKED_AT] > 0
    assert places[PASSED] == 0
    assert all(gap.unseen.reason == "not-asked" and not gap.subjects for gap in walk.fold.gaps.values())


async def test_people_are_found_by_the_names_exchange_prints() -> None:
    _, _, rolls = await opened(Counted(InProcess(broken())))

    assert delegations_of(rolls, "ada@contoso.com") == ("grace@contoso.com",)
    assert delegations_of(rolls, "linus@contoso.com") == ("marie@contoso.com",)


async def test_goes_on_behind_the_slices_that_are_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tenants, "SLICE", 5)
    tenant, _, rolls = await opened(Counted(InProcess(broken())))
    path = tmp_path / "run.checkpoint"
    asked = Asked(hybridge="1", source="live", organization=DOMAIN, checks=("a",), sample=5, started=NOW, judged_at=NOW)
    writing = Checkpoint(path)
    writing.write(asked)
    writing.write_rolls(rolls)
    writing.write(Read(mailboxes=digest_of(tenant.mailboxes), complete=True))
    kept: dict[int, SliceFold] = {}

    def keep(number: int, fold: SliceFold) -> None:
        kept[number] = fold
        writing.write(Done(number=number, fold=fold))

    whole = Walk(tenant, TARGET, NOW, keep=keep)
    await whole.run()
    writing.close()
    assert len(kept) == tenant.slices > 2

    # as after kill -9: the last frame is half-written
    path.write_bytes(path.read_bytes()[:-7])
    again = read_checkpoint(path)
    assert sorted(again.slices) == list(range(tenant.slices - 1))
    assert again.of(asked)
    assert not again.of(replace_sample(asked))
    mailboxes = again.rolls[Key("Mailbox", ON)]
    assert isinstance(mailboxes, Roll)
    assert {one.identity for one in mailboxes} == {box.identity for box in tenant_boxes(rolls)}

    looked: list[int] = []
    rest = Walk(tenant, TARGET, NOW, keep=lambda number, _: looked.append(number))
    await rest.run(again.slices)

    assert looked == [tenant.slices - 1]
    assert rest.fold.counts == whole.fold.counts
    assert folded_causes(rest.fold) == folded_causes(whole.fold)
    further = Checkpoint(path, again.end)
    further.write(Done(number=99, fold=SliceFold()))
    further.close()
    assert set(read_checkpoint(path).slices) == {*range(tenant.slices - 1), 99}


def replace_sample(asked: Asked) -> Asked:
    return Asked(
        hybridge=asked.hybridge,
        source=asked.source,
        organization=asked.organization,
        checks=asked.checks,
        sample=asked.sample + 1,
        started=asked.started,
        judged_at=asked.judged_at,
    )


def tenant_boxes(rolls: Rolls) -> Iterable[r.Record]:
    roll = rolls[Key("Mailbox", ON)]
    return roll if isinstance(roll, Roll) else ()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x00" * 64])
def test_a_checkpoint_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.checkpoint"
    path.write_bytes(content)
    with pytest.raises(CheckpointProblem):
        read_checkpoint(path)

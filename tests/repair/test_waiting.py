"""What may still come, until when, and how long is looked for it. Time is a value here: nothing waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.repair.desk import ON, ONLINE

from hybridge.checks.registry import all_checks
from hybridge.evidence import Unseen
from hybridge.findings import ORGANIZATION, CheckResult, Finding, Outcome, Severity
from hybridge.net.clock import SetClock
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.org.records import Record
from hybridge.plan import change
from hybridge.repair.waiting import (
    LAGS,
    Found,
    Lag,
    Made,
    Polling,
    Seen,
    Verified,
    judge,
    lags_of,
    seen_in,
    verify,
)
from hybridge.repair.writable import WRITABLE

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIST, KEY, PINNED, RIGHT = "ews/list:missing", "apps/key:missing", "teams/pinned:not", "delegation/right:low"


def made(number: int, record: Record, cause: str, at: datetime = NOW) -> Made:
    one = msgspec.structs.replace(change(Organization(), record, "Make it."), why=(cause,))
    return Made(number=number, change=one, at=at)


ACCESS = made(1, r.OrganizationConfig(premises=ON, identity="Contoso"), LIST)
PRINCIPAL = made(2, r.ServicePrincipal(premises=ONLINE, identity="id"), KEY)
POLICY = made(3, r.TeamsAppSetupPolicy(premises=ONLINE, identity="Global"), PINNED)
PERMISSION = made(
    4, r.MailboxFolderPermission(premises=ON, identity="a:\\c/b", mailbox="a@x.com", user="b@x.com"), RIGHT
)
ALL = (ACCESS, PRINCIPAL, POLICY, PERMISSION)


def found(*names: str) -> Seen:
    return Seen(found=tuple(Found(name=name) for name in names))


def test_silence_is_healed_and_says_what_people_notice_later() -> None:
    verified = judge(ALL, Seen(), NOW + MINUTE)
    assert verified.healed
    assert verified.says == "Verified: none of the 4 cured causes is found any more."
    assert verified.look_again_at is None
    assert {one.lag for one in verified.expected} == set(Lag)
    assert not any(one.causes for one in verified.expected)
    teams = next(one for one in verified.expected if one.lag is Lag.TEAMS_POLICY)
    assert (teams.steps, teams.at_latest) == ((3,), NOW + timedelta(hours=24))


def test_what_is_still_found_may_come_while_a_lag_of_its_change_lasts() -> None:
    verified = judge(ALL, found(KEY), NOW + MINUTE / 2)
    assert not verified.healed
    assert verified.left == ()
    assert verified.waits_for == {KEY}
    graph = next(one for one in verified.expected if one.lag is Lag.GRAPH)
    assert (graph.causes, graph.steps) == ((KEY,), (2,))
    assert graph.look_again_at == NOW + MINUTE
    assert graph.at_latest == NOW + timedelta(minutes=15)
    assert verified.look_again_at == NOW + MINUTE
    assert verified.says == f"Still found, and may go by itself: {KEY}."


def test_looking_again_is_worth_it_later_and_later_but_not_after_the_end() -> None:
    def look_again(after: timedelta) -> datetime:
        expected = judge([PRINCIPAL], found(KEY), NOW + after).expected
        return next(one.look_again_at for one in expected if one.lag is Lag.GRAPH)

    assert look_again(timedelta(0)) == NOW + MINUTE
    assert look_again(5 * MINUTE) == NOW + 6 * MINUTE
    assert look_again(timedelta(minutes=14, seconds=30)) == NOW + 15 * MINUTE


def test_once_every_lag_is_over_it_is_found() -> None:
    verified = judge([PRINCIPAL], found(KEY), NOW + timedelta(hours=25))
    assert (verified.left, verified.expected) == ((KEY,), ())
    assert verified.says == f"Still found: {KEY}."


def test_a_right_in_the_mailbox_has_no_excuse() -> None:
    verified = judge(ALL, found(RIGHT, LIST), NOW)
    assert verified.left == (RIGHT,)
    assert verified.waits_for == {LIST}
    assert "Still found: delegation/right:low." in verified.says
    assert "may go by itself: ews/list:missing." in verified.says


def test_a_server_that_still_shows_it_is_waited_for_by_what_explains_it() -> None:
    probe = Found(name="ews/probe:refused", explained_by=("ews/list",))
    stranger = Found(name="ews/probe:refused", explained_by=("other/check",))
    assert judge([ACCESS], Seen(found=(probe,)), NOW + MINUTE).waits_for == {"ews/probe:refused"}
    assert judge([ACCESS], Seen(found=(probe,)), NOW + timedelta(days=2)).left == ("ews/probe:refused",)
    other = judge([ACCESS], Seen(found=(stranger,)), NOW + MINUTE)
    assert (other.healed, other.others) == (True, ("ews/probe:refused",))


def test_what_was_not_the_plans_to_cure_holds_nothing_back() -> None:
    verified = judge(ALL, found("some/thing:else"), NOW)
    assert (verified.healed, verified.others) == (True, ("some/thing:else",))


def test_what_could_not_be_looked_at_is_not_verified() -> None:
    verified = judge([PRINCIPAL], Seen(unseen={"apps/key": "Graph was not reached.", "x/y": "No."}), NOW)
    assert not verified.healed
    assert verified.unchecked == ("apps/key",)
    assert verified.says == "Not verified, because not everything could be looked at: Graph was not reached."


def test_what_a_later_part_ends_is_left_to_it() -> None:
    verified = judge([ACCESS], found(LIST), NOW + timedelta(days=2), later=(LIST,))
    assert (verified.healed, verified.left, verified.others) == (True, (), (LIST,))


def test_a_change_made_long_ago_explains_nothing() -> None:
    old = msgspec.structs.replace(PRINCIPAL, at=datetime.min.replace(tzinfo=UTC))
    assert judge([old], found(KEY), NOW).left == (KEY,)


def test_every_kind_that_is_written_has_its_lags() -> None:
    for (kind, premises), row in WRITABLE.items():
        assert row.kind.__name__ == kind
        lags = lags_of(r.Address(kind, premises, "x"))
        assert lags or kind in ("MailboxFolderPermission", "DelegateUser")
    for lag in Lag:
        assert timedelta(0) < LAGS[lag].usually < LAGS[lag].at_most
        assert LAGS[lag].source or "our estimate" in LAGS[lag].says


def test_an_examination_is_read() -> None:
    probe = next(check for check in all_checks() if check.symptom and check.explained_by)
    effect = Finding(check=probe.name, cause="x", subject=ORGANIZATION, says="It is.")
    hidden = msgspec.structs.replace(effect, explained_by=("a/b:c",))
    result = CheckResult(
        check=probe.name,
        subject=ORGANIZATION,
        outcome=Outcome.FAILED,
        severity=Severity.ERROR,
        findings=(effect, hidden),
        unseen=(Unseen(what="x", reason="unreachable", says="Not reached.", how=""),),
    )
    seen = seen_in([result], all_checks())
    assert seen.found == (Found(name=f"{probe.name}:x", explained_by=probe.explained_by),)
    assert seen.unseen == {probe.name: "Not reached."}


class Watch:
    """A clock that sleeping moves, and looks that fall silent after a while."""

    def __init__(self, silent_after: timedelta, shows: Seen) -> None:
        self.clock = SetClock(NOW)
        self.silent_at = NOW + silent_after
        self.shows = shows
        self.looks = 0
        self.slept: list[float] = []
        self.told: list[str] = []

    async def look(self) -> Seen:
        self.looks += 1
        return self.shows if self.clock.now() < self.silent_at else Seen()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))

    async def verify(self, changes: Sequence[Made], limit: timedelta) -> Verified:
        return await verify(
            self.look, changes, self.clock, self.sleep, polling=Polling(limit=limit), tell=self.told.append
        )


async def test_it_looks_again_until_it_is_seen() -> None:
    watch = Watch(timedelta(seconds=20), found(KEY))
    verified = await watch.verify(ALL, 2 * MINUTE)
    assert verified.healed
    assert watch.slept == [5, 10, 20]
    assert verified.looks == watch.looks == 4
    assert watch.told[0] == "1 not yet seen as cured; looking again in 5 s, for 2 min at most ..."


async def test_it_gives_up_at_the_limit_and_says_when_to_look_again() -> None:
    watch = Watch(timedelta(days=1), found(KEY, PINNED))
    verified = await watch.verify(ALL, 2 * MINUTE)
    assert watch.slept == [5, 10, 20, 30, 30]
    assert verified.waits_for == {KEY, PINNED}
    assert verified.look_again_at == watch.clock.now() + MINUTE
    assert watch.clock.now() <= NOW + 2 * MINUTE


async def test_what_cannot_come_by_itself_is_not_waited_for() -> None:
    watch = Watch(timedelta(days=1), found(RIGHT))
    assert (await watch.verify(ALL, 2 * MINUTE)).left == (RIGHT,)
    assert watch.looks == 1


@pytest.mark.parametrize("limit", [timedelta(0), timedelta(seconds=4)])
async def test_without_time_it_looks_once(limit: timedelta) -> None:
    watch = Watch(timedelta(days=1), found(KEY))
    assert (await watch.verify(ALL, limit)).waits_for == {KEY}
    assert (watch.looks, watch.told) == (1, [])

"""What a failure of Graph means: who rests, how long, and what people are told."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from tests.loop.walk import NOW
from tests.presence.graph.graph_lab import Lab

from hybridge.presence.observations import Subject
from hybridge.presence.sources.graph_jobs import Budget
from hybridge.presence.sources.graph_lanes import Lanes, Rest
from hybridge.presence.sources.graph_verdicts import Scope, Verdict, judge, retry_after
from hybridge.presence.sources.graph_watch import Watch
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph.change_notifications import Notification
from hybridge.wire.graph.errors import read_error, write_error
from hybridge.wire.graph.subscriptions import Subscription


def judged(status: int, code: str = "", *headers: tuple[str, str], body: bytes = b"") -> Verdict:
    answer = write_error(status, code, "No.") if code else HttpAnswer(status=status, body=body)
    answer = msgspec.structs.replace(answer, headers=headers)
    return judge(answer, read_error(answer, "it"), Subject.CALENDAR, NOW)


def test_a_mailbox_over_its_limit_rests_alone_and_graph_over_its_own_rests_whole() -> None:
    alone = judged(429, "ApplicationThrottled", ("retry-after", "30"))
    whole = judged(429, "TooManyRequests", ("retry-after", "Fri, 20 Nov 2026 09:00:40 GMT"))
    assert (alone.scope, alone.wait) == (Scope.MAILBOX, timedelta(seconds=30))
    assert (whole.scope, whole.wait) == (Scope.ALL, timedelta(seconds=40))
    assert judged(503).scope is Scope.ALL and judged(503).wait


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_a_page_of_something_on_the_way_never_means_that_somebody_is_gone(status: int) -> None:
    verdict = judged(status, body=b"<html>404</html>")
    assert not verdict.gone and not verdict.apart


def test_only_graphs_own_word_means_that_somebody_is_gone() -> None:
    assert judged(404, "MailboxNotEnabledForRESTAPI").gone
    assert judged(404, "ErrorInvalidUser").gone
    assert not judged(404, "ErrorItemNotFound").gone


@pytest.mark.parametrize("reason", [FailureReason.SIGN_IN, FailureReason.FORBIDDEN])
def test_a_refused_sign_in_concerns_everybody(reason: FailureReason) -> None:
    failure = Failure(reason=reason, says="No.")
    verdict = judge(HttpAnswer(failure=failure), failure, Subject.CALENDAR, NOW)
    assert (verdict.scope, verdict.credential) == (Scope.ALL, True)
    assert judged(401, "InvalidAuthenticationToken").credential


@pytest.mark.parametrize(
    ("value", "seconds"), [("5", 5), ("0", 0), ("99999", 3600), ("-1", None), ("soon", None), ("", None)]
)
def test_retry_after_in_its_shapes(value: str, seconds: int | None) -> None:
    assert retry_after(value, NOW) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_mailbox_has_four_places_and_a_budget() -> None:
    lanes = Lanes()
    assert [lanes.enter("a", NOW) for _ in range(4)] == [None] * 4
    assert lanes.enter("a", NOW) is not None and lanes.enter("b", NOW) is None
    lanes.leave("a")
    assert lanes.enter("a", NOW) is None
    for _ in range(10_000):
        lanes.count("c", NOW)
    assert lanes.enter("c", NOW) is not None
    assert lanes.enter("c", NOW + timedelta(minutes=10)) is not None, "the ten minutes before still count"
    assert lanes.enter("c", NOW + timedelta(minutes=20)) is None


def test_a_rest_grows_and_several_failures_at_once_are_one() -> None:
    rest, first = Rest(), timedelta(seconds=2)
    for _ in range(3):
        rest.begin(NOW, None, first=first)
    assert rest.until == NOW + first
    later = NOW + timedelta(minutes=1)
    rest.begin(later, None, first=first)
    assert rest.until == later + 2 * first
    rest.end()
    assert rest.over(NOW)


def test_a_budget_lets_so_many_pass_in_a_minute() -> None:
    budget = Budget(60)
    taken = sum(budget.take(NOW + timedelta(milliseconds=100 * step)) for step in range(600))
    assert 58 <= taken <= 61


def test_notifications_of_one_mailbox_are_told_once() -> None:
    watch = Watch({}, random.Random(1))
    made = Subscription(id="1", resource="users/a/events", notification_url="https://x/", expires_at=NOW)
    watch.note("a", made)
    note = Notification(subscription_id="1", client_state=watch.client_state, change_type="updated")
    assert len(list(watch.believed((note,) * 3))) == 1
    assert watch.counts == Counter({"change": 3})
    again = Watch(watch.keep(), random.Random(2))
    assert again.client_state == watch.client_state and again.held("a") == watch.held("a")


class Spoiled:
    """Graph refuses every request for free/busy that names one of these."""

    def __init__(self, inner: Answerer, bad: str) -> None:
        self._inner, self._bad = inner, bad.encode()

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        if self._bad in ask.body:
            return write_error(400, "ErrorInvalidParameter", "A schedule is not valid.")
        return await self._inner.http(ask)


async def test_one_who_spoils_a_request_ends_up_alone(lab: Lab) -> None:
    crowd = lab.hire(20)
    spoiled = Spoiled(lab.live, crowd[13])
    async with lab.source(lab.settings(), *crowd, answerer=spoiled):  # type: ignore[arg-type]
        for address in crowd:
            if address != crowd[13]:
                await lab.told.read(address)
        assert (await lab.told.failed(crowd[13])).code == "ErrorInvalidParameter"
    assert sum(len(lab.told.failures(one)) for one in crowd if one != crowd[13]) == 0

"""Graph's limits: four at once and so many in ten minutes at a mailbox, 429 with a wait, tokens, and who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.presence.graph.graph_lab import GRAPH, LINUS, MARIE, Lab, until

from hybridge.lab.apps.graph_delta import tokens_of
from hybridge.lab.apps.graph_mailboxes import budget_of
from hybridge.lab.serve.graph_gate import gate_of
from hybridge.lab.weather import Does, HttpRule, weather_of
from hybridge.presence.observations import Subject
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk

VIEW = f"/users/{LINUS}/calendarView?startDateTime=2026-11-20T00:00:00Z&endDateTime=2026-11-21T00:00:00Z"


async def test_a_fifth_request_to_one_mailbox_is_refused(lab: Lab) -> None:
    gate = gate_of(lab.estate)
    gate.retry_after = timedelta(seconds=30)
    gate.hold()
    four = [asyncio.create_task(lab.ask("GET", VIEW)) for _ in range(4)]
    await until(lambda: gate.held == 4)
    fifth = await lab.ask("GET", VIEW)
    other = asyncio.create_task(lab.ask("GET", VIEW.replace(LINUS, MARIE)))
    await until(lambda: gate.held == 5)
    gate.release()
    assert [one.status for one in await asyncio.gather(*four, other)] == [200] * 5
    assert fifth.status == 429 and fifth.header("retry-after") == "30" and b"MailboxConcurrency" in fifth.body


@pytest.mark.parametrize("resource", ["schedule", "calendar-view"])
async def test_the_source_never_asks_more_than_four_at_once(lab: Lab, resource: str) -> None:
    gate = gate_of(lab.estate)
    async with lab.source(lab.notified(resource=resource), LINUS, MARIE) as source:
        await until(lambda: lab.asked("subscriptions") >= 2)
        for round_ in range(5):
            gate.hold()
            for _ in range(8):
                source.refresh(LINUS, Subject.CALENDAR)
                source.refresh(LINUS, Subject.REPLIES)
            await until(lambda: gate.held >= 2)
            gate.release()
            await lab.told.read(LINUS, round_ + 2)
    assert gate.most <= 4 and gate.refused == 0


async def test_a_mailbox_over_its_budget_rests_and_the_others_do_not(lab: Lab) -> None:
    lab.put(LINUS)
    settings = lab.settings(resource="calendar-view", every=timedelta(minutes=1))
    async with lab.source(settings, LINUS, MARIE) as source:
        await lab.told.read(LINUS)
        await lab.told.read(MARIE)
        budget_of(lab.estate).charge(LINUS, lab.now())
        budget_of(lab.estate).requests = 3
        lab.pass_time(timedelta(seconds=70))
        told = await lab.told.failed(LINUS)
        await lab.told.read(MARIE, 2)
        assert (told.code, told.gone) == ("ApplicationThrottled", False)
        assert source.health()[0].figures["throttled_mailboxes"] == 1
        before = lab.asked(f"{LINUS}/calendarView")
        lab.pass_time(timedelta(minutes=2))
        await lab.told.failed(MARIE)
        assert lab.asked(f"{LINUS}/calendarView") == before, "what Graph says in Retry-After is obeyed"
        budget_of(lab.estate).requests = 10_000
        lab.pass_time(timedelta(minutes=15))
        await lab.told.read(LINUS, 2)


async def test_a_short_wait_is_waited_for_and_a_long_one_rests(lab: Lab) -> None:
    rule = HttpRule(
        does=Does.REFUSE, hosts=(GRAPH,), methods=("POST",), status=429, code="TooManyRequests", seconds=3, times=1
    )
    weather_of(lab.estate).turn(rule)
    async with lab.source(lab.settings(), LINUS) as source:
        await lab.told.read(LINUS)
        assert lab.paused == [3.0] and not lab.told.failures(LINUS)
        weather_of(lab.estate).turn(_long(rule))
        source.refresh(LINUS, Subject.CALENDAR)
        assert (await lab.told.failed(LINUS)).code == "TooManyRequests"
        before = lab.asked("getSchedule")
        lab.pass_time(timedelta(seconds=119))
        source.refresh(LINUS, Subject.CALENDAR)
        await lab.told.until(lambda: len(lab.told.failures(LINUS)) == 2)
        assert lab.asked("getSchedule") == before
        lab.pass_time(timedelta(seconds=10))
        await lab.told.read(LINUS, 2)


def _long(rule: HttpRule) -> HttpRule:
    return HttpRule(
        does=rule.does, hosts=rule.hosts, methods=rule.methods, status=429, code=rule.code, seconds=120, times=1
    )


async def test_a_lost_delta_token_means_reading_anew(lab: Lab) -> None:
    lab.put(LINUS)
    async with lab.source(lab.settings(resource="calendar-view"), LINUS) as source:
        await lab.told.read(LINUS)
        tokens_of(lab.estate).forget()
        lab.put(LINUS, hours=4)
        source.refresh(LINUS, Subject.CALENDAR)
        await lab.told.read(LINUS, 2)
        assert source.health()[0].figures["resyncs"] == 2
    assert len(lab.told.events(LINUS)) == 2 and not lab.told.failures(LINUS)


async def test_the_window_is_rolled_with_the_day(lab: Lab) -> None:
    lab.put(LINUS, hours=24 * 4)
    settings = lab.settings(resource="calendar-view", every=timedelta(minutes=30))
    async with lab.source(settings, LINUS) as source:
        await lab.told.read(LINUS)
        assert lab.told.events(LINUS) == ()
        lab.pass_time(timedelta(days=1, hours=17))
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == 1)
        window = lab.told.windows(LINUS)[-1]
        assert window.start_at < lab.now() < lab.now() + settings.ahead < window.end_at
        assert source.health()[0].figures["resyncs"] == 2


async def test_pages_are_read_to_the_end(lab: Lab) -> None:
    for number in range(450):
        start = lab.now() + timedelta(minutes=number)
        lab.put(LINUS, start_at=start, end_at=start + timedelta(minutes=5))
    async with lab.source(lab.settings(resource="calendar-view"), LINUS):
        await lab.told.read(LINUS)
    assert len(lab.told.events(LINUS)) == 450
    assert lab.asked("calendarView") == 3


class WrongSecret:
    """Answers as the live answerer does when Entra refuses the sign-in."""

    def __init__(self, inner: Answerer) -> None:
        self.asked = 0
        self.right = False
        self._inner = inner

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        if self.right:
            return await self._inner.http(ask)
        self.asked += 1
        says = "Entra refused the sign-in: the client secret is wrong (AADSTS7000215)."
        return HttpAnswer(failure=Failure(reason=FailureReason.SIGN_IN, says=says))

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        return getattr(self._inner, name)  # type: ignore[no-any-return]


async def test_a_wrong_secret_is_shown_once_and_then_everything_rests(lab: Lab) -> None:
    crowd = lab.hire(60)
    wrong = WrongSecret(lab.live)
    async with lab.source(lab.settings(at_once=1), *crowd, answerer=wrong) as source:  # type: ignore[arg-type]
        for address in crowd:
            assert "client secret" in (await lab.told.failed(address)).says
        assert wrong.asked == 1
        assert "client secret" in source.health()[0].trouble
        wrong.right = True
        lab.pass_time(timedelta(minutes=1))
        for address in crowd:
            await lab.told.read(address)
        assert source.health()[0].trouble == ""


async def test_a_token_that_ended_early_is_replaced(lab: Lab) -> None:
    async with lab.source(lab.settings(every=timedelta(minutes=5)), LINUS):
        await lab.told.read(LINUS)
        lab.pass_time(timedelta(hours=2))
        await lab.told.read(LINUS, 2)
    assert not lab.told.failures(LINUS)


async def test_where_every_token_is_refused_few_are_fetched_and_everything_rests(lab: Lab) -> None:
    crowd = lab.hire(100)
    rule = HttpRule(does=Does.REFUSE, hosts=(GRAPH,), methods=("GET", "POST"), status=401, code="InvalidToken")
    weather_of(lab.estate).turn(rule)
    async with lab.source(lab.settings(), *crowd) as source:
        for address in crowd:
            await lab.told.failed(address)
        assert source.health()[0].trouble
        assert lab.asked("oauth2/v2.0/token") == 2
        assert lab.asked("/v1.0/") <= 2 * 16
        weather_of(lab.estate).clear()
        lab.pass_time(timedelta(minutes=1))
        for address in crowd:
            await lab.told.read(address)

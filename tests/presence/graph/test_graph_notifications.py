"""Notifications over HTTP: the handshake, duplicates, losses, delays, and each lifecycle event.

Whatever Graph tells or does not tell, in the end the windows are those of a full read.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from tests.presence.graph.graph_lab import HOUR, LINUS, MARIE, ONLINE, PATIENCE, Lab, until

from hybridge.lab.apps.graph_subscriptions import Post, post_of
from hybridge.presence.people import Person
from hybridge.presence.sources.graph import GraphSource
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import subscriptions
from hybridge.wire.graph.change_notifications import LIFECYCLE, Notification, write_notifications

BOTH = pytest.mark.parametrize("resource", ["schedule", "calendar-view"])


async def subscribed(lab: Lab, source: GraphSource, number: int = 1) -> Post:
    """Wait until there are so many subscriptions."""
    post = post_of(lab.estate)
    await until(lambda: not (source.health()[0].figures["subscriptions"] < number))
    return post


async def all_delivered(lab: Lab, number: int) -> None:
    """Wait until so many bodies came."""
    await until(lambda: not (len(lab.bodies) < number))


async def times_shown(lab: Lab, address: str) -> list[object]:
    """What a full read of the calendar shows now."""
    start, end = lab.now() - HOUR, lab.now() + 30 * HOUR
    path = f"/users/{address}/calendarView?startDateTime={start:%FT%TZ}&endDateTime={end:%FT%TZ}&$top=1000"
    answer = await lab.ask("GET", path, Prefer='outlook.timezone="UTC"')
    return [one["start"]["dateTime"][:19] for one in msgspec.json.decode(answer.body)["value"]]


def told_times(lab: Lab, address: str) -> list[object]:
    return [one.start_at.strftime("%FT%T") for one in lab.told.events(address)]


@BOTH
async def test_a_change_is_read_at_once_and_duplicates_become_few_reads(lab: Lab, resource: str) -> None:
    async with lab.source(lab.notified(resource=resource), LINUS, MARIE) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source, 2)
        assert post.copies == 3
        lab.put(LINUS, hours=2)
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == 1)
        await all_delivered(lab, 3)
    assert told_times(lab, LINUS) == await times_shown(lab, LINUS)
    assert len(lab.told.windows(LINUS)) <= 4, "at most one read for each copy"
    assert len(lab.told.windows(MARIE)) == 1


async def test_a_burst_of_changes_is_one_read(lab: Lab) -> None:
    async with lab.source(lab.notified(coalesce=timedelta(seconds=1)), LINUS) as source:
        await lab.told.read(LINUS)
        await subscribed(lab, source)
        for hour in range(10):
            lab.put(LINUS, hours=hour)
        await all_delivered(lab, 30)
        assert len(lab.told.windows(LINUS)) == 1
        lab.pass_time(timedelta(seconds=1))
        await lab.told.read(LINUS, 2)
    assert told_times(lab, LINUS) == await times_shown(lab, LINUS)
    assert len(lab.told.windows(LINUS)) == 2


@BOTH
async def test_a_lost_notification_costs_one_interval(lab: Lab, resource: str) -> None:
    async with lab.source(lab.notified(resource=resource, every=timedelta(minutes=5)), LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        post.lose = -1
        lab.put(LINUS, hours=2)
        assert post.lost == 1 and not post.waiting
        lab.pass_time(timedelta(minutes=6))
        await lab.told.read(LINUS, 2)
    assert told_times(lab, LINUS) == await times_shown(lab, LINUS) != []


@BOTH
async def test_a_late_notification_is_read_when_it_comes(lab: Lab, resource: str) -> None:
    async with lab.source(lab.notified(resource=resource), LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        post.delay = timedelta(minutes=2)
        lab.put(LINUS, hours=2)
        assert not lab.bodies and len(post.waiting) == 3
        lab.pass_time(timedelta(minutes=3))
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == 1)


@BOTH
@pytest.mark.parametrize("event", LIFECYCLE)
async def test_after_each_lifecycle_event_the_window_is_that_of_a_full_read(
    lab: Lab, resource: str, event: str
) -> None:
    async with lab.source(lab.notified(resource=resource), LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        (before,) = post.kept
        post.lose = 1
        lab.put(LINUS, hours=2)
        assert post.tell_lifecycle(event, LINUS) == 1
        if event == "reauthorizationRequired":
            await until(lambda: not (post.kept[before].waits))
            lab.put(LINUS, hours=3)
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == number_of(lab))
        await subscribed(lab, source)
        (after,) = post.kept
        lab.put(LINUS, hours=5)
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == number_of(lab))
    assert told_times(lab, LINUS) == await times_shown(lab, LINUS)
    assert (after == before) == (event != "subscriptionRemoved")


def number_of(lab: Lab) -> int:
    """How many appointments Linus has."""
    return len(lab.store.items(ONLINE, LINUS))


async def test_while_it_waits_for_authorization_nothing_is_told(lab: Lab) -> None:
    async with lab.source(lab.notified(), LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        next(iter(post.kept.values())).waits = True
        lab.put(LINUS)
        assert not post.waiting


async def test_a_subscription_is_renewed_before_it_ends_and_made_again_after(lab: Lab) -> None:
    async with lab.source(lab.notified(), LINUS) as source:
        post = await subscribed(lab, source)
        (kept,) = post.kept.values()
        first = kept.subscription.expires_at
        assert first - lab.now() <= subscriptions.LONGEST
        lab.pass_time(timedelta(minutes=3400))
        await until(lambda: kept.subscription.expires_at != first)
        lab.pass_time(timedelta(days=5))
        await until(lambda: len(post.kept) == 1 and kept.subscription.id not in post.kept)


async def test_after_a_restart_the_subscription_and_the_view_go_on(lab: Lab) -> None:
    settings = lab.notified(resource="calendar-view")
    async with lab.source(settings, LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        kept = source.keep()
    lab.put(LINUS, hours=2)
    async with lab.source(settings, LINUS, kept=kept) as source:
        await lab.told.read(LINUS, 2)
        assert len(lab.told.events(LINUS)) == 1
        lab.put(LINUS, hours=3)
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == 2)
        assert source.health()[0].figures["resyncs"] == 0
    assert len(post.kept) == 1


async def test_who_is_not_watched_any_more_is_not_subscribed_to(lab: Lab) -> None:
    async with lab.source(lab.notified(), LINUS, MARIE) as source:
        post = await subscribed(lab, source, 2)
        source.watch([Person(address=MARIE, source="online", user=MARIE)])
        await until(lambda: len(post.kept) == 1)
    assert [one.mailbox for one in post.kept.values()] == [MARIE]


async def test_an_address_that_does_not_answer_the_handshake_leaves_polling(lab: Lab) -> None:
    settings = lab.notified(every=timedelta(minutes=5))
    async with lab.source(settings, LINUS) as source:
        lab.receive[:] = [lambda body, query: HttpAnswer(status=200, body=b"hello")]
        await until(lambda: not ("validation" not in source.health()[0].trouble))
        await lab.told.read(LINUS)
        lab.put(LINUS)
        lab.pass_time(timedelta(minutes=6))
        await lab.told.until(lambda: len(lab.told.events(LINUS)) == 1)
    assert not post_of(lab.estate).kept and not lab.told.failures(LINUS)


async def test_what_another_sends_is_not_believed(lab: Lab) -> None:
    async with lab.source(lab.notified(), LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        (kept,) = post.kept.values()
        forged = Notification(subscription_id=kept.subscription.id, client_state="guess", change_type="updated")
        unknown = Notification(subscription_id="x", client_state=kept.subscription.client_state)
        assert source.notified(write_notifications((forged, unknown), "tenant"), {}).status == 202
        assert source.notified(b"<html>", {}).status == 400
        assert source.notified(b'{"value": 3}', {}).status == 400
        assert source.health()[0].figures["strange_notifications"] == 2
    assert len(lab.told.windows(LINUS)) == 1


async def test_the_handshake_gives_the_token_back_as_plain_text(lab: Lab) -> None:
    async with lab.source(lab.settings(), LINUS) as source:
        answer = source.notified(b"", {"validationToken": "<b>Validation: 1 & 2</b>"})
        assert (answer.status, answer.body) == (200, b"<b>Validation: 1 & 2</b>")
        assert answer.header("content-type").startswith("text/plain")
        assert answer.header("x-content-type-options") == "nosniff"
        assert source.notified(b"", {"validationToken": "x" * 5000}).status == 400


async def test_the_lab_tells_again_who_did_not_take_it_and_gives_up_after_four_hours(lab: Lab) -> None:
    async with lab.source(lab.notified(), LINUS) as source:
        await lab.told.read(LINUS)
        post = await subscribed(lab, source)
        post.copies = 1
        lab.receive[:] = [lambda body, query: HttpAnswer(status=503)]
        lab.put(LINUS)
        await all_delivered(lab, 1)
        lab.receive[:] = [source.notified]
        await until(lambda: bool(post.waiting))
        lab.pass_time(timedelta(seconds=11))
        await lab.told.read(LINUS, 2)
        lab.receive[:] = [lambda body, query: HttpAnswer(status=500)]
        lab.put(LINUS)
        async with asyncio.timeout(PATIENCE):
            while not post.dropped:
                lab.pass_time(timedelta(minutes=31))
                await asyncio.sleep(0.02)
    assert post.dropped == 1


@pytest.mark.parametrize(
    "url",
    ["https://hooks.contoso.com/graph", "http://10.0.0.1/graph", "https://127.0.0.1.evil.example/", "ftp://127.0.0.1/"],
)
async def test_the_lab_notifies_this_machine_only(lab: Lab, url: str) -> None:
    ends = (lab.now() + HOUR).strftime("%FT%TZ")
    body = {"changeType": "updated", "notificationUrl": url, "resource": f"users/{LINUS}/events"}
    answer = await lab.ask("POST", "/subscriptions", {**body, "expirationDateTime": ends})
    assert answer.status == 400 and not post_of(lab.estate).kept

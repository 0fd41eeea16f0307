"""Streams over the wire: hints, affinity, lost subscriptions, cuts, silence, the server's own end, a restart."""

from __future__ import annotations

import msgspec
import pytest
from tests.net.farm import HOST, Authority
from tests.presence.sources.exchange_farm import (
    SmallExchange,
    Told,
    lines_to,
    people,
    served,
    small_exchange,
    source_of,
    told_of,
    watched,
)

from hybridge.presence.sources import exchange_streams as streams
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ews import get_streaming_events as stream

pytestmark = pytest.mark.wire
COOKIE = "X-BackEndOverrideCookie=ex1~1942062522"


async def test_a_notification_becomes_one_hint_and_one_reading(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(5)
    ada = who[2].address
    async with served(authority, server) as lines:
        source = source_of(lines, streaming=True, debounce=0.2)
        async with watched(source, who, told):
            await told.until(lambda: len(told.calendars()) == 10)  # the sweep, and once when the stream is open
            server.batches.clear()
            number = next(one for one in server.followed[0] if one.startswith(ada))
            server.said.put_nowait(told_of(number))
            server.said.put_nowait(told_of(number))
            server.said.put_nowait(told_of("somebody else's"))
            await told.until(lambda: len(told.calendars()) == 11)
        (health,) = source.health()
    assert [who for who, one in told.all if one in told.hints()] == [ada]
    assert server.batches == [(ada,)]
    assert (health.figures["notifications"], health.figures["subscriptions"]) == (2, 5)


async def test_a_group_keeps_to_one_server(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(4)
    async with served(authority, server) as lines, watched(source_of(lines, streaming=True), who, told):
        await server.opened.wait()
    bound = [head for operation, head in server.heads if operation in ("Subscribe", "GetStreamingEvents")]
    assert {head["x-anchormailbox"] for head in bound} == {who[0].address}
    assert {head["x-preferserveraffinity"] for head in bound} == {"true"}
    assert [head.get("cookie") for head in bound] == [None] + [COOKIE] * 4
    swept = [head for operation, head in server.heads if operation == "GetUserAvailability"]
    assert all("cookie" not in head for head in swept)


async def test_two_hundred_to_a_stream(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(7)
    async with (
        served(authority, server) as lines,
        watched(source_of(lines, streaming=True, ids_per_stream=3), who, told),
    ):
        await told.until(lambda: len(told.calendars()) == 14)
    assert sorted(map(len, server.followed)) == [1, 3, 3]


async def test_lost_subscriptions_are_made_anew_and_the_good_ones_kept(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(4)
    kept = {
        "subscriptions": msgspec.json.encode(
            {one.address: {"group": "||0", "subscription_id": f"old-{number}"} for number, one in enumerate(who)}
        )
    }
    server.lost = {"old-1", "old-3"}
    async with served(authority, server) as lines:
        source = source_of(lines, kept, streaming=True)
        async with watched(source, who, told):
            await server.opened.wait()
            await told.until(lambda: len(told.calendars()) >= 5)
        assert set(server.followed[1]) >= {"old-0", "old-2"} and not server.lost & set(server.followed[1])
        assert server.asked["Subscribe"] == 2
        again = msgspec.json.decode(source.keep()["subscriptions"])
    assert {one["subscription_id"] for one in again.values()} == set(server.followed[1])


async def test_a_restart_subscribes_nobody_again(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(3)
    async with small_exchange(authority, server) as place:
        async with lines_to(authority, {HOST: place}) as lines:
            first = source_of(lines, streaming=True)
            async with watched(first, who, told):
                await server.opened.wait()
        server.opened.clear()
        async with (
            lines_to(authority, {HOST: place}) as lines,
            watched(source_of(lines, first.keep(), streaming=True), who, told),
        ):
            await server.opened.wait()
    assert server.asked["Subscribe"] == 3
    assert server.followed[0] == server.followed[1]


async def test_nonsense_that_was_kept_is_passed_over(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(1)
    async with (
        served(authority, server) as lines,
        watched(source_of(lines, {"subscriptions": b'{"a": 1}', "x": b""}, streaming=True), who, told),
    ):
        await server.opened.wait()
    assert server.asked["Subscribe"] == 1


@pytest.mark.parametrize("end", [None, stream.Response(connection_status="Closed")], ids=["cut", "closed"])
async def test_a_stream_that_ends_is_opened_again_and_the_gap_is_read(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, end: stream.Response | None
) -> None:
    monkeypatch.setattr(streams, "AT_LEAST", 0.0)
    server, told, who = SmallExchange(), Told(), people(3)
    async with served(authority, server) as lines, watched(source_of(lines, streaming=True), who, told):
        await told.until(lambda: len(told.calendars()) == 6)
        server.opened.clear()
        server.said.put_nowait(end)
        await server.opened.wait()
        await told.until(lambda: len(told.calendars()) == 9)
    assert server.followed[0] == server.followed[1] and server.asked["Subscribe"] == 3


async def test_a_silent_stream_is_given_up(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(1)
    async with served(authority, server) as lines:
        source = source_of(lines, streaming=True, heartbeat=0.1)
        async with watched(source, who, told):
            await told.until(lambda: len(told.calendars()) >= 3)
        (health,) = source.health()
    assert len(server.followed) >= 2 and health.figures["streams_lost"] >= 1


async def test_groups_follow_autodiscover(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(4)
    for number, one in enumerate(who):
        found = (
            (soap.EXTERNAL_EWS_URL, f"https://{HOST}/EWS/Exchange.asmx"),
            ("GroupingInformation", f"G{number % 2}"),
        )
        server.routes[one.address] = soap.UserResponse(settings=found)
    async with (
        served(authority, server) as lines,
        watched(source_of(lines, streaming=True, autodiscover=True), who, told),
    ):
        await told.until(lambda: len(told.calendars()) >= 8)
    groups = {tuple(sorted(one.partition("#")[0] for one in ids)) for ids in server.followed}
    assert groups == {(who[0].address, who[2].address), (who[1].address, who[3].address)}


async def test_somebody_new_joins_the_stream(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(3)
    async with served(authority, server) as lines:
        source = source_of(lines, streaming=True)
        async with watched(source, who[:2], told):
            await server.opened.wait()
            server.opened.clear()
            source.watch(who)
            await server.opened.wait()
    assert [len(ids) for ids in server.followed] == [2, 3] and server.asked["Subscribe"] == 3


async def test_who_leaves_is_unsubscribed(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(3)
    async with served(authority, server) as lines:
        source = source_of(lines, streaming=True)
        async with watched(source, who, told):
            await server.opened.wait()
            server.opened.clear()
            source.watch(who[1:])
            await server.opened.wait()
    assert [one.partition("#")[0] for one in server.unsubscribed] == [who[0].address]
    assert server.followed[1] == server.followed[0][1:]

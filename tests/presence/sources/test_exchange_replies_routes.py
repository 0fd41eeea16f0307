"""Automatic replies and Autodiscover over the wire."""

from __future__ import annotations

import pytest
from tests.net.farm import HOST, Authority
from tests.presence.sources.exchange_farm import (
    NINE,
    OTHER,
    SmallExchange,
    Told,
    lines_to,
    people,
    served,
    small_exchange,
    source_of,
    watched,
)

from hybridge.presence.calendar import ReplyState
from hybridge.presence.observations import Subject
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ews import get_user_oof_settings as oof

pytestmark = pytest.mark.wire


async def test_automatic_replies_are_read_of_each(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(4)
    server.replies[who[1].address] = oof.Response(oof_state="Scheduled", start_at=NINE, end_at=NINE.replace(hour=12))
    server.replies[who[2].address] = oof.Response("ErrorAccessDenied", "Access is denied.")
    server.replies[who[3].address] = oof.Response(oof_state="Sometimes")
    async with (
        served(authority, server) as lines,
        watched(source_of(lines, replies=True, replies_rate=1000), who, told),
    ):
        await told.until(lambda: len(told.replies()) + len(told.failures()) == 4)
    scheduled = told.replies(who[1].address)[0].replies
    assert (scheduled.state, scheduled.start_at, scheduled.source) == (ReplyState.SCHEDULED, NINE, f"exchange {HOST}")
    assert told.replies(who[0].address)[0].replies.state is ReplyState.DISABLED
    failures = {address: one for address in (who[2].address, who[3].address) for one in told.failures(address)}
    assert [one.code for one in failures.values()] == ["ErrorAccessDenied", "UnknownState"]
    assert {one.subject for one in failures.values()} == {Subject.REPLIES}
    acting = [head["x-anchormailbox"] for operation, head in server.heads if operation == "GetUserOofSettings"]
    assert sorted(acting) == [one.address for one in who]


async def test_replies_without_an_end_are_read_sooner_and_a_refresh_at_once(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(2)
    server.replies[who[0].address] = oof.Response(oof_state="Enabled")
    async with served(authority, server) as lines:
        source = source_of(lines, replies=True, replies_rate=1000, replies_every=0.9)
        async with watched(source, who, told):
            await told.until(lambda: len(told.replies(who[0].address)) == 3)
            assert len(told.replies(who[1].address)) == 1
    told = Told()
    async with served(authority, server) as lines:
        source = source_of(lines, replies=True, replies_rate=1000)
        async with watched(source, who, told):
            await told.until(lambda: len(told.replies()) == 2)
            source.refresh(who[1].address, Subject.REPLIES)
            await told.until(lambda: len(told.replies(who[1].address)) == 2)


async def test_the_rate_of_replies_is_kept(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(30)
    async with served(authority, server) as lines, watched(source_of(lines, replies=True, replies_rate=20), who, told):
        await told.until(lambda: len(told.calendars()) == 30 and len(told.replies()) >= 4)
        assert len(told.replies()) < 15


async def test_an_autodiscover_answer_moves_no_credential(authority: Authority) -> None:
    server, stranger, told, who = SmallExchange(), SmallExchange(), Told(), people(2)
    url = "https://evil.example/EWS/Exchange.asmx"
    server.routes[who[0].address] = soap.UserResponse(settings=((soap.EXTERNAL_EWS_URL, url),))
    server.routes[who[1].address] = soap.UserResponse(code="RedirectUrl", target="https://evil.example/autodiscover")
    async with (
        small_exchange(authority, server) as place,
        small_exchange(authority, stranger, "evil.example") as evil,
        lines_to(authority, {HOST: place, "evil.example": evil}) as lines,
    ):
        source = source_of(lines, autodiscover=True, replies=True)
        async with watched(source, who, told):
            await told.until(lambda: len(told.failures()) == 2 and len(told.calendars()) == 2)
    assert sorted(one.code for one in told.failures()) == ["ForeignHost", "ForeignRedirectUrl"]
    assert all("evil.example" in one.says for one in told.failures())
    assert stranger.signed == 0 and not stranger.asked


async def test_a_mailbox_is_read_where_autodiscover_says(authority: Authority) -> None:
    first, second, told, who = SmallExchange(), SmallExchange(), Told(), people(4)
    at_second = soap.UserResponse(settings=((soap.INTERNAL_EWS_URL, f"https://{OTHER}/EWS/Exchange.asmx"),))
    first.routes = {who[3].address: at_second}
    async with (
        small_exchange(authority, first) as one,
        small_exchange(authority, second, OTHER) as two,
        lines_to(authority, {HOST: one, OTHER: two}) as lines,
    ):
        source = source_of(lines, hosts=(HOST, OTHER), autodiscover=True, sweep_every=0.2)
        async with watched(source, who, told):
            await told.until(lambda: len(second.batches) >= 2)
        assert {address for batch in second.batches for address in batch} == {who[3].address}


async def test_a_server_without_autodiscover_is_swept_all_the_same(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(2)
    server.routes = {one.address: soap.UserResponse(code="InvalidUser", message="No such user.") for one in who}
    async with served(authority, server) as lines, watched(source_of(lines, autodiscover=True), who, told):
        await told.until(lambda: len(told.calendars()) == 2)

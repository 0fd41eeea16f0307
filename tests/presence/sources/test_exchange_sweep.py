"""The sweep over the wire: batches, errors of one mailbox, throttling in all its shapes, the breaker, failover."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.net.farm import HOST, Authority, serve
from tests.presence.sources.exchange_farm import (
    MEETING,
    OTHER,
    VERSION,
    VIEW,
    SmallExchange,
    Told,
    busy,
    lines_to,
    people,
    served,
    small_exchange,
    source_of,
    watched,
)

from hybridge.presence.calendar import ShowAs
from hybridge.presence.observations import Subject
from hybridge.presence.sources import exchange_servers as servers
from hybridge.presence.sources.exchange_verdicts import Kind
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, write_fault
from hybridge.wire.ews.envelope import write_response as in_envelope
from hybridge.wire.ews.free_busy_view import FreeBusy
from hybridge.wire.ews.get_user_availability import MailboxError, Response, write_response

pytestmark = pytest.mark.wire


async def test_everybody_is_read_in_batches_of_a_hundred(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(250)
    async with served(authority, server) as lines, watched(source_of(lines), who, told):
        await told.until(lambda: len(told.calendars()) == 250)
    assert sorted(map(len, server.batches)) == [50, 100, 100]
    window = told.calendars(who[7].address)[0].window
    (event,) = window.events
    assert (event.start_at, event.end_at, event.shows) == (MEETING.start_at, MEETING.end_at, ShowAs.BUSY)
    assert (event.meeting, event.subject, window.source) == (True, "", f"exchange {HOST}")
    assert window.start_at < event.start_at < window.end_at


async def test_an_error_is_of_its_mailbox_alone(authority: Authority) -> None:
    who = people(30)
    bad, gone, silent = who[3].address, who[4].address, who[5].address
    server, told = SmallExchange(), Told()
    server.views[bad] = MailboxError("ErrorFreeBusyGenerationFailed", "Unable to generate free/busy.")
    server.views[gone] = MailboxError("ErrorMailRecipientNotFound", "Unable to resolve e-mail address.", 5009)
    server.views[silent] = FreeBusy(("None",))
    async with served(authority, server) as lines, watched(source_of(lines), who, told):
        await told.until(lambda: len(told.all) == 30)
    assert len(told.calendars()) == 27
    (failure,) = told.failures(bad)
    assert (failure.code, failure.gone, failure.subject) == ("ErrorFreeBusyGenerationFailed", False, Subject.CALENDAR)
    assert bad in failure.says
    assert [one.gone for one in told.failures(gone)] == [True]
    assert [one.code for one in told.failures(silent)] == ["NoData"]


async def test_the_one_mailbox_that_spoils_a_batch_is_found(authority: Authority) -> None:
    who = people(100)
    server, told = SmallExchange(poison={who[17].address, who[90].address}), Told()
    async with served(authority, server) as lines, watched(source_of(lines), who, told):
        await told.until(lambda: len(told.all) == 100)
    assert len(told.calendars()) == 98
    assert {who for who, _ in told.all} - {who[17].address, who[90].address} == {
        address for address, one in told.all if one in told.calendars()
    }
    assert [one.code for one in told.failures()] == ["ErrorInternalServerError"] * 2
    assert len(server.batches) < 32


async def test_a_server_that_refuses_everything_is_left_alone(authority: Authority) -> None:
    server, told = SmallExchange(), Told()
    server.whole = lambda: write_fault(EwsFault("ErrorInternalServerError", "No."), VERSION)
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines, calls=1)
        async with watched(source, people(300), told):
            await told.until(lambda: len(told.failures()) == 300)
        (health,) = source.health()
    assert len(server.batches) <= 8
    assert health.trouble and health.figures["closed_for"] > 1


INNER = (
    "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse>"
    '<m:ResponseMessage ResponseClass="Error"><m:MessageText>Failed.</m:MessageText>'
    "<m:ResponseCode>ErrorInternalServerError</m:ResponseCode><m:MessageXml>"
    '<t:Value Name="InnerErrorResponseCode">ErrorServerBusy</t:Value>'
    '<t:Value Name="BackOffMilliseconds">60000</t:Value></m:MessageXml></m:ResponseMessage></m:FreeBusyResponse>'
    "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
)
JUNK = write_fault(
    EwsFault("ErrorServerBusy", "Too busy.", (("Name: BackOffMilliseconds178510", ""), ("", "Policy"))), VERSION
)
THROTTLED = {
    "the fault with a wait": (busy("297749"), 297.0),
    "the fault with zero": (busy("0"), 1.0),
    "the fault without a wait": (busy(None), 1.0),
    "junk around the wait": (JUNK, 178.0),
    "503": (HttpAnswer(status=503), 1.0),
    "503 with Retry-After": (HttpAnswer(status=503, headers=(("retry-after", "120"),)), 120.0),
    "429 with Retry-After": (HttpAnswer(status=429, headers=(("retry-after", "120"),)), 120.0),
    "200 around an inner error": (in_envelope(INNER, VERSION), 60.0),
    "too many connections": (write_fault(EwsFault("ErrorExceededConnectionCount", "Too many."), VERSION), 1.0),
}


@pytest.mark.parametrize("shape", THROTTLED)
async def test_a_busy_server_is_left_alone_as_long_as_it_wants(authority: Authority, shape: str) -> None:
    answer, least = THROTTLED[shape]
    server, told = SmallExchange(), Told()
    server.whole = lambda: answer
    who = people(1)
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines)
        async with watched(source, who, told):
            await told.until(lambda: len(told.failures()) >= 1)
            source.refresh(who[0].address, Subject.CALENDAR)
            source.refresh(who[0].address, Subject.CALENDAR)
            await told.until(lambda: len(told.failures()) >= 2)
        (health,) = source.health()
    assert len(server.batches) == 1
    assert least <= health.figures["closed_for"] <= least * 1.1 + 15
    assert health.figures["throttled"] == 1 and "busy" in health.trouble


async def test_a_busy_server_is_asked_again_by_one_call_at_a_time(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.FIRST_WAIT, Kind.BUSY, 0.3)
    server, told, who = SmallExchange(), Told(), people(800)
    refusals = iter([busy("0"), busy(None)])
    server.whole = lambda: next(refusals, None)
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines, calls=1, sweep_every=2.0)
        async with watched(source, who, told):
            await told.until(lambda: len(told.read) == 800)
    assert server.most_together == 1


async def test_a_wrong_password_is_sent_once(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(700)
    async with (
        small_exchange(authority, server) as place,
        lines_to(authority, {HOST: place}, password="wrong") as lines,
    ):
        source = source_of(lines, replies=True, streaming=True, autodiscover=True, sweep_every=0.2, replies_every=0.2)
        async with watched(source, who, told):
            await told.until(lambda: len({who for who, _ in told.all}) == 700)
            source.refresh(who[0].address, Subject.CALENDAR)
            before = len(told.failures(who[0].address))
            await told.until(lambda: len(told.failures(who[0].address)) > before + 1)
        (health,) = source.health()
    assert server.signed == 1
    assert "sign-in" in health.trouble and health.figures["waits_for_configuration"]
    assert "wrong" not in str(told.all) and "password" in health.next_step


async def test_a_401_under_load_is_no_wrong_password(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(servers.FIRST_WAIT, Kind.REFUSED, 0.05)
    server, told, who = SmallExchange(), Told(), people(1)
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines, sweep_every=0.2)
        async with watched(source, who, told):
            await told.until(lambda: len(told.calendars()) == 1)
            server.password = "another, for a moment"
            await told.until(lambda: len(told.failures()) >= 2)
            server.password = "c4nary-pass word"
            await told.until(lambda: len(told.calendars()) >= 2)
        (health,) = source.health()
    assert not health.trouble


async def test_a_dead_server_s_mailboxes_are_read_at_the_next_and_come_back(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.FIRST_WAIT, Kind.DOWN, 0.2)
    first, second, told, who = SmallExchange(), SmallExchange(), Told(), people(20)
    first.whole = lambda: HttpAnswer(status=500, body=b"Server Error in '/EWS' Application.")
    async with (
        small_exchange(authority, first) as one,
        small_exchange(authority, second, OTHER) as two,
        lines_to(authority, {HOST: one, OTHER: two}) as lines,
    ):
        source = source_of(lines, hosts=(HOST, OTHER), sweep_every=0.3)
        async with watched(source, who, told):
            await told.until(lambda: len(told.calendars()) == 20)
            assert not told.failures()
            assert {read.window.source for read in told.calendars()} == {f"exchange {OTHER}"}
            first.whole = lambda: None
            await told.until(lambda: told.calendars()[-1].window.source == f"exchange {HOST}")
    assert not told.failures()


async def test_refreshes_become_one_call(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(40)
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines, debounce=0.1)
        async with watched(source, who, told):
            await told.until(lambda: len(told.calendars()) == 40)
            for _ in range(5):
                for person in who[:30]:
                    source.refresh(person.address, Subject.CALENDAR)
            source.refresh("stranger@contoso.com", Subject.CALENDAR)
            await told.until(lambda: len(told.calendars()) == 70)
    assert [len(batch) for batch in server.batches] == [40, 30]


async def test_batches_that_fell_apart_become_whole_again(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.FIRST_WAIT, Kind.BUSY, 0.05)
    server, told, who = SmallExchange(), Told(), people(60)
    async with served(authority, server) as lines:
        source = source_of(lines, calls=1, sweep_every=0.5)
        async with watched(source, who[:1], told):
            for number in range(2, 61):  # everybody comes by himself
                source.watch(who[:number])
                await told.until(lambda number=number: len(told.read) == number)  # type: ignore[misc]
            await told.until(lambda: max(map(len, server.batches)) >= 12)
    assert len(server.batches) < 60 * 20


async def test_people_come_and_go(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(3)
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines, sweep_every=0.1)
        async with watched(source, who[:2], told):
            await told.until(lambda: len(told.calendars()) >= 2)
            source.watch(who[1:])
            await told.until(lambda: len(told.calendars(who[2].address)) >= 1)
            server.batches.clear()
            await told.until(lambda: len(server.batches) >= 3)
    assert {address for batch in server.batches for address in batch} == {who[1].address, who[2].address}


async def test_an_untrusted_certificate_stops_the_calls_and_names_itself(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(5)
    async with small_exchange(authority, server, OTHER) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines)
        async with watched(source, who, told):
            await told.until(lambda: len(told.failures()) == 5)
        (health,) = source.health()
    assert server.signed == 0
    assert "certificate" in health.trouble.lower() and health.figures["closed_for"] > 0


async def test_a_certificate_swapped_for_another_stops_the_calls_until_it_is_good_again(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(servers.FIRST_WAIT, Kind.DOWN, 0.1)
    shown = good = authority.context()
    (tmp_path / "stranger").mkdir()
    strange = Authority(tmp_path / "stranger", "Stranger").context()
    front = authority.context()
    front.sni_callback = lambda tls, name, context: setattr(tls, "context", shown)
    server, told, who = SmallExchange(closing=True), Told(), people(3)
    async with serve(server, front) as place, lines_to(authority, {HOST: place}) as lines:
        source = source_of(lines, sweep_every=0.2)
        async with watched(source, who, told):
            await told.until(lambda: len(told.calendars()) >= 3)
            shown = strange
            await told.until(lambda: len(told.failures()) >= 3)
            signed = server.signed
            (health,) = source.health()
            await told.until(lambda: len(told.failures()) >= 6)
            assert server.signed == signed and "certificate" in health.trouble
            shown, count = good, len(told.calendars())
            await told.until(lambda: len(told.calendars()) >= count + 3)


async def test_a_slow_drip_is_cut_at_the_time_limit(authority: Authority) -> None:
    server, told, who = SmallExchange(slow=30.0), Told(), people(2)
    async with (
        small_exchange(authority, server) as place,
        lines_to(authority, {HOST: place}, timeout=0.3) as lines,
    ):
        source = source_of(lines)
        async with watched(source, who, told):
            await told.until(lambda: len(told.failures()) == 2)
        (health,) = source.health()
    assert "0.3 s" in health.trouble


async def test_an_answer_about_too_few_mailboxes_is_believed_of_none(authority: Authority) -> None:
    server, told, who = SmallExchange(), Told(), people(2)
    server.whole = lambda: in_envelope(write_response(Response((VIEW,) * 3)), VERSION)
    async with served(authority, server) as lines, watched(source_of(lines), who, told):
        await told.until(lambda: len(told.failures()) == 2)
    assert not told.calendars() and {one.code for one in told.failures()} == {"WrongCount"}

"""Streams of the lab over TLS: chunks, the moved clock, broken connections, and the control API beside them."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.lab.notify.office import ADA, ALAN

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import EWS_URL, contoso
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import envelope, get_streaming_events, subscribe
from hybridge.wire.ews.get_streaming_events import EnvelopeStream, Response

pytestmark = pytest.mark.wire
NOW = datetime.now(UTC).replace(microsecond=0)
OK, CLOSED = Response(connection_status="OK"), Response(connection_status="Closed")


@dataclass
class Client:
    """A client that signs in with Basic and keeps cookies; ``control`` speaks to the control API."""

    lab: RunningLab
    session: aiohttp.ClientSession
    trust: ssl.SSLContext

    def post(self, body: str, acting: str = ADA, **headers: str) -> Any:
        url = EWS_URL.replace("mail.contoso.com", f"127.0.0.1:{self.lab.https_port}")
        secret = f"{ADMINISTRATOR}:{self.lab.estate.users[ADMINISTRATOR]}"
        sent = envelope.ask(EWS_URL, body, user_agent="hybridge/1.0", impersonate=acting)
        return self.session.post(
            url,
            data=sent.body,
            ssl=self.trust,
            server_hostname="mail.contoso.com",
            headers={
                **dict(sent.headers),
                "Host": "mail.contoso.com",
                "Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}",
                **headers,
            },
        )

    async def subscribe(self, mailbox: str = ADA) -> str:
        async with self.post(subscribe.write_request(subscribe.calendar_of(mailbox)), mailbox) as answer:
            said = subscribe.read_answer(HttpAnswer(status=answer.status, body=await answer.read()))
        assert isinstance(said, subscribe.Response), said
        return said.subscription_id

    @asynccontextmanager
    async def stream(self, *ids: str, minutes: int = 30, acting: str = ADA) -> AsyncIterator[Stream]:
        request = get_streaming_events.Request(ids, minutes)
        async with self.post(get_streaming_events.write_request(request), acting) as answer:
            assert (answer.status, answer.headers.get("transfer-encoding")) == (200, "chunked")
            yield Stream(answer)

    async def control(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.lab.token}"}
        async with self.session.request(method, f"{self.lab.control_url}{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()


class Stream:
    """Envelopes one after another."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self._split = EnvelopeStream()
        self._read: list[Any] = []

    async def next(self) -> Any:
        """The next envelope; None at the end of the stream."""
        while not self._read:
            chunk = await self.answer.content.readany()
            if not chunk:
                return None
            self._read += self._split.feed(chunk)
        return self._read.pop(0)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Client]:
    certificate = make_auth_certificate(NOW)
    estate = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)
    async with asyncio.timeout(30), AsyncExitStack() as stack:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        await stack.enter_async_context(session)
        lab = await stack.enter_async_context(running_lab(estate, folder / "state", contoso_site(estate)))
        yield Client(lab, session, ssl.create_default_context(cafile=str(lab.ca_file)))


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with opened(tmp_path) as found:
        yield found


async def test_a_stream_lives_by_the_lab_s_clock(client: Client) -> None:
    identity = await client.subscribe()
    async with client.stream(identity, minutes=2) as stream:
        assert await stream.next() == OK
        at = (NOW + timedelta(hours=1)).isoformat()
        status, made = await client.control("POST", "/calendar", {"mailbox": ADA, "subject": "Talk", "start_at": at})
        assert status == 200
        said = await stream.next()
        (told,) = said.notifications
        assert [event.kind for event in told.events] == ["CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]
        assert told.events[0].item_id == made["id"]
        await client.control("POST", "/clock", {"seconds": 45})
        assert await stream.next() == OK
        await client.control("POST", "/clock", {"seconds": 75})
        assert await stream.next() == CLOSED
        assert await stream.next() is None
    async with client.stream(identity) as again:
        assert await again.next() == OK


async def test_a_server_going_down_breaks_the_stream_off(client: Client) -> None:
    here, there = await client.subscribe(ADA), await client.subscribe(ALAN)
    async with client.stream(here) as torn, client.stream(there, acting=ALAN) as kept:
        assert (await torn.next(), await kept.next()) == (OK, OK)
        status, servers = await client.control("POST", "/servers", {"server": "EX1", "up": False})
        assert (status, servers["EX1"]) == (200, {"up": False, "mailboxes": []})
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
            await torn.next()
        await client.control("POST", "/clock", {"seconds": 45})
        assert await kept.next() == OK
    _, servers = await client.control("POST", "/servers", {"server": "ex1", "up": True})
    assert servers["EX1"]["up"] and ADA in servers["EX1"]["mailboxes"]


async def test_a_client_that_goes_frees_its_connection(client: Client) -> None:
    identity = await client.subscribe()
    async with client.stream(identity) as stream:
        assert await stream.next() == OK
        assert (await client.control("GET", "/manners"))[1]["connections"] == 1
    while (await client.control("GET", "/manners"))[1]["connections"]:
        """The lab sees within a second that the client has gone."""
    async with client.stream(identity) as stream:
        assert await stream.next() == OK


async def test_a_lost_subscription_ends_the_stream(client: Client) -> None:
    identity = await client.subscribe()
    async with client.stream(identity) as stream:
        assert await stream.next() == OK
        assert await client.control("POST", "/subscriptions/lose", {}) == (200, {"lost": 1})
        said = await stream.next()
        assert (said.code, said.error_subscription_ids, said.closed) == ("ErrorInvalidSubscription", (identity,), True)
        assert await stream.next() is None


async def test_the_lab_closes_while_a_stream_is_open(tmp_path: Path) -> None:
    async with AsyncExitStack() as outer, AsyncExitStack() as inner:
        client = await inner.enter_async_context(opened(tmp_path))
        answer = await client.post(
            get_streaming_events.write_request(get_streaming_events.Request((await client.subscribe(),)))
        )
        outer.callback(answer.close)
        assert await Stream(answer).next() == OK


@pytest.mark.parametrize(
    ("manner", "status", "holds"),
    [
        ("busy", 500, b'<t:Value Name="BackOffMilliseconds">297749</t:Value>'),
        ("busy-without-wait", 500, b'<t:Value Name="BackOffMilliseconds">0</t:Value>'),
        ("busy-inside", 200, b'<t:Value Name="InnerErrorResponseCode">ErrorServerBusy</t:Value>'),
        ("unavailable", 503, b""),
        ("challenged", 401, b""),
    ],
)
async def test_a_busy_server_refuses_in_every_shape_and_recovers(
    client: Client, manner: str, status: int, holds: bytes
) -> None:
    _, shown = await client.control("POST", "/manners", {"manners": [f"{manner}:2"]})
    assert shown["manners"] == {manner: 2}
    for _ in range(2):
        async with client.post(subscribe.write_request(subscribe.calendar_of(ADA))) as answer:
            assert answer.status == status
            assert holds in await answer.read()
            assert bool(answer.headers.get("retry-after")) == (status == 503)
    assert await client.subscribe()
    assert (await client.control("GET", "/manners"))[1]["manners"] == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/manners", {"manners": ["rude"]}, 404),
        ("POST", "/manners", {"manners": ["late:2"]}, 404),
        ("POST", "/servers", {"server": "EX9"}, 404),
        ("POST", "/move", {"mailbox": "nobody@contoso.com", "server": "EX1"}, 404),
        ("GET", "/calendar?mailbox=nobody@contoso.com", None, 404),
        ("GET", "/calendar?mailbox=ada@contoso.com&hours=nan", None, 400),
        ("POST", "/calendar", {"mailbox": ADA, "start_at": "never"}, 400),
        ("POST", "/calendar", {"mailbox": ADA, "start_at": "2026-11-20T09:00:00Z", "minutes": -1}, 400),
        ("POST", "/replies", {"mailbox": ADA, "state": "Perhaps"}, 400),
        (
            "POST",
            "/replies",
            {
                "mailbox": ADA,
                "state": "Scheduled",
                "start_at": "2026-11-20T09:00:00Z",
                "end_at": "2026-11-20T09:00:00Z",
            },
            400,
        ),
    ],
)
async def test_the_control_refuses_with_a_sentence(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    answered, said = await client.control(method, path, body)
    assert (answered, said["error"][-1:]) == (status, ".")


async def test_both_servers_cannot_be_down(client: Client) -> None:
    await client.control("POST", "/servers", {"server": "EX1", "up": False})
    status, said = await client.control("POST", "/servers", {"server": "EX2", "up": False})
    assert status == 404 and "last server" in said["error"]


async def test_calendars_and_replies_of_both_premises_are_kept(client: Client) -> None:
    for mailbox in (ADA, "marie@contoso.com"):
        at = (NOW + timedelta(minutes=5)).isoformat()
        body = {"mailbox": mailbox, "subject": "Lunch", "start_at": at, "minutes": 10, "busy": "OOF", "private": True}
        assert (await client.control("POST", "/calendar", body))[0] == 200
        _, found = await client.control("GET", f"/calendar?mailbox={mailbox}&hours=0.2")
        assert [(one["busy"], one["private"]) for one in found if one["subject"] == "Lunch"] == [("OOF", True)]
        scheduled = {"mailbox": mailbox, "state": "Scheduled", "start_at": at, "end_at": "2036-01-01T00:00:00Z"}
        _, said = await client.control("POST", "/replies", scheduled | {"internal_reply": "Away"})
        assert (said["state"], said["sent_now"], said["internal_reply"]) == ("Scheduled", False, "Away")
    await client.control("POST", "/clock", {"seconds": 600})
    assert (await client.control("GET", f"/replies?mailbox={ADA}"))[1]["sent_now"]
    _, off = await client.control("POST", "/replies", {"mailbox": ADA, "state": "Disabled"})
    assert (off["state"], off["end_at"][:4], off["internal_reply"], off["sent_now"]) == (
        "Disabled",
        "2036",
        "Away",
        False,
    )


async def test_who_is_named_in_a_meeting_is_invited_and_told_that_it_is_off(client: Client) -> None:
    async def grace() -> list[tuple[str, str]]:
        _, found = await client.control("GET", "/calendar?mailbox=grace@contoso.com&hours=1")
        return [(one["subject"], one["busy"]) for one in found if "Planning" in one["subject"]]

    at = (NOW + timedelta(minutes=5)).isoformat()
    body = {"mailbox": ADA, "subject": "Planning", "start_at": at, "attendees": ["grace@contoso.com"]}
    _, made = await client.control("POST", "/calendar", body)
    assert await grace() == [("Planning", "Tentative")]
    removed = await client.control("POST", "/calendar/remove", {"mailbox": ADA, "item": made["id"]})
    assert removed == (200, {"removed": 1})
    assert [busy for _, busy in await grace()] in ([], ["Free"])
    assert (await client.control("POST", "/calendar/remove", {"mailbox": ADA, "item": made["id"]}))[0] == 404

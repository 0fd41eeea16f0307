"""A small Exchange on loopback for the source's tests: it answers as told, counts, and can be made to misbehave."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from aiohttp import web
from tests.net.farm import HOST, Authority, Wish, serve

from hybridge.net.clock import SystemClock
from hybridge.net.config import ExchangeConfig, NetConfig
from hybridge.net.secret import Secret
from hybridge.net.streaming import ExchangeLines, open_lines
from hybridge.presence.observations import CalendarRead, Hinted, NotRead, Observation, RepliesRead
from hybridge.presence.people import Person
from hybridge.presence.sources.exchange import ExchangeSource
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import get_streaming_events as stream
from hybridge.wire.ews import get_user_availability as availability
from hybridge.wire.ews import get_user_oof_settings as oof
from hybridge.wire.ews import subscribe, unsubscribe
from hybridge.wire.ews.envelope import EwsFault, ServerVersion, read_request, write_fault, write_response
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy
from hybridge.wire.ews.notifications import Event, Notification

VERSION = ServerVersion(15, 2, 1748, 10)
OTHER = "mail2.contoso.com"
USER, PASSWORD = "CONTOSO\\svc", "c4nary-pass word"
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
MEETING = BusyPeriod(NINE, NINE + timedelta(hours=1), "Busy", "Budget", "", True, False, True)
VIEW = FreeBusy(("Detailed",), (MEETING,))
Whole = Callable[[], HttpAnswer | None]


def nothing_wrong() -> HttpAnswer | None:
    """As a server that is well."""
    return None


@dataclass
class SmallExchange:
    """One server. ``views`` are what each mailbox has; ``poison`` refuses every batch that holds one of these."""

    password: str = PASSWORD
    views: dict[str, FreeBusy | availability.MailboxError] = field(default_factory=dict)
    replies: dict[str, oof.Response] = field(default_factory=dict)
    routes: dict[str, soap.UserResponse] = field(default_factory=dict)
    poison: set[str] = field(default_factory=set)
    whole: Whole = nothing_wrong
    """Answers a sweep call in place of the server."""
    lost: set[str] = field(default_factory=set)
    """Subscriptions the server has forgotten."""
    asked: Counter[str] = field(default_factory=Counter)
    batches: list[tuple[str, ...]] = field(default_factory=list)
    followed: list[tuple[str, ...]] = field(default_factory=list)
    unsubscribed: list[str] = field(default_factory=list)
    heads: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    signed: int = 0
    """Requests that carried a credential."""
    together: int = 0
    most_together: int = 0
    slow: float = 0.0
    closing: bool = False
    """Every connection is closed after one answer."""
    said: asyncio.Queue[stream.Response | None] = field(default_factory=asyncio.Queue)
    """What the open stream says next; None cuts it."""
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        login = request.headers.get("Authorization", "")
        if not login:
            return _challenge()
        self.signed += 1
        if login != "Basic " + base64.b64encode(f"{USER}:{self.password}".encode()).decode():
            return _challenge()
        body = await request.read()
        if request.path == soap.PATH:
            return _sent(self._autodiscover(body))
        incoming = read_request(body)
        self.asked[incoming.operation] += 1
        self.heads.append((incoming.operation, {name.lower(): value for name, value in request.headers.items()}))
        if incoming.operation == stream.OPERATION:
            return await self._stream(request, stream.read_request(incoming.child))
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            if self.slow:
                await asyncio.sleep(self.slow)
            response = _sent(self._answer(incoming.operation, incoming.child, incoming.impersonated))
            if self.closing:
                response.force_close()
            return response
        finally:
            self.together -= 1

    def _answer(self, operation: str, child: object, impersonated: str) -> HttpAnswer:
        if operation == availability.OPERATION:
            return self._availability(availability.read_request(child))  # type: ignore[arg-type]
        if operation == oof.OPERATION:
            response = self.replies.get(impersonated, oof.Response(oof_state="Disabled"))
            return write_response(oof.write_response(response), VERSION)
        if operation == unsubscribe.OPERATION:
            self.unsubscribed.append(unsubscribe.read_request(child).subscription_id)  # type: ignore[arg-type]
            return write_response(unsubscribe.write_response(unsubscribe.Response()), VERSION)
        assert operation == subscribe.OPERATION
        made = f"{impersonated}#{self.asked[operation]}"
        answer = write_response(subscribe.write_response(subscribe.Response(subscription_id=made)), VERSION)
        cookie = ("set-cookie", "X-BackEndOverrideCookie=ex1~1942062522; path=/; secure; HttpOnly")
        return HttpAnswer(status=200, headers=(*answer.headers, cookie), body=answer.body)

    def _availability(self, request: availability.Request) -> HttpAnswer:
        self.batches.append(request.mailboxes)
        whole = self.whole()
        if whole is not None:
            return whole
        if self.poison & set(request.mailboxes):
            return write_fault(EwsFault("ErrorInternalServerError", "An internal server error occurred."), VERSION)
        answers = tuple(self.views.get(mailbox, VIEW) for mailbox in request.mailboxes)
        return write_response(availability.write_response(availability.Response(answers)), VERSION)

    def _autodiscover(self, body: bytes) -> HttpAnswer:
        self.asked["Autodiscover"] += 1
        request = soap.read_request(body)
        assert request is not None
        here = soap.UserResponse(settings=((soap.EXTERNAL_EWS_URL, f"https://{HOST}/EWS/Exchange.asmx"),))
        return soap.write_response(soap.Response(users=tuple(self.routes.get(one, here) for one in request.mailboxes)))

    async def _stream(self, request: web.Request, asked: stream.Request) -> web.StreamResponse:
        self.followed.append(asked.subscription_ids)
        answer = web.StreamResponse(headers={"Content-Type": "text/xml; charset=utf-8"})
        await answer.prepare(request)
        bad = tuple(one for one in asked.subscription_ids if one in self.lost)
        first = (
            stream.Response("ErrorSubscriptionNotFound", "", (), bad, "Closed")
            if bad
            else stream.Response(connection_status="OK")
        )
        await answer.write(stream.write_envelope(first, VERSION))
        if not bad:
            self.opened.set()
        while not bad and (said := await self.said.get()) is not None:
            whole = stream.write_envelope(said, VERSION)
            for part in (whole[:7], whole[7:100], whole[100:]):
                await answer.write(part)
            if said.closed:
                break
        return answer


def told_of(subscription_id: str) -> stream.Response:
    """An envelope with what one changed meeting brings."""
    events = tuple(
        Event(kind=kind, at=NINE, item_id="item", parent_folder_id="calendar", folder_id="")
        for kind in ("ModifiedEvent", "FreeBusyChangedEvent")
    )
    return stream.Response(notifications=(Notification(subscription_id, events),))


def busy(milliseconds: str | None) -> HttpAnswer:
    """The fault of a server that is too busy."""
    values = () if milliseconds is None else (("BackOffMilliseconds", milliseconds),)
    return write_fault(
        EwsFault("ErrorServerBusy", "The server cannot service this request right now.", values), VERSION
    )


def _challenge() -> web.Response:
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="mail"'})


def _sent(answer: HttpAnswer) -> web.Response:
    headers = [(name, value) for name, value in answer.headers]
    return web.Response(status=answer.status, body=answer.body, headers=headers)


@dataclass
class Told:
    """What a source told, and a way to wait for it."""

    all: list[tuple[str, Observation]] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Whose calendar was read at least once."""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, address: str, observation: Observation) -> None:
        self.all.append((address, observation))
        if isinstance(observation, CalendarRead):
            self.read.add(address)
        self._came.set()

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait until what was told is enough."""
        async with asyncio.timeout(20):
            while not enough():
                self._came.clear()
                await self._came.wait()

    def calendars(self, address: str = "") -> list[CalendarRead]:
        return [one for who, one in self.all if isinstance(one, CalendarRead) and address in ("", who)]

    def failures(self, address: str = "") -> list[NotRead]:
        return [one for who, one in self.all if isinstance(one, NotRead) and address in ("", who)]

    def replies(self, address: str = "") -> list[RepliesRead]:
        return [one for who, one in self.all if isinstance(one, RepliesRead) and address in ("", who)]

    def hints(self, address: str = "") -> list[Hinted]:
        return [one for who, one in self.all if isinstance(one, Hinted) and address in ("", who)]


def people(count: int) -> tuple[Person, ...]:
    return tuple(Person(address=f"user{number:04}@contoso.com", source="exchange") for number in range(count))


@asynccontextmanager
async def lines_to(authority: Authority, table: dict[str, str], **net: object) -> AsyncIterator[ExchangeLines]:
    """The product's own lines, to servers on loopback."""
    timeout = float(str(net.get("timeout", 10.0)))
    config = NetConfig(connect_to=table, ca_file=authority.ca_file, timeout=timeout)
    exchange = ExchangeConfig(
        hosts=(HOST, OTHER), username=USER, password=Secret(str(net.get("password", PASSWORD))), auth="basic"
    )
    async with open_lines(config, exchange, SystemClock()) as lines:
        assert not isinstance(lines, Failure)
        yield lines


@asynccontextmanager
async def watched(source: ExchangeSource, who: tuple[Person, ...], told: Told) -> AsyncIterator[None]:
    """``source`` watching ``who`` until the block ends."""
    source.watch(who)
    task = asyncio.create_task(source.run(told))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def settings(**changes: object) -> ExchangeSettings:
    """Settings that do one thing: sweeps without anything beside them."""
    plain = {"hosts": (HOST,), "replies": False, "streaming": False, "autodiscover": False, "debounce": 0.02}
    return ExchangeSettings(**{**plain, **changes})  # type: ignore[arg-type]


def source_of(lines: ExchangeLines, kept: dict[str, bytes] | None = None, **changes: object) -> ExchangeSource:
    """A source at the time of day the meetings are at."""
    return ExchangeSource("exchange", settings(**changes), lines, Pace(lambda: NINE, Random(1)), kept)


@asynccontextmanager
async def small_exchange(
    authority: Authority, server: Callable[[web.Request], Awaitable[web.StreamResponse]], name: str = HOST
) -> AsyncIterator[str]:
    """``server`` over TLS; gives its address."""
    async with serve(server, authority.context(Wish(names=(name,)))) as place:
        yield place


@asynccontextmanager
async def served(authority: Authority, server: SmallExchange) -> AsyncIterator[ExchangeLines]:
    """Lines to ``server`` as the one host."""
    async with small_exchange(authority, server) as place, lines_to(authority, {HOST: place}) as lines:
        yield lines

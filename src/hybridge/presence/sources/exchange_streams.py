"""Notification streams: a hint within a moment that a calendar changed. A hint is a reason to read, never a fact.

Each group (``exchange_groups``) has one stream. Its mailboxes are subscribed one by one, the anchor first, whose answer
brings the cookie that leads all the others to the same mailbox server; then one GetStreamingEvents follows them all.
The server ends it after half an hour, and it is opened again with the same subscriptions. A stream that is cut, or says
nothing for twice the heartbeat, is opened again after a jittered pause. Exchange replays nothing, so after every
opening the calendars of the group are read once. Subscriptions the server does not know any more are made anew, the
others are kept.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping

import msgspec

from hybridge.presence.observations import Hinted, Subject
from hybridge.presence.sources.base import Tell
from hybridge.presence.sources.exchange_groups import Group, Groups, Kept
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_routes import Routes
from hybridge.presence.sources.exchange_servers import NEVER, Server, Servers
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.presence.sources.exchange_verdicts import REROUTE_CODES, Kind, judge, of_code
from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.ews import get_streaming_events, subscribe, unsubscribe
from hybridge.wire.ews.envelope import EwsFault, ask, read_body
from hybridge.wire.ews.get_streaming_events import EnvelopeStream
from hybridge.wire.ews.notifications import STATUS
from hybridge.wire.streamed import Lines

LOST_CODES = frozenset(
    {
        "ErrorSubscriptionNotFound",
        "ErrorInvalidSubscription",
        "ErrorInvalidSubscriptionRequest",
        "ErrorSubscriptionAccessDenied",
        "ErrorExpiredSubscription",
        "ErrorSubscriptionUnsubscribed",
    }
)
LONGEST_PAUSE = 300.0
AT_LEAST = 1.0
"""Seconds a stream lasts at least: one that ends sooner is not opened again without a pause."""
_AFFINITY = ("X-PreferServerAffinity", "true")


class Streams:
    """Follows the calendars of a source. ``refresh`` reads one soon; it tells whether that is news."""

    def __init__(
        self,
        settings: ExchangeSettings,
        lines: Lines,
        servers: Servers,
        pace: Pace,
        routes: Routes,
        refresh: Callable[[str], bool],
        kept: Mapping[str, Kept],
    ) -> None:
        self._settings = settings
        self._lines = lines
        self._servers = servers
        self._pace = pace
        self._routes = routes
        self._refresh = refresh
        self._groups = Groups(settings.ids_per_stream, kept)
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.streams_per_host)
        )
        self._watched: set[str] = set()
        self._stir = asyncio.Event()
        self._tell: Tell = lambda address, observation: None

    def watch(self, addresses: set[str]) -> None:
        """Follow exactly these."""
        self._watched = set(addresses)
        self._stir.set()

    def rearrange(self) -> None:
        """Mailboxes were found to live elsewhere."""
        self._stir.set()

    def kept(self) -> dict[str, Kept]:
        """The subscriptions, for the next run."""
        return self._groups.kept()

    def count(self) -> None:
        """Bring the figures of the servers up to date."""
        streams: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        best = next((server.place for server in self._servers.all), "")
        for group in self._groups.all:
            figures = streams[group.route.place or best]
            figures[0] += group.streaming
            figures[1] += len(group.ids)
        for server in self._servers.all:
            server.figures["streams"], server.figures["subscriptions"] = map(float, streams[server.place])

    async def run(self, tell: Tell) -> None:
        """Follow until cancelled."""
        if not self._settings.streaming:
            return
        self._tell = tell
        await self._routes.settled.wait()
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._groups.arrange(self._watched, self._routes.of)
                for group in self._groups.all:
                    task = running.get(group.key)
                    if task is None or task.done():
                        running[group.key] = asyncio.create_task(self._keep_following(group))
                await self._pace.wait(self._stir, None)
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    async def _keep_following(self, group: Group) -> None:
        async with self._places[group.route.place]:
            while group.addresses:
                group.changed.clear()
                try:
                    pause = await self._follow(group)
                except Exception:  # a defect of ours in one group must not end the others
                    self._servers.defect()
                    pause = LONGEST_PAUSE
                finally:
                    group.streaming = False
                if pause:
                    await self._pace.wait(group.changed, pause)
            if (server := self._servers.at(group.route.place)) is not None:
                await self._unsubscribe(server, group)

    async def _follow(self, group: Group) -> float:
        """One round of a group: subscribe whom it lacks, follow its stream; seconds to pause then."""
        server = self._servers.at(group.route.place)
        if server is None:
            reopens = self._servers.reopens(group.route.place)
            wait = self._settings.sweep_every if reopens == NEVER else reopens - self._pace.tick()
            return max(1.0, wait) + self._pace.between(0.0, 5.0)
        await self._unsubscribe(server, group)
        for address in group.missing(self._pace.tick()):
            if not await self._subscribe(server, group, address):
                return self._pause(group)
        if not group.ids:
            return self._settings.sweep_every
        began = self._pace.tick()
        reading = asyncio.create_task(self._read_stream(server, group))
        changing = asyncio.create_task(group.changed.wait())
        try:
            await asyncio.wait((reading, changing), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                return 0.01  # somebody came or went: again with everybody
            ended_well = reading.result()
        finally:
            reading.cancel()
            changing.cancel()
            await asyncio.gather(reading, changing, return_exceptions=True)
        lived = self._pace.tick() - began
        if lived > self._settings.heartbeat or (ended_well and lived > AT_LEAST):
            group.failures = 0
        return 0.01 if ended_well and lived > AT_LEAST else self._pause(group)

    def _pause(self, group: Group) -> float:
        """A pause after a failure, longer each time."""
        group.failures += 1
        longest = min(2.0 ** min(group.failures, 20), LONGEST_PAUSE)
        return self._pace.between(longest / 4, longest)

    async def _subscribe(self, server: Server, group: Group, address: str) -> bool:
        """Subscribe one mailbox; False when the server cannot be asked any more."""
        asked = self._ask(server, group, subscribe.write_request(subscribe.calendar_of()), address)
        answer = await self._lines.grouped(group.key, asked)
        read = subscribe.read_answer(answer)
        verdict = judge(answer, read)
        if verdict is None and isinstance(read, subscribe.Response):
            if read.code == "NoError" and read.subscription_id:
                group.ids[address] = read.subscription_id
                group.refused.pop(address, None)
                self._servers.answered(server)
                return True
            verdict = of_code(read.code, read.message, answer.body)
        if verdict is not None and verdict.kind is not Kind.FAULT:
            self._servers.failed(server, verdict)
            return False
        if verdict is not None and verdict.code in REROUTE_CODES:
            self._routes.lost(address)
        server.count("subscriptions_refused")
        group.refused[address] = self._pace.tick() + self._pace.about(self._settings.sweep_every)
        return True

    async def _unsubscribe(self, server: Server, group: Group) -> None:
        """Give back what is not needed any more; the server's budget is small, but nothing depends on it."""
        while group.left:
            body = unsubscribe.write_request(unsubscribe.Request(group.left.pop()))
            answer = await self._lines.grouped(group.key, self._ask(server, group, body, ""))
            verdict = judge(answer, unsubscribe.read_answer(answer))
            if verdict is not None and verdict.kind is not Kind.FAULT:
                self._servers.failed(server, verdict)
                group.left.clear()

    def _ask(self, server: Server, group: Group, body: str, impersonate: str) -> HttpAsk:
        made = ask(
            server.url,
            body,
            user_agent=self._settings.user_agent,
            impersonate=impersonate,
            anchor=group.anchor,
        )
        return msgspec.structs.replace(made, headers=(*made.headers, _AFFINITY))

    async def _read_stream(self, server: Server, group: Group) -> bool:
        """Follow one answer to its end; whether the server ended it as it should."""
        ids = {one: address for address, one in group.ids.items()}
        request = get_streaming_events.Request(tuple(ids), self._settings.stream_minutes)
        asked = self._ask(server, group, get_streaming_events.write_request(request), group.anchor)
        async with self._lines.stream(group.key, asked) as streamed:
            if streamed.chunks is None:
                self._not_opened(server, group, streamed.answer)
                return False
            self._servers.answered(server)
            return await self._read_chunks(server, group, ids, streamed.chunks)

    async def _read_chunks(
        self, server: Server, group: Group, ids: dict[str, str], chunks: AsyncIterator[bytes | Failure]
    ) -> bool:
        envelopes = EnvelopeStream()
        iterator = aiter(chunks)
        while True:
            try:
                async with asyncio.timeout(2 * self._settings.heartbeat):
                    chunk = await anext(iterator)
            except (TimeoutError, StopAsyncIteration):
                server.count("streams_lost")
                return False
            if isinstance(chunk, Failure):
                server.count("streams_lost")
                return False
            for said in envelopes.feed(chunk):
                closed = self._take_in(server, group, ids, said)
                if closed is not None:
                    return closed

    def _take_in(
        self,
        server: Server,
        group: Group,
        ids: dict[str, str],
        said: get_streaming_events.Response | EwsFault | Failure,
    ) -> bool | None:
        """Act on one envelope; None to go on, else whether the stream ended as it should."""
        if not isinstance(said, get_streaming_events.Response):
            if isinstance(said, EwsFault):
                self._ill(server, group, said.code)
            server.count("streams_lost")
            return False
        if said.error_subscription_ids or said.code != "NoError":
            lost = group.drop(said.error_subscription_ids)
            if not lost:
                self._ill(server, group, said.code)
            server.count("subscriptions_lost", len(lost))
            return False
        if not group.streaming:
            group.streaming = True
            for address in ids.values():  # whatever happened while nobody listened
                self._refresh(address)
        for notification in said.notifications:
            address = ids.get(notification.subscription_id, "")
            if address and any(event.kind != STATUS for event in notification.events):
                server.count("notifications")
                if self._refresh(address):
                    self._tell(address, Hinted(Subject.CALENDAR, self._pace.now()))
        return True if said.closed else None

    def _ill(self, server: Server, group: Group, code: str) -> None:
        """The whole stream was refused."""
        if code in LOST_CODES:
            server.count("subscriptions_lost", len(group.ids))
            group.ids.clear()
            self._lines.forget(group.key)
            return
        verdict = of_code(code, "")
        if verdict.kind is not Kind.FAULT and not verdict.crowded:
            self._servers.failed(server, verdict)
        elif verdict.crowded:
            group.failures = max(group.failures, 5)

    def _not_opened(self, server: Server, group: Group, answer: HttpAnswer) -> None:
        read = read_body(answer)
        if isinstance(read, EwsFault) and (read.code in LOST_CODES or of_code(read.code, "").crowded):
            self._ill(server, group, read.code)
            return
        verdict = judge(answer, read)
        if verdict is not None:
            self._servers.failed(server, verdict)

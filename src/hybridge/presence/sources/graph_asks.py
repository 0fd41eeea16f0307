"""What a source asks Graph, an ask at a time, with every failure turned into a ``Verdict``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from hybridge.presence.observations import Subject
from hybridge.presence.sources.graph_settings import GraphSettings
from hybridge.presence.sources.graph_verdicts import Verdict, judge
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph import calendar_view, get_schedule, mailbox_settings, subscriptions
from hybridge.wire.graph.errors import read_done

PAGES = 100
"""Pages of one round at the most: 20,000 events in four days are no calendar."""

_R = TypeVar("_R")
Page = calendar_view.Page


class Lost(Verdict, frozen=True, kw_only=True):
    """The token of a delta is of no use any more."""


class Asks:
    """Asks of one Graph. ``asked`` counts requests, ``count`` is told of each page after the first."""

    def __init__(self, settings: GraphSettings, answerer: Answerer, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._host = settings.host
        self._answerer = answerer
        self._now = now
        self.asked = 0

    async def schedules(
        self, asker: str, addresses: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[get_schedule.Schedule, ...] | Verdict:
        """Free/busy of 20 people at the most, as one of them."""
        answer = await self._ask(get_schedule.ask_items(self._host, asker, addresses, start, end))
        return self._judged(answer, get_schedule.read_schedules(answer), Subject.CALENDAR)

    async def replies(self, user: str) -> mailbox_settings.AutomaticReplies | Verdict:
        """The automatic replies of ``user``."""
        answer = await self._ask(mailbox_settings.ask_replies(self._host, user))
        return self._judged(answer, mailbox_settings.read_replies(answer, user), Subject.REPLIES)

    async def view(
        self, user: str, start: datetime, end: datetime, count: Callable[[], None]
    ) -> tuple[Page, ...] | Verdict:
        """The whole of a calendar between two instants."""
        return await self._pages(calendar_view.ask_view(self._host, user, start, end), user, count)

    async def delta(
        self, user: str, start: datetime, end: datetime, count: Callable[[], None]
    ) -> tuple[Page, ...] | Verdict:
        """The first round of a delta."""
        return await self._pages(calendar_view.ask_delta(self._host, user, start, end), user, count)

    async def changes(self, user: str, link: str, count: Callable[[], None]) -> tuple[Page, ...] | Verdict:
        """A later round of a delta; ``Lost`` when everything must be read anew."""
        ask = calendar_view.ask_link(self._host, user, link)
        if isinstance(ask, Failure):
            return Lost(says=ask.says)
        return await self._pages(ask, user, count)

    async def _pages(self, ask: HttpAsk, user: str, count: Callable[[], None]) -> tuple[Page, ...] | Verdict:
        pages: list[Page] = []
        while len(pages) < PAGES:
            answer = await self._ask(ask)
            page = calendar_view.read_page(answer, user)
            if isinstance(page, calendar_view.Resync):
                return Lost(says=page.says)
            if isinstance(page, Failure):
                return judge(answer, page, Subject.CALENDAR, self._now())
            pages.append(page)
            if not page.next_link:
                return tuple(pages)
            following = calendar_view.ask_link(self._host, user, page.next_link)
            if isinstance(following, Failure):
                return Verdict(says=following.says)
            ask = following
            count()
        return Verdict(says=f"The calendar of {user} has more than {PAGES} pages; it was not read to the end.")

    async def subscribe(self, user: str, client_state: str) -> subscriptions.Subscription | Verdict:
        """A new subscription to the events of ``user``."""
        settings = self._settings
        wanted = subscriptions.Subscription(
            resource=subscriptions.events_of(user),
            notification_url=settings.notification_url,
            lifecycle_url=settings.lifecycle_url or settings.notification_url,
            expires_at=self._ends(),
            client_state=client_state,
        )
        answer = await self._ask(subscriptions.ask_create(self._host, wanted))
        made = subscriptions.read_one(answer, f"a subscription to the events of {user}")
        if made is None:
            made = Failure(reason=FailureReason.DEFECT, says=f"Graph knows no events of {user} to subscribe to.")
        return self._judged(answer, made, Subject.CALENDAR)

    async def renew(self, user: str, identity: str) -> subscriptions.Subscription | Verdict | None:
        """A later end for a subscription; None when it is not there any more."""
        answer = await self._ask(subscriptions.ask_renew(self._host, identity, self._ends()))
        read = subscriptions.read_one(answer, f"the subscription to the events of {user}")
        return None if read is None else self._judged(answer, read, Subject.CALENDAR)

    async def reauthorize(self, user: str, identity: str) -> Verdict | None:
        """Show Graph that we may still be told."""
        answer = await self._ask(subscriptions.ask_reauthorize(self._host, identity))
        failure = read_done(answer, f"the authorization of the subscription to the events of {user}")
        return None if failure is None else judge(answer, failure, Subject.CALENDAR, self._now())

    async def unsubscribe(self, identity: str) -> None:
        """End a subscription; it ends by itself where this fails."""
        await self._ask(subscriptions.ask_delete(self._host, identity))

    def _ends(self) -> datetime:
        return self._now() + min(self._settings.lifetime, subscriptions.LONGEST - timedelta(minutes=1))

    async def _ask(self, ask: HttpAsk) -> HttpAnswer:
        self.asked += 1
        return await self._answerer.http(ask)

    def _judged(self, answer: HttpAnswer, read: _R | Failure, subject: Subject) -> _R | Verdict:
        return judge(answer, read, subject, self._now()) if isinstance(read, Failure) else read

"""Reads calendars: 20 people's free/busy at once, or one calendar by its delta. A failure never spoils another's read.

Free/busy is asked as one of the people asked about; where that mailbox is not in Exchange Online, or not open to us,
another asks. A request Graph refuses as a whole is asked again in halves, until the one who spoils it stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from hybridge.presence.calendar import Window
from hybridge.presence.people import Person
from hybridge.presence.sources import graph_reading as reading
from hybridge.presence.sources import graph_view as following
from hybridge.presence.sources.graph_asks import Asks, Lost
from hybridge.presence.sources.graph_settings import GraphSettings
from hybridge.presence.sources.graph_verdicts import GONE, Scope, Verdict
from hybridge.presence.sources.graph_view import View
from hybridge.wire.graph import get_schedule

ASKERS = 3
"""How many of the people of a request ask in turn when Graph refuses the asker; then it refuses us, not them."""
_PREFIX = "view/"
_HOUR = timedelta(hours=1)


class Read(msgspec.Struct, frozen=True):
    """One person's calendar, or why it was not read."""

    address: str
    found: Window | Verdict


class Calendars:
    """The calendars of one source. ``late`` gives each address its own delay (0 to 1) for rolling its window."""

    def __init__(
        self,
        settings: GraphSettings,
        asks: Asks,
        now: Callable[[], datetime],
        late: Callable[[str], float],
        kept: Mapping[str, bytes],
    ) -> None:
        self._settings = settings
        self._asks = asks
        self._now = now
        self._late = late
        self._views: dict[str, View] = dict(_read_kept(kept)) if settings.resource == "calendar-view" else {}
        self._kept: dict[str, bytes] = {}
        self._changed = set(self._views)
        self.resyncs = 0

    def keep(self) -> dict[str, bytes]:
        """The views, for a restart; only those changed since the last time are written anew."""
        for address in self._changed:
            if address in self._views:
                self._kept[_PREFIX + address] = msgspec.json.encode(self._views[address])
            else:
                self._kept.pop(_PREFIX + address, None)
        self._changed.clear()
        return dict(self._kept)

    def forget(self, address: str) -> None:
        """Read this calendar anew the next time."""
        if self._views.pop(address, None) is not None:
            self._changed.add(address)

    # Free/busy

    async def read_schedules(self, people: tuple[Person, ...], askers: int = ASKERS) -> tuple[Read, ...]:
        """Free/busy of 20 people at the most; one ``Read`` each, in no order."""
        now = self._now()
        start = (now - self._settings.back).replace(minute=0, second=0, microsecond=0)
        end = now + self._settings.ahead
        asker, asked = people[0], tuple(person.address for person in people)
        found = await self._asks.schedules(asker.user or asker.address, asked, start, end)
        if not isinstance(found, Verdict):
            return tuple(self._schedules(asked, found, start, end))
        if len(people) == 1 or found.scope is Scope.ALL:
            return tuple(Read(address, found) for address in asked)
        if found.gone or (askers and (found.refused or found.wait is not None)):
            # it is the asker's mailbox that is not there, not open to us, or over its limit
            left = askers if found.gone else askers - 1
            return (Read(asker.address, found), *await self.read_schedules(people[1:], left))
        if found.apart:
            middle = len(people) // 2
            halves = people[:middle], people[middle:]
            return tuple([read for half in halves for read in await self.read_schedules(half, askers)])
        return tuple(Read(address, found) for address in asked)

    def _schedules(
        self, asked: tuple[str, ...], found: tuple[get_schedule.Schedule, ...], start: datetime, end: datetime
    ) -> Iterator[Read]:
        now = self._now()
        by_address = {one.address.lower(): one for one in found}
        for address in asked:
            one = by_address.get(address.lower())
            if one is None:
                yield Read(address, Verdict(says=f"Graph answered about others, but not about {address}."))
            elif one.error_code:
                says = f"Graph did not give the free/busy of {address} ({one.error_code}). {one.error_message}".strip()
                yield Read(address, Verdict(says=says, code=one.error_code, gone=one.error_code in GONE))
            else:
                events = reading.schedule_events(one, subjects=self._settings.subjects)
                whole = reading.window(events, start, end, read_at=now, source=self._source, zone=one.zone)
                yield Read(address, whole)

    # Calendar views

    async def read_view(self, person: Person, *, hinted: bool, count: Callable[[], None]) -> tuple[Read, ...]:
        """One calendar. ``hinted`` tells that something changed: what the delta does not show is then read whole."""
        view = self._views.get(person.address)
        late = _HOUR * self._late(person.address)
        if view is None or not view.link or following.is_over(view, self._settings, self._now(), late):
            found = await self._begin(person, count)
        else:
            found = await self._go_on(person, view, hinted, count)
        if isinstance(found, Verdict):
            return (Read(person.address, found),)
        if found != view:
            self._changed.add(person.address)
        self._views[person.address] = found
        whole = reading.window(found.events, found.start_at, found.end_at, read_at=self._now(), source=self._source)
        return (Read(person.address, whole),)

    async def _begin(self, person: Person, count: Callable[[], None]) -> View | Verdict:
        self.resyncs += 1
        start, end = following.window_at(self._settings, self._now())
        pages = await self._asks.delta(_user(person), start, end, count)
        if isinstance(pages, Verdict):
            return pages
        empty = View(start_at=start, end_at=end)
        outcome = following.after_first(empty, pages, subjects=self._settings.subjects)
        return await self._whole(person, outcome.view, count) if outcome.whole else outcome.view

    async def _go_on(self, person: Person, view: View, hinted: bool, count: Callable[[], None]) -> View | Verdict:
        pages = await self._asks.changes(_user(person), view.link, count)
        if isinstance(pages, Lost):
            self.forget(person.address)
            count()
            return await self._begin(person, count)
        if isinstance(pages, Verdict):
            return pages
        outcome = following.after_changes(view, pages, subjects=self._settings.subjects)
        if outcome.whole or (hinted and not outcome.news):
            return await self._whole(person, outcome.view, count)
        return outcome.view

    async def _whole(self, person: Person, view: View, count: Callable[[], None]) -> View | Verdict:
        count()
        pages = await self._asks.view(_user(person), view.start_at, view.end_at, count)
        return (
            pages if isinstance(pages, Verdict) else following.from_whole(view, pages, subjects=self._settings.subjects)
        )

    @property
    def _source(self) -> str:
        return f"graph {self._settings.host}"


def _user(person: Person) -> str:
    """By which name Graph is asked for the mailbox."""
    return person.user or person.address


def _read_kept(kept: Mapping[str, bytes]) -> Iterator[tuple[str, View]]:
    for name, body in kept.items():
        if name.startswith(_PREFIX):
            try:
                yield name.removeprefix(_PREFIX), msgspec.json.decode(body, type=View)
            except (msgspec.DecodeError, ValueError):
                continue

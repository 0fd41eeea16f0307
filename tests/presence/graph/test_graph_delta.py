"""The delta of a calendar view, replayed over any changes, gives what a full read gives; and its pure halves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.loop.walk import NOW, new_estate
from tests.presence.graph.graph_lab import LINUS, ONLINE

from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.mail.items import Changed, Item
from hybridge.lab.mail.store import store_of
from hybridge.net.clock import SetClock
from hybridge.presence.calendar import CalendarEvent, Window
from hybridge.presence.people import Person
from hybridge.presence.sources import graph_view as following
from hybridge.presence.sources.graph_asks import Asks
from hybridge.presence.sources.graph_calendars import Calendars
from hybridge.presence.sources.graph_reading import event_of
from hybridge.presence.sources.graph_settings import GraphSettings
from hybridge.presence.sources.graph_verdicts import Verdict
from hybridge.wire.ews.recurrences import Pattern, Recurrence
from hybridge.wire.graph.calendar_view import Page
from hybridge.wire.graph.events import MASTER, OCCURRENCE, Event

SETTINGS = GraphSettings(name="online", resource="calendar-view", subjects=True)
PERSON = Person(address=LINUS, source="online")
HOURS = st.integers(-60, 120)
SHOWN = st.sampled_from(["Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"])
WHICH = st.integers(0, 9)

KINDS = ("add", "series", "move", "show", "cancel", "remove", "remove one", "change one", "day")
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), HOURS, WHICH, SHOWN, st.booleans()), max_size=12)
"""Kind, an hour or which event, a length or which occurrence, how it is shown, and whether it is read afterwards."""


@cache
def shared_estate() -> Estate:
    """One estate for all examples: making one takes a tenth of a second, a reset nothing."""
    return new_estate(SetClock(NOW))


class Desk:
    """One estate, whose calendar of Linus is changed step by step and followed by the delta."""

    def __init__(self) -> None:
        self.estate = shared_estate()
        self.estate.reset()
        self.store = store_of(self.estate)
        self.asks = Asks(SETTINGS, InProcess(self.estate), self.estate.now)
        self.calendars = self.fresh()

    def fresh(self) -> Calendars:
        return Calendars(SETTINGS, self.asks, self.estate.now, lambda _: 0.0, {})

    def any(self, which: int, fits: Callable[[Item], bool] = lambda _: True) -> Item | None:
        items = [one for one in self.store.items(ONLINE, LINUS) if fits(one)]
        return items[which % len(items)] if items else None

    def step(self, kind: str, one: int, two: int, shown: str) -> None:
        if kind in ("add", "series"):
            self.store.add(self.made(kind, one, two, shown))
        elif kind == "day":
            self.estate.move_clock(timedelta(days=1))
        elif item := self.any(one, _repeats if kind.endswith(" one") else _whoever):
            self.change(kind, item, two, shown)

    def made(self, kind: str, hour: int, length: int, shown: str) -> Item:
        start = self.estate.now() + timedelta(hours=hour)
        pattern = Pattern(kind="Daily", every=1)
        series = Recurrence(pattern=pattern, starts_on=start.date(), count=length + 1)
        return Item(
            premises=ONLINE,
            mailbox=LINUS,
            subject=f"{kind} {hour}",
            start_at=start,
            end_at=start + timedelta(hours=2 if kind == "series" else length),
            busy_type=shown,
            recurrence=series if kind == "series" else None,
        )

    def change(self, kind: str, item: Item, two: int, shown: str) -> None:
        replace = msgspec.structs.replace
        if kind == "remove":
            self.store.remove(item, for_good=two % 2 == 0)
        elif kind == "show":
            self.store.put(replace(item, busy_type=shown))
        elif kind == "cancel":
            self.store.put(replace(item, is_cancelled=True, subject=f"Canceled: {item.subject}"))
        elif kind == "move" and item.recurrence is None:
            start = self.estate.now() + timedelta(hours=25 * two - 60)
            self.store.put(replace(item, start_at=start, end_at=start + (item.end_at - item.start_at)))
        elif item.recurrence is not None:
            at = item.start_at + timedelta(days=two % (item.recurrence.count or 1))
            alone = replace(
                item, recurrence=None, exceptions=(), start_at=at + timedelta(hours=1), end_at=at + timedelta(hours=2)
            )
            others = tuple(each for each in item.exceptions if each.original_start != at)
            if kind == "remove one":
                self.store.put(replace(item, exceptions=others, deleted=(*item.deleted, at)))
            elif at not in item.deleted:
                changed = Changed(original_start=at, item=replace(alone, busy_type=shown))
                self.store.put(replace(item, exceptions=(*others, changed)))

    async def read(self, calendars: Calendars) -> Window:
        (read,) = await calendars.read_view(PERSON, hinted=False, count=lambda: None)
        assert isinstance(read.found, Window), read.found
        return read.found

    async def whole(self, window: Window) -> tuple[CalendarEvent, ...]:
        """The window by ``calendarView`` alone."""
        pages = await self.asks.view(LINUS, window.start_at, window.end_at, lambda: None)
        assert not isinstance(pages, Verdict)
        found = (event_of(one, subjects=True) for page in pages for one in page.events)
        return tuple(sorted(found, key=lambda one: (one.start_at, one.end_at, one.identity)))


def _whoever(_: Item) -> bool:
    return True


def _repeats(item: Item) -> bool:
    return item.recurrence is not None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_delta_replay_equals_a_full_calendar_view(steps: list[tuple[str, int, int, str, bool]]) -> None:
    async def replay() -> None:
        desk = Desk()
        for kind in ("add", "series", "add"):
            desk.step(kind, 2, 3, "Busy")
        await desk.read(desk.calendars)
        for kind, one, two, shown, looks in (*steps, ("show", 0, 0, "Busy", True)):
            desk.step(kind, one, two, shown)
            if looks:
                window = await desk.read(desk.calendars)
                assert window.events == await desk.whole(window)
        assert window.events == (await desk.read(desk.fresh())).events

    asyncio.run(replay())


async def test_changes_of_single_events_cost_one_request() -> None:
    desk = Desk()
    desk.step("add", 1, 1, "Busy")
    await desk.read(desk.calendars)
    before = desk.asks.asked
    desk.step("add", 3, 1, "Busy")
    desk.step("move", 0, 3, "Busy")
    assert len((await desk.read(desk.calendars)).events) == 2
    assert desk.asks.asked == before + 1


# The pure halves ------------------------------------------------------------------------------------------------------

DAY = datetime(2026, 11, 20, tzinfo=UTC)
EMPTY = following.View(start_at=DAY, end_at=DAY + timedelta(days=2))


def event(identity: str, hour: int, **more: object) -> Event:
    start = DAY + timedelta(hours=hour)
    values = {"id": identity, "start_at": start, "end_at": start + timedelta(hours=1), "show_as": "busy", **more}
    return Event(**values)  # type: ignore[arg-type]


def test_what_is_removed_outside_of_the_window_changes_nothing() -> None:
    first = following.after_first(EMPTY, [Page(events=(event("a", 9),), delta_link="l1")], subjects=False)
    later = following.after_changes(first.view, [Page(removed=("z",), delta_link="l2")], subjects=False)
    assert later.view.events == first.view.events and later.view.link == "l2"
    assert not later.news and not later.whole


def test_an_event_moved_out_of_the_window_is_gone() -> None:
    first = following.after_first(EMPTY, [Page(events=(event("a", 9),), delta_link="l1")], subjects=False)
    later = following.after_changes(first.view, [Page(events=(event("a", 90),), delta_link="l2")], subjects=False)
    assert later.view.events == ()


def test_an_occurrence_says_when_and_its_master_the_rest() -> None:
    master = event("m", 0, type=MASTER, show_as="oof")
    brief = event("o", 9, type=OCCURRENCE, series_master_id="m", show_as=None)
    (shown,) = following.after_first(EMPTY, [Page(events=(master, brief), delta_link="l")], subjects=False).view.events
    assert (shown.identity, shown.shows.value, shown.start_at.hour) == ("o", "oof", 9)
    orphan = following.after_first(EMPTY, [Page(events=(brief,), delta_link="l")], subjects=False)
    assert orphan.whole


@pytest.mark.parametrize(
    "page",
    [
        Page(events=(event("m", 0, type=MASTER),), delta_link="l2"),
        Page(events=(event("o2", 9, type=OCCURRENCE, series_master_id="m", show_as=None),), delta_link="l2"),
        Page(removed=("m",), delta_link="l2"),
    ],
)
def test_whatever_touches_a_series_wants_the_whole(page: Page) -> None:
    first = [Page(events=(event("o", 9, type=OCCURRENCE, series_master_id="m"),), delta_link="l")]
    view = following.after_first(EMPTY, first, subjects=False).view
    assert following.after_changes(view, [page], subjects=False).whole


def test_the_window_is_of_whole_days_and_rolls_with_them() -> None:
    now = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    start, end = following.window_at(SETTINGS, now)
    assert (start.date(), end.date()) == (date(2026, 11, 19), date(2026, 11, 23))
    view = following.View(start_at=start, end_at=end)
    late = timedelta(minutes=30)
    assert not following.is_over(view, SETTINGS, now, late)
    assert not following.is_over(view, SETTINGS, now + timedelta(minutes=30), late)
    assert following.is_over(view, SETTINGS, now + timedelta(minutes=32), late)
    assert following.is_over(view, SETTINGS, now - timedelta(days=1), late), "a clock that was put back"

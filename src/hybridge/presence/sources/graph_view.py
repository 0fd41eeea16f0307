"""Following one calendar by its delta: pages in, events out. Values only; whoever asks is elsewhere.

The first round gives everything, with occurrences that say only when they are; their masters say the rest. Later rounds
say what changed, but not which occurrence of a changed series is gone. So a round that touches a series, or leaves an
occurrence without its master, is not enough: the whole view must be read beside it (``Outcome.whole``). The window is
fixed in the token, so a ``View`` is made anew each day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from hybridge.presence.calendar import CalendarEvent
from hybridge.presence.sources.graph_reading import event_of, filled, in_order, overlaps
from hybridge.presence.sources.graph_settings import GraphSettings
from hybridge.wire.graph.calendar_view import Page
from hybridge.wire.graph.events import MASTER

DAY = timedelta(days=1)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar between two instants as last told, and the link by which its changes are asked for.

    ``series`` are the ids of masters whose occurrences are among ``events``.
    """

    start_at: datetime
    end_at: datetime
    link: str = ""
    events: tuple[CalendarEvent, ...] = ()
    series: frozenset[str] = frozenset()


class Outcome(msgspec.Struct, frozen=True):
    """What became of a round: the view now, whether the whole must be read beside it, and whether it told anything."""

    view: View
    whole: bool
    news: bool


def window_at(settings: GraphSettings, now: datetime) -> tuple[datetime, datetime]:
    """The window a view begun at ``now`` has: whole days in UTC."""
    return _midnight(now - max(settings.back, DAY)), _midnight(now + max(settings.ahead, 2 * DAY)) + DAY


def is_over(view: View, settings: GraphSettings, now: datetime, late: timedelta) -> bool:
    """Whether the window must be rolled: a day has passed and ``late``, this mailbox's own delay, or a clock jumped."""
    return (view.start_at, view.end_at) not in (window_at(settings, now), window_at(settings, now - late))


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def after_first(view: View, pages: Iterable[Page], *, subjects: bool) -> Outcome:
    """The view after its first round."""
    found = [one for page in pages for one in page.events]
    link = ""
    for page in pages:
        link = page.delta_link or link
    masters = {one.id: one for one in found if one.type == MASTER}
    kept: list[CalendarEvent] = []
    whole = False
    for one in found:
        if one.type == MASTER:
            continue
        complete = filled(one, masters)
        whole = whole or complete is None
        if complete is not None:
            kept.append(event_of(complete, subjects=subjects))
    series = frozenset(one.series_master_id for one in found if one.series_master_id)
    return Outcome(_with(view, kept, series, link), whole, news=True)


def after_changes(view: View, pages: Iterable[Page], *, subjects: bool) -> Outcome:
    """The view after a later round."""
    events = {one.identity: one for one in view.events}
    link, whole, news = view.link, False, False
    for page in pages:
        link = page.delta_link or link
        news = news or bool(page.events)
        for one in page.events:
            if one.type == MASTER or one.series_master_id or one.id in view.series or one.show_as is None:
                whole = True
            else:
                events[one.id] = event_of(one, subjects=subjects)
        for gone in page.removed:
            news = news or gone in events or gone in view.series
            whole = whole or gone in view.series
            events.pop(gone, None)
    return Outcome(_with(view, events.values(), view.series, link), whole, news)


def from_whole(view: View, pages: Iterable[Page], *, subjects: bool) -> View:
    """The view with every event of it read anew; its link stays."""
    found = [one for page in pages for one in page.events if one.type != MASTER]
    series = frozenset(one.series_master_id for one in found if one.series_master_id)
    return _with(view, (event_of(one, subjects=subjects) for one in found), series, view.link)


def _with(view: View, found: Iterable[CalendarEvent], series: frozenset[str], link: str) -> View:
    inside = in_order(one for one in found if overlaps(one, view.start_at, view.end_at))
    return msgspec.structs.replace(view, events=inside, series=series, link=link)

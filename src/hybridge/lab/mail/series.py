"""When the occurrences of a series are: days by the pattern, times by the clock on the wall of the series' own zone.

A series at nine o'clock is at nine o'clock the whole year, so its instants move when the clock changes; one at a time
the clock leaps over is moved along by the leap, and at a time the clock shows twice it is the first. The day in which
the range starts counts only if the pattern names it. A month too short for a day has its last day instead.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo

from hybridge.wire.ews.recurrences import GROUPS, ORDERS, WEEK, Pattern, Recurrence

DAY = timedelta(days=1)
LAST = date(2200, 1, 1)
"""Series without an end are not computed beyond this."""


def starts(recurrence: Recurrence, first_start: datetime, zone: ZoneInfo, since: date = date.min) -> Iterator[datetime]:
    """Starts of every occurrence in order (aware UTC), as if none was changed or deleted.

    ``first_start`` gives the time of day; the days come from ``recurrence``. A series without end goes on to ``LAST``.
    Days before ``since`` are left out.
    """
    clock = first_start.astimezone(zone).time()
    for day in dates(recurrence, since):
        yield datetime.combine(day, clock, zone).astimezone(UTC)


def lasts(first_start: datetime, first_end: datetime, zone: ZoneInfo, start: datetime) -> datetime:
    """End of the occurrence at ``start``: as long by the clock on the wall as the first one."""
    length = first_end.astimezone(zone).replace(tzinfo=None) - first_start.astimezone(zone).replace(tzinfo=None)
    return (start.astimezone(zone).replace(tzinfo=None) + length).replace(tzinfo=zone).astimezone(UTC)


def dates(recurrence: Recurrence, since: date = date.min) -> Iterator[date]:
    """Local days of every occurrence in order, within the range and not before ``since``."""
    until = min(recurrence.ends_on or LAST, LAST)
    # Numbered occurrences must be counted from the first; others need no walk through the years before.
    walked_from = recurrence.starts_on if recurrence.count is not None else max(since, recurrence.starts_on)
    walk = _DAYS[recurrence.pattern.kind](recurrence, walked_from)
    for day in islice((day for day in walk if day >= recurrence.starts_on), recurrence.count):
        if day > until:
            return
        if day >= since:
            yield day


def _daily(recurrence: Recurrence, walked_from: date) -> Iterator[date]:
    every = recurrence.pattern.every
    day = recurrence.starts_on + DAY * every * ((walked_from - recurrence.starts_on).days // every)
    while day <= LAST:
        yield day
        day += DAY * every


def _weekly(recurrence: Recurrence, walked_from: date) -> Iterator[date]:
    pattern, start = recurrence.pattern, recurrence.starts_on
    first = WEEK.index(pattern.first_day)
    week = start - DAY * ((start.weekday() - first) % 7)
    week += DAY * 7 * pattern.every * ((walked_from - week).days // (7 * pattern.every))
    offsets = sorted((WEEK.index(day) - first) % 7 for day in _single(pattern.days))
    while week <= LAST:
        yield from (week + DAY * offset for offset in offsets)
        week += DAY * 7 * pattern.every


def _monthly(recurrence: Recurrence, _: date) -> Iterator[date]:
    start = recurrence.starts_on
    for months in count(0, recurrence.pattern.every):
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        if year > LAST.year:
            return
        yield _in_month(recurrence.pattern, year, month + 1)


def _yearly(recurrence: Recurrence, _: date) -> Iterator[date]:
    pattern = recurrence.pattern
    for year in range(recurrence.starts_on.year, LAST.year + 1):
        yield _in_month(pattern, year, pattern.month)


_DAYS = {
    "Daily": _daily,
    "Weekly": _weekly,
    "AbsoluteMonthly": _monthly,
    "RelativeMonthly": _monthly,
    "AbsoluteYearly": _yearly,
    "RelativeYearly": _yearly,
}


def _in_month(pattern: Pattern, year: int, month: int) -> date:
    last = calendar.monthrange(year, month)[1]
    if pattern.kind.startswith("Absolute"):
        return date(year, month, min(pattern.day, last))
    wanted = _single(pattern.days)
    fitting = [day for day in range(1, last + 1) if WEEK[date(year, month, day).weekday()] in wanted]
    order = ORDERS.index(pattern.order)
    return date(year, month, fitting[-1] if pattern.order == "Last" else fitting[min(order, len(fitting) - 1)])


def _single(days: tuple[str, ...]) -> tuple[str, ...]:
    """``days`` with the groups taken apart."""
    return tuple(dict.fromkeys(one for day in days for one in GROUPS.get(day, (day,))))

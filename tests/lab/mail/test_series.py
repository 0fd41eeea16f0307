"""The series engine against arithmetic of another kind: every day of a span asked one by one whether it belongs."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridge.lab.mail.expansion import occurrences, within
from hybridge.lab.mail.invitations import with_changed, without_occurrence
from hybridge.lab.mail.items import Item
from hybridge.lab.mail.properties import settled
from hybridge.lab.mail.series import dates, lasts, starts
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import ItemError
from hybridge.wire.ews.recurrences import GROUPS, ORDERS, WEEK, Pattern, Recurrence
from hybridge.wire.ews.windows_zones import WINDOWS, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
SPAN = 800
"""Days that are asked one by one."""


def belongs(day: date, series: Recurrence) -> bool:
    """Whether the pattern names ``day``, said without walking it."""
    pattern, start = series.pattern, series.starts_on
    months = (day.year - start.year) * 12 + day.month - start.month
    names = {one for name in pattern.days for one in GROUPS.get(name, (name,))}
    match pattern.kind:
        case "Daily":
            return (day - start).days % pattern.every == 0
        case "Weekly":
            first = WEEK.index(pattern.first_day)
            week = [one - timedelta(days=(one.weekday() - first) % 7) for one in (day, start)]
            return WEEK[day.weekday()] in names and (week[0] - week[1]).days // 7 % pattern.every == 0
        case "AbsoluteMonthly":
            return months % pattern.every == 0 and day.day == min(pattern.day, _length(day))
        case "AbsoluteYearly":
            return day.month == pattern.month and day.day == min(pattern.day, _length(day))
        case "RelativeMonthly":
            return months % pattern.every == 0 and _ordinal(day, names, pattern.order)
        case _:
            return day.month == pattern.month and _ordinal(day, names, pattern.order)


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _ordinal(day: date, names: set[str], order: str) -> bool:
    month = [day.replace(day=number) for number in range(1, _length(day) + 1)]
    named = [one for one in month if WEEK[one.weekday()] in names]
    return day == (named[-1] if order == "Last" else named[ORDERS.index(order)])


DAYS = st.lists(st.sampled_from((*WEEK, "Weekday", "WeekendDay", "Day")), min_size=1, max_size=3, unique=True)
ONE_DAY = st.sampled_from((*WEEK, "Weekday", "WeekendDay", "Day")).map(lambda one: [one])
PATTERNS = st.one_of(
    st.builds(Pattern, kind=st.just("Daily"), every=st.integers(1, 40)),
    st.builds(
        Pattern,
        kind=st.just("Weekly"),
        every=st.integers(1, 6),
        days=DAYS.map(tuple),
        first_day=st.sampled_from(WEEK),
    ),
    st.builds(Pattern, kind=st.just("AbsoluteMonthly"), every=st.integers(1, 13), day=st.integers(1, 31)),
    st.builds(Pattern, kind=st.just("AbsoluteYearly"), day=st.integers(1, 31), month=st.integers(1, 12)),
    st.builds(
        Pattern,
        kind=st.just("RelativeMonthly"),
        every=st.integers(1, 13),
        days=ONE_DAY.map(tuple),
        order=st.sampled_from(ORDERS),
    ),
    st.builds(
        Pattern,
        kind=st.just("RelativeYearly"),
        days=ONE_DAY.map(tuple),
        order=st.sampled_from(ORDERS),
        month=st.integers(1, 12),
    ),
)
STARTS = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@given(PATTERNS, STARTS, st.one_of(st.none(), st.integers(1, 30)), st.one_of(st.none(), st.integers(0, 700)))
def test_days_of_a_series(pattern: Pattern, start: date, number: int | None, length: int | None) -> None:
    ends = start + timedelta(days=length) if length is not None and number is None else None
    series = Recurrence(pattern=pattern, starts_on=start, ends_on=ends, count=number)
    span = [start + timedelta(days=offset) for offset in range(SPAN)]
    expected = [day for day in span if belongs(day, series) and (ends is None or day <= ends)][:number]
    found = []
    for day in dates(series):
        if day > span[-1]:
            break
        found.append(day)
    assert found == expected
    later = start + timedelta(days=SPAN // 3)
    assert list(takewhile(lambda day: day <= span[-1], dates(series, later))) == [day for day in found if day >= later]


@given(
    st.sampled_from(sorted(WINDOWS)),
    STARTS,
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.integers(0, 3 * 24 * 60),
)
def test_a_series_keeps_the_time_on_the_wall(zone_id: str, start: date, clock: time, minutes: int) -> None:
    zone = zone_of(zone_id)
    first = datetime.combine(start, clock, zone).astimezone(UTC)
    series = Recurrence(pattern=Pattern(kind="Daily", every=7), starts_on=first.astimezone(zone).date())
    shown = first.astimezone(zone).time()
    last = first + timedelta(minutes=minutes)
    for at in islice(starts(series, first, zone), 60):
        local = at.astimezone(zone)
        wall = datetime.combine(local.date(), shown, zone)
        exists = wall.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)
        assert not exists or local.time() == shown
        assert abs((lasts(first, last, zone, at) - at) - (last - first)) <= timedelta(hours=2)


def nine_in_berlin(number: int = 400) -> Item:
    first = datetime(2027, 1, 4, 9, tzinfo=BERLIN).astimezone(UTC)
    weekdays = Pattern(kind="Weekly", days=("Weekday",), first_day="Monday")
    item = Item(
        premises=Premises.ON_PREMISES,
        mailbox="ada@contoso.com",
        identity="ada@contoso.com/1",
        start_at=first,
        end_at=first + timedelta(minutes=30),
        zone="W. Europe Standard Time",
        recurrence=Recurrence(pattern=weekdays, starts_on=date(2027, 1, 4), count=number),
    )
    kept = settled(item)
    assert isinstance(kept, Item)
    return kept


@pytest.mark.parametrize(("day", "hour"), [(date(2027, 3, 26), 8), (date(2027, 3, 29), 7), (date(2027, 11, 1), 8)])
def test_nine_o_clock_before_and_after_the_clock_changes(day: date, hour: int) -> None:
    start = datetime.combine(day, time(), UTC)
    [one] = within(nine_in_berlin(), start, start + timedelta(days=1))
    assert one.start_at == datetime.combine(day, time(hour), UTC)
    assert one.end_at - one.start_at == timedelta(minutes=30)


@given(st.integers(0, 600), st.integers(1, 60))
def test_a_window_shows_what_the_whole_series_has_there(offset: int, days: int) -> None:
    series = nine_in_berlin()
    start = datetime(2026, 12, 20, 8, 10, tzinfo=UTC) + timedelta(days=offset)
    end = start + timedelta(days=days)
    every = occurrences(series, datetime(2040, 1, 1, tzinfo=UTC))
    expected = [one.start_at for one in every if one.start_at < end and one.end_at > start]
    assert [one.start_at for one in within(series, start, end)] == expected


def test_a_changed_occurrence_is_where_it_was_put_and_a_deleted_one_nowhere() -> None:
    series = nine_in_berlin(5)
    first, second, third, *_ = (one.start_at for one in occurrences(series, datetime(2040, 1, 1, tzinfo=UTC)))
    far = second + timedelta(days=30)
    changed = Item(premises=series.premises, mailbox=series.mailbox, subject="Far", start_at=far, end_at=far)
    series = without_occurrence(with_changed(series, second, changed), third)
    whole = sorted(one.start_at for one in within(series, first, first + timedelta(days=60)))
    assert len(whole) == 4
    assert far in whole
    assert [one.kind for one in within(series, far, far + timedelta(minutes=1))] == ["Exception"]
    assert list(within(series, second, third + timedelta(hours=1))) == []


def test_a_series_begins_with_its_first_day() -> None:
    item = nine_in_berlin()
    saturday = datetime(2027, 1, 9, 9, tzinfo=BERLIN).astimezone(UTC)
    recurrence = Recurrence(pattern=Pattern(kind="Weekly", days=("Monday",)), starts_on=date(2027, 1, 9))
    early = Item(
        premises=item.premises, mailbox=item.mailbox, start_at=saturday, end_at=saturday, recurrence=recurrence
    )
    kept = settled(early)
    assert isinstance(kept, Item)
    assert kept.start_at.date() == date(2027, 1, 11)


def test_a_series_without_a_day_is_refused() -> None:
    item = nine_in_berlin()
    nothing = Recurrence(
        pattern=Pattern(kind="AbsoluteYearly", month=1, day=1), starts_on=date(2027, 1, 2), ends_on=date(2027, 2, 1)
    )
    said = settled(
        Item(premises=item.premises, mailbox="a@b.c", start_at=item.start_at, end_at=item.end_at, recurrence=nothing)
    )
    assert isinstance(said, ItemError)
    assert said.code == "ErrorRecurrenceHasNoOccurrence"


def test_every_zone_is_known_here() -> None:
    assert {name: str(zone_of(name)) for name in WINDOWS} == WINDOWS
    assert [str(zone_of(name)) for name in ("Customized Time Zone", "", "utc", "Europe/Berlin", "../etc/passwd")] == [
        "UTC",
        "UTC",
        "UTC",
        "Europe/Berlin",
        "UTC",
    ]

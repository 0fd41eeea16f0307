"""Recurrences: what is written is read back, and what breaks the schema or cannot be is refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridge.wire.ews.faults import RequestRefused
from hybridge.wire.ews.get_server_time_zones import ZONES
from hybridge.wire.ews.namespaces import TYPES
from hybridge.wire.ews.recurrences import GROUPS, ORDERS, WEEK, Pattern, Recurrence, read_recurrence, write_recurrence
from hybridge.wire.ews.windows_zones import WINDOWS
from hybridge.wire.xml import Element, parse_xml

DAY_NAMES = st.sampled_from((*WEEK, *GROUPS))
DAYS = st.lists(DAY_NAMES, min_size=1, max_size=7, unique=True).map(tuple)
EVERY, DAY, MONTH, ORDER = st.integers(1, 999), st.integers(1, 31), st.integers(1, 12), st.sampled_from(ORDERS)
PATTERNS = st.one_of(
    st.builds(Pattern, kind=st.just("Daily"), every=EVERY),
    st.builds(Pattern, kind=st.just("Weekly"), every=EVERY, days=DAYS, first_day=st.sampled_from(WEEK)),
    st.builds(Pattern, kind=st.just("AbsoluteMonthly"), every=EVERY, day=DAY),
    st.builds(Pattern, kind=st.just("RelativeMonthly"), every=EVERY, days=DAYS, order=ORDER),
    st.builds(Pattern, kind=st.just("AbsoluteYearly"), day=DAY, month=MONTH),
    st.builds(Pattern, kind=st.just("RelativeYearly"), days=DAYS, order=ORDER, month=MONTH),
)
SERIES = st.one_of(
    st.builds(Recurrence, pattern=PATTERNS, starts_on=st.dates()),
    st.builds(Recurrence, pattern=PATTERNS, starts_on=st.dates(), ends_on=st.dates()),
    st.builds(Recurrence, pattern=PATTERNS, starts_on=st.dates(), count=st.integers(1, 999)),
)
DAILY = Recurrence(pattern=Pattern(kind="Daily"), starts_on=date(2027, 1, 4))
WEEKLY = Recurrence(pattern=Pattern(kind="Weekly", days=("Monday",)), starts_on=date(2027, 1, 4), count=3)


def element(written: str) -> Element:
    return parse_xml(f'<t:x xmlns:t="{TYPES}">{written}</t:x>'.encode())[0]


@given(SERIES)
def test_what_is_written_is_read_back(series: Recurrence) -> None:
    assert read_recurrence(element(write_recurrence(series))) == series


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<t:Interval>1</t:Interval>", "<t:Interval>0</t:Interval>"),
        ("<t:Interval>1</t:Interval>", ""),
        ("Monday", "Moonday"),
        ("Monday", " "),
        ("2027-01-04", "2027-02-30"),
        ("2027-01-04", "tomorrow"),
        ("<t:NumberOfOccurrences>3<", "<t:NumberOfOccurrences>1000<"),
        ("NumberedRecurrence", "NoEndRecurrence"),
    ],
)
def test_what_cannot_be_is_refused(right: str, wrong: str) -> None:
    written = write_recurrence(WEEKLY)
    assert right in written
    with pytest.raises(RequestRefused):
        read_recurrence(element(written.replace(right, wrong)))


def test_the_zone_of_a_date_is_passed_over() -> None:
    written = write_recurrence(DAILY).replace("2027-01-04", "2027-01-04+01:00")
    assert read_recurrence(element(written)) == DAILY


def test_every_zone_clients_are_told_of_is_known() -> None:
    assert {zone.id for zone in ZONES} <= WINDOWS.keys()

"""How a series repeats: the pattern (which days) and the range (from when, how long), as EWS writes them.

Days are local dates of the series' own time zone. A pattern has exactly one of the seven shapes EWS names; ``days`` are
English names, where "Day", "Weekday" and "WeekendDay" stand for groups. Source: RecurrenceType of types.xsd.
"""

from __future__ import annotations

import re
from datetime import date

import msgspec

from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import Slot, local_name, one_of, sequence, whole_number
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""Names of days in the order of ``date.weekday``."""
GROUPS = {"Day": WEEK, "Weekday": WEEK[:5], "WeekendDay": WEEK[5:]}
ORDERS = ("First", "Second", "Third", "Fourth", "Last")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """Which days. ``kind`` is Daily, Weekly, AbsoluteMonthly, RelativeMonthly, AbsoluteYearly or RelativeYearly.

    ``every`` counts days, weeks or months (a yearly pattern is every year). ``day`` is the day of the month (a month
    too short has its last day), ``order`` one of ``ORDERS``, ``month`` 1 to 12, ``first_day`` the day a week begins.
    """

    kind: str
    every: int = 1
    days: tuple[str, ...] = ()
    day: int = 1
    order: str = "First"
    month: int = 1
    first_day: str = "Sunday"


class Recurrence(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern and its range: from ``starts_on`` to ``ends_on`` or ``count`` occurrences; neither is no end."""

    pattern: Pattern
    starts_on: date
    ends_on: date | None = None
    count: int | None = None


_PATTERNS = {
    "RelativeYearlyRecurrence": "RelativeYearly",
    "AbsoluteYearlyRecurrence": "AbsoluteYearly",
    "RelativeMonthlyRecurrence": "RelativeMonthly",
    "AbsoluteMonthlyRecurrence": "AbsoluteMonthly",
    "WeeklyRecurrence": "Weekly",
    "DailyRecurrence": "Daily",
}
_RANGES = ("NoEndRecurrence", "EndDateRecurrence", "NumberedRecurrence")
_SLOTS = {
    "RelativeYearly": (Slot("t:DaysOfWeek"), Slot("t:DayOfWeekIndex"), Slot("t:Month")),
    "AbsoluteYearly": (Slot("t:DayOfMonth"), Slot("t:Month")),
    "RelativeMonthly": (Slot("t:Interval"), Slot("t:DaysOfWeek"), Slot("t:DayOfWeekIndex")),
    "AbsoluteMonthly": (Slot("t:Interval"), Slot("t:DayOfMonth")),
    "Weekly": (Slot("t:Interval"), Slot("t:DaysOfWeek"), Slot("t:FirstDayOfWeek", at_least=0)),
    "Daily": (Slot("t:Interval"),),
}


def read_recurrence(recurrence: Element) -> Recurrence:
    """Read a t:Recurrence strictly; raises ``RequestRefused``."""
    patterns, ranges = ("|".join(f"t:{name}" for name in names) for names in (_PATTERNS, _RANGES))
    parts = sequence(recurrence, Slot(patterns), Slot(ranges))
    pattern, extent = parts[patterns][0], parts[ranges][0]
    starts_on, ends_on, count = _read_range(extent)
    return Recurrence(pattern=_read_pattern(pattern), starts_on=starts_on, ends_on=ends_on, count=count)


def _read_pattern(pattern: Element) -> Pattern:
    kind = _PATTERNS[local_name(pattern)]
    found = {name: elements[0] for name, elements in sequence(pattern, *_SLOTS[kind]).items() if elements}
    said: dict[str, object] = {}
    if "t:Interval" in found:
        said["every"] = _number(found["t:Interval"], 1, 999)
    if "t:DaysOfWeek" in found:
        days = found["t:DaysOfWeek"]
        said["days"] = tuple(one_of(days, day, (*WEEK, *GROUPS)) for day in _text(days).split() or ("",))
    if "t:DayOfMonth" in found:
        said["day"] = _number(found["t:DayOfMonth"], 1, 31)
    if "t:DayOfWeekIndex" in found:
        said["order"] = one_of(found["t:DayOfWeekIndex"], _text(found["t:DayOfWeekIndex"]), ORDERS)
    if "t:Month" in found:
        said["month"] = MONTHS.index(one_of(found["t:Month"], _text(found["t:Month"]), MONTHS)) + 1
    if "t:FirstDayOfWeek" in found:
        said["first_day"] = one_of(found["t:FirstDayOfWeek"], _text(found["t:FirstDayOfWeek"]), WEEK)
    return Pattern(kind=kind, **said)  # type: ignore[arg-type]


def _read_range(extent: Element) -> tuple[date, date | None, int | None]:
    kind = local_name(extent)
    if kind == "NumberedRecurrence":
        parts = sequence(extent, Slot("t:StartDate"), Slot("t:NumberOfOccurrences"))
        return read_date(parts["t:StartDate"][0]), None, _number(parts["t:NumberOfOccurrences"][0], 1, 999)
    if kind == "EndDateRecurrence":
        parts = sequence(extent, Slot("t:StartDate"), Slot("t:EndDate"))
        return read_date(parts["t:StartDate"][0]), read_date(parts["t:EndDate"][0]), None
    return read_date(sequence(extent, Slot("t:StartDate"))["t:StartDate"][0]), None, None


def read_date(written: Element) -> date:
    """An xs:date, of whose zone nothing is kept; raises ``RequestRefused``."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?", _text(written), re.ASCII)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise schema_violation(f"The element '{local_name(written)}' is not a date.", written) from None


def write_recurrence(recurrence: Recurrence) -> str:
    """The t:Recurrence element."""
    pattern = recurrence.pattern
    name = next(name for name, kind in _PATTERNS.items() if kind == pattern.kind)
    inside = "".join(_write_part(slot.name, pattern) for slot in _SLOTS[pattern.kind])
    starts_on = element("t:StartDate", recurrence.starts_on.isoformat())
    if recurrence.count is not None:
        kind, extent = "NumberedRecurrence", element("t:NumberOfOccurrences", recurrence.count)
    elif recurrence.ends_on is not None:
        kind, extent = "EndDateRecurrence", element("t:EndDate", recurrence.ends_on.isoformat())
    else:
        kind, extent = "NoEndRecurrence", ""
    return f"<t:Recurrence><t:{name}>{inside}</t:{name}><t:{kind}>{starts_on}{extent}</t:{kind}></t:Recurrence>"


def _write_part(name: str, pattern: Pattern) -> str:
    values: dict[str, str | int] = {
        "t:Interval": pattern.every,
        "t:DaysOfWeek": " ".join(pattern.days),
        "t:DayOfWeekIndex": pattern.order,
        "t:DayOfMonth": pattern.day,
        "t:Month": MONTHS[pattern.month - 1],
        "t:FirstDayOfWeek": pattern.first_day,
    }
    return element(name, values[name])


def _text(written: Element) -> str:
    return (written.text or "").strip()


def _number(written: Element, least: int, most: int) -> int:
    value = whole_number(_text(written))
    if value is None or not least <= value <= most:
        raise schema_violation(f"The element '{local_name(written)}' is not a number of {least} to {most}.", written)
    return value

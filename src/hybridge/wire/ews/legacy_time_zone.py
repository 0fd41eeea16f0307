"""The time zone of GetUserAvailability: a bias and exactly one rule for each half of the year.

The bias is in minutes and UTC = local + bias, so 480 is the Pacific coast. Both rules are required by the schema even
where the clock never changes; Exchange refuses a bias alone. We always ask in UTC, but read what others ask in.

Source: SerializableTimeZone of types.xsd.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, time, timedelta

import msgspec

from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import Slot, local_name, one_of, sequence, whole_number
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ANY_DAYS = (*DAYS, "Day", "Weekday", "WeekendDay")


class Rule(msgspec.Struct, frozen=True):
    """When the clock changes: the ``day_order``-th (5 is the last) ``day_of_week`` of ``month``, local ``at``.

    ``bias`` is added to the zone's from then on, in minutes.
    """

    month: int
    day_order: int
    day_of_week: str = "Sunday"
    at: time = time(2)
    bias: int = 0

    def starts_at(self, year: int) -> datetime:
        """The local instant of the change in ``year``."""
        last = calendar.monthrange(year, self.month)[1]
        if self.day_of_week not in DAYS:
            return datetime.combine(datetime(year, self.month, min(self.day_order, last)), self.at)
        wanted = (DAYS.index(self.day_of_week) - 1) % 7
        first = 1 + (wanted - datetime(year, self.month, 1).weekday()) % 7
        day = first + 7 * (self.day_order - 1)
        return datetime.combine(datetime(year, self.month, day if day <= last else day - 7), self.at)


class LegacyTimeZone(msgspec.Struct, frozen=True):
    """A zone; ``bias`` in minutes west of UTC."""

    bias: int = 0
    standard: Rule = Rule(month=1, day_order=1, at=time(0))
    daylight: Rule = Rule(month=12, day_order=5, at=time(0))

    def to_utc(self, local: datetime) -> datetime:
        """The aware UTC instant of a naive ``local`` time. May raise OverflowError at the ends of the calendar."""
        rule = self.standard
        if self.standard.bias != self.daylight.bias:
            begins, ends = self.daylight.starts_at(local.year), self.standard.starts_at(local.year)
            summer = begins <= local < ends if begins < ends else not ends <= local < begins
            rule = self.daylight if summer else self.standard
        return (local + timedelta(minutes=self.bias + rule.bias)).replace(tzinfo=UTC)


UTC_ZONE = LegacyTimeZone()


def write_zone(zone: LegacyTimeZone) -> str:
    """The t:TimeZone element."""
    return (
        f"<t:TimeZone>{element('t:Bias', zone.bias)}{_write_rule('t:StandardTime', zone.standard)}"
        f"{_write_rule('t:DaylightTime', zone.daylight)}</t:TimeZone>"
    )


def _write_rule(name: str, rule: Rule) -> str:
    return (
        f"<{name}>{element('t:Bias', rule.bias)}{element('t:Time', rule.at.isoformat())}"
        f"{element('t:DayOrder', rule.day_order)}{element('t:Month', rule.month)}"
        f"{element('t:DayOfWeek', rule.day_of_week)}</{name}>"
    )


def read_zone(zone: Element) -> LegacyTimeZone:
    """Read a t:TimeZone strictly; raises ``RequestRefused``."""
    parts = sequence(zone, Slot("t:Bias"), Slot("t:StandardTime"), Slot("t:DaylightTime"))
    return LegacyTimeZone(
        bias=_number(parts["t:Bias"][0], -1440, 1440),
        standard=_read_rule(parts["t:StandardTime"][0]),
        daylight=_read_rule(parts["t:DaylightTime"][0]),
    )


def _read_rule(rule: Element) -> Rule:
    names = ("t:Bias", "t:Time", "t:DayOrder", "t:Month", "t:DayOfWeek")
    parts = sequence(rule, *(Slot(name) for name in names), Slot("t:Year", at_least=0))
    bias, at, order, month, day = (parts[name][0] for name in names)
    return Rule(
        month=_number(month, 1, 12),
        day_order=_number(order, 1, 31),
        day_of_week=one_of(day, (day.text or "").strip(), ANY_DAYS),
        at=_time(at),
        bias=_number(bias, -1440, 1440),
    )


def _number(element: Element, least: int, most: int) -> int:
    value = whole_number((element.text or "").strip())
    if value is None or not least <= value <= most:
        raise schema_violation(f"The element '{local_name(element)}' is not a number of {least} to {most}.", element)
    return value


def _time(element: Element) -> time:
    try:
        return time.fromisoformat((element.text or "").strip()).replace(tzinfo=None)
    except ValueError:
        raise schema_violation(f"The element '{local_name(element)}' is not a time of day.", element) from None

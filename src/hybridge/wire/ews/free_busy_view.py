"""FreeBusyView of GetUserAvailability: the level of the answer, the busy periods and the working hours.

The level (FreeBusyViewType) is a list in the schema and may be lower than asked: it is the best the caller may see.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.wire.ews.legacy_time_zone import UTC_ZONE, write_zone
from hybridge.wire.ews.reading import Foreign, boolean, child, children, instant, integer, raw_text, text
from hybridge.wire.ews.writing import element, filled
from hybridge.wire.ews.writing import instant as written
from hybridge.wire.xml import Element


class BusyPeriod(msgspec.Struct, frozen=True):
    """One entry of the calendar. ``busy_type`` is Free, Tentative, Busy, OOF, WorkingElsewhere, NoData or newer.

    ``detailed`` tells whether details were sent at all; a private entry has none but ``is_private``. ``entry_id`` is
    the item's id in the format HexEntryId, "" where it was not sent.
    """

    start_at: datetime
    end_at: datetime
    busy_type: str = "Busy"
    subject: str = ""
    location: str = ""
    is_meeting: bool = False
    is_private: bool = False
    detailed: bool = False
    entry_id: str = ""
    is_recurring: bool = False
    is_exception: bool = False


class WorkingPeriod(msgspec.Struct, frozen=True):
    """Working time on ``days`` (English names), in minutes since midnight of the owner's zone."""

    days: tuple[str, ...]
    start_minutes: int
    end_minutes: int


class FreeBusy(msgspec.Struct, frozen=True):
    """Free/busy of one mailbox. ``working_bias`` is the bias of the owner's zone in minutes, None when not sent."""

    view_types: tuple[str, ...] = ("FreeBusy",)
    periods: tuple[BusyPeriod, ...] = ()
    merged: str = ""
    working_periods: tuple[WorkingPeriod, ...] = ()
    working_bias: int | None = None


def write_view(view: FreeBusy) -> str:
    """The m:FreeBusyView element; times are written in UTC."""
    periods = "".join(_write_period(period) for period in view.periods)
    hours = "".join(_write_hours(period) for period in view.working_periods)
    zone = write_zone(msgspec.structs.replace(UTC_ZONE, bias=view.working_bias or 0))
    working = f"<t:WorkingHours>{zone}<t:WorkingPeriodArray>{hours}</t:WorkingPeriodArray></t:WorkingHours>"
    return (
        f"<m:FreeBusyView>{element('t:FreeBusyViewType', ' '.join(view.view_types))}"
        f"{filled('t:MergedFreeBusy', view.merged)}"
        f"{f'<t:CalendarEventArray>{periods}</t:CalendarEventArray>' if periods else ''}"
        f"{working if hours else ''}</m:FreeBusyView>"
    )


def _write_period(period: BusyPeriod) -> str:
    details = ""
    if period.detailed:
        shown = not period.is_private
        details = (
            f"<t:CalendarEventDetails>{filled('t:ID', period.entry_id if shown else '')}"
            f"{element('t:Subject', period.subject if shown else None)}"
            f"{element('t:Location', period.location if shown else None)}{element('t:IsMeeting', period.is_meeting)}"
            f"{element('t:IsRecurring', period.is_recurring)}{element('t:IsException', period.is_exception)}"
            f"<t:IsReminderSet>false</t:IsReminderSet>{element('t:IsPrivate', period.is_private)}"
            "</t:CalendarEventDetails>"
        )
    return (
        f"<t:CalendarEvent>{element('t:StartTime', written(period.start_at))}"
        f"{element('t:EndTime', written(period.end_at))}{element('t:BusyType', period.busy_type)}{details}"
        "</t:CalendarEvent>"
    )


def _write_hours(period: WorkingPeriod) -> str:
    return (
        f"<t:WorkingPeriod>{element('t:DayOfWeek', ' '.join(period.days))}"
        f"{element('t:StartTimeInMinutes', period.start_minutes)}{element('t:EndTimeInMinutes', period.end_minutes)}"
        "</t:WorkingPeriod>"
    )


def read_view(view: Element) -> FreeBusy:
    """Read an m:FreeBusyView; raises ``Foreign`` when a period has no readable times."""
    hours = child(view, "t:WorkingHours")
    zone = None if hours is None else child(hours, "t:TimeZone")
    working = None if hours is None else child(hours, "t:WorkingPeriodArray")
    return FreeBusy(
        view_types=tuple(text(view, "t:FreeBusyViewType").split()) or ("None",),
        periods=tuple(
            _read_period(event) for event in children(child(view, "t:CalendarEventArray"), "t:CalendarEvent")
        ),
        merged=text(view, "t:MergedFreeBusy"),
        working_periods=tuple(_read_hours(period) for period in children(working, "t:WorkingPeriod")),
        working_bias=integer(zone, "t:Bias"),
    )


def _read_period(event: Element) -> BusyPeriod:
    details = child(event, "t:CalendarEventDetails")
    return BusyPeriod(
        start_at=instant(text(event, "t:StartTime")),
        end_at=instant(text(event, "t:EndTime")),
        busy_type=text(event, "t:BusyType") or "NoData",
        subject=raw_text(details, "t:Subject"),
        location=raw_text(details, "t:Location"),
        is_meeting=boolean(details, "t:IsMeeting"),
        is_private=boolean(details, "t:IsPrivate"),
        detailed=details is not None,
        entry_id=text(details, "t:ID"),
        is_recurring=boolean(details, "t:IsRecurring"),
        is_exception=boolean(details, "t:IsException"),
    )


def _read_hours(period: Element) -> WorkingPeriod:
    start, end = integer(period, "t:StartTimeInMinutes"), integer(period, "t:EndTimeInMinutes")
    if start is None or end is None:
        raise Foreign("a working period has no times.")
    return WorkingPeriod(tuple(text(period, "t:DayOfWeek").split()), start, end)

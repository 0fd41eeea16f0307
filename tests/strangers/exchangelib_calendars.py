"""What tests of calendars by exchangelib say often: times in Berlin, meetings, and what views and free/busy show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import exchangelib
from exchangelib.items import CalendarItem

BERLIN = exchangelib.EWSTimeZone("Europe/Berlin")


def at(day: int, hour: int, minute: int = 0, month: int = 2, year: int = 2027) -> exchangelib.EWSDateTime:
    return exchangelib.EWSDateTime(year, month, day, hour, minute, tzinfo=BERLIN)


def viewed(account: exchangelib.Account, start: Any, end: Any) -> list[tuple[str, datetime, datetime, str]]:
    """Subject, start, end and type of everything in a view."""
    items = account.calendar.view(start=start, end=end)
    return [(one.subject, one.start, one.end, one.type) for one in items]


def busy(account: exchangelib.Account, start: Any, days: int = 1) -> list[tuple[datetime, str]]:
    """Start (UTC) and type of every busy time that free/busy shows."""
    [view] = account.protocol.get_free_busy_info(
        [(account, "Organizer", False)], start=start, end=start + timedelta(days=days)
    )
    return [(one.start.astimezone(exchangelib.UTC), one.busy_type) for one in view.calendar_events or ()]


def meeting(account: exchangelib.Account, subject: str, start: Any, minutes: int = 30, **more: Any) -> CalendarItem:
    return CalendarItem(
        account=account,
        folder=account.calendar,
        subject=subject,
        start=start,
        end=start + timedelta(minutes=minutes),
        **more,
    )

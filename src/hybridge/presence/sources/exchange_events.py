"""From EWS to the values of presence: free/busy to a window of events, OOF settings to automatic replies. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from msgspec.structs import replace

from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, ShowAs, Window
from hybridge.wire.ews import get_user_oof_settings
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy

INTERVAL = 30
"""Minutes of one digit of the merged view we ask for."""
_SHOWN = {
    "Free": ShowAs.FREE,
    "Tentative": ShowAs.TENTATIVE,
    "Busy": ShowAs.BUSY,
    "OOF": ShowAs.OOF,
    "WorkingElsewhere": ShowAs.WORKING_ELSEWHERE,
}
_DIGITS = ("Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData")
"""What a digit of the merged view means since Exchange 2013; before that, 4 was "no data"."""
_STATES = {"Disabled": ReplyState.DISABLED, "Enabled": ReplyState.ENABLED, "Scheduled": ReplyState.SCHEDULED}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def window_around(now: datetime, before: timedelta, after: timedelta) -> tuple[datetime, datetime]:
    """The window to ask for, on whole minutes."""
    begin = (now - before).replace(second=0, microsecond=0)
    return begin, (now + after).replace(second=0, microsecond=0)


def window_of(
    view: FreeBusy, span: tuple[datetime, datetime], read_at: datetime, source: str, *, subjects: bool = False
) -> Window | None:
    """What ``view`` says of ``span``; None when the server gave no data at all."""
    if "None" in view.view_types:
        return None
    periods = view.periods
    if view.view_types == ("MergedOnly",):
        periods = _of_digits(view.merged, span[0])
    return Window(start_at=span[0], end_at=span[1], read_at=read_at, events=_events(periods, subjects), source=source)


def _events(periods: tuple[BusyPeriod, ...], subjects: bool) -> tuple[CalendarEvent, ...]:
    events: list[CalendarEvent] = []
    seen: dict[str, int] = {}
    for one in periods:
        event = _event(one.start_at, one.end_at, one.busy_type, one.detailed, one.is_meeting, one.is_private)
        identity = event.identity
        if identity in seen:
            seen[identity] += 1
            event = replace(event, identity=f"{identity}-{seen[identity]}")
        else:
            seen[identity] = 1
        if subjects and one.subject and not one.is_private:
            event = replace(event, subject=one.subject)
        events.append(event)
    return tuple(events)


@lru_cache(maxsize=16384)
def _event(
    start: datetime, end: datetime, busy_type: str, detailed: bool, is_meeting: bool, is_private: bool
) -> CalendarEvent:
    """Free/busy has no ids: an event is what it is from when to when, and many people have the same one."""
    return CalendarEvent(
        identity=f"{(start - _EPOCH) // _SECOND}-{(end - _EPOCH) // _SECOND}-{busy_type}",
        start_at=start,
        end_at=max(start, end),
        shows=_SHOWN.get(busy_type, ShowAs.NO_DATA),
        meeting=is_meeting if detailed and not is_private else None,
        private=is_private,
    )


def _of_digits(merged: str, begin: datetime) -> tuple[BusyPeriod, ...]:
    """The runs of one digit each; free time makes no period."""
    periods: list[BusyPeriod] = []
    at = 0
    while at < len(merged):
        end = at + 1
        while end < len(merged) and merged[end] == merged[at]:
            end += 1
        meaning = _DIGITS[int(merged[at])] if merged[at] in "012345" else "NoData"
        if meaning != "Free":
            start_at, end_at = (begin + timedelta(minutes=INTERVAL * slot) for slot in (at, end))
            periods.append(BusyPeriod(start_at, end_at, meaning))
        at = end
    return tuple(periods)


def replies_of(response: get_user_oof_settings.Response, read_at: datetime, source: str) -> AutomaticReplies | None:
    """The automatic replies; None for a state that is none of the three."""
    state = _STATES.get(response.oof_state)
    if state is None:
        return None
    return AutomaticReplies(
        state=state, read_at=read_at, start_at=response.start_at, end_at=response.end_at, source=source
    )

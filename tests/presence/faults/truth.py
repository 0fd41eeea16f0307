"""What everybody should show, by the pure core and the true calendar of the lab; not by anything the gateway read."""

from __future__ import annotations

from datetime import datetime, timedelta

from hybridge.lab.behaviour.automatic_replies import oof_settings
from hybridge.lab.estate import Estate
from hybridge.lab.mail.items import Occurrence
from hybridge.lab.mail.store import store_of
from hybridge.org.records import UserOofSettings
from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, Response, ShowAs, Window
from hybridge.presence.claims import Effective, claims_of, merged
from hybridge.presence.rules import TEAMS
from hybridge.terms.premises import Premises

SHOWN = {
    "Free": ShowAs.FREE,
    "Tentative": ShowAs.TENTATIVE,
    "Busy": ShowAs.BUSY,
    "OOF": ShowAs.OOF,
    "WorkingElsewhere": ShowAs.WORKING_ELSEWHERE,
    "NoData": ShowAs.NO_DATA,
}
ANSWERS = {
    "Organizer": Response.ORGANIZER,
    "Accept": Response.ACCEPTED,
    "Tentative": Response.TENTATIVE,
    "Decline": Response.DECLINED,
    "NoResponseReceived": Response.NOT_RESPONDED,
}
BEFORE, AFTER = timedelta(hours=2), timedelta(hours=24)


def truth(estate: Estate, premises: Premises, address: str, now: datetime) -> Effective:
    """What this person is to show at ``now``, by the rules of Teams."""
    found = store_of(estate).occurrences(premises, address, now - BEFORE, now + AFTER)
    window = Window(start_at=now - BEFORE, end_at=now + AFTER, read_at=now, events=tuple(map(event_of, found)))
    replies = replies_of(oof_settings(estate.organization, premises, address), now)
    return merged(claims_of(window, replies, TEAMS, now), now, TEAMS)


def event_of(one: Occurrence) -> CalendarEvent:
    """An entry of the calendar as it stands there."""
    return CalendarEvent(
        identity=one.item_id,
        start_at=one.start_at,
        end_at=one.end_at,
        shows=SHOWN[one.busy_type],
        meeting=one.is_meeting,
        all_day=one.is_all_day,
        cancelled=one.is_cancelled,
        response=ANSWERS.get(one.response, Response.UNKNOWN),
    )


def replies_of(settings: UserOofSettings, now: datetime) -> AutomaticReplies:
    """The automatic replies as they are set."""
    return AutomaticReplies(
        state=ReplyState(settings.oof_state.lower()), read_at=now, start_at=settings.start_at, end_at=settings.end_at
    )

"""What Teams makes of a calendar and of automatic replies.

A busy event gives Busy / InAMeeting; tentative, free and working-elsewhere ones change nothing. Out of office is
shown beside the availability: while automatic replies are sent, or while an event says out of office. Source: Graph's
presence page; the rows for tentative and working elsewhere are not published.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ShownPresence:
    """Availability and activity in Graph's words."""

    availability: str = "Available"
    activity: str = "Available"
    out_of_office: bool = False


def shown_presence(busy_types: Iterable[str], automatic_replies: bool) -> ShownPresence:
    """The presence shown for events of ``busy_types`` going on now (EWS words; case ignored)."""
    going_on = {busy_type.lower() for busy_type in busy_types}
    away = automatic_replies or "oof" in going_on
    if "busy" in going_on:
        return ShownPresence("Busy", "InAMeeting", away)
    return ShownPresence("Available", "OutOfOffice" if away else "Available", away)

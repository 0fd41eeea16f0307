"""What people see of a person: all their presence sessions, what they prefer, and what Teams made of their calendar.

A person has a session for every Teams client they are signed in with and one for every application that set one. A
preferred presence wins over all of them, and counts only while there is one at all. Among sessions DoNotDisturb is
stronger than Busy, Busy than Available, Available than Away. A session of an application that says Available fades:
after five minutes it is inactive, after five more it is away; a Teams client says so anew while somebody is at it, so
the lab's never fades. Nothing fades that says Busy.

What is not published is decided here: of two sessions that are equally busy, a call is shown before a meeting; the
calendar is part of the session of a Teams client, so that it is not shown of somebody who is signed in nowhere.

Sources: Microsoft Graph, Manage presence state; presence: setPresence, setUserPreferredPresence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hybridge.lab.behaviour.presence import ShownPresence

FADES_AFTER = timedelta(minutes=5)
PREFERRED_BUSY, PREFERRED_OTHER = timedelta(days=1), timedelta(days=7)
"""How long a preferred presence lasts where nothing is said: DoNotDisturb and Busy, and all others."""

_RANK = {"Offline": 0, "Away": 1, "BeRightBack": 1, "Available": 2, "Busy": 3, "DoNotDisturb": 4}
_CALLS = ("InACall", "InAConferenceCall", "Presenting")


@dataclass(frozen=True)
class Session:
    """What an application said at ``set_at``; from ``expires_at`` on it is gone."""

    availability: str
    activity: str
    set_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class PreferredPresence:
    """What was preferred, until ``expires_at``."""

    availability: str
    activity: str
    expires_at: datetime


def preferred_for(availability: str) -> timedelta:
    """How long a preferred ``availability`` lasts where nothing is said."""
    return PREFERRED_BUSY if availability in ("Busy", "DoNotDisturb") else PREFERRED_OTHER


def faded(session: Session, now: datetime) -> tuple[str, str]:
    """What ``session`` says at ``now``, as availability and activity."""
    said = (session.availability, session.activity)
    steps = (now - session.set_at) // FADES_AFTER if said == ("Available", "Available") else 0
    return (said, ("Available", "AvailableInactive"), ("Away", "Away"))[min(max(steps, 0), 2)]


def aggregated(
    sessions: Iterable[Session], preferred: PreferredPresence | None, client: ShownPresence | None, now: datetime
) -> ShownPresence:
    """What is shown. ``client`` is what Teams makes of the calendar for a client, None where there is none.

    Whether the person is out of office is the mailbox's, and is always as ``client`` says.
    """
    states = [faded(one, now) for one in sessions if now < one.expires_at]
    if client is not None:
        states.append((client.availability, client.activity))
    if not states:
        return ShownPresence("Offline", "Offline")
    away = client is not None and client.out_of_office
    if preferred is not None and now < preferred.expires_at:
        return ShownPresence(preferred.availability, preferred.activity, away)
    return ShownPresence(*max(states, key=_strength), away)


def _strength(state: tuple[str, str]) -> tuple[int, bool]:
    return _RANK.get(state[0], 0), state[1] in _CALLS

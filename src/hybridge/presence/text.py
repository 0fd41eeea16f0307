"""States in words, for people: never with a subject."""

from __future__ import annotations

from hybridge.presence.states import PresenceState

WORDS = {
    PresenceState.AVAILABLE: "Available",
    PresenceState.TENTATIVE: "Tentative",
    PresenceState.WORKING_ELSEWHERE: "Working elsewhere",
    PresenceState.FOCUSING: "Focusing",
    PresenceState.BUSY: "Busy",
    PresenceState.IN_A_MEETING: "In a meeting",
    PresenceState.AWAY: "Away",
    PresenceState.OUT_OF_OFFICE: "Out of office",
    PresenceState.PRESENTING: "Presenting",
    PresenceState.IN_A_CALL: "In a call",
    PresenceState.DO_NOT_DISTURB: "Do not disturb",
    PresenceState.INVISIBLE: "Appears offline",
    PresenceState.UNKNOWN: "Unknown",
}


def text_of(state: PresenceState | None) -> str:
    """The state in words; "" for nothing."""
    return WORDS[state] if state is not None else ""

"""What a person's presence can be.

The names are those of Teams' activities where Teams has one (Graph, resource presence); which of them may follow from
a calendar, and which is stronger, is a matter of ``presence.rules``.
"""

from __future__ import annotations

from enum import StrEnum


class PresenceState(StrEnum):
    """One merged state of a person."""

    AVAILABLE = "available"
    TENTATIVE = "tentative"
    WORKING_ELSEWHERE = "working-elsewhere"
    FOCUSING = "focusing"
    BUSY = "busy"
    """Occupied, but not by a meeting: an appointment nobody else was invited to."""
    IN_A_MEETING = "in-a-meeting"
    AWAY = "away"
    OUT_OF_OFFICE = "out-of-office"
    PRESENTING = "presenting"
    IN_A_CALL = "in-a-call"
    DO_NOT_DISTURB = "do-not-disturb"
    INVISIBLE = "invisible"
    UNKNOWN = "unknown"
    """Nothing is known any more: what was known last has passed."""

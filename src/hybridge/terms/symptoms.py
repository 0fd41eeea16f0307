"""What people notice: the three stories this project began with, in the words a person uses."""

from enum import StrEnum


class Symptom(StrEnum):
    """A symptom as named on the command line (``--symptom``)."""

    DELEGATE_CANNOT_SCHEDULE = "delegate-cannot-schedule"
    CALENDAR_MISSING = "calendar-missing"
    PRESENCE_STUCK = "presence-stuck"

    @property
    def says(self) -> str:
        """The sentence a person would use."""
        return _SENTENCES[self]


_SENTENCES = {
    Symptom.DELEGATE_CANNOT_SCHEDULE: "A delegate cannot schedule a Teams meeting for a delegator",
    Symptom.CALENDAR_MISSING: "The Teams calendar app is missing or could not get meeting details",
    Symptom.PRESENCE_STUCK: "Presence is stuck on Out of Office, or never shows In a meeting",
}

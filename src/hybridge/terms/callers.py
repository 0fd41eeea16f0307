"""EWS callers of Teams, and how Exchange matches their user agents.

The matcher is the whole point of this file. Exchange compares the User-Agent header with patterns in which only ``*``
is special: any run of characters, also none. Everything else is literal and the whole header must match, ignoring
case. The user agents of Teams contain ``$``, ``+``, ``.`` and even ``*`` themselves, so neither a regular expression
nor fnmatch may see a pattern. Lists are judged by running every caller through the matcher, never by comparing
pattern strings: the published pattern ``SkypeSpaces/*`` does not match ``Teams CalendarSkypeSpaces/1.0a$*+``.

Which callers there are is dated and lies in ``hybridge.rules``.
"""

from dataclasses import dataclass
from enum import StrEnum


class Feature(StrEnum):
    """What a person loses when a caller is refused."""

    DELEGATION = "delegation"
    CALENDAR = "calendar"
    PRESENCE = "presence"


@dataclass(frozen=True)
class EwsCaller:
    """A service of Teams that calls on-premises Exchange.

    ``user_agent`` is a sample the service really sends (or, for the scheduler, the shape its documented pattern
    implies: the exact string is not published); ``pattern`` is the allow-list entry we recommend for it.
    """

    name: str
    feature: Feature
    user_agent: str
    pattern: str


def matches(pattern: str, user_agent: str) -> bool:
    """Tell whether an Exchange allow- or block-list ``pattern`` matches ``user_agent`` (see the head of this file)."""
    pieces = pattern.casefold().split("*")
    text = user_agent.casefold()
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True

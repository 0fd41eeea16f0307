"""The matcher of user agents: the table of known callers, and any pattern against a slow and simple one."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.checks.ews.policy import misspelling
from hybridge.rules import CALLERS
from hybridge.terms.callers import matches

NINJA = "MicrosoftNinja/1.0 Teams/1.0 (ExchangeServicesClient/1.0.0.0) SkypeSpaces/1.0a$*+"
SPACES = "SkypeSpaces/1.0a$*+"
CALENDAR = "Teams CalendarSkypeSpaces/1.0a$*+"
PRESENCE = "Microsoft.Skype.Presence.App/1.0"
SCHEDULER = "SchedulingService/1.0"

TABLE = {
    "*SkypeSpaces/*": {NINJA, SPACES, CALENDAR},
    "SkypeSpaces/*": {SPACES},
    "MicrosoftNinja/*": {NINJA},
    "*Teams/*": {NINJA},
    "*Teams*": {NINJA, CALENDAR},
    "* Microsoft.Skype.Presence.App/*": set(),
    "*Microsoft.Skype.Presence.App/*": {PRESENCE},
    "Microsoft.Skype.Presence.App/*": {PRESENCE},
    "*SchedulingService*": {SCHEDULER},
    "SchedulingService": set(),
    "SchedulingService/1.0": {SCHEDULER},
    "schedulingSERVICE/*": {SCHEDULER},
    "OWA/*": set(),
    "": set(),
    "*": {NINJA, SPACES, CALENDAR, PRESENCE, SCHEDULER},
    "**": {NINJA, SPACES, CALENDAR, PRESENCE, SCHEDULER},
    "MicrosoftNinja/*,*Teams/*,SkypeSpaces/*": set(),
    "SkypeSpaces/1.0a$*+": {SPACES},
    "SkypeSpaces/1.0a$+": set(),
    "Microsoft?Skype?Presence?App/1.0": set(),
    "Microsoft[.]Skype.Presence.App/1.0": set(),
}


@pytest.mark.parametrize("pattern", TABLE)
def test_known_callers(pattern: str) -> None:
    agents = {caller.user_agent for caller in CALLERS}
    assert agents == {NINJA, SPACES, CALENDAR, PRESENCE, SCHEDULER}
    assert {agent for agent in agents if matches(pattern, agent)} == TABLE[pattern]


def test_every_recommended_pattern_matches_its_caller() -> None:
    assert all(matches(caller.pattern, caller.user_agent) for caller in CALLERS)


def slow(pattern: str, text: str) -> bool:
    """The definition, spelt out: an asterisk takes nothing, or one more character."""

    @cache
    def rest(at: int, seen: int) -> bool:
        if at == len(pattern):
            return seen == len(text)
        if pattern[at] == "*":
            return rest(at + 1, seen) or (seen < len(text) and rest(at, seen + 1))
        return seen < len(text) and pattern[at].lower() == text[seen].lower() and rest(at + 1, seen + 1)

    return rest(0, 0)


TEXTS = st.text("aAbB/.$+*? [", max_size=12)


@settings(max_examples=400, deadline=None)
@given(TEXTS, TEXTS)
def test_agrees_with_the_definition(pattern: str, text: str) -> None:
    assert matches(pattern, text) is slow(pattern, text)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_a_text_matches_any_pattern_cut_from_it(text: str, fillings: list[str]) -> None:
    pattern = "*".join([text, *("" for _ in fillings)])
    assert matches(pattern, text + "".join(fillings))


@pytest.mark.parametrize(
    ("entry", "agent", "mistake"),
    [
        ("* Microsoft.Skype.Presence.App/*", PRESENCE, "a stray blank"),
        ("*Microsoft.Skype.Presence.App/* ", PRESENCE, "a stray blank"),
        (" SkypeSpaces/*", SPACES, "a stray blank"),
        ("SkypeSpaces /*", SPACES, "a stray blank"),
        ("MicrosoftNinja/*,*Teams/*,SkypeSpaces/*", SPACES, "several patterns in one entry"),
        ("MicrosoftNinja/*, *Teams/*, SkypeSpaces/*", SPACES, "several patterns in one entry and a stray blank"),
        ("OWA/*;*SchedulingService*", SCHEDULER, "several patterns in one entry"),
        ("SchedulingService", SCHEDULER, "no asterisk, so that it means only that very text"),
        ("\u201c*SchedulingService*\u201d", SCHEDULER, "typographic characters"),
        ('"*SchedulingService*"', SCHEDULER, "typographic characters"),
        ("\u2217SchedulingService\u2217", SCHEDULER, "typographic characters"),
        ("*\u200bSchedulingService*", SCHEDULER, "typographic characters"),
        ("*\u00a0SchedulingService*", SCHEDULER, "typographic characters and a stray blank"),
        ("*SchedulingService*", SCHEDULER, ""),
        ("OWA/*", SCHEDULER, ""),
        ("SkypeSpaces/*", CALENDAR, ""),
        ("", SCHEDULER, ""),
        (",,,", SCHEDULER, ""),
        (" * ,", "anything", "several patterns in one entry and a stray blank"),
    ],
)
def test_misspellings(entry: str, agent: str, mistake: str) -> None:
    assert misspelling(entry, agent) == mistake


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_an_entry_that_matches_is_never_called_misspelt(entry: str, agent: str) -> None:
    assert not (misspelling(entry, agent) and matches(entry, agent))

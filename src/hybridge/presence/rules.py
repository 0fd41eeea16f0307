"""What follows from a calendar: sets of rules, as data.

A set says, row by row, which state a kind of event makes (None: no claim, the person is free), which state is stronger
than which, and a few durations. ``teams`` is what Teams itself makes of a calendar; ``cisco`` is the table of Cisco's
IM and Presence Service (free and tentative: available; busy: in a meeting; out of office: away) and nothing besides;
``custom`` changes one of them.

What is the same in every set is a named rule too (``NAMED_RULES``): every claim carries the names of those that made
it, so that a person can be told why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from hybridge.presence.states import PresenceState as State

RANK = (
    State.INVISIBLE,
    State.DO_NOT_DISTURB,
    State.IN_A_CALL,
    State.PRESENTING,
    State.OUT_OF_OFFICE,
    State.AWAY,
    State.IN_A_MEETING,
    State.FOCUSING,
    State.BUSY,
    State.TENTATIVE,
    State.WORKING_ELSEWHERE,
    State.UNKNOWN,
    State.AVAILABLE,
)
"""The strongest first. AWAY stands beside OUT_OF_OFFICE because it is what that becomes where there is no such word;
UNKNOWN before AVAILABLE because "free" must not be said of a stretch the server gave no data for."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One set. The rows (``ROWS``) come first: a state, or None for no claim; then the order and the durations.

    ``busy`` counts where the source does not tell whether others were invited. ``all_day`` counts for busy events
    that fill days; where it is None, tentative ones make no claim either. ``manual_until_boundary`` ends a choice the
    person made without an end when the next event begins or ends.
    """

    name: str
    free: State | None = None
    tentative: State | None = State.TENTATIVE
    not_responded: State | None = State.TENTATIVE
    meeting: State | None = State.IN_A_MEETING
    appointment: State | None = State.BUSY
    busy: State | None = State.IN_A_MEETING
    focus: State | None = State.FOCUSING
    all_day: State | None = None
    oof: State | None = State.OUT_OF_OFFICE
    working_elsewhere: State | None = State.WORKING_ELSEWHERE
    replies: State | None = State.OUT_OF_OFFICE
    rank: tuple[State, ...] = RANK
    gap: timedelta = timedelta(minutes=2)
    """A pause this short, or shorter, between two stretches of one state is no pause."""
    trust: timedelta = timedelta(hours=1)
    """So long after the last good read a calendar is followed though reading it fails."""
    replies_poll: timedelta = timedelta(minutes=5)
    """Automatic replies without an end are read again so soon."""
    replies_hold: timedelta = timedelta(minutes=30)
    """Automatic replies without an end are believed so long after they were read."""
    ahead: timedelta = timedelta(hours=1)
    """So long before a window ends (a quarter of it, where that is less) the next is asked for."""
    ask_again: timedelta = timedelta(minutes=5)
    """What was asked for and not read is asked for again after this."""
    manual_until_boundary: bool = False


ROWS = (
    "free",
    "tentative",
    "not_responded",
    "meeting",
    "appointment",
    "busy",
    "focus",
    "all_day",
    "oof",
    "working_elsewhere",
    "replies",
)
"""The names of the rows of a set, which are also their keys in the configuration."""

TEAMS = Rules(name="teams")
CISCO = Rules(
    name="cisco",
    tentative=None,
    not_responded=None,
    appointment=State.IN_A_MEETING,
    focus=State.IN_A_MEETING,
    all_day=State.IN_A_MEETING,
    oof=State.AWAY,
    working_elsewhere=None,
    replies=None,
    gap=timedelta(0),
)
RULES: dict[str, Rules] = {rules.name: rules for rules in (TEAMS, CISCO)}

NAMED_RULES: dict[str, str] = {
    "free": "Free time makes no claim: where the calendar says nothing stronger, the person is available.",
    "tentative": "A tentative event is tentative, never busy.",
    "not-responded": "An invitation nobody answered yet is tentative, however it is shown.",
    "busy": "A busy event others were invited to is a meeting until it ends.",
    "appointment": "A busy event nobody else was invited to is busy, but no meeting.",
    "company-unknown": "Where the source does not tell whether others were invited, the rules decide (row busy).",
    "focus-time": "Focus time is a state of its own, weaker than a meeting.",
    "all-day": "An all-day busy or tentative event claims only what the rules say; out of office is always honoured.",
    "oof-event": "An event shown as out of office makes the person out of office until it ends.",
    "working-elsewhere": "Working elsewhere is a state of its own, never busy.",
    "replies-enabled": "Automatic replies without an end are believed for a short while and read again.",
    "replies-scheduled": "Scheduled automatic replies count between their start and their end.",
    "replies-disabled": "Automatic replies that are disabled claim nothing, whatever duration they still carry.",
    "overlaps": "Where events overlap the strongest state wins, and lasts to the end of its merged run.",
    "back-to-back": "A pause no longer than the rules' gap does not interrupt a state.",
    "private": "Of a private event only the state is kept.",
    "cancelled": "A cancelled event claims nothing, though its copy stays in the calendar.",
    "declined": "A declined event claims nothing, though it may stay in the calendar.",
    "zero-length": "An event of no length claims nothing.",
    "instants-as-given": "Starts and ends are the server's instants, never rounded to anybody's midnight.",
    "no-data": "Where the server gave no data the last known state lasts until its end; then it is unknown.",
    "not-read": "While reading fails the last known state lasts until its end; then it is unknown.",
    "mailbox-gone": "The presence of a mailbox that is gone is withdrawn.",
    "manual-choice": "What the person chose wins until it expires or is withdrawn; the latest choice counts.",
    "call": "A call is stronger than anything a calendar says.",
    "claimed-elsewhere": "A claim from elsewhere counts by the strength of its state.",
    "late-read": "What was read earlier never replaces what was read later.",
}
"""Name -> one sentence. Each has its own test by that name."""

_MINUTES = ("gap", "trust", "replies_poll", "replies_hold", "ahead", "ask_again")
_KEYS = (
    "base",
    "name",
    *ROWS,
    *(f"{name}_minutes" for name in _MINUTES),
    "rank",
    "manual_until_boundary",
)
_RANKED = RANK[:-2]


def custom(mapping: Mapping[str, object]) -> Rules:
    """A set made of a table of the configuration, upon the set that ``base`` names (``teams`` without it).

    Rows take the name of a state, or ``none``; durations are minutes (``gap_minutes``); ``rank`` lists all states but
    available and unknown, the strongest first. Raises ``ValueError`` with one sentence that names the key.
    """
    base = mapping.get("base", TEAMS.name)
    if not isinstance(base, str) or base not in RULES:
        raise ValueError(f"rules: base is {base!r}; choose one of: {', '.join(RULES)}")
    changes: dict[str, object] = {"name": "custom"}
    for key, value in mapping.items():
        if key in ROWS:
            changes[key] = _state(key, value)
        elif key.removesuffix("_minutes") in _MINUTES and key.endswith("_minutes"):
            changes[key.removesuffix("_minutes")] = _minutes(key, value)
        elif key != "base":
            changes[key] = _other(key, value)
    rules = msgspec.structs.replace(RULES[base], **changes)
    if rules.replies_hold < 2 * rules.replies_poll:
        raise ValueError(
            "rules: replies_hold_minutes must be at least twice replies_poll_minutes, or one lost read shows"
        )
    return rules


def _state(key: str, value: object) -> State | None:
    allowed = [state.value for state in RANK if state is not State.UNKNOWN]
    if value == "none":
        return None
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"rules: {key} is {value!r}; choose one of: none, {', '.join(allowed)}")
    return State(value)


def _minutes(key: str, value: object) -> timedelta:
    least = 0 if key in ("gap_minutes", "trust_minutes") else 1
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 7 * 24 * 60:
        raise ValueError(f"rules: {key} is {value!r}; give minutes from {least} to 10080 (a week)")
    return timedelta(minutes=value)


def _other(key: str, value: object) -> object:
    if key == "rank":
        return _rank(value)
    if key == "manual_until_boundary":
        if not isinstance(value, bool):
            raise ValueError(f"rules: {key} is {value!r}; choose one of: true, false")
        return value
    if key == "name":
        if not isinstance(value, str) or not value:
            raise ValueError(f"rules: {key} is {value!r}; give a name")
        return value
    raise ValueError(f"rules: {key} is not known; choose one of: {', '.join(_KEYS)}")


def _rank(value: object) -> tuple[State, ...]:
    names = [state.value for state in _RANKED]
    if not isinstance(value, list | tuple) or sorted(map(str, value)) != sorted(names):
        raise ValueError(f"rules: rank must name each of these once, the strongest first: {', '.join(names)}")
    return (*(State(name) for name in value), State.UNKNOWN, State.AVAILABLE)

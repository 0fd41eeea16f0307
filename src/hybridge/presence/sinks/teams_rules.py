"""The rules of the Teams sink, row by row: what each state becomes, and what Graph cannot set.

Graph lets an application say four things of a person (five with ``presenting`` switched on). "In a meeting" and "Out of
office" are not among them: Teams derives both itself, from the calendar and from automatic replies, and ignores an
application that tries. So a meeting is shown by the nearest thing there is, a conference call, and everything for which
there is nothing near is left to Teams: the gateway withdraws what it said.

An application's session is one among the person's sessions. Busy beats the Available of a Teams client; Away does not,
so it is seen only while no client says more.

Source: Microsoft Graph, presence: setPresence; Manage presence state using the Microsoft Graph API.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from hybridge.presence.states import PresenceState
from hybridge.wire.graph.set_presence import Pair


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a state becomes. ``pair`` None withdraws the session of the gateway.

    ``shown`` is what people see where that is less than the state says ("" where it is the same), and ``because`` why.
    """

    state: PresenceState
    pair: Pair | None
    shown: str = ""
    because: str = ""


CALL, CONFERENCE = ("Busy", "InACall"), ("Busy", "InAConferenceCall")
AWAY, PRESENTING = ("Away", "Away"), ("DoNotDisturb", "Presenting")
OWN = "what Teams itself knows"

_S = PresenceState
_ROWS = (
    Row(state=_S.AVAILABLE, pair=None, because="Teams knows by itself whether somebody is there."),
    Row(state=_S.TENTATIVE, pair=None, shown=OWN, because="Nobody is busy before having accepted."),
    Row(
        state=_S.WORKING_ELSEWHERE,
        pair=None,
        shown=OWN,
        because="Graph sets no such state; working elsewhere is not being busy.",
    ),
    Row(
        state=_S.FOCUSING,
        pair=None,
        shown=OWN,
        because="Graph cannot set Focusing, and a call would be untrue; with presenting = true it is Presenting.",
    ),
    Row(
        state=_S.BUSY,
        pair=CONFERENCE,
        shown="Busy, in a conference call",
        because="Graph refuses Busy without a call.",
    ),
    Row(
        state=_S.IN_A_MEETING,
        pair=CONFERENCE,
        shown="Busy, in a conference call",
        because="Graph cannot set In a meeting; Teams shows it by itself once it has read the calendar.",
    ),
    Row(
        state=_S.AWAY,
        pair=AWAY,
        shown="Away, unless a Teams client says more",
        because="Every other session of the person is stronger than Away.",
    ),
    Row(
        state=_S.OUT_OF_OFFICE,
        pair=None,
        shown=OWN,
        because="Graph cannot set Out of office; Teams takes it from automatic replies and out-of-office events.",
    ),
    Row(
        state=_S.PRESENTING,
        pair=CONFERENCE,
        shown="Busy, in a conference call",
        because="Presenting is set only with presenting = true, by the beta version of Graph.",
    ),
    Row(state=_S.IN_A_CALL, pair=CALL),
    Row(
        state=_S.DO_NOT_DISTURB,
        pair=CONFERENCE,
        shown="Busy, in a conference call",
        because="Graph sets Do not disturb only as Presenting, and that only with presenting = true.",
    ),
    Row(
        state=_S.INVISIBLE,
        pair=None,
        shown=OWN,
        because="Only the person can appear offline; the gateway never sets a preferred presence.",
    ),
    Row(state=_S.UNKNOWN, pair=None, shown=OWN, because="Nothing is known, so nothing is said."),
)

TEAMS_RULES: Mapping[PresenceState, Row] = MappingProxyType({row.state: row for row in _ROWS})
"""What each state becomes as Graph's v1.0 allows."""

_PRESENTING = (
    Row(state=_S.FOCUSING, pair=PRESENTING, shown="Presenting", because="Graph cannot set Focusing."),
    Row(state=_S.PRESENTING, pair=PRESENTING),
    Row(
        state=_S.DO_NOT_DISTURB,
        pair=PRESENTING,
        shown="Presenting",
        because="Graph sets Do not disturb only as Presenting.",
    ),
)

PRESENTING_RULES: Mapping[PresenceState, Row] = MappingProxyType(
    {**TEAMS_RULES, **{row.state: row for row in _PRESENTING}}
)
"""The same with ``presenting`` switched on."""


def as_markdown(rules: Mapping[PresenceState, Row] = TEAMS_RULES) -> str:
    """The rules as a table for the documentation."""
    head = ("State", "Graph is told", "People see", "Because")
    rows = [
        (row.state.value, "/".join(row.pair) if row.pair else "clearPresence", row.shown or "the same", row.because)
        for row in rules.values()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))

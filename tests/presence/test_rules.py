"""Sets of rules: the tables as they are promised, what a configuration may change, and a test for every named rule."""

from __future__ import annotations

import ast
import tomllib
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from hybridge.presence.rules import CISCO, NAMED_RULES, RANK, ROWS, RULES, TEAMS, Rules, custom
from hybridge.presence.states import PresenceState as State


def test_every_named_rule_has_a_test_by_its_name() -> None:
    here = Path(__file__).parent
    names = {
        node.name
        for path in (here / "test_claims.py", here / "test_machine.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name for name in NAMED_RULES if f"test_{name.replace('-', '_')}" not in names} == set()


def test_every_named_rule_says_one_sentence() -> None:
    assert [name for name, says in NAMED_RULES.items() if not says.endswith(".") or says.count(". ")] == []


def test_cisco_is_the_table_of_its_guide() -> None:
    assert {row: getattr(CISCO, row) for row in ROWS} == {
        "free": None,  # no claim: available
        "tentative": None,
        "not_responded": None,  # shown as tentative
        "meeting": State.IN_A_MEETING,
        "appointment": State.IN_A_MEETING,
        "busy": State.IN_A_MEETING,
        "focus": State.IN_A_MEETING,
        "all_day": State.IN_A_MEETING,
        "oof": State.AWAY,
        "working_elsewhere": None,  # the guide has no row for it
        "replies": None,  # the table is of calendar states alone
    }


def test_teams_row_by_row() -> None:
    assert {row: getattr(TEAMS, row) for row in ROWS} == {
        "free": None,
        "tentative": State.TENTATIVE,
        "not_responded": State.TENTATIVE,
        "meeting": State.IN_A_MEETING,
        "appointment": State.BUSY,
        "busy": State.IN_A_MEETING,
        "focus": State.FOCUSING,
        "all_day": None,
        "oof": State.OUT_OF_OFFICE,
        "working_elsewhere": State.WORKING_ELSEWHERE,
        "replies": State.OUT_OF_OFFICE,
    }


def test_every_state_has_its_rank() -> None:
    assert set(RANK) == set(State)
    assert all(set(rules.rank) == set(State) for rules in RULES.values())
    order = (State.IN_A_CALL, State.PRESENTING, State.OUT_OF_OFFICE, State.IN_A_MEETING, State.FOCUSING, State.BUSY)
    assert [state for state in RANK if state in order] == list(order)
    assert RANK.index(State.DO_NOT_DISTURB) < RANK.index(State.IN_A_CALL)
    assert RANK[-4:] == (State.TENTATIVE, State.WORKING_ELSEWHERE, State.UNKNOWN, State.AVAILABLE)


def test_rules_are_values() -> None:
    assert msgspec.json.decode(msgspec.json.encode(CISCO), type=Rules) == CISCO
    assert hash(CISCO) != hash(TEAMS)


def test_a_table_of_the_configuration_changes_a_set() -> None:
    table = tomllib.loads(
        """
        base = "teams"
        appointment = "in-a-meeting"
        tentative = "none"
        gap_minutes = 5
        trust_minutes = 0
        manual_until_boundary = true
        """
    )
    assert custom(table) == msgspec.structs.replace(
        TEAMS,
        name="custom",
        appointment=State.IN_A_MEETING,
        tentative=None,
        gap=timedelta(minutes=5),
        trust=timedelta(0),
        manual_until_boundary=True,
    )
    assert custom({}) == msgspec.structs.replace(TEAMS, name="custom")
    assert custom({"base": "cisco", "name": "ours", "replies": "away"}).replies is State.AWAY


def test_the_order_can_be_changed() -> None:
    names = [state.value for state in RANK[:-2]]
    names.reverse()
    assert custom({"rank": names}).rank == (*reversed(RANK[:-2]), State.UNKNOWN, State.AVAILABLE)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"base": "skype"}, "rules: base is 'skype'; choose one of: teams, cisco"),
        ({"base": ["teams"]}, "rules: base is ['teams']; choose one of: teams, cisco"),
        ({"meeting": "bussy"}, "rules: meeting is 'bussy'; choose one of: none, invisible, do-not-disturb"),
        ({"oof": 3}, "rules: oof is 3; choose one of: none"),
        ({"oof": "unknown"}, "rules: oof is 'unknown'; choose one of: none"),
        ({"gap_minutes": -1}, "rules: gap_minutes is -1; give minutes from 0"),
        ({"gap_minutes": True}, "rules: gap_minutes is True; give minutes"),
        ({"replies_poll_minutes": 0}, "rules: replies_poll_minutes is 0; give minutes from 1"),
        ({"replies_poll_minutes": float("nan")}, "rules: replies_poll_minutes is nan"),
        ({"replies_hold_minutes": 6}, "rules: replies_hold_minutes must be at least twice replies_poll_minutes"),
        ({"rank": ["in-a-meeting"]}, "rules: rank must name each of these once, the strongest first: invisible"),
        ({"rank": 1}, "rules: rank must name each"),
        ({"manual_until_boundary": 1}, "rules: manual_until_boundary is 1; choose one of: true, false"),
        ({"name": ""}, "rules: name is ''; give a name"),
        ({"gap": 2}, "rules: gap is not known; choose one of: base, name, free, tentative"),
        ({"minutes_minutes": 2}, "rules: minutes_minutes is not known"),
    ],
)
def test_a_wrong_table_is_refused_with_one_sentence(table: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match="rules: ") as caught:
        custom(table)
    assert str(caught.value).startswith(says)

"""The table of known tests and failures: nothing in it is made up, and in the end nothing in it is left open."""

from __future__ import annotations

import re

from hybridge.checks.coverage import BY_NO_SOFTWARE, ROWS, covered, open_rows, unknown
from hybridge.checks.registry import all_checks
from hybridge.docs import index

GROUPS = {
    "ADV2": 7,
    "ADC": 6,
    "TLS": 5,
    "EWS": 7,
    "DEL": 11,
    "PA": 7,
    "OAUTH": 13,
    "PROBE": 6,
    "FB": 8,
    "CAL": 10,
    "PRES": 8,
    "NET": 5,
    "VER": 5,
    "X": 20,
    "MRCA": 42,
}


def test_the_list_is_whole() -> None:
    wanted = {
        f"{group}-{number:02d}" if group != "MRCA" else f"MRCA-{number}"
        for group, last in GROUPS.items()
        for number in range(1, last + 1)
    }
    assert set(ROWS) == wanted
    assert len(set(ROWS.values())) == len(ROWS)


def test_checks_name_only_rows_there_are() -> None:
    assert unknown(all_checks()) == ()


def test_a_reason_is_given_only_where_no_check_answers() -> None:
    answered = covered(all_checks())
    assert [row for row in BY_NO_SOFTWARE if row not in ROWS or answered[row]] == []
    assert all(reason.endswith(".") for reason in BY_NO_SOFTWARE.values())


def test_every_row_is_in_the_generated_table() -> None:
    page = index()
    for row, title in ROWS.items():
        assert re.search(rf"^\| {row} \| {re.escape(title)} \| .+ \|$", page, re.MULTILINE), row


def test_every_row_is_answered_or_has_its_reason() -> None:
    assert open_rows(all_checks()) == ()

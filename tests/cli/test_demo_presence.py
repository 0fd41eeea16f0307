"""``hybridge demo presence``: calendars, the gateway and its sink in one process each as real as anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.wire, pytest.mark.slow]


def test_an_office_lives_through_a_day(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("demo", "presence", "--seconds", "15", cwd=tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert "09:00  ada        In a meeting until 10:30" in ran.out, "two meetings back to back are one stretch"
    assert "alan       Out of office until 12:00" in ran.out
    assert "marie      Working elsewhere" in ran.out
    assert "Stand-up" not in ran.out.partition("Contoso at")[2], "a board shows no subjects"
    assert ran.err == ""
    assert list(tmp_path.iterdir()) == []


def test_there_are_two_stories(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("demo", "future", cwd=tmp_path)
    assert ran.code == 2
    assert "choose one of: repair, presence" in ran.err

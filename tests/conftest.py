"""Shared by all tests: the walk of the closed loop in one process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.loop.walk import NOW, Walk, new_estate

from hybridge.lab.in_process import InProcess
from hybridge.lab.verbs import Verbs
from hybridge.net.clock import SetClock


@pytest.fixture
def walk_in_process(tmp_path: Path) -> Walk:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    answerer = InProcess(estate)
    return Walk(estate, Verbs(estate, answerer), clock, tmp_path / "journals", answerer)

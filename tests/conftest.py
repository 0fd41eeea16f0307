"""Shared by all tests: the walk of the closed loop in one process, and the tests left to ``make thorough``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.loop.walk import NOW, Walk, new_estate

from hybridge.lab.in_process import InProcess
from hybridge.lab.verbs import Verbs
from hybridge.net.clock import SetClock

THOROUGH = "HYBRIDGE_THOROUGH"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``thorough``, more of the same at greater length, unless it is asked for."""
    if os.environ.get(THOROUGH):
        return
    left = [item for item in items if item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if not item.get_closest_marker("thorough")]


@pytest.fixture
def walk_in_process(tmp_path: Path) -> Walk:
    clock = SetClock(NOW)
    estate = new_estate(clock)
    answerer = InProcess(estate)
    return Walk(estate, Verbs(estate, answerer), clock, tmp_path / "journals", answerer)

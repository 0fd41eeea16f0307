"""Foul weather through the front door: called up, met, survived, cleared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

KEYS = "partner_apps/service-principal-key:principal-missing"


def test_weather_is_shown_called_up_and_cleared(lab: Any) -> None:
    shown = lab.run("lab", "weather")
    assert shown.out.startswith("weather: fine\n")
    assert "graph-late\n    What is written to Graph" in shown.out
    assert "weather: graph-late, graph-twice" in lab.run("lab", "weather", "graph-late", "graph-twice").out
    assert lab.json("lab", "weather")["weather"] == "graph-late, graph-twice"
    assert lab.run("lab", "weather", "clear").code == 0
    assert lab.json("lab", "weather")["weather"] == ""
    refused = lab.run("lab", "weather", "hail")
    assert refused.code == 2
    assert "There is no weather 'hail'" in refused.err


def test_reset_brings_fine_weather(lab: Any) -> None:
    lab.run("lab", "weather", "graph-forbidden")
    lab.run("lab", "reset")
    assert lab.json("lab", "weather")["weather"] == ""


@pytest.mark.thorough
def test_a_repair_in_foul_weather_stops_and_is_finished_and_taken_back(lab: Any, tmp_path: Path) -> None:
    lab.run("lab", "break", KEYS)
    plan = tmp_path / "plan.json"
    assert lab.run("repair", "plan", "--out", str(plan)).code == 0
    lab.run("lab", "weather", "graph-drops-after-write")
    stopped = lab.run("repair", "apply", str(plan), "--yes")
    assert stopped.code != 0
    assert "Stopped at step 1" in stopped.out + stopped.err
    assert lab.run("lab", "weather", "clear").code == 0
    finished = lab.run("repair", "apply", str(plan), "--yes")
    assert finished.code == 0, finished.out + finished.err
    undone = lab.run("repair", "undo", json.loads(plan.read_text(encoding="utf-8"))["id"])
    assert undone.code == 0, undone.out + undone.err
    assert lab.found() == {KEYS}

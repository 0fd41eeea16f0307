"""The three stories in Office 365 GCC High, through the front door: find, plan, apply, verify, undo."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridge.cli.demo import STORIES

CAUSES = {cause for _, causes in STORIES for cause in causes}
WHOM = ("ada@contoso.com", "--delegation", "ada@contoso.com:grace@contoso.com")
GIVEN = "delegation/offered-in-cloud:not-offered"


@pytest.fixture(scope="module")
def gcc_high(tmp_path_factory: pytest.TempPathFactory, hybridge_lab: Any) -> Iterator[Any]:
    """A lab of its own, whose tenant is in GCC High."""
    config = tmp_path_factory.mktemp("gcc-high") / "hybridge.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", "hybridge", "lab", "up", "--cloud", "gcc-high", "--config-out", str(config)],
        cwd=config.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "is served on" in first, first + process.stdout.read()
        yield hybridge_lab(config)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.thorough
def test_the_whole_story_in_gcc_high(gcc_high: Any, tmp_path: Path) -> None:
    assert 'cloud = "gcc-high"' in gcc_high.config.read_text(encoding="utf-8")
    assert gcc_high.found(*WHOM) == {GIVEN}
    assert gcc_high.run("lab", "break", *CAUSES).code == 0
    assert gcc_high.found(*WHOM) == {*CAUSES, GIVEN}
    before = gcc_high.json("lab", "symptoms")

    plan = tmp_path / "plan.json"
    planned = gcc_high.run("repair", "plan", "--out", str(plan), "--format", "json")
    assert planned.code == 0, planned.err
    assert "graph.microsoft.com" not in gcc_high.run("repair", "plan", "--format", "powershell").out
    applied = gcc_high.run("repair", "apply", str(plan), "--yes")
    assert applied.code == 0, applied.out + applied.err
    assert gcc_high.found(*WHOM) == {GIVEN}
    assert {one["symptom"] for one in gcc_high.json("lab", "symptoms")} == {"delegate-cannot-schedule"}

    undone = gcc_high.run("repair", "undo", json.loads(plan.read_text(encoding="utf-8"))["id"])
    assert undone.code == 0, undone.out + undone.err
    assert gcc_high.found(*WHOM) == {*CAUSES, GIVEN}
    assert gcc_high.json("lab", "symptoms") == before


def test_a_snapshot_remembers_the_cloud(gcc_high: Any, tmp_path: Path) -> None:
    gcc_high.run("lab", "reset")
    folder = tmp_path / "kept"
    saved = gcc_high.run("snapshot", "save", str(folder), "ada@contoso.com")
    assert saved.code == 0, saved.err
    assert json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))["cloud"] == "gcc-high"
    report = gcc_high.json("doctor", "--snapshot", str(folder), "--delegation", "ada@contoso.com:grace@contoso.com")
    found = {f"{one['check']}:{finding['cause']}" for one in report["results"] for finding in one["findings"]}
    assert GIVEN in found


def test_the_configuration_of_the_tenant_is_taken_through_graph(gcc_high: Any, tmp_path: Path) -> None:
    gcc_high.run("lab", "reset")
    folder = tmp_path / "taken"
    ran = gcc_high.run("snapshot", "utcm", str(folder), "--interval", "0")
    assert ran.code == 0, ran.out + ran.err
    (file,) = folder.iterdir()
    assert file.name.startswith("configuration-") and file.stat().st_size > 1000
    report = gcc_high.json("doctor", "--snapshot", str(folder), "--only", "ews/online-access")
    assert [one["outcome"] for one in report["results"]] == ["passed"]


def test_only_two_clouds_are_served(hybridge_run: Any, tmp_path: Path) -> None:
    ran = hybridge_run("lab", "up", "--cloud", "dod", cwd=tmp_path)
    assert ran.code == 2
    assert "worldwide, gcc-high" in ran.err

"""``hybridge rules``, and the firewall's list on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hybridge.rules import built_in

BUILDS = "builds.json"


@pytest.fixture
def elsewhere(lab: Any, tmp_path: Path) -> Path:
    """The lab's configuration, copied to a folder without rules of its own."""
    config = tmp_path / "hybridge.toml"
    shutil.copy(lab.config, config)
    return config


def test_show(tmp_path: Path, hybridge_run: Any) -> None:
    shown = hybridge_run("rules", "show", cwd=tmp_path)
    assert shown.code == 0, shown.err
    assert all(f"{name} " in shown.out for name in ("builds", "callers", "endpoints", "retirement", "applications"))
    told = hybridge_run("rules", "show", "--format", "json", cwd=tmp_path).json
    assert {one["name"] for one in told["rules"]} >= {"builds", "endpoints"}
    assert hybridge_run("rules", cwd=tmp_path).code == 2


def test_a_newer_file_is_read_and_used(tmp_path: Path, hybridge_run: Any) -> None:
    newer = json.loads(msgspec.json.encode(built_in().builds))
    newer["as_of"] = "2027-01-31"
    newer["lines"][-1]["builds"].append({"version": "15.2.2562.60", "name": "a later update", "kind": "su"})
    path = tmp_path / "new-builds.json"
    path.write_text(json.dumps(newer), encoding="utf-8")
    read = hybridge_run("rules", "refresh", "--from", str(path), cwd=tmp_path)
    assert read.code == 0, read.err
    assert "15.2.2562.60" in read.out
    assert (tmp_path / ".hybridge" / "rules" / BUILDS).is_file()
    ages = hybridge_run("rules", "show", "--format", "json", cwd=tmp_path).json["rules"]
    assert [one["name"] for one in ages if one["own"]] == ["builds"]
    newer["as_of"] = "2019-01-31"
    path.write_text(json.dumps(newer), encoding="utf-8")
    older = hybridge_run("rules", "refresh", "--from", str(path), cwd=tmp_path)
    assert older.code == 2 and "older than the builds in use" in older.err


def test_a_damaged_file_stops_with_its_name(tmp_path: Path, hybridge_run: Any) -> None:
    folder = tmp_path / ".hybridge" / "rules"
    folder.mkdir(parents=True)
    (folder / "callers.json").write_text("{", encoding="utf-8")
    shown = hybridge_run("rules", "show", cwd=tmp_path)
    assert shown.code == 2 and "callers.json" in shown.err and "next:" in shown.err


def test_the_endpoint_service_is_asked_hourly_at_most(elsewhere: Path, hybridge_run: Any) -> None:
    refreshed = hybridge_run("rules", "refresh", "--config", str(elsewhere), cwd=elsewhere.parent)
    assert refreshed.code == 0, refreshed.err
    assert "endpoints: of " in refreshed.out
    kept = json.loads((elsewhere.parent / ".hybridge" / "rules" / "endpoints.json").read_text(encoding="utf-8"))
    assert kept["instances"]["Worldwide"]["version"].endswith("2800")
    assert "13.107.64.0/18" in kept["instances"]["Worldwide"]["dropped"]
    again = hybridge_run("rules", "refresh", "--config", str(elsewhere), cwd=elsewhere.parent)
    assert again.code == 2 and "hourly at most" in again.err


def test_a_list_on_the_command_line(lab: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("52.112.0.0/14\n", encoding="utf-8")
    report = lab.json("doctor", "--only", "network/inbound-ranges", "--firewall", str(path))
    (result,) = report["results"]
    assert [one["cause"] for one in result["findings"]] == ["teams-missing", "exchange-online-missing"]
    assert {one["name"] for one in report["rules"]} >= {"builds", "endpoints"}
    path.write_text("teams\n", encoding="utf-8")
    report = lab.json("doctor", "--only", "network/inbound-ranges", "--firewall", str(path))
    assert report["results"][0]["outcome"] == "inconclusive"
    assert "Line 1" in report["results"][0]["unseen"][0]["says"]
    gone = lab.run("doctor", "--firewall", str(tmp_path / "none.txt"))
    assert gone.code == 2 and "cannot be read" in gone.err

"""The three stories through the front door: break, notice, find, plan, apply, verify, undo."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hybridge.cli.demo import STORIES
from hybridge.cli.lab_control import LabControl

CAUSES = tuple(cause for _, causes in STORIES for cause in causes)


def test_a_healthy_lab_has_no_findings_and_no_symptoms(lab: Any) -> None:
    ran = lab.run("doctor")
    assert ran.code == 0, ran.out + ran.err
    assert "Nothing wrong was found" in ran.out
    assert lab.json("lab", "symptoms") == []


def test_the_whole_story(lab: Any, tmp_path: Path) -> None:
    assert lab.run("lab", "break", *CAUSES).code == 0
    noticed = {one["symptom"] for one in lab.json("lab", "symptoms")}
    assert noticed == {"delegate-cannot-schedule", "calendar-missing", "presence-stuck"}

    html, plan = tmp_path / "report.html", tmp_path / "plan.json"
    ran = lab.run("doctor", "--out", str(html))
    assert ran.code == 1
    assert "A delegate cannot schedule a Teams meeting" in ran.out
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert lab.found() == set(CAUSES)

    planned = lab.run("repair", "plan", "--out", str(plan), "--format", "json")
    assert planned.code == 0, planned.err
    assert planned.json["changes"]
    before = lab.json("lab", "symptoms")
    what_if = lab.run("repair", "apply", str(plan), "--what-if")
    assert what_if.code == 0
    assert lab.json("lab", "symptoms") == before, "what-if changes nothing"

    applied = lab.run("repair", "apply", str(plan), "--yes")
    assert applied.code == 0, applied.out + applied.err
    assert "Verified" in applied.out
    assert lab.json("lab", "symptoms") == []
    assert lab.found() == set()

    plan_id = json.loads(plan.read_text(encoding="utf-8"))["id"]
    assert plan_id in lab.run("repair", "journal").out
    undone = lab.run("repair", "undo", plan_id)
    assert undone.code == 0, undone.out + undone.err
    assert lab.found() == set(CAUSES)
    assert lab.json("lab", "symptoms") == before
    assert "nothing left to undo" in lab.run("repair", "undo", plan_id).out


def test_a_delegate_is_listed_and_unlisted_from_the_command_line(lab: Any, tmp_path: Path) -> None:
    cause = "delegation/delegate-listed:not-listed"
    lab.run("lab", "break", cause)
    plan = tmp_path / "plan.json"
    assert lab.run("repair", "plan", "--out", str(plan)).code == 0
    applied = lab.run("repair", "apply", str(plan), "--yes")
    assert applied.code == 0, applied.out + applied.err
    assert lab.found() == set()
    undone = lab.run("repair", "undo", json.loads(plan.read_text(encoding="utf-8"))["id"])
    assert undone.code == 0, undone.out + undone.err
    assert lab.found() == {cause}
    assert list((lab.config.parent / ".hybridge" / "delegates").iterdir()) == []


def test_a_plan_prints_as_powershell(lab: Any) -> None:
    lab.run("lab", "break", *CAUSES)
    ran = lab.run("repair", "plan", "--format", "powershell")
    assert ran.code == 0, ran.err
    assert "New-PartnerApplication" in ran.out
    assert ran.out.isascii()


def test_applying_asks_first(lab: Any, tmp_path: Path) -> None:
    lab.run("lab", "break", CAUSES[0])
    plan = tmp_path / "plan.json"
    lab.run("repair", "plan", "--out", str(plan))
    ran = lab.run("repair", "apply", str(plan))
    assert ran.code == 2
    assert "--yes" in ran.err
    assert CAUSES[0] in lab.found()


def test_one_mailbox_is_asked_nothing_twice(lab: Any) -> None:
    control = LabControl(lab.config)
    before = len(control.get("/log"))
    assert lab.run("doctor", "ada@contoso.com").code == 0
    asked = [one for one in control.get("/log")[before:] if one["status"] != 401]  # legs of a sign-in end with 401
    assert len(asked) > 20
    repeated = [one for one, times in Counter(one["digest"] for one in asked).items() if times > 1]
    assert [one for one in asked if one["digest"] in repeated] == []


def test_the_lab_tells_its_faults_and_details(lab: Any) -> None:
    faults = lab.json("lab", "faults")
    assert {"cause", "healable", "symptoms"} <= set(faults[0])
    assert {fault["cause"] for fault in faults} >= set(CAUSES)
    details = lab.json("lab", "info")
    assert details["users"]
    assert details["ca_file"]


def test_demo_tells_the_story_and_leaves_a_report(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("demo", cwd=tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert "3 of 3 stories explained" in ran.out
    assert (tmp_path / "report.html").is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

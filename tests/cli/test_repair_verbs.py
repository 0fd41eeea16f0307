"""resume, --step, --split, --ask-exchange, --wait and journal, as a person types them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.repair import desk

from hybridge.cli.carrying import last_first, ready
from hybridge.cli.exits import Exit, Stop
from hybridge.cli.main import run
from hybridge.cli.plans import of_report
from hybridge.cli.verifying import LONG_AGO, exit_of, limit_of, made_by, shown
from hybridge.repair.plan_file import write_plan
from hybridge.repair.split import split
from hybridge.repair.waiting import Expected, Lag, Verified

ACCOUNT = "partner_apps/teams-applications:scheduler-missing"
KEY = "partner_apps/service-principal-key:key-missing"
MAILBOX = "ews/allow-list-mailbox:disabled"
CAUSES = (ACCOUNT, KEY, MAILBOX)


@pytest.fixture(scope="module")
def plan_made(running: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the plan that cures ``CAUSES``, made once: the same lab breaks the same way every time."""
    plan = tmp_path_factory.mktemp("plans") / "plan.json"
    assert running.run("lab", "reset").code == 0
    assert running.run("lab", "break", *CAUSES).code == 0
    assert running.run("repair", "plan", "--split", "--out", str(plan)).code == 0
    assert running.run("repair", "plan", "--out", str(plan)).code == 0
    return plan


@pytest.fixture
def planned(lab: Any, plan_made: Path, tmp_path: Path) -> Path:
    """The plan of a lab broken by ``CAUSES``, its parts beside it, and no journal yet."""
    assert lab.run("lab", "break", *CAUSES).code == 0
    shutil.rmtree(lab.config.parent / ".hybridge", ignore_errors=True)
    for path in plan_made.parent.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / plan_made.name


def id_of(plan: Path) -> str:
    return str(json.loads(plan.read_text(encoding="utf-8"))["id"])


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, lab: Any, *arguments: str) -> None:
        self.near, far = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hybridge", *arguments, "--config", str(lab.config)],
            cwd=lab.config.parent,
            env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
            stdin=far,
            stdout=subprocess.PIPE,
            stderr=far,
        )
        os.close(far)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Read until ``text`` shows."""
        while text not in self.seen:
            ready, _, _ = select.select([self.near], [], [], 60)
            assert ready, f"no '{text}' in: {self.seen}"
            self.seen += os.read(self.near, 4096).decode()

    def answer(self, question: str, text: str) -> None:
        """Wait for ``question`` and the prompt after it, and type ``text``."""
        self.wait_for(question)
        self.seen = self.seen.partition(question)[2]
        self.wait_for("y, skip or stop")
        self.seen = self.seen.partition("y, skip or stop")[2]
        os.write(self.near, f"{text}\n".encode())

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, out.decode()


@contextmanager
def terminal(lab: Any, *arguments: str) -> Iterator[Terminal]:
    opened = Terminal(lab, *arguments)
    try:
        yield opened
    finally:
        opened.process.kill()
        opened.process.wait()
        if opened.process.stdout is not None:
            opened.process.stdout.close()
        os.close(opened.near)


def killed_at(lab: Any, planned: Path, step: int) -> None:
    """Apply up to ``step``, then kill -9."""
    with terminal(lab, "repair", "apply", str(planned), "--step") as person:
        for number in range(1, step):
            person.answer(f"{number} of ", "y")
        person.wait_for(f"{step} of ")
        person.process.send_signal(signal.SIGKILL)
        assert person.process.wait() == -signal.SIGKILL


def test_resume_finishes_after_a_kill_without_the_plan_file(lab: Any, planned: Path) -> None:
    killed_at(lab, planned, 3)
    plan_id = id_of(planned)
    planned.unlink()
    looked = lab.run("repair", "resume", plan_id, "--what-if")
    assert looked.code == 0, looked.err
    assert looked.out.count("[applied: made and seen") == 2
    assert "[not-begun" in looked.out
    assert "not finished: hybridge repair resume" in lab.run("repair", "journal").out
    told = lab.json("repair", "resume")
    assert (told["plan"], told["way"], told["complete"]) == (plan_id, "on", True)
    assert [one["state"] for one in told["standing"]][:3] == ["applied", "applied", "not-begun"]
    assert told["verified"]["healed"] is True, told["verified"]
    assert "teams-policy" not in {one["lag"] for one in told["verified"]["expected"]}
    assert lab.json("lab", "symptoms") == []
    again = lab.run("repair", "resume")
    assert again.code == 2
    assert "nothing to resume" in again.err


def test_resume_refuses_a_held_journal_and_goes_back(lab: Any, planned: Path) -> None:
    killed_at(lab, planned, 4)
    journal = lab.config.parent / ".hybridge" / "journals" / id_of(planned) / "journal.jsonl"
    with journal.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ran = lab.run("repair", "resume", id_of(planned))
    assert ran.code == 2
    assert "being written by another run of hybridge" in ran.err
    back = lab.run("repair", "resume", id_of(planned), "--back")
    assert back.code == 0, back.out + back.err
    assert "3 of 3 changes undone." in back.out
    assert lab.found() == set(CAUSES)


def test_one_step_at_a_time(lab: Any, planned: Path) -> None:
    with terminal(lab, "repair", "apply", str(planned), "--step") as person:
        person.answer("1 of ", "what?")
        os.write(person.near, b"y\n")
        person.answer("2 of ", "skip")
        person.answer(" of ", "stop")
        code, out = person.end()
    assert code == 3
    assert "[skipped] Skipped by choice." in out
    assert "[skipped] It needs step 2, which was skipped." in out, "nor is it offered"
    steps = {step["number"]: step for step in lab.json("repair", "journal", id_of(planned))["steps"]}
    assert (steps[1]["state"], steps[2]["state"]) == ("applied", "skipped")
    assert steps[2]["history"][-1]["says"] == "Skipped by choice."


def test_a_journal_tells_who_when_before_after_and_reply(lab: Any, planned: Path) -> None:
    assert lab.run("repair", "apply", str(planned), "--yes").code == 0
    assert lab.run("repair", "undo", id_of(planned)).code == 0
    told = lab.run("repair", "journal", id_of(planned)).out
    assert f"Plan {id_of(planned)} for contoso.com" in told
    for word in ("before: ", "after:  ", "intended", "applied: New-", "undoing", "undone: ", "state:  undone"):
        assert word in told, word
    whole = lab.json("repair", "journal", id_of(planned))
    assert [run["doing"] for run in whole["runs"]] == ["apply", "undo"]
    assert whole["contents"]["id"] == id_of(planned)
    for step in whole["steps"]:
        assert [one["event"] for one in step["history"]] == ["intended", "applied", "undoing", "undone"]
        assert all(one["who"] and one["at"] for one in step["history"])
        assert step["change"]["before"] or step["change"]["after"]


def test_exchange_is_asked_and_nothing_is_changed(lab: Any, planned: Path) -> None:
    ran = lab.run("repair", "apply", str(planned), "--what-if", "--ask-exchange")
    assert ran.code == 0, ran.out + ran.err
    assert "-WhatIf\n          accepted" in ran.out
    assert "Nothing was changed, nothing journaled." in ran.out
    trials = lab.json("repair", "apply", str(planned), "--what-if", "--ask-exchange")
    assert {"accepted", "not-asked"} == {one["opinion"] for one in trials}
    assert not (lab.config.parent / ".hybridge").exists()


def without(lab: Any, section: str, folder: Path) -> Path:
    """A configuration that lacks the account of ``section``, in a folder of its own, as on another network."""
    folder.mkdir()
    lines = lab.config.read_text(encoding="utf-8").splitlines()
    start = lines.index(f"[{section}]")
    end = next((at for at in range(start + 1, len(lines)) if lines[at].startswith("[")), len(lines))
    text = "\n".join(lines[:start] + lines[end:])
    for path in lab.config.parent.iterdir():
        if path.is_file() and path != lab.config:
            (folder / path.name).symlink_to(path)
    config = folder / "hybridge.toml"
    config.write_text(text, encoding="utf-8")
    return config


@pytest.mark.thorough
def test_a_plan_for_two_consoles_is_carried_by_file(lab: Any, planned: Path, tmp_path: Path, hybridge_run: Any) -> None:
    exchange, cloud, done = (tmp_path / name for name in ("plan.exchange.json", "plan.cloud.json", "done.json"))
    near, far = without(lab, "entra", tmp_path / "near"), without(lab, "exchange", tmp_path / "far")

    def at(config: Path, *arguments: str) -> Any:
        return hybridge_run(*arguments, "--config", str(config), cwd=tmp_path)

    early = at(far, "repair", "apply", str(cloud), "--yes")
    assert early.code == 3, early.out + early.err
    assert "Not started: step 1 needs step" in early.err
    first = at(near, "repair", "apply", str(exchange), "--yes", "--results", str(done))
    assert done.is_file(), first.out + first.err
    assert first.code in (0, 3), first.out + first.err
    second = at(far, "repair", "apply", str(cloud), "--yes", "--after", str(done))
    assert second.code in (0, 3), second.out + second.err
    assert lab.found() == set()
    assert lab.json("lab", "symptoms") == []
    assert at(far, "repair", "undo", id_of(cloud)).code == 0
    assert at(near, "repair", "undo", id_of(exchange)).code == 0
    assert lab.found() == set(CAUSES)


async def test_on_one_machine_the_journal_is_enough_and_the_last_part_goes_first(
    lab: Any, planned: Path, tmp_path: Path
) -> None:
    """No lab is asked here: journals of a desk are put where those of the configuration lie."""
    exchange, cloud = split(desk.plan())
    here = desk.Desk(lab.config.parent / ".hybridge" / "journals")
    with pytest.raises(Stop, match="Not started: step 1 needs step 4"):
        ready(cloud, [], lab.config)
    await here.apply(exchange)
    ready(cloud, [], lab.config)
    last_first(here.root, exchange.id)
    await here.apply(cloud)
    last_first(here.root, cloud.id)
    with pytest.raises(Stop, match=f"{cloud.id} is still applied and needs what {exchange.id} made"):
        last_first(here.root, exchange.id)


def test_the_plan_of_an_edited_report_is_refused(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_bytes(msgspec.json.encode({"plan": desk.plan()}))
    assert of_report(report) == desk.plan()
    shorter = msgspec.structs.replace(desk.plan(), changes=desk.plan().changes[:-1])
    report.write_bytes(msgspec.json.encode({"plan": shorter}))
    with pytest.raises(Stop, match="edited after it was made"):
        of_report(report)


def test_bad_words_are_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_plan(desk.plan(), tmp_path / "plan.json")
    report = tmp_path / "report.json"
    report.write_bytes(msgspec.json.encode({"plan": desk.plan()}))
    for line, reason in (
        ("apply plan.json --wait soon", "--wait 'soon' is not a time"),
        ("apply plan.json --yes --after plan.json", "--after is for a part of a plan"),
        ("apply plan.json --ask-exchange", "add --what-if"),
        ("apply plan.json --step", "nobody is there to answer"),
        ("apply plan.json --step --yes", "--yes never"),
        ("plan --from report.json --split", "add --out PLAN"),
    ):
        assert run(["repair", *line.split()]) == 2
        assert reason in capsys.readouterr().err


def test_a_plan_of_a_report_is_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_bytes(msgspec.json.encode({"plan": desk.plan()}))
    assert run(["repair", "plan", "--from", "report.json", "--split", "--out", "p.json"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "p.exchange.json", "p.cloud.json"}
    told = capsys.readouterr().err
    assert "Next: hybridge repair apply p.exchange.json --results done.json" in told
    assert "hybridge repair apply p.cloud.json --after done.json" in told


async def test_what_nobody_of_us_made_was_made_long_ago(tmp_path: Path) -> None:
    here = desk.Desk(tmp_path)
    here.estate.organization = here.organization.put(desk.plan().changes[0].after or desk.plan().changes[1].after)  # type: ignore[arg-type]
    applied = await here.apply()
    since = {one.number: one.at for one in made_by(applied)}
    assert since == {1: LONG_AGO, **dict.fromkeys(range(2, 9), here.now)}


NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER = Expected(
    lag=Lag.TEAMS_POLICY,
    says="Teams takes its time.",
    steps=tuple(range(1, 11)),
    causes=("teams/pinned:not",),
    look_again_at=NOW + timedelta(hours=4),
    at_latest=NOW + timedelta(hours=24),
)


def test_what_is_still_expected_is_told_with_the_instant_to_look_again() -> None:
    waiting = Verified(
        healed=False, says="Still found, and may go by itself.", expected=(LATER,), look_again_at=LATER.look_again_at
    )
    told = shown(waiting)
    assert "teams-policy (step 1, 2, 3, 4, 5, 6, 7, 8 ...): Teams takes its time." in told
    assert "worth a look at 2026-11-20 13:00 UTC; over by 2026-11-21 09:00 UTC" in told
    assert told.endswith("Look again at 2026-11-20 13:00 UTC: hybridge doctor")
    assert exit_of(waiting) is Exit.INCOMPLETE


@pytest.mark.parametrize(
    ("verified", "code"),
    [
        (Verified(healed=True, says="Verified."), Exit.OK),
        (Verified(healed=False, says="", left=("a/b:c",), expected=(LATER,)), Exit.FINDINGS),
        (Verified(healed=False, says="", unchecked=("a/b",)), Exit.INCOMPLETE),
    ],
)
def test_the_shell_is_told_what_came_of_it(verified: Verified, code: Exit) -> None:
    assert exit_of(verified) is code


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("90s", 90), ("5m", 300), ("1h", 3600), ("7", 7)])
def test_times_to_wait_are_read(text: str, seconds: int) -> None:
    assert limit_of(text) == timedelta(seconds=seconds)
    with pytest.raises(Stop):
        limit_of(f"-{text}")

"""``doctor --tenant`` as a process: stopped by Ctrl-C, killed, gone on with, and its report opened."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hybridge.doctor.checkpoint import CheckpointProblem, read_checkpoint

BENCH = Path(__file__).parents[2] / "bench"
MAILBOXES = 10_000
LIMIT = 100.0


def bench(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("tenant") / "export"
    bench("doctor_tenant").write_export(folder, MAILBOXES)
    return folder


def command(export: Path, out: Path, *more: str) -> list[str]:
    options = ["doctor", "--tenant", "--snapshot", str(export), "--out", str(out), *more]
    return [sys.executable, "-m", "hybridge", *options]


def ended(export: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(export, out, *more), cwd=out.parent, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def stopped(export: Path, out: Path, number: int) -> tuple[int, str]:
    """Start a run, send it signal ``number`` as soon as a slice is done, and wait for its end."""
    running = subprocess.Popen(
        command(export, out),
        cwd=out.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heeds_ctrl_c,
    )
    checkpoint = out.with_name(out.name + ".checkpoint")
    deadline = time.monotonic() + LIMIT
    while not _a_slice_is_in(checkpoint):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(running.pid, number)
    _, errors = running.communicate(timeout=LIMIT)
    return running.returncode, errors


def _heeds_ctrl_c() -> None:
    """A shell starts what runs in the background deaf to SIGINT, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _a_slice_is_in(checkpoint: Path) -> bool:
    """Told by the tag of its frame: decoding all of it takes longer than a slice on a busy machine."""
    return checkpoint.exists() and b"\xa4type\xa4done" in checkpoint.read_bytes()


def _slices(checkpoint: Path) -> int:
    try:
        return len(read_checkpoint(checkpoint).slices)
    except CheckpointProblem:
        return 0


def comparable(path: Path) -> Any:
    report = json.loads(path.read_text(encoding="utf-8"))
    for result in report["results"]:
        result["took_ms"] = 0
        for unseen in (*result["findings"], *result["unseen"]):
            unseen.pop("origins", None)
    for one in report["folded"]:
        one.pop("origins", None)
        one.pop("example", None)
    for name in ("started", "ended", "requests_made"):
        report.pop(name)
    return report


def test_a_run_that_was_stopped_or_killed_ends_as_if_nothing_had_been(export: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.json", tmp_path / "report.json"
    plain = ended(export, whole, "--quiet")
    assert plain.returncode == 1, plain.stderr
    assert not list(tmp_path.glob("*.checkpoint"))

    code, errors = stopped(export, out, signal.SIGINT)
    assert code == 130, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    checkpoint = tmp_path / "report.json.checkpoint"
    done = _slices(checkpoint)
    assert 0 < done < MAILBOXES // 500
    assert checkpoint.stat().st_mode & 0o077 == 0

    again = ended(export, out, "--resume")
    assert again.returncode == 1, again.stderr
    assert f"{done:,} of" in again.stderr
    assert comparable(out) == comparable(whole)
    assert not checkpoint.exists()

    out.unlink()
    assert stopped(export, out, signal.SIGKILL)[0] == -signal.SIGKILL
    assert ended(export, out, "--resume", "--quiet").returncode == 1
    assert comparable(out) == comparable(whole)


def test_names_everybody_in_json_and_a_few_in_text_and_html(export: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "report.json", tmp_path / "report.html"
    ran = ended(export, out, "--out", str(page), "--quiet")
    report = json.loads(out.read_text(encoding="utf-8"))

    found = {one["cause"]: one for one in report["folded"] if one["check"] == "ews/allow-list-mailbox"}
    assert len(set(found["disabled"]["subjects"])) == found["disabled"]["count"] == MAILBOXES // 20
    assert "500 mailboxes: person000008@contoso.com" in ran.stdout
    assert len(ran.stdout) < 20_000
    assert page.stat().st_size < 300_000
    assert report["tally"]["not_asked"] > MAILBOXES
    assert report["request"]["tenant"] is True


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--resume",), "There is no checkpoint"),
        (("ada@contoso.com",), "--tenant examines every mailbox"),
        (("--sample", "-1"), "sample"),
    ],
)
def test_mistakes_are_told(export: Path, tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    ran = ended(export, tmp_path / "report.json", *options)

    assert ran.returncode == 2
    assert says in ran.stderr


def test_a_checkpoint_of_something_else_is_not_gone_on_with(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    stopped(export, out, signal.SIGKILL)

    ran = ended(export, out, "--resume", "--only", "ews")

    assert ran.returncode == 2
    assert "asked for something else" in ran.stderr


def test_options_of_a_tenant_run_want_one(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "hybridge", "doctor", "--resume"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 2
    assert "belong to --tenant" in ran.stderr

"""Every kind of organization through the command line: what does not apply is said, and nothing of it is asked."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import START_LIMIT, Lab

NOTHING_ONLINE = "The organization has Exchange Server only: there is nothing online."
NO_SERVER = "The organization has Exchange Online only: there is no Exchange Server."


@contextmanager
def lab_of_kind(kind: str, folder: Path) -> Iterator[Lab]:
    """A lab of ``kind``, served until the block ends."""
    config = folder / "hybridge.toml"
    command = [sys.executable, "-m", "hybridge", "lab", "up", "--kind", kind, "--config-out", str(config)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "is served on" in first, first + process.stdout.read()
        yield Lab(config)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_LIMIT)
        if process.stdout is not None:
            process.stdout.close()


def by_reason(report: Any, reason: str) -> set[str]:
    return {one["check"] for one in report["results"] if one.get("reason") == reason}


def outcomes(report: Any) -> dict[str, set[str]]:
    seen: dict[str, set[str]] = {}
    for one in report["results"]:
        seen.setdefault(one["check"], set()).add(one["outcome"])
    return seen


def test_on_premises_only(tmp_path: Path) -> None:
    with lab_of_kind("on-premises", tmp_path) as lab:
        assert 'hybrid = "on-premises"' in lab.config.read_text()
        report = lab.json("doctor")
        assert lab.found() == set()
        skipped = by_reason(report, NOTHING_ONLINE)
        assert {"teams/coexistence-mode", "partner_apps/teams-applications", "autodiscover/v2-route"} <= skipped
        assert {"oauth/auth-certificate", "oauth/auth-config", "ews/virtual-directory-sign-in"}.isdisjoint(skipped)
        assert outcomes(report)["oauth/auth-certificate"] == {"passed"}


def test_online_only(tmp_path: Path) -> None:
    with lab_of_kind("online", tmp_path) as lab:
        report = lab.json("doctor")
        assert lab.found() == set()
        skipped = by_reason(report, NO_SERVER)
        assert {"ews/allow-list-organization", "oauth/bearer-challenge", "platform/exchange-version"} <= skipped
        judged = outcomes(report)
        assert judged["delegation/calendar-permission"] == {"passed"}
        assert judged["teams/coexistence-mode"] == {"passed"}


def test_modern_is_one_hard_failure(tmp_path: Path) -> None:
    with lab_of_kind("modern", tmp_path) as lab:
        report = lab.json("doctor")
        assert lab.found() == {"sharing/hybrid-agent:teams-unsupported"}
        assert outcomes(report)["autodiscover/v2-route"] == {"not-applicable"}
        noticed = {one["symptom"] for one in lab.json("lab", "symptoms")}
        assert noticed == {"delegate-cannot-schedule", "calendar-missing", "presence-stuck"}


def test_classic_by_a_fault_becomes_modern_and_back(lab: Lab) -> None:
    assert lab.run("lab", "break", "sharing/hybrid-agent:teams-unsupported").code == 0
    assert lab.found() == {"sharing/hybrid-agent:teams-unsupported"}
    assert lab.run("lab", "heal").code == 0
    assert lab.found() == set()


@pytest.mark.parametrize("word", ["hybrid", "cloud"])
def test_an_unknown_word_is_told(tmp_path: Path, word: str) -> None:
    config = tmp_path / "hybridge.toml"
    config.write_text(f'[organization]\ndomain = "contoso.com"\n{word} = "sideways"\n')
    ran = Lab(config).run("doctor")
    assert ran.code == 2
    assert "sideways" in ran.err and "choose one of" in ran.err

"""The parts of ``bench/doctor.py`` run and tell something, at a size that takes a moment."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def told(*options: str) -> list[str]:
    """What a part prints, run as a process: its proxy and its script leave things open at the end."""
    command = [sys.executable, str(BENCH / "doctor.py"), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=150).stdout.splitlines()


def test_a_tenant_from_an_export() -> None:
    small, large, growth = told("--only", "tenant", "--sizes", "30", "60")

    assert re.match(r"30 mailboxes: \d+\.\d s, [\d,]+ a second", small)
    assert re.match(r"60 mailboxes: ", large)
    assert re.search(r"memory grows by -?\d+ MB from 30 to 60 mailboxes", growth)


def test_one_mailbox_over_a_slow_line() -> None:
    first, _, chain, ratio = told("--only", "line", "--delay", "1")

    assert re.search(r"\d{2,} questions", first)
    assert "the longest chain needs" in chain
    assert re.search(r"ratio .*: \d+\.\d\d", ratio)


def test_the_same_questions_by_a_script() -> None:
    (line,) = told("--only", "peer", "--delay", "1")

    assert re.search(r"with exchangelib \d+\.\d\d s, ratio", line)


@pytest.fixture
def latency(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    import doctor_latency  # type: ignore[import-not-found]

    return doctor_latency


def test_a_chain_is_that_of_the_questions_that_need_each_other(latency: Any) -> None:
    asked = latency.Asked
    log = [
        asked("Get-ExchangeServer", "powershell", "", 0.0, 1.0),
        asked("Get-AuthConfig", "powershell", "", 1.0, 2.0),
        asked("Get-ExchangeCertificate", "powershell", "EX1", 2.0, 3.0),
        asked("dns", "dns", "contoso.com", 3.0, 9.0),
    ]

    length, links = latency.chain(log)

    assert length == latency.CONNECT + latency.NTLM + latency.SESSION + 2 * latency.CMDLET
    assert [link.partition(" ")[0] for link in links] == ["Get-ExchangeServer", "Get-ExchangeCertificate"]

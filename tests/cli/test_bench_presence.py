"""The parts of ``bench/presence.py`` run and tell something, at a size that takes a moment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
NUMBER = r"[\d,.]+"


def told(part: str, people: int) -> list[str]:
    """What a part prints, run as a process of its own, as its processor time is measured."""
    command = [sys.executable, str(BENCH / "presence.py"), "--only", part, "--people", str(people), "--rounds", "1"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=150).stdout.splitlines()


def test_a_sweep() -> None:
    ours, peer, bare = told("sweep", 200)

    assert re.match(rf"sweep of 200 mailboxes: {NUMBER} a second", ours)
    assert re.search(rf"{NUMBER}x exchangelib", peer)
    assert re.search(rf"{NUMBER}x aiohttp \+ lxml", bare)


def test_notifications() -> None:
    rate, hinted, delay = told("notifications", 100)

    assert re.search(rf"changes told, 100 people: {NUMBER} a second.*x a bare queue", rate)
    assert re.search(rf"with hint and read before each: {NUMBER} and {NUMBER}", hinted)
    assert re.search(rf"p50 {NUMBER} ms, p99 {NUMBER} ms", delay)


def test_memory() -> None:
    small, large, most = told("memory", 200)

    assert re.match(rf"memory, 20 people: {NUMBER} bytes each resident, {NUMBER} traced", small)
    assert re.match(r"memory, 200 people: ", large)
    assert "known.py" in most


def test_nine_o_clock() -> None:
    if shutil.which("prosody") is None and os.environ.get("CI") != "true":
        pytest.skip("prosody is not installed (apt-get install prosody)")

    counting, _, prosody, _ = told("nine", 100)

    assert re.match(rf"100 at nine, counting: the last shown after {NUMBER} s, {NUMBER}x", counting)
    assert re.match(rf"100 at nine, prosody: the last shown after {NUMBER} s, {NUMBER}x", prosody)


def test_streams() -> None:
    ours, aiohttp, asyncio = told("streams", 10)

    assert re.match(rf"10 TLS streams: {NUMBER} a second of processor time", ours)
    assert re.search(rf"{NUMBER}x bare aiohttp", aiohttp)
    assert re.search(rf"{NUMBER}x bare asyncio", asyncio)

"""The command line as a person meets it: a process, its output, its exit code. One lab serves all tests of a worker."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START_LIMIT = 60.0


@dataclass(frozen=True)
class Ran:
    """What one command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def hybridge(*arguments: str, cwd: Path, **environment: str) -> Ran:
    """Run ``hybridge`` in a process of its own, without colour."""
    done = subprocess.run(
        [sys.executable, "-m", "hybridge", *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Lab:
    """A lab started by ``hybridge lab up``, and the configuration it wrote."""

    config: Path

    def run(self, *arguments: str, **environment: str) -> Ran:
        return hybridge(*arguments, "--config", str(self.config), cwd=self.config.parent, **environment)

    def json(self, *arguments: str) -> Any:
        ran = self.run(*arguments, "--format", "json")
        assert ran.out, ran.err
        return ran.json

    def found(self, *arguments: str) -> set[str]:
        """Full names of the causes a doctor run finds that stand for themselves."""
        report = self.json("doctor", *arguments)
        return {
            f"{result['check']}:{finding['cause']}"
            for result in report["results"]
            if not result["explained_by"]
            for finding in result["findings"]
        }


def about_a_few(config: Path) -> None:
    """Let ``config`` name one delegation and one mailbox online, which takes half the time of naming everybody."""
    text = config.read_text(encoding="utf-8")
    few, pair = '["ada@contoso.com", "grace@contoso.com", "linus@contoso.com"]', '["ada@contoso.com:grace@contoso.com"]'
    text, boxes = re.subn(r"(?m)^mailboxes = \[.*\]$", f"mailboxes = {few}", text)
    text, pairs = re.subn(r"(?m)^delegations = \[.*\]$", f"delegations = {pair}", text)
    assert (boxes, pairs) == (1, 1), text
    config.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    config = folder / "hybridge.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", "hybridge", "lab", "up", "--config-out", str(config)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert "is served on" in first, first + process.stdout.read()
        about_a_few(config)
        yield Lab(config)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_LIMIT)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def lab(running: Lab) -> Lab:
    assert running.run("lab", "reset").code == 0
    return running


def wait_until_gone(path: Path, limit: float = 10.0) -> None:
    """Wait for a file another process takes away."""
    end = time.monotonic() + limit
    while path.exists() and time.monotonic() < end:
        os.sched_yield()
    assert not path.exists()


@pytest.fixture
def hybridge_run() -> object:
    """``hybridge`` as a function."""
    return hybridge


@pytest.fixture(scope="session")
def hybridge_lab() -> type[Lab]:
    """``Lab`` as a function of a configuration file."""
    return Lab

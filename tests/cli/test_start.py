"""What a person sees first, and how quick it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "aiohttp",
    "lxml",
    "cryptography",
    "pypsrp",
    "psrpcore",
    "azure",
    "dns",
    "jinja2",
    "pydantic",
    "uvloop",
    "msgspec",
)


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hybridge", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_alone_it_says_what_to_do_next(tmp_path: Path) -> None:
    ran = run(cwd=tmp_path)
    assert ran.returncode == 0
    assert "hybridge demo" in ran.stdout
    assert "hybridge doctor" in ran.stdout


@pytest.mark.parametrize("arguments", [(), ("doctor",), ("repair",), ("lab",), ("snapshot",), ("checks",), ("config",)])
def test_every_command_has_help(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(*arguments, "--help", cwd=tmp_path)
    assert ran.returncode == 0
    assert "Usage: hybridge" in ran.stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom hybridge.cli.main import run\nrun(['--help'])\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.stderr.write(','.join(heavy))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stderr == ""


def test_unknown_command_and_option(tmp_path: Path) -> None:
    for arguments in (("dokter",), ("doctor", "--nonsense")):
        ran = run(*arguments, cwd=tmp_path)
        assert ran.returncode == 2
        assert "No such" in ran.stderr
        assert "--help" in ran.stderr


def test_checks_are_listed_and_shown(tmp_path: Path) -> None:
    listed = run("checks", "list", "--format", "json", cwd=tmp_path)
    assert listed.returncode == 0
    assert '"ews/allow-list-organization"' in listed.stdout
    shown = run("checks", "show", "ews/allow-list-organization", cwd=tmp_path)
    assert shown.returncode == 0
    assert "caller-missing" in shown.stdout
    unknown = run("checks", "show", "ews/allow-list", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "did you mean ews/allow-list-" in unknown.stderr


def test_config_example_is_a_configuration(tmp_path: Path) -> None:
    example = run("config", "show", cwd=tmp_path)
    assert example.returncode == 0
    (tmp_path / "hybridge.toml").write_text(example.stdout, encoding="utf-8")
    checked = run("config", "check", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr

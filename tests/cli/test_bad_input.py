"""Bad input: one clear sentence, the next step, the right exit code; no traceback, nothing half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def changed(config: Path, target: Path, old: str, new: str) -> Path:
    """A copy of ``config`` with one thing changed."""
    text = config.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new), encoding="utf-8")
    return target


def test_unknown_mailbox(lab: Any) -> None:
    ran = lab.run("doctor", "nobody@contoso.com")
    assert ran.code == 1, ran.out
    assert "Autodiscover does not know nobody@contoso.com" in ran.out
    assert "No mailbox nobody@contoso.com was found, neither on-premises nor online." in ran.out
    assert "Not checked" in ran.out


def test_not_a_mailbox(lab: Any) -> None:
    ran = lab.run("doctor", "ada")
    assert ran.code == 2
    assert "'ada' is not a mailbox" in ran.err


def test_not_a_delegation(lab: Any) -> None:
    ran = lab.run("doctor", "--delegation", "ada@contoso.com")
    assert ran.code == 2
    assert "delegator:delegate" in ran.err


def test_wrong_password(lab: Any, tmp_path: Path, hybridge_run: Any) -> None:
    secret = tmp_path / "password"
    secret.write_text("not the password", encoding="utf-8")
    secret.chmod(0o600)
    text = lab.config.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("password_file"))
    config = changed(lab.config, tmp_path / "hybridge.toml", line, f'password_file = "{secret}"')
    ran = hybridge_run("doctor", "ada@contoso.com", "--config", str(config), cwd=tmp_path)
    assert ran.code == 4, ran.out + ran.err
    assert "svc-hybridge" in ran.out
    assert "not the password" not in ran.out + ran.err


def test_unreachable_hosts(lab: Any, tmp_path: Path, hybridge_run: Any) -> None:
    text = lab.config.read_text(encoding="utf-8")
    port = text.split('"127.0.0.1:', 2)[2].split('"')[0]
    config = changed(lab.config, tmp_path / "hybridge.toml", f'"127.0.0.1:{port}"', '"127.0.0.1:9"')
    ran = hybridge_run("doctor", "ada@contoso.com", "--config", str(config), cwd=tmp_path)
    assert "network/connection:unreachable" in ran.out
    assert "Not checked" in ran.out


@pytest.mark.parametrize(
    ("variant", "word"), [("expired", "expired"), ("untrusted", "trusted"), ("wrong-name", "name")]
)
def test_bad_certificates(lab: Any, variant: str, word: str) -> None:
    assert lab.run("lab", "certificate", "mail.contoso.com", variant).code == 0
    ran = lab.run("doctor", "ada@contoso.com")
    assert ran.code in (1, 3)
    assert word in ran.out
    assert "mail.contoso.com" in ran.out


def test_unknown_cause(lab: Any) -> None:
    ran = lab.run("lab", "break", "ews/allow-list-organisation:caller-missing")
    assert ran.code == 2
    assert "ews/allow-list-organization:caller-missing" in ran.err


def test_no_configuration(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("doctor", cwd=tmp_path)
    assert ran.code == 2
    assert "There is no configuration 'hybridge.toml'" in ran.err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[organization\n", "TOML"),
        ('[organization]\ndomain = "contoso.com"\ncolour = 1\n', "organization.colour"),
        ("[net]\ntimeout = 3\n", "organization"),
        ('[organization]\ndomain = "contoso.com"\n[net]\ntimeout = "soon"\n', "net.timeout"),
        ('[organization]\ndomain = "contoso.com"\ncloud = "moon"\n', "moon"),
        ('[organization]\ndomain = "contoso.com"\n[exchange]\npassword_file = "nowhere"\n', "nowhere"),
    ],
)
def test_bad_configuration(text: str, word: str, tmp_path: Path, hybridge_run: Any) -> None:
    (tmp_path / "hybridge.toml").write_text(text, encoding="utf-8")
    for command in ("doctor", "config"):
        ran = hybridge_run(*((command,) if command == "doctor" else ("config", "check")), cwd=tmp_path)
        assert ran.code == 2
        assert word in ran.err
        assert "next:" in ran.err


def test_a_password_others_can_read_is_refused(tmp_path: Path, hybridge_run: Any) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    (tmp_path / "secret").chmod(0o644)
    (tmp_path / "hybridge.toml").write_text(
        '[organization]\ndomain = "contoso.com"\n[exchange]\npassword_file = "secret"\n', encoding="utf-8"
    )
    ran = hybridge_run("config", "check", cwd=tmp_path)
    assert ran.code == 2
    assert "chmod 600" in ran.err


def test_unknown_words(lab: Any) -> None:
    for arguments, word in (
        (("doctor", "--only", "ews/nothing"), "ews/nothing"),
        (("doctor", "--symptom", "headache"), "headache"),
        (("doctor", "--format", "xml"), "xml"),
        (("doctor", "--out", "report.pdf"), "report.pdf"),
        (("doctor", "--fail-on", "always"), "always"),
    ):
        ran = lab.run(*arguments)
        assert ran.code == 2, arguments
        assert word in ran.err


def test_snapshot_that_is_none(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("doctor", "--snapshot", str(tmp_path / "nowhere"), cwd=tmp_path)
    assert ran.code == 2
    assert "nowhere" in ran.err


def test_plans_and_journals_that_are_none(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    for arguments, word in (
        (("repair", "apply", str(tmp_path / "none.json")), "none.json"),
        (("repair", "apply", str(tmp_path / "bad.json")), "bad.json"),
        (("repair", "undo", "P-none"), "P-none"),
        (("repair", "journal", "P-none"), "P-none"),
        (("repair", "plan", "--from", str(tmp_path / "bad.json")), "bad.json"),
    ):
        ran = lab.run(*arguments)
        assert ran.code == 2, (arguments, ran.out, ran.err)
        assert word in ran.err


def test_a_lab_never_overwrites_a_configuration(tmp_path: Path, hybridge_run: Any) -> None:
    (tmp_path / "hybridge.toml").write_text('[organization]\ndomain = "example.org"\n', encoding="utf-8")
    ran = hybridge_run("lab", "up", cwd=tmp_path)
    assert ran.code == 2
    assert "example.org" in (tmp_path / "hybridge.toml").read_text(encoding="utf-8")


def test_no_lab_running(tmp_path: Path, hybridge_run: Any) -> None:
    (tmp_path / "hybridge.toml").write_text('[organization]\ndomain = "contoso.com"\n', encoding="utf-8")
    ran = hybridge_run("lab", "symptoms", cwd=tmp_path)
    assert ran.code == 2
    assert "lab up" in ran.err

"""Offline: what was kept live says the same, and real exports of strangers are read."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.loop.test_snapshot_report import differences

CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
needs_corpus = pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the corpus of foreign exports")


TIMES = ("took_ms", "started", "ended", "seen_at", "evidence_at", "source", "requests_made", "id")
"""What two runs at different times must differ in; a plan's id is made of the time too."""


def comparable(value: Any) -> Any:
    """A report without times and where it came from."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items() if key not in TIMES}
    if isinstance(value, str):
        return re.sub(r"request-id: [0-9a-f-]{36}", "request-id", value)
    return [comparable(item) for item in value] if isinstance(value, list) else value


def test_a_saved_snapshot_gives_the_identical_report(lab: Any, tmp_path: Path, hybridge_run: Any) -> None:
    lab.run("lab", "break", "partner_apps/teams-applications:legacy-only", "ews/allow-list-mailbox:caller-misspelt")
    kept = tmp_path / "kept"
    saved = lab.run("snapshot", "save", str(kept))
    assert saved.code == 0, saved.err
    live = lab.json("doctor")
    offline = hybridge_run("doctor", "--snapshot", str(kept), "--format", "json", cwd=tmp_path)
    assert offline.code == 1
    mine, theirs = comparable(live), comparable(offline.json)
    assert set(mine) == set(theirs)
    assert list(differences(mine, theirs)) == []


def test_a_snapshot_holds_no_secret(lab: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert lab.run("snapshot", "save", str(kept)).code == 0
    details = lab.json("lab", "info")
    secrets = [*details["users"].values(), *details["entra"]["clients"].values()]
    content = b"".join(path.read_bytes() for path in kept.rglob("*") if path.is_file())
    assert content
    for secret in secrets:
        assert secret.encode() not in content
    assert b"Bearer ey" not in content


def test_a_folder_with_something_in_it_is_left_alone(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    ran = lab.run("snapshot", "save", str(tmp_path))
    assert ran.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_commands_of_an_export_are_plain_ascii(tmp_path: Path, hybridge_run: Any) -> None:
    ran = hybridge_run("snapshot", "commands", cwd=tmp_path)
    assert ran.code == 0
    assert "Export-Clixml" in ran.out
    assert ran.out.isascii()


@needs_corpus
@pytest.mark.parametrize("style", ["as-they-are", "GetAuthConfig", "Get-AuthConfig"])
def test_real_exports_give_real_findings(style: str, tmp_path: Path, hybridge_run: Any) -> None:
    source = Path(CORPUS) / "clixml"
    folder = tmp_path / "export"
    folder.mkdir()
    for file in sorted(source.glob("HC_E16_Exchange_Get*.xml")):
        cmdlet = file.stem.rpartition("_")[2]
        named = {"as-they-are": file.stem, "GetAuthConfig": cmdlet, "Get-AuthConfig": cmdlet.replace("Get", "Get-", 1)}
        shutil.copy(file, folder / f"{named[style]}.xml")
    ran = hybridge_run("doctor", "--snapshot", str(folder), cwd=tmp_path)
    assert ran.code == 1
    assert "92E196F3C8D3D753FCFC5B7690C3173AA1C0ABE3 expired on 2023-10-29" in ran.out
    assert "Get-PartnerApplication | Export-Clixml" in ran.out


@needs_corpus
def test_no_export_of_the_corpus_ends_a_run(tmp_path: Path, hybridge_run: Any) -> None:
    for file in sorted((Path(CORPUS) / "clixml").glob("*.xml"))[::4]:  # each is read by tests/strangers
        folder = tmp_path / file.stem
        folder.mkdir()
        cmdlet = file.stem.rpartition("_")[2]
        plain = "GetExchangeCertificate" if cmdlet.startswith("GetExchangeCertificate") else cmdlet
        shutil.copy(file, folder / f"{plain}.xml")
        ran = hybridge_run("doctor", "--snapshot", str(folder), cwd=tmp_path)
        assert ran.code in (1, 3), (file.name, ran.out, ran.err)

"""Formats, comparisons, accepted risks and the support bundle through the front door."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

CAUSE = "ews/allow-list-mailbox:disabled"
PINNED = "teams/calendar-app-pinned:not-pinned"
OTHER = "ews/allow-list-organization:caller-misspelt"
PAIR = "ada@contoso.com:grace@contoso.com"


def test_every_format_of_one_run_agrees(lab: Any, tmp_path: Path) -> None:
    lab.run("lab", "break", CAUSE)
    outs = [tmp_path / f"report{suffix}" for suffix in (".json", ".csv", ".xml", ".sarif", ".md", ".html", ".txt")]
    arguments = [part for path in outs for part in ("--out", str(path))]
    ran = lab.run("doctor", "--only", "ews/allow-list-mailbox", *arguments)
    assert ran.code == 1, ran.err
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in outs}
    document = json.loads(texts[".json"])
    found = [(one["check"], one["subject"], f["cause"]) for one in document["results"] for f in one["findings"]]
    table = list(csv.DictReader(io.StringIO(texts[".csv"], newline="")))
    assert [(one["check"], one["subject"], one["cause"]) for one in table if one["outcome"] == "failed"] == found
    log = json.loads(texts[".sarif"])["runs"][0]
    assert [one["ruleId"] for one in log["results"] if one["kind"] == "fail"] == [CAUSE] * len(found)
    assert texts[".xml"].count("<failure ") == len(found)
    assert all("disabled" in text for text in texts.values())


def test_the_exit_code_holds_in_formats_for_machines(lab: Any) -> None:
    lab.run("lab", "break", CAUSE)
    only = ("ada@contoso.com", "--only", "ews/allow-list-mailbox", "--symptom", "calendar-missing", "--format", "junit")
    failed = lab.run("doctor", *only)
    assert failed.code == 1 and "disabled" in failed.out
    assert lab.run("doctor", *only, "--fail-on", "never").code == 0


def test_since_tells_new_from_old(lab: Any, tmp_path: Path) -> None:
    lab.run("lab", "break", PINNED)
    before = tmp_path / "before.json"
    assert lab.run("doctor", "--out", str(before)).code == 1
    same = lab.run("doctor", "--since", str(before))
    assert same.code == 0, same.out
    assert "0 new" in same.out and "still there" in same.out
    lab.run("lab", "break", OTHER)
    lab.run("lab", "heal", PINNED)
    ran = lab.run("doctor", "--since", str(before), "--format", "json")
    assert ran.code == 1
    since = ran.json["since"]
    assert {f"{one['check']}:{one['cause']}" for one in since["fixed"]} == {PINNED}
    assert OTHER in {f"{one['check']}:{one['cause']}" for one in since["new"]}
    foreign = tmp_path / "foreign.json"
    foreign.write_text(before.read_text(encoding="utf-8").replace('"contoso.com"', '"fabrikam.com"'), encoding="utf-8")
    refused = lab.run("doctor", "--since", str(foreign))
    assert refused.code == 2
    assert "of fabrikam.com, this run of contoso.com" in refused.err


def test_an_accepted_risk_does_not_fail_and_is_not_planned(lab: Any) -> None:
    lab.run("lab", "break", PINNED)
    own = lab.config.with_name("accepting.toml")
    table = '\n[[accepted]]\ncause = "{}"\nsubject = "*@contoso.com"\nreason = "retired in spring"\nuntil = {}\n'
    text = lab.config.read_text(encoding="utf-8")
    own.write_text(text + table.format(PINNED, "2099-03-31"), encoding="utf-8")
    try:
        accepting = type(lab)(own)
        ran = accepting.run("doctor")
        assert ran.code == 0, ran.out
        assert "retired in spring" in ran.out and "2099-03-31" in ran.out
        report = accepting.json("doctor")
        assert {one["outcome"] for one in report["results"] if one["findings"]} == {"accepted"}
        assert report["plan"]["changes"] == []
        assert accepting.json("repair", "plan")["changes"] == []
        own.write_text(text + table.format(PINNED, "2020-03-31"), encoding="utf-8")
        over = accepting.run("doctor")
        assert over.code == 1
        assert "ran out on 2020-03-31" in " ".join(over.out.split())
        own.write_text(text + table.format("ews/no-such-check", "2099-03-31"), encoding="utf-8")
        wrong = accepting.run("doctor")
        assert wrong.code == 2
        assert "no check or cause 'ews/no-such-check'" in wrong.err
    finally:
        own.unlink()


def test_a_support_bundle_holds_the_case_and_no_secret(lab: Any, tmp_path: Path) -> None:
    lab.run("lab", "break", CAUSE)
    details = lab.json("lab", "info")
    secrets = [*details["users"].values(), *details["entra"]["clients"].values()]
    bundle = tmp_path / "case.zip"
    wanted = ("support-bundle", "--delegation", PAIR, "--at", "2026-11-20T09:00Z", "--out", str(bundle))
    asked = lab.run(*wanted)
    assert asked.code == 2 and "--yes" in asked.err
    assert "case.md" in asked.err and not bundle.exists()
    ran = lab.run(*wanted, "--yes")
    assert ran.code == 0, ran.err
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert {"case.md", "report.json", "requests.csv", "evidence/http.json"} <= set(files)
    assert ran.out == files["case.md"].decode()
    assert CAUSE in ran.out and "2026-11-20 09:00:00 UTC" in ran.out
    assert "| delegator | `ada@contoso.com` | `ada@contoso.com` |" in ran.out
    content = b"".join(files.values())
    for secret in secrets:
        assert secret.encode() not in content
    assert b"Bearer ey" not in content


def test_pseudonyms_leave_no_name(lab: Any, tmp_path: Path) -> None:
    bundle = tmp_path / "case.zip"
    ran = lab.run("support-bundle", "ada@contoso.com", "--out", str(bundle), "--yes", "--pseudonymize")
    assert ran.code == 0, ran.err
    with zipfile.ZipFile(bundle) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist()).lower()
    assert b"contoso.com" not in content
    assert b"ada@" not in content
    assert b"lovelace" not in content
    key = json.loads((tmp_path / "case.names.json").read_text(encoding="utf-8"))
    assert "ada@contoso.com" in key.values()

"""The plan as a file: there and back, and every way it can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from hybridge.org import records as r
from hybridge.plan import Change, Manual, Plan
from hybridge.repair.plan_file import PlanProblem, plan_id, read_plan, write_plan
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def made() -> Plan:
    principal = r.ServicePrincipal(
        premises=Premises.ONLINE,
        identity="7557eb47",
        key_credentials=(r.KeyCredential(key=b"\x30\x82\xff", end_at=NOW),),
    )
    change = Change(address=principal.address, before=None, after=principal, says="Upload the key.", why=("a/b:c",))
    manual = Manual(cause="a/b:d", says="Open /api.", steps=("Do it.",), verify="Look.")
    return Plan(
        id=plan_id("contoso.com", NOW, (change,), (manual,)),
        organization="contoso.com",
        evidence_at=NOW,
        changes=(change,),
        manual=(manual,),
    )


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(made(), path)
    assert read_plan(path) == made()
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_the_file_has_changes_and_manual(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(made(), path)
    shown = msgspec.json.decode(path.read_bytes())
    assert [change["says"] for change in shown["changes"]] == ["Upload the key."]
    assert [manual["says"] for manual in shown["manual"]] == ["Open /api."]
    assert path.read_text().count("\n") > 10


def test_a_plan_replaces_an_older_one_wholly(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("x" * 100_000)
    write_plan(made(), path)
    assert read_plan(path) == made()


def test_an_edited_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(made(), path)
    path.write_text(path.read_text().replace("contoso.com", "fabrikam.com"))
    with pytest.raises(PlanProblem, match="plan.json was edited.*repair plan"):
        read_plan(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"\xff", b"[" * 200_000, b'{"id": 1, "changes": []}'])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.json"
    path.write_bytes(content)
    with pytest.raises(PlanProblem, match="foreign.json is not a plan of hybridge.*repair plan"):
        read_plan(path)


def test_missing_and_unwritable_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(PlanProblem, match="nowhere.json cannot be read \\(No such file"):
        read_plan(tmp_path / "nowhere.json")
    with pytest.raises(PlanProblem, match="cannot be written"):
        write_plan(made(), tmp_path / "nowhere" / "plan.json")


def test_a_file_too_large_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * 2048)
    with pytest.raises(PlanProblem, match="large.json is larger than 1024"):
        read_plan(path, limit=1024)

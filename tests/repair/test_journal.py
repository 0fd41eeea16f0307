"""The journal: what is on the disk at every moment, and how it is read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hybridge.org import records as r
from hybridge.plan import Change
from hybridge.repair import journal as j
from hybridge.terms.premises import Premises

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PLAN = "20261120T090000Z-0123456789"


def change(name: str) -> Change:
    record = r.MailUser(premises=Premises.ON_PREMISES, identity=name, hidden_from_address_lists_enabled=True)
    return Change(address=record.address, before=None, after=record, says=f"Make {name}.")


def opened(root: Path) -> j.OpenJournal:
    return j.open_journal(root, PLAN, "contoso.com")


def intended(step: int) -> j.Intended:
    return j.Intended(step=step, change=change(f"User{step}"), at=NOW + timedelta(seconds=step))


def states(journal: j.Journal) -> list[tuple[int, j.State]]:
    return [(step.number, step.state) for step in journal.steps]


def test_nothing_is_on_disk_before_the_first_event(tmp_path: Path) -> None:
    with opened(tmp_path / "journals") as journal:
        assert journal.read() is None
    assert list(tmp_path.iterdir()) == []


def test_every_state_is_read_back(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        for step in (1, 2, 3, 4):
            journal.write(intended(step))
        journal.write(j.Applied(step=1, says="done", at=NOW))
        journal.write(j.Failed(step=2, says="refused", at=NOW))
        journal.write(j.Applied(step=3, says="done", at=NOW))
        journal.write(j.Undoing(step=3, who="ada", at=NOW))
        journal.write(j.Undone(step=3, says="back", at=NOW))
        seen = journal.read()
    assert seen is not None
    assert (seen.plan, seen.organization, seen.who, seen.started_at) == (PLAN, "contoso.com", "ada", NOW)
    assert states(seen) == [
        (1, j.State.APPLIED),
        (2, j.State.FAILED),
        (3, j.State.UNDONE),
        (4, j.State.INTENDED),
    ]
    assert [step.number for step in seen.left_to_undo] == [4, 2, 1]
    assert seen.steps[1].says == "refused"
    assert seen.steps[0].change == change("User1")


def test_a_failed_undo_leaves_the_step_applied_and_the_undo_begun(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        journal.write(intended(1))
        journal.write(j.Applied(step=1, says="done", at=NOW))
        journal.write(j.Undoing(step=1, who="ada", at=NOW))
        began = journal.read()
        journal.write(j.Failed(step=1, says="refused", at=NOW))
        failed = journal.read()
    assert began is not None and failed is not None
    assert (began.steps[0].state, began.steps[0].undoing) == (j.State.APPLIED, True)
    assert (failed.steps[0].state, failed.steps[0].undoing, failed.steps[0].unsure) == (j.State.APPLIED, True, True)


def test_a_second_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for who in ("ada", "grace"):
        with opened(tmp_path) as journal:
            journal.begin(who, NOW)
            journal.write(intended(1))
    text = (tmp_path / PLAN / j.FILE_NAME).read_text()
    assert text.count('"begun"') == 2
    seen = j.read_journal(tmp_path / PLAN)
    assert seen.who == "ada"
    assert states(seen) == [(1, j.State.INTENDED)]


def test_a_person_can_read_it(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        journal.write(intended(1))
    lines = [msgspec.json.decode(line) for line in (tmp_path / PLAN / j.FILE_NAME).read_bytes().splitlines()]
    assert [line["event"] for line in lines] == ["begun", "intended"]
    assert lines[1]["change"]["says"] == "Make User1."
    assert lines[1]["change"]["after"]["kind"] == "MailUser"


def _whole(tmp_path: Path) -> bytes:
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        journal.write(intended(1))
        journal.write(j.Applied(step=1, says="done", at=NOW))
        journal.write(intended(2))
    return journal.path.read_bytes()


def test_a_file_cut_anywhere_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    content = _whole(tmp_path)
    ends = [at + 1 for at, sign in enumerate(content) if sign == ord("\n")]
    expected = {1: [], 2: [j.State.INTENDED], 3: [j.State.APPLIED], 4: [j.State.APPLIED, j.State.INTENDED]}
    torn = tmp_path / "torn.jsonl"
    for length in range(ends[0], len(content) + 1):
        torn.write_bytes(content[:length])
        whole = sum(end <= length for end in ends)
        assert [step.state for step in j.read_journal(torn).steps] == expected[whole]


def test_writing_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    content = _whole(tmp_path)
    path = tmp_path / PLAN / j.FILE_NAME
    path.write_bytes(content[:-20])
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        journal.write(intended(2))
        journal.write(j.Applied(step=2, says="done", at=NOW))
    assert states(j.read_journal(path)) == [(1, j.State.APPLIED), (2, j.State.APPLIED)]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"not json\n", b'{"event":"begun"}\n', b'{"plan":1}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"],
)
def test_a_foreign_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_bytes(content)
    with pytest.raises(j.JournalProblem, match="foreign.jsonl is not a journal of hybridge"):
        j.read_journal(foreign)


def test_a_broken_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    content = _whole(tmp_path).split(b"\n")
    path = tmp_path / PLAN / j.FILE_NAME
    path.write_bytes(b"\n".join([content[0], content[1][:30], *content[2:]]))
    with pytest.raises(j.JournalProblem, match="line 2"):
        j.read_journal(path)
    with pytest.raises(j.JournalProblem, match="line 2"):
        opened(tmp_path)


def test_a_step_that_was_never_begun_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        journal.write(j.Applied(step=7, says="", at=NOW))
    with pytest.raises(j.JournalProblem, match="ends step 7"):
        j.read_journal(journal.path)


def test_other_versions_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(j.JournalProblem, match="nowhere.*No such file"):
        j.read_journal(tmp_path / "nowhere")
    begun = j.Begun(version=99, plan=PLAN, organization="", who="", at=NOW)
    (tmp_path / "new.jsonl").write_bytes(msgspec.json.encode(begun) + b"\n")
    with pytest.raises(j.JournalProblem, match="another version of hybridge \\(99\\)"):
        j.read_journal(tmp_path / "new.jsonl")


@pytest.mark.parametrize("plan", ["", ".", "..", "../elsewhere", "a/b"])
def test_an_id_cannot_lead_out_of_the_root(tmp_path: Path, plan: str) -> None:
    with pytest.raises(j.JournalProblem, match="not the id of a plan"):
        j.open_journal(tmp_path, plan)


def test_a_journal_of_another_organization_is_refused(tmp_path: Path) -> None:
    _whole(tmp_path)
    with pytest.raises(j.JournalProblem, match="another plan or organization"):
        j.open_journal(tmp_path, PLAN, "fabrikam.com")
    assert j.open_journal(tmp_path, PLAN).organization == "contoso.com"


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as two:
        one.begin("ada", NOW)
        with pytest.raises(j.JournalProblem, match="another run"):
            two.begin("grace", NOW)
    with opened(tmp_path) as later:
        later.begin("grace", NOW)


def test_a_full_or_forbidden_disk_stops_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(j.JournalProblem, match="cannot be written"):
        opened(tmp_path / "file").begin("ada", NOW)


def test_nothing_half_made_is_listed(tmp_path: Path) -> None:
    _whole(tmp_path)
    (tmp_path / f".{PLAN}.99").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    broken = tmp_path / "zz-broken"
    broken.mkdir()
    (broken / j.FILE_NAME).write_text("?\n")
    good, bad = j.list_journals(tmp_path)
    assert isinstance(good, j.Journal) and good.plan == PLAN
    assert isinstance(bad, j.JournalProblem)
    assert j.list_journals(tmp_path / "nowhere") == ()


def test_a_reply_is_kept_short_and_the_file_private(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.begin("ada", NOW)
        journal.write(intended(1))
        journal.write(j.Failed(step=1, says="x" * 100_000, at=NOW))
    assert journal.path.stat().st_size < 3000
    assert journal.path.stat().st_mode & 0o077 == 0
    assert journal.folder.stat().st_mode & 0o077 == 0

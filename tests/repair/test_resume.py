"""Resume: what state each step is in, on to the end or back, with nothing but the journal."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.repair.desk import ON, Desk, broken, plan
from tests.repair.storm import as_compared

from hybridge.lab.weather import CmdletRule, Does, weather_of
from hybridge.org import records as r
from hybridge.plan import Change
from hybridge.repair import journal as j
from hybridge.repair.executor import Choice, End
from hybridge.repair.resume import NOT_BEGUN, Way, going_back, standings, unfinished
from hybridge.terms import applications as apps


class Gone(BaseException):
    """Ends a run where it stands, as a kill would: nothing more is written."""


class Dying(j.OpenJournal):
    """A journal whose process is gone before a line of a kind for a step."""

    before: tuple[type, int] = (j.Applied, 99)

    def write(self, event: j.Event) -> None:
        kind, step = self.before
        if isinstance(event, kind) and getattr(event, "step", step) == step:
            raise Gone
        super().write(event)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "journals")


async def dies(desk: Desk, kind: type, step: int, work: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``work`` end before the line of ``kind`` for ``step``."""
    with monkeypatch.context() as patch:
        patch.setattr(j, "OpenJournal", Dying)
        patch.setattr(Dying, "before", (kind, step))
        with pytest.raises(Gone):
            await work()


async def test_the_journal_alone_is_enough_to_finish(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await dies(desk, j.Applied, 2, desk.apply, monkeypatch)
    journal = desk.journal()
    assert journal.whole_plan == plan()
    assert journal.unfinished
    assert [one.state for one in standings(journal)] == ["applied", "intended", *[NOT_BEGUN] * 6]
    assert standings(journal)[1].means == "nobody knows whether it was made"
    done = await desk.resume()
    assert done.complete, done.says
    assert set(desk.states()) == {"applied"}
    assert not desk.journal().unfinished
    runs = desk.journal().runs
    assert [(run.who, run.doing, run.complete) for run in runs] == [("ada", "apply", False), ("grace", "apply", True)]
    assert runs[0].ended_at is None


async def test_back_takes_everything_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await dies(desk, j.Applied, 7, desk.apply, monkeypatch)
    done = await desk.resume(Way.BACK)
    assert done.complete, done.says
    assert as_compared(desk.organization) == as_compared(broken())
    assert set(desk.states()) == {"undone"}


async def test_a_failed_step_is_made_once_the_reason_is_gone(desk: Desk) -> None:
    weather_of(desk.estate).turn(CmdletRule(does=Does.DROP_BEFORE, names=("New-PartnerApplication",)))
    failed = await desk.apply()
    assert not failed.complete
    assert desk.states() == ["applied", "applied", "applied", "failed"]
    assert desk.journal().runs[-1].says.startswith("3 of 8 changes applied")
    weather_of(desk.estate).turn()
    assert (await desk.resume()).complete


async def test_a_run_that_was_undoing_is_finished_by_undoing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.apply()
    await dies(desk, j.Undone, 4, desk.undo, monkeypatch)
    journal = desk.journal()
    assert going_back(journal)
    state = {one.number: one.means for one in standings(journal)}
    assert state[5] == "taken back"
    assert state[4] == "its taking back was begun; nobody knows whether it was done"
    assert state[3] == "made and seen"
    assert (await desk.resume()).complete
    assert as_compared(desk.organization) == as_compared(broken())


async def test_a_run_cut_short_after_its_last_step_is_closed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await dies(desk, j.Ended, 0, desk.apply, monkeypatch)
    assert desk.journal().unfinished
    done = await desk.resume()
    assert (done.complete, done.count(End.ALREADY_SO)) == (True, 8)
    assert not desk.journal().unfinished
    await dies(desk, j.Ended, 0, desk.undo, monkeypatch)
    again = await desk.resume()
    assert again.says == "There is nothing left to undo."
    assert not desk.journal().unfinished


async def test_nothing_to_resume(desk: Desk) -> None:
    assert "no run was begun" in (await desk.resume()).says
    await desk.apply()
    before = (desk.root / plan().id / j.FILE_NAME).read_bytes()
    assert (await desk.resume()).complete
    assert (desk.root / plan().id / j.FILE_NAME).read_bytes() == before


async def test_a_journal_another_process_holds_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await dies(desk, j.Intended, 3, desk.apply, monkeypatch)
    before = desk.organization
    with (desk.root / plan().id / j.FILE_NAME).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for work in (desk.resume, desk.apply, desk.undo):
            with pytest.raises(j.JournalProblem, match="another run of hybridge; wait for it"):
                await work()
    assert desk.organization is before
    assert (await desk.resume()).complete


async def test_a_journal_begun_meanwhile_is_refused(desk: Desk) -> None:
    with j.open_journal(desk.root, plan().id, plan().organization) as late:
        assert late.hold() is None
        await desk.apply()
        with pytest.raises(j.JournalProblem, match="begun by another run of hybridge meanwhile"):
            late.begin("late", desk.now)


async def test_an_old_plan_is_only_taken_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await dies(desk, j.Applied, 2, desk.apply, monkeypatch)
    desk.clock.advance(timedelta(hours=2))
    on = await desk.resume()
    assert not on.complete
    assert "The plan has expired" in on.says
    assert (await desk.resume(Way.BACK)).complete
    assert as_compared(desk.organization) == as_compared(broken())


async def test_a_journal_without_its_plan_can_go_back(desk: Desk) -> None:
    change = plan().changes[0]
    with j.open_journal(desk.root, plan().id, plan().organization) as journal:
        journal.begin("ada", desk.now)
        journal.write(j.Intended(step=1, change=change, at=desk.now))
    assert [one.number for one in standings(desk.journal())] == [1]
    assert "does not hold its plan" in (await desk.resume()).says
    assert (await desk.resume(Way.BACK)).complete


async def test_drift_stops_a_resume_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await dies(desk, j.Intended, 4, desk.apply, monkeypatch)
    stranger = r.PartnerApplication(premises=ON, identity="TeamsScheduler", application_identifier="other")
    desk.estate.organization = desk.organization.put(stranger)
    drifted = await desk.resume()
    assert drifted.count(End.DRIFTED) == 1
    assert desk.organization.at(stranger.address) == stranger


async def test_skipped_steps_stay_skipped(desk: Desk) -> None:
    async def all_but_the_role(number: int, _: Change) -> Choice:
        return Choice.STOP if number == 8 else Choice.SKIP if number == 2 else Choice.MAKE

    await desk.apply(choose=all_but_the_role)
    done = await desk.resume()
    assert [step.end for step in done.steps] == [
        End.ALREADY_SO,
        *[End.SKIPPED] * 6,
        End.APPLIED,
    ]
    assert desk.organization.one(r.ManagementRole, ON, apps.INTEGRATION_ROLE) is None


def test_only_unfinished_journals_are_listed(tmp_path: Path) -> None:
    for name, ended in (("one", True), ("two", False), ("three", None)):
        with j.open_journal(tmp_path, name) as journal:
            journal.begin("ada", plan().evidence_at)
            if ended is not None:
                journal.write(j.Ended(complete=ended, says="", at=plan().evidence_at))
    (tmp_path / "zz").mkdir()
    assert [one.plan for one in unfinished(j.list_journals(tmp_path))] == ["three", "two"]

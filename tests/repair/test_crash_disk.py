"""A disk that fills up in the middle of a line: the run stops, and the journal stays whole."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.repair.desk import Desk, broken, plan
from tests.repair.storm import as_compared

from hybridge.repair import journal as j


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, 40, 300])
def test_half_a_line_is_taken_off_again(tmp_path: Path, room: int) -> None:
    with j.open_journal(tmp_path, plan().id, plan().organization) as journal:
        journal.hold(j.APPLYING, plan())
        journal.begin("ada", plan().evidence_at)
        whole = journal.path.read_bytes()
        event = j.Intended(step=1, change=plan().changes[0], at=plan().evidence_at)
        with at_most(len(whole) + room), pytest.raises(j.JournalProblem, match="cannot be written .* nothing more"):
            journal.write(event)
        assert journal.path.read_bytes() == whole
        journal.write(event)
    assert [step.state for step in j.read_journal(tmp_path / plan().id).steps] == ["intended"]


async def test_a_run_on_a_full_disk_is_finished_or_taken_back_later(tmp_path: Path) -> None:
    sizes: list[int] = []
    whole = Desk(tmp_path / "whole")
    await whole.apply()
    content = (whole.root / plan().id / j.FILE_NAME).read_bytes()
    for line in content.splitlines(keepends=True):
        sizes.append(len(line) + (sizes[-1] if sizes else 0))
    for turn, size in enumerate(sizes[:-1]):
        desk = Desk(tmp_path / str(turn))
        with at_most(size + 20), pytest.raises(j.JournalProblem):
            await desk.apply()
        if turn % 2:
            assert (await desk.resume()).complete
        assert (await desk.undo()).complete
        assert as_compared(desk.organization) == as_compared(broken())

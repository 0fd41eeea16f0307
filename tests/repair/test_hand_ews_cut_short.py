"""Runs of the EWS hand that are cut short, and runs over a whole plan: the end is exact all the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.repair.delegates_lab import (
    ADA,
    ADD,
    ALAN,
    DROPPED,
    GRACE,
    LISTED,
    NOW,
    ON,
    PAIR,
    STATES,
    Lab,
    granting,
    right,
    unlisted,
)

from hybridge.lab.contoso import DOMAIN
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.plan import Change, Plan
from hybridge.repair.executor import Applied, Patience, apply, undo
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.repair.journal import open_journal
from hybridge.wire.ask import (
    Failure,
)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "delegates")


CUT_AFTER_ADD = [("AddDelegate", "after"), ("Set-Mailbox", "before")]
CUT_AFTER_REMOVE = [
    ("RemoveDelegate", "after"),
    ("Add-MailboxFolderPermission", "before"),
    ("Set-Mailbox", "before"),
]


@pytest.mark.parametrize(("name", "when"), CUT_AFTER_ADD)
async def test_an_addition_cut_short_is_finished_by_the_next_look(lab: Lab, name: str, when: str) -> None:
    before = lab.break_(granting(unlisted(lab)))
    lab.cut = lambda asked: when if asked == name else ""
    assert await lab.hand.write(lab, ADD) == DROPPED
    assert lab.estate.organization.difference(before) != (PAIR,)
    (note,) = lab.notes
    assert note.stat().st_mode & 0o777 == 0o600
    lab.cut = lambda _: ""
    assert await lab.hand.read(lab, PAIR) == LISTED
    assert lab.estate.organization.difference(before) == (PAIR,)
    assert lab.notes == []


@pytest.mark.parametrize(("name", "when"), CUT_AFTER_REMOVE)
async def test_a_removal_cut_short_loses_no_right(lab: Lab, name: str, when: str) -> None:
    before = lab.break_(lab.estate.healthy.put(right("Owner"), right("Reviewer", folder="Inbox")))
    lab.cut = lambda asked: when if asked == name else ""
    assert await lab.hand.write(lab, ADD.inverse) == DROPPED
    lab.cut = lambda _: ""
    assert await lab.hand.read(lab, PAIR) is None
    assert lab.estate.organization.difference(before) == (PAIR,)
    assert lab.notes == []


async def test_what_never_reached_exchange_owes_nothing(lab: Lab) -> None:
    before = lab.break_(granting(unlisted(lab)))
    lab.cut = lambda asked: "before" if asked == "AddDelegate" else ""
    assert await lab.hand.write(lab, ADD) == DROPPED
    lab.cut = lambda _: ""
    assert await lab.hand.read(lab, PAIR) is None
    assert lab.estate.organization == before
    assert len(lab.notes) == 1, "it may still be carried out"
    lab.clock.advance(timedelta(minutes=11))
    assert await lab.hand.read(lab, PAIR) is None
    assert lab.notes == []


async def test_an_addition_carried_out_late_is_cleaned_up(lab: Lab) -> None:
    before = lab.break_(granting(unlisted(lab)))
    lab.cut = lambda asked: "after" if asked == "AddDelegate" else ""
    await lab.hand.write(lab, ADD)
    late = lab.estate.organization
    lab.break_(before)
    lab.cut = lambda _: ""
    assert await lab.hand.read(lab, PAIR) is None
    lab.break_(late)
    assert await lab.hand.read(lab, PAIR) == LISTED
    assert lab.estate.organization.difference(before) == (PAIR,)


async def test_what_somebody_gave_meanwhile_is_left_alone(lab: Lab) -> None:
    lab.cut = lambda asked: "after" if asked == "RemoveDelegate" else ""
    await lab.hand.write(lab, ADD.inverse)
    present = lab.break_(granting(lab.estate.organization.put(right("Reviewer")), ALAN))
    lab.cut = lambda _: ""
    assert await lab.hand.read(lab, PAIR) is None
    assert lab.estate.organization == granting(present, ALAN, GRACE)


async def test_a_note_that_cannot_be_read_stops_everything(lab: Lab) -> None:
    lab.folder.mkdir()
    note = lab.folder / f"{ADA}+{GRACE}.json"
    note.write_text("{", encoding="utf-8")
    failure = await lab.hand.read(lab, PAIR)
    assert isinstance(failure, Failure) and str(note) in failure.says and failure.next_step
    assert lab.wrote == []


async def test_a_note_that_cannot_be_written_stops_everything(lab: Lab) -> None:
    lab.folder.write_text("in the way", encoding="utf-8")
    failure = await lab.hand.write(lab, ADD.inverse)
    assert isinstance(failure, Failure) and failure.says.startswith("The note ")
    assert lab.estate.organization == lab.estate.healthy


async def run(lab: Lab, root: Path, plan: Plan, back: bool) -> Applied:
    hands = (PowerShellHand(), lab.hand)
    patience = Patience(tries=2, sleep=lab.sleep)
    with open_journal(root, plan.id, plan.organization) as journal:
        if back:
            return await undo(journal, lab, hands, who="ada", clock=lab.clock, patience=patience)
        return await apply(plan, lab, journal, hands, who="ada", clock=lab.clock, patience=patience)


def three(before: Organization) -> tuple[Change, ...]:
    """The right, the grant and the list, for somebody who has none of them."""
    box = before.one(Mailbox, ON, ADA)
    assert box
    entry = right("Editor")
    return (
        Change(address=entry.address, before=None, after=entry, says="Give the right."),
        Change(
            address=box.address,
            before=box,
            after=msgspec.structs.replace(box, grant_send_on_behalf_to=(GRACE,)),
            says="Grant.",
        ),
        ADD,
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_with_its_neighbours_in_any_order(lab: Lab, tmp_path: Path, order: tuple[int, ...]) -> None:
    before = lab.break_(STATES["nothing at all"](lab))
    changes = three(before)
    plan = Plan(id="p1", organization=DOMAIN, evidence_at=NOW, changes=tuple(changes[one] for one in order))
    applied = await run(lab, tmp_path / "journals", plan, back=False)
    assert applied.complete, applied.says
    assert lab.estate.organization.difference(lab.estate.healthy) == ()
    undone = await run(lab, tmp_path / "journals", plan, back=True)
    assert undone.complete, undone.says
    assert lab.estate.organization.difference(before) == ()


@pytest.mark.parametrize(("name", "when"), [*CUT_AFTER_REMOVE, ("RemoveDelegate", "before")])
async def test_an_undo_cut_short_is_finished_by_the_next(lab: Lab, tmp_path: Path, name: str, when: str) -> None:
    before = lab.break_(unlisted(lab))
    plan = Plan(id="p1", organization=DOMAIN, evidence_at=NOW, changes=(ADD,))
    assert (await run(lab, tmp_path / "journals", plan, back=False)).complete
    lab.cut = lambda asked: when if asked == name else ""
    assert not (await run(lab, tmp_path / "journals", plan, back=True)).complete
    lab.cut = lambda _: ""
    undone = await run(lab, tmp_path / "journals", plan, back=True)
    assert undone.complete, undone.says
    assert lab.estate.organization.difference(before) == ()
    assert lab.notes == []

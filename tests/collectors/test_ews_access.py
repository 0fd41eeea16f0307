"""The test of EWS access writes into a mailbox: whatever happens on the way, nothing is left behind for good."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hybridge.collectors.ews_access import (
    FOLDER,
    IMPERSONATION,
    MARKER,
    AccessAsked,
    MemoryNotes,
    Note,
    Notes,
    collect_ews_access,
)
from hybridge.collectors.reading import Reading
from hybridge.doctor.access_notes import FileNotes
from hybridge.evidence import Seen, Unseen
from hybridge.lab.contoso import EWS_URL, AuthCertificate, contoso
from hybridge.lab.estate import Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.mail.items import Item
from hybridge.lab.mail.store import store_of
from hybridge.net.answerers.once import AskedOnce
from hybridge.org.probes import EwsAccessProbe
from hybridge.org.records import CalendarEvent, Mailbox, MailboxFolderPermission, ManagementRoleAssignment
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.ews.distinguished_folders import KINDS

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ON = Premises.ON_PREMISES
ADA = "ada@contoso.com"
SVC = "svc-hybridge@contoso.com"


@pytest.fixture
def estate() -> Estate:
    certificate = AuthCertificate(b"public half", NOW - timedelta(days=30), NOW + timedelta(days=1000))
    return Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)


class Killed(BaseException):
    """The process ends here: no handler runs that awaits anything more."""


class Interrupted(InProcess):
    """The lab, and a client that is killed ``after`` the named operation was carried out, or ``before`` it."""

    def __init__(self, estate: Estate, operation: str, *, lost: bool = False, dead: bool = True) -> None:
        super().__init__(estate)
        self.operation, self.lost, self.dead, self.over = operation, lost, dead, False
        self.asked: list[str] = []

    async def http(self, ask: HttpAsk) -> HttpAnswer:
        name = ask.body.decode().partition("<m:")[2].partition(" ")[0].partition(">")[0]
        self.asked.append(name)
        if self.over and self.dead:
            raise Killed
        answer = await super().http(ask)
        if name == self.operation and not self.over:
            self.over = True
            if self.lost:
                return HttpAnswer(failure=Failure(reason=FailureReason.UNREACHABLE, says="The connection was cut."))
            raise Killed
        return answer


def entry(estate: Estate, *rights: str) -> None:
    """Give hybridge's account an entry on Ada's calendar."""
    estate.organization = estate.organization.put(
        MailboxFolderPermission(
            premises=ON, identity=f"{ADA}:\\Calendar/{SVC}", mailbox=ADA, user=SVC, access_rights=rights
        )
    )


async def tried(
    answerer: Answerer, notes: Notes, way: str = IMPERSONATION, nonce: str = "1", box: str = ADA
) -> Reading:
    readings = await collect_ews_access(answerer, AccessAsked(notes, nonce, way), box, EWS_URL, "hybridge/test")
    return next(iter(readings.values()))


def probe(reading: Reading) -> EwsAccessProbe:
    assert isinstance(reading, Seen), reading
    found = reading.records[0]
    assert isinstance(found, EwsAccessProbe)
    return found


def codes(found: EwsAccessProbe) -> tuple[str, str, str, str]:
    return found.open_code, found.create_code, found.read_code, found.delete_code


def strange(estate: Estate) -> list[Item]:
    """What lies in folders that was not there before."""
    everybody = (one.identity for one in estate.organization.all(Mailbox, ON))
    folders = ((mailbox, folder) for mailbox in everybody for folder in KINDS)
    found = (one for place in folders for one in store_of(estate).items(ON, *place))
    return [one for one in found if MARKER in one.subject]


@pytest.mark.parametrize("way", [IMPERSONATION, FOLDER])
async def test_every_step_goes_well_and_nothing_is_left(estate: Estate, way: str) -> None:
    notes = MemoryNotes()
    found = probe(await tried(AskedOnce(InProcess(estate)), notes, way))
    assert codes(found) == ("NoError",) * 4
    assert (found.says, found.left_behind) == ("", "")
    assert estate.organization == estate.healthy
    assert strange(estate) == []
    assert notes.left(ADA) == ()


async def test_the_appointment_disturbs_nobody(estate: Estate) -> None:
    answerer = Interrupted(estate, "CreateItem")
    with pytest.raises(Killed):
        await tried(answerer, MemoryNotes())
    [made] = strange(estate)
    assert made.start_at == datetime(2000, 1, 1, tzinfo=UTC)
    assert made.busy_type == "Free"


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (("None",), ("ErrorFolderNotFound", "", "", "")),
        (("Reviewer",), ("NoError", "ErrorCreateItemAccessDenied", "", "")),
        (("CreateItems", "ReadItems", "FolderVisible"), ("NoError", "NoError", "NoError", "ErrorAccessDenied")),
        (("Author",), ("NoError",) * 4),
        (("NonEditingAuthor",), ("NoError",) * 4),
        (("Editor",), ("NoError",) * 4),
    ],
)
async def test_rights_on_the_calendar_decide(
    estate: Estate, rights: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    entry(estate, *rights)
    before = estate.organization
    notes = MemoryNotes()
    found = probe(await tried(InProcess(estate), notes, FOLDER))
    assert codes(found) == expected
    assert found.left_behind == ""
    assert estate.organization == before, "what it may not remove itself goes by impersonation"
    assert strange(estate) == []
    assert notes.left(ADA) == ()


async def test_impersonation_that_is_not_allowed(estate: Estate) -> None:
    role = next(one for one in estate.organization.all(ManagementRoleAssignment, ON) if "Impersonation" in one.role)
    estate.organization = estate.organization.drop(role.address)
    found = probe(await tried(InProcess(estate), MemoryNotes()))
    assert codes(found) == ("ErrorImpersonateUserDenied", "", "", "")
    assert "impersonate" in found.says


async def test_what_cannot_be_removed_is_named_and_tried_again(estate: Estate) -> None:
    role = next(one for one in estate.organization.all(ManagementRoleAssignment, ON) if "Impersonation" in one.role)
    estate.organization = estate.organization.drop(role.address)
    entry(estate, "CreateItems", "ReadItems", "FolderVisible")
    notes = MemoryNotes()
    found = probe(await tried(InProcess(estate), notes, FOLDER))
    assert found.delete_code == "ErrorAccessDenied"
    assert found.left_behind.startswith(MARKER)
    assert [one.subject for one in strange(estate)] == [found.left_behind]
    assert len(notes.left(ADA)) == 1
    estate.organization = estate.organization.put(role)
    assert probe(await tried(InProcess(estate), notes, nonce="2")).delete_code == "NoError"
    assert strange(estate) == []
    assert notes.left(ADA) == ()


@pytest.mark.parametrize("operation", ["CreateItem", "GetItem"])
async def test_a_killed_run_is_cleaned_by_the_next(estate: Estate, operation: str, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        await tried(Interrupted(estate, operation), FileNotes(tmp_path / "notes"))
    assert len(strange(estate)) == 1
    [note] = FileNotes(tmp_path / "notes").left(ADA)
    assert bool(note.item_id) == (operation == "GetItem"), "its id is noted once Exchange told it"
    found = probe(await tried(AskedOnce(InProcess(estate)), FileNotes(tmp_path / "notes"), nonce="2"))
    assert codes(found) == ("NoError",) * 4
    assert estate.organization == estate.healthy
    assert strange(estate) == []
    assert list((tmp_path / "notes").iterdir()) == []


async def test_a_run_that_is_cancelled_cleans_up_itself(estate: Estate) -> None:
    class Cancelled(Interrupted):
        async def http(self, ask: HttpAsk) -> HttpAnswer:
            try:
                return await super().http(ask)
            except Killed:
                raise asyncio.CancelledError from None

    notes = MemoryNotes()
    with pytest.raises(asyncio.CancelledError):
        await tried(Cancelled(estate, "CreateItem", dead=False), notes)
    assert estate.organization == estate.healthy
    assert strange(estate) == []
    assert notes.left(ADA) == ()


async def test_an_answer_that_was_lost(estate: Estate) -> None:
    notes = MemoryNotes()
    reading = await tried(Interrupted(estate, "CreateItem", lost=True, dead=False), notes)
    assert isinstance(reading, Unseen)
    assert estate.organization == estate.healthy, "made, though nobody heard of it; found by its subject"
    assert strange(estate) == []
    assert notes.left(ADA) == ()


async def test_only_its_own_appointment_is_removed(estate: Estate) -> None:
    other = CalendarEvent(
        premises=ON,
        identity=f"{ADA}/77",
        mailbox=ADA,
        start_at=datetime(2000, 1, 1, tzinfo=UTC),
        end_at=datetime(2000, 1, 1, 1, tzinfo=UTC),
        subject="Millennium",
    )
    estate.organization = estate.organization.put(other)
    before = estate.organization
    notes = MemoryNotes()
    notes.keep(Note(mailbox=ADA, subject=f"{MARKER} (0)"))
    await tried(InProcess(estate), notes)
    assert estate.organization == before
    assert strange(estate) == []


async def test_without_an_address_nothing_is_asked(estate: Estate) -> None:
    asked = AccessAsked(MemoryNotes(), "1")
    readings = await collect_ews_access(InProcess(estate), asked, ADA, "", "hybridge/test")
    [reading] = readings.values()
    assert isinstance(reading, Unseen)
    assert estate.log == []


def test_notes_on_disk(tmp_path: Path) -> None:
    notes = FileNotes(tmp_path / "a" / "b")
    assert notes.left(ADA) == ()
    note = Note(mailbox=ADA, subject="s")
    notes.keep(note)
    notes.keep(msgspec.structs.replace(note, item_id="7"))
    (tmp_path / "a" / "b" / "broken.json").write_text("{")
    assert FileNotes(tmp_path / "a" / "b").left("ADA@contoso.com") == (msgspec.structs.replace(note, item_id="7"),)
    notes.drop(note)
    notes.drop(note)
    assert notes.left(ADA) == ()

"""exchangelib makes, reads, moves, answers, calls off and removes meetings in the lab, over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import exchangelib
import pytest
import pytest_asyncio
from exchangelib.errors import (
    ErrorCalendarViewRangeTooBig,
    ErrorFolderNotFound,
    ErrorInvalidSyncStateData,
    ErrorItemNotFound,
)
from exchangelib.folders import SingleFolderQuerySet
from exchangelib.items import CalendarItem, MeetingCancellation, MeetingRequest, MeetingResponse
from exchangelib.properties import Attendee, DistinguishedFolderId, Mailbox
from exchangelib.recurrence import DailyPattern, Recurrence, RelativeMonthlyPattern, WeeklyPattern
from exchangelib.version import EXCHANGE_2019
from tests.strangers.exchangelib_calendars import BERLIN, at, busy, meeting, viewed
from tests.strangers.exchangelib_dialling import dialling

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import EWS_URL, contoso
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON, Estate
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site

pytestmark = pytest.mark.wire
T = TypeVar("T")
NOW = datetime.now(UTC).replace(microsecond=0)
ADA, ALAN, GRACE = "ada@contoso.com", "alan@contoso.com", "grace@contoso.com"
UTC_ZONE = exchangelib.UTC


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[RunningLab]:
    certificate = make_auth_certificate(NOW)
    estate = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        yield running


@pytest.fixture(autouse=True)
def connected(lab: RunningLab) -> Iterator[None]:
    with dialling(lab):
        yield


def mailbox(lab: RunningLab, address: str) -> exchangelib.Account:
    """The mailbox ``address``, opened by the administrator who acts as its owner."""
    configuration = exchangelib.Configuration(
        service_endpoint=EWS_URL,
        credentials=exchangelib.Credentials(ADMINISTRATOR_LOGON, lab.estate.users[ADMINISTRATOR]),
        auth_type=exchangelib.BASIC,
        version=exchangelib.Version(EXCHANGE_2019),
    )
    return exchangelib.Account(
        address,
        config=configuration,
        autodiscover=False,
        access_type=exchangelib.IMPERSONATION,
        default_timezone=BERLIN,
    )


async def does(lab: RunningLab, what: Callable[..., T], *people: str) -> T:
    """``what`` of the mailboxes of ``people``, in a thread: exchangelib blocks, and the lab runs on this loop."""
    return await asyncio.to_thread(lambda: what(*(mailbox(lab, one) for one in people)))


async def test_a_single_appointment_is_made_read_moved_and_removed(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account) -> None:
        made = meeting(
            ada,
            "Planung <1>",
            at(3, 10),
            location="Raum 1",
            body=exchangelib.HTMLBody("<p>Hallo</p>"),
            categories=["Red", "Blue"],
            sensitivity="Private",
            importance="High",
            reminder_is_set=True,
            reminder_minutes_before_start=5,
            legacy_free_busy_status="OOF",
        ).save()
        [read] = ada.calendar.view(start=at(3, 0), end=at(4, 0))
        assert (read.subject, read.start, read.end, read.type) == ("Planung <1>", at(3, 10), at(3, 10, 30), "Single")
        got = ada.calendar.get(id=made.id, changekey=made.changekey)
        assert (got.location, got.body, got.categories) == ("Raum 1", "<p>Hallo</p>", ["Red", "Blue"])
        assert (got.sensitivity, got.importance, got.reminder_minutes_before_start) == ("Private", "High", 5)
        assert (got.is_meeting, got.is_recurring, got.is_all_day, got.is_cancelled) == (False, False, False, False)
        assert (got.organizer.email_address, got.uid != "", got._start_timezone.key) == (ADA, True, "Europe/Berlin")
        assert b"BEGIN:VEVENT" in got.mime_content
        assert b"BEGIN:VTIMEZONE" in got.mime_content
        assert busy(ada, at(3, 0)) == [(at(3, 10), "OOF")]
        got.start, got.end, got.subject = at(3, 14), at(3, 15), "Later"
        before = got.changekey
        got.save(update_fields=["start", "end", "subject"])
        assert got.changekey != before
        assert viewed(ada, at(3, 0), at(4, 0)) == [("Later", at(3, 14), at(3, 15), "Single")]
        assert busy(ada, at(3, 0)) == [(at(3, 14), "OOF")]
        got.refresh()
        assert got.location == "Raum 1"
        got.location = None
        got.save(update_fields=["location"])
        got.refresh()
        assert got.location is None
        assert [one.subject for one in ada.calendar.filter(subject="Later")] == ["Later"]
        assert [one.subject for one in ada.calendar.filter(subject__startswith="Lat", start__gt=at(3, 9))] == ["Later"]
        assert not ada.calendar.filter(subject="Earlier").exists()
        gone = got.id
        got.delete()
        assert viewed(ada, at(3, 0), at(4, 0)) == []
        assert busy(ada, at(3, 0)) == []
        with pytest.raises(ErrorItemNotFound):
            ada.calendar.get(id=gone)

    await does(lab, live, ADA)
    assert lab.estate.organization == lab.estate.healthy


async def test_a_series_with_an_exception_and_a_deleted_occurrence_over_a_change_of_the_clock(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account) -> None:
        weekly = Recurrence(
            pattern=WeeklyPattern(interval=1, weekdays=["Monday"]), start=exchangelib.EWSDate(2027, 3, 15), number=5
        )
        made = meeting(ada, "Weekly", at(15, 9, month=3), recurrence=weekly).save()
        starts = [
            one.start.astimezone(UTC_ZONE).hour for one in ada.calendar.view(at(1, 0, month=3), at(1, 0, month=5))
        ]
        assert starts == [8, 8, 7, 7, 7], "nine o'clock in Berlin, before and after the 28th of March"
        [master] = ada.calendar.filter(subject="Weekly")
        master = ada.calendar.get(id=master.id, changekey=master.changekey)
        assert (master.type, master.recurrence.boundary.number) == ("RecurringMaster", 5)
        assert (master.first_occurrence.start, master.last_occurrence.start) == (
            at(15, 9, month=3),
            at(12, 9, month=4),
        )
        second = made.occurrence(index=2)
        second.refresh()
        assert (second.start, second.type, second.is_recurring) == (at(22, 9, month=3), "Occurrence", True)
        second.start, second.end, second.subject = at(23, 11, month=3), at(23, 12, month=3), "Moved"
        second.save(update_fields=["start", "end", "subject"])
        third = made.occurrence(index=3)
        third.refresh()
        third.delete()
        assert viewed(ada, at(1, 0, month=3), at(1, 0, month=5)) == [
            ("Weekly", at(15, 9, month=3), at(15, 9, 30, month=3), "Occurrence"),
            ("Moved", at(23, 11, month=3), at(23, 12, month=3), "Exception"),
            ("Weekly", at(5, 9, month=4), at(5, 9, 30, month=4), "Occurrence"),
            ("Weekly", at(12, 9, month=4), at(12, 9, 30, month=4), "Occurrence"),
        ]
        master.refresh()
        assert [one.original_start for one in master.modified_occurrences] == [at(22, 9, month=3)]
        assert [one.start for one in master.deleted_occurrences] == [at(29, 9, month=3)]
        [moved] = ada.calendar.view(at(23, 0, month=3), at(24, 0, month=3))
        assert moved.recurring_master().refresh() is None or True
        assert (
            busy(ada, at(22, 0, month=3), days=14) == [(at(23, 11, month=3), "Busy"), (at(5, 9, month=4), "Busy")][:1]
        )
        made.refresh()
        made.delete()
        assert viewed(ada, at(1, 0, month=3), at(1, 0, month=5)) == []

    await does(lab, live, ADA)


async def test_series_of_every_length(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account) -> None:
        monthly = RelativeMonthlyPattern(interval=1, weekday="Friday", week_number="Last")
        endless = Recurrence(pattern=monthly, start=exchangelib.EWSDate(2027, 2, 1))
        meeting(ada, "Month", at(1, 16), recurrence=endless).save()
        daily = Recurrence(
            pattern=DailyPattern(interval=2), start=exchangelib.EWSDate(2027, 2, 1), end=exchangelib.EWSDate(2027, 2, 6)
        )
        meeting(ada, "Day", at(1, 8), recurrence=daily).save()
        assert [(one[0], one[1].day) for one in viewed(ada, at(1, 0), at(1, 0, month=3))] == [
            ("Day", 1),
            ("Day", 3),
            ("Day", 5),
            ("Month", 26),
        ]
        assert [one[1].date() for one in viewed(ada, at(1, 0, year=2030), at(1, 0, month=4, year=2030))] == [
            date(2030, 2, 22),
            date(2030, 3, 29),
        ]

    await does(lab, live, ADA)


async def test_an_all_day_event_fills_the_days_of_its_zone(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account) -> None:
        CalendarItem(
            account=ada,
            folder=ada.calendar,
            subject="Off",
            is_all_day=True,
            legacy_free_busy_status="Free",
            start=exchangelib.EWSDate(2027, 2, 10),
            end=exchangelib.EWSDate(2027, 2, 11),
        ).save()
        [read] = ada.calendar.view(at(11, 0), at(12, 0))
        assert (read.is_all_day, read.start, read.end) == (True, date(2027, 2, 10), date(2027, 2, 11))
        assert busy(ada, at(10, 0), days=3) == [(at(10, 0), "Free")]

    await does(lab, live, ADA)


async def test_a_meeting_is_sent_answered_changed_and_called_off(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account, alan: exchangelib.Account, grace: exchangelib.Account) -> None:
        people = [Attendee(mailbox=Mailbox(email_address=one)) for one in (ALAN, GRACE)]
        made = meeting(ada, "Board", at(4, 10), required_attendees=people[:1], optional_attendees=people[1:])
        made.save(send_meeting_invitations=exchangelib.items.SEND_TO_ALL_AND_SAVE_COPY)
        [mine] = alan.calendar.view(at(4, 0), at(5, 0))
        mine = alan.calendar.get(id=mine.id, changekey=mine.changekey)
        assert (mine.legacy_free_busy_status, mine.my_response_type) == ("Tentative", "NoResponseReceived")
        assert (mine.is_meeting, mine.organizer.email_address, mine.uid) == (
            True,
            ADA,
            ada.calendar.get(id=made.id).uid,
        )
        assert busy(alan, at(4, 0)) == [(at(4, 10), "Tentative")]
        [request] = alan.inbox.all()
        assert isinstance(request, MeetingRequest)
        assert (request.subject, request.sender.email_address) == ("Board", ADA)
        assert request.associated_calendar_item_id.id == mine.id
        request.accept(body="Gladly")
        assert busy(alan, at(4, 0)) == [(at(4, 10), "Busy")]
        assert alan.inbox.all().count() == 0, "Exchange puts a request away that was answered"
        [hers] = grace.calendar.view(at(4, 0), at(5, 0))
        hers.decline()
        assert viewed(grace, at(4, 0), at(5, 0)) == []
        own = ada.calendar.get(id=made.id)
        assert [(one.mailbox.email_address, one.response_type) for one in own.required_attendees] == [(ALAN, "Accept")]
        assert [one.response_type for one in own.optional_attendees] == ["Decline"]
        answers = {(type(one), one.subject, one.response_type) for one in ada.inbox.all()}
        assert answers == {
            (MeetingResponse, "Accepted: Board", "Accept"),
            (MeetingResponse, "Declined: Board", "Decline"),
        }
        own.start, own.end = at(4, 12), at(4, 13)
        own.save(
            update_fields=["start", "end"],
            send_meeting_invitations=exchangelib.items.SEND_TO_ALL_AND_SAVE_COPY,
        )
        assert busy(alan, at(4, 0)) == [(at(4, 12), "Tentative")], "a new time asks again"
        [mine] = alan.calendar.view(at(4, 0), at(5, 0))
        mine.tentatively_accept()
        own = ada.calendar.get(id=made.id)
        assert [one.response_type for one in own.required_attendees] == ["Tentative"]
        own.cancel()
        assert viewed(ada, at(4, 0), at(5, 0)) == []
        [off] = alan.calendar.view(at(4, 0), at(5, 0))
        assert (off.subject, off.is_cancelled) == ("Canceled: Board", True)
        assert set(alan.calendar.get(id=off.id).appointment_state) == {"None", "Meeting", "Received", "Canceled"} - {
            "None"
        }
        assert busy(alan, at(4, 0)) == [(at(4, 12), "Free")]
        [said] = [one for one in alan.inbox.all() if isinstance(one, MeetingCancellation)]
        assert said.subject == "Canceled: Board"
        off.delete()
        assert viewed(alan, at(4, 0), at(5, 0)) == []

    await does(lab, live, ADA, ALAN, GRACE)


async def test_an_occurrence_of_a_meeting_is_called_off_for_everybody(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account, alan: exchangelib.Account) -> None:
        daily = Recurrence(pattern=DailyPattern(interval=1), start=exchangelib.EWSDate(2027, 2, 1), number=3)
        made = meeting(ada, "Stand-up", at(1, 9), recurrence=daily, required_attendees=[ALAN])
        made.save(send_meeting_invitations=exchangelib.items.SEND_TO_ALL_AND_SAVE_COPY)
        [request] = alan.inbox.all()
        request.accept()
        second = made.occurrence(index=2)
        second.refresh()
        second.delete(send_meeting_cancellations=exchangelib.items.SEND_TO_ALL_AND_SAVE_COPY)
        assert [one[1].day for one in viewed(ada, at(1, 0), at(4, 0))] == [1, 3]
        assert [(one[0], one[1].day) for one in viewed(alan, at(1, 0), at(4, 0))] == [
            ("Stand-up", 1),
            ("Canceled: Stand-up", 2),
            ("Stand-up", 3),
        ]
        assert [one[1] for one in busy(alan, at(1, 0), days=4)] == ["Busy", "Free", "Busy"]

    await does(lab, live, ADA, ALAN)


async def test_another_ones_calendar(lab: RunningLab) -> None:
    """Grace is Ada's delegate with the rights of an editor; Alan has none."""

    def calendar_of_ada(account: exchangelib.Account) -> exchangelib.folders.Calendar:
        named = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=ADA))
        calendar = exchangelib.folders.Calendar(root=account.root, _distinguished_id=named)
        found = SingleFolderQuerySet(account=account, folder=calendar).resolve()
        if isinstance(found, Exception):
            raise found
        return found

    def live(ada: exchangelib.Account, grace: exchangelib.Account, alan: exchangelib.Account) -> None:
        hers = calendar_of_ada(grace)
        CalendarItem(account=grace, folder=hers, subject="For Ada", start=at(5, 9), end=at(5, 10)).save()
        [found] = ada.calendar.view(start=at(5, 0), end=at(6, 0))
        found = ada.calendar.get(id=found.id)
        assert (found.subject, found.organizer.email_address) == ("For Ada", ADA)
        assert found.last_modified_name == "Grace Hopper"
        assert viewed(grace, at(5, 0), at(6, 0)) == [], "not in the delegate's own calendar"
        meeting(ada, "Secret", at(5, 11), sensitivity="Private").save()
        assert [one.subject for one in hers.view(start=at(5, 0), end=at(6, 0))] == ["For Ada"]
        assert [start for start, _ in busy(ada, at(5, 0))] == [at(5, 9), at(5, 11)], "its time is no secret"
        with pytest.raises(ErrorFolderNotFound):
            calendar_of_ada(alan)

    await does(lab, live, ADA, GRACE, ALAN)


async def test_a_folder_is_synchronized(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account) -> None:
        calendar = ada.calendar
        first = {item.subject for kind, item in calendar.sync_items(only_fields=["subject"]) if kind == "create"}
        assert first == {"Budget", "Lunch"}, "what was there from the start"
        state = calendar.item_sync_state
        one, two = (meeting(ada, name, at(6, 9)).save() for name in ("One", "Two"))
        one.subject = "First"
        one.save(update_fields=["subject"])
        changes = [
            (kind, item.subject) for kind, item in calendar.sync_items(sync_state=state, only_fields=["subject"])
        ]
        assert changes == [("create", "First"), ("create", "Two")]
        state = calendar.item_sync_state
        gone = two.id
        two.delete()
        one.subject = "Once more"
        one.save(update_fields=["subject"])
        changes = [(kind, item.id) for kind, item in calendar.sync_items(sync_state=state, only_fields=["subject"])]
        assert changes == [("delete", gone), ("update", one.id)]
        meeting(ada, "Three", at(6, 12)).save()
        anew = mailbox(lab, ADA).calendar
        seen: dict[str, str] = {}
        for kind, item in anew.sync_items(only_fields=["subject"], max_changes_returned=1):
            seen = {one: name for one, name in seen.items() if one != item.id}
            seen |= {} if kind == "delete" else {item.id: item.subject}
        assert sorted(seen.values()) == ["Budget", "Lunch", "Once more", "Three"]
        with pytest.raises(ErrorInvalidSyncStateData):
            list(calendar.sync_items(sync_state="bm9uc2Vuc2U=", only_fields=["subject"]))
        names = {folder.name for _, folder in ada.root.sync_hierarchy()}
        assert {"Inbox", "Calendar", "Sent Items"} <= names

    await does(lab, live, ADA)


async def test_limits_of_a_view(lab: RunningLab) -> None:
    def live(ada: exchangelib.Account) -> None:
        for hour in range(8, 12):
            meeting(ada, str(hour), at(8, hour)).save()
        assert [one.subject for one in ada.calendar.view(at(8, 0), at(9, 0), max_items=2)] == ["8", "9"]
        assert [one.subject for one in ada.calendar.view(at(8, 8, 15), at(8, 9))] == ["8"], "over the edge, but whole"
        with pytest.raises(ErrorCalendarViewRangeTooBig):
            list(ada.calendar.view(at(1, 0), at(1, 0, month=3, year=2029)))
        moved = ada.calendar.get(subject="8").move(ada.trash)
        assert moved is None
        assert [one.subject for one in ada.trash.all()] == ["8"]
        assert [start for start, _ in busy(ada, at(8, 0))] == [at(8, hour) for hour in (9, 10, 11)]

    await does(lab, live, ADA)


def test_the_zone_of_these_tests_changes_its_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert datetime(2027, 3, 27, tzinfo=zone).utcoffset() != datetime(2027, 3, 29, tzinfo=zone).utcoffset()

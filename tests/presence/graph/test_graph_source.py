"""The online source over TLS to the lab: what it reads is what the calendars hold, and failures stay where they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.loop.walk import NOW
from tests.presence.graph.graph_lab import ADA, GRAPH, HOUR, LINUS, MARIE, ONLINE, Lab

from hybridge.lab.rights import rights_of
from hybridge.lab.weather import Does, HttpRule, weather_of
from hybridge.org.records import UserOofSettings
from hybridge.presence.calendar import ReplyState, Response, ShowAs
from hybridge.presence.observations import Subject
from hybridge.presence.people import Person

BOTH = pytest.mark.parametrize("resource", ["schedule", "calendar-view"])
SHOWN = (
    ("Free", ShowAs.FREE),
    ("Tentative", ShowAs.TENTATIVE),
    ("Busy", ShowAs.BUSY),
    ("OOF", ShowAs.OOF),
    ("WorkingElsewhere", ShowAs.WORKING_ELSEWHERE),
    ("NoData", ShowAs.NO_DATA),
)


@BOTH
async def test_every_way_an_event_is_shown_is_read(lab: Lab, resource: str) -> None:
    for hour, (busy_type, _) in enumerate(SHOWN):
        lab.put(hours=hour, busy_type=busy_type)
    async with lab.source(lab.settings(resource=resource), LINUS):
        await lab.told.read(LINUS)
    events = lab.told.events(LINUS)
    assert [one.shows for one in events] == [shows for _, shows in SHOWN]
    assert [one.start_at for one in events] == [NOW + HOUR * hour for hour in range(len(SHOWN))]
    assert all(one.end_at - one.start_at == HOUR and one.subject == "" for one in events)
    assert lab.told.windows(LINUS)[0].source == "graph graph.microsoft.com"


async def test_a_view_tells_what_free_busy_does_not(lab: Lab) -> None:
    lab.put(hours=1)
    lab.put(hours=2, attendees=(MARIE,))
    lab.put(hours=3, sensitivity="Private")
    lab.put(hours=4, is_all_day=True)
    async with lab.source(lab.settings(resource="calendar-view", subjects=True), LINUS):
        await lab.told.read(LINUS)
    alone, meeting, private, day = lab.told.events(LINUS)
    assert (alone.meeting, meeting.meeting) == (False, True)
    assert meeting.response is Response.ORGANIZER
    assert (alone.subject, private.subject, private.private) == ("Secret", "", True)
    assert (day.all_day, alone.all_day) == (True, False)


async def test_free_busy_hides_a_private_subject(lab: Lab) -> None:
    lab.put(hours=1)
    lab.put(hours=2, sensitivity="Private")
    async with lab.source(lab.settings(subjects=True), LINUS):
        await lab.told.read(LINUS)
    assert [one.subject for one in lab.told.events(LINUS)] == ["Secret", ""]
    assert lab.told.windows(LINUS)[0].zone == "W. Europe Standard Time"


async def test_two_events_alike_are_told_apart(lab: Lab) -> None:
    lab.put(hours=1)
    lab.put(hours=1)
    async with lab.source(lab.settings(), LINUS):
        await lab.told.read(LINUS)
    assert len({one.identity for one in lab.told.events(LINUS)}) == 2


async def test_a_crowd_is_asked_twenty_at_a_time(lab: Lab) -> None:
    crowd = lab.hire(45)
    for number, address in enumerate(crowd):
        lab.put(address, hours=number)
    async with lab.source(lab.settings(ahead=timedelta(days=3)), *crowd):
        for address in crowd:
            await lab.told.read(address)
    for number, address in enumerate(crowd):
        assert [one.start_at for one in lab.told.events(address)] == [NOW + HOUR * number]
    assert lab.asked("getSchedule") == 3


async def test_automatic_replies_are_polled(lab: Lab) -> None:
    async with lab.source(lab.settings(replies_every=timedelta(minutes=5)), LINUS):
        await lab.told.until(lambda: len(lab.told.replies(LINUS)) == 1)
        assert lab.told.replies(LINUS)[0].replies.state is ReplyState.DISABLED
        record = UserOofSettings(
            premises=ONLINE, identity=LINUS, oof_state="Scheduled", start_at=NOW, end_at=NOW + HOUR
        )
        lab.estate.organization = lab.estate.organization.put(record)
        lab.pass_time(timedelta(minutes=6))
        await lab.told.until(lambda: len(lab.told.replies(LINUS)) == 2)
    read = lab.told.replies(LINUS)[1].replies
    assert (read.state, read.start_at, read.end_at) == (ReplyState.SCHEDULED, NOW, NOW + HOUR)


async def test_one_bad_mailbox_does_not_stop_another(lab: Lab) -> None:
    lab.put(LINUS)
    async with lab.source(lab.settings(resource="calendar-view"), ADA, "nobody@contoso.com", LINUS):
        await lab.told.read(LINUS)
        ada, nobody = await lab.told.failed(ADA), await lab.told.failed("nobody@contoso.com")
    assert (ada.code, ada.gone) == ("MailboxNotEnabledForRESTAPI", True)
    assert (nobody.code, nobody.gone) == ("ErrorInvalidUser", True)


async def test_who_is_not_online_does_not_ask_for_the_others(lab: Lab) -> None:
    lab.put(LINUS)
    async with lab.source(lab.settings(), "nobody@contoso.com", ADA, LINUS, MARIE):
        await lab.told.read(LINUS)
        await lab.told.read(MARIE)
        assert (await lab.told.failed("nobody@contoso.com")).gone
    assert len(lab.told.events(LINUS)) == 1


@pytest.mark.parametrize(
    ("subject", "permission", "withheld"),
    [
        (Subject.CALENDAR, "Calendars.Read", ("Calendars.Read", "Calendars.ReadWrite")),
        (Subject.REPLIES, "MailboxSettings.Read", ("MailboxSettings.Read", "MailboxSettings.ReadWrite")),
    ],
)
@BOTH
async def test_a_missing_permission_is_named(
    lab: Lab, resource: str, subject: Subject, permission: str, withheld: tuple[str, ...]
) -> None:
    rights_of(lab.estate).withhold(withheld)
    async with lab.source(lab.settings(resource=resource), LINUS):
        told = await lab.told.failed(LINUS)
        await lab.told.until(lambda: bool(lab.told.replies(LINUS) or lab.told.windows(LINUS)))
    assert told.subject is subject and permission in told.says and "admin consent" in told.says
    others = {one.subject for one in lab.told.failures(LINUS)}
    assert others == {subject}


@BOTH
async def test_graph_down_and_back(lab: Lab, resource: str) -> None:
    lab.put(LINUS)
    weather_of(lab.estate).turn(HttpRule(does=Does.DROP_BEFORE, hosts=(GRAPH,), methods=("GET", "POST")))
    async with lab.source(lab.settings(resource=resource), LINUS) as source:
        await lab.told.failed(LINUS)
        assert source.health()[0].trouble
        weather_of(lab.estate).clear()
        lab.pass_time(timedelta(minutes=2))
        await lab.told.read(LINUS)
        assert source.health()[0].trouble == ""
    assert len(lab.told.events(LINUS)) == 1


async def test_who_is_not_watched_any_more_is_not_read(lab: Lab) -> None:
    async with lab.source(lab.settings(every=timedelta(minutes=5)), LINUS, MARIE) as source:
        await lab.told.read(LINUS)
        await lab.told.read(MARIE)
        source.watch([Person(address=MARIE, source="online")])
        lab.pass_time(timedelta(minutes=10))
        await lab.told.read(MARIE, 2)
    assert len(lab.told.windows(LINUS)) == 1


async def test_many_refreshes_are_one_read(lab: Lab) -> None:
    async with lab.source(lab.settings(coalesce=timedelta(seconds=1)), LINUS) as source:
        await lab.told.read(LINUS)
        for _ in range(50):
            source.refresh(LINUS, Subject.CALENDAR)
        lab.pass_time(timedelta(seconds=1))
        await lab.told.read(LINUS, 2)
    assert lab.asked("getSchedule") == 2

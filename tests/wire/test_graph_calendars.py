"""Graph's calendars, settings, subscriptions and notifications: what one half writes the other reads, and hostile input
is a Failure or a refusal, never an exception of another kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.graph import calendar_view, change_notifications, events, get_schedule, mailbox_settings
from hybridge.wire.graph import subscriptions as subs
from hybridge.wire.graph.zoned import read_zoned, write_zoned
from hybridge.wire.json_body import JsonRefused

HOST = "graph.microsoft.com"
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["value", "id", "start", "end", "dateTime", "timeZone", "attendees", "emailAddress", "@removed", "error",
             "code", "scheduleItems", "workingHours", "status", "expirationDateTime", "scheduledStartDateTime",
             "automaticRepliesSetting", "resourceData", "responseStatus", "location", "clientState", "schedules"]
        ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
WHOLE = events.Event(
    id="AAMk=",
    start_at=NINE,
    end_at=NINE + timedelta(hours=1),
    type=events.EXCEPTION,
    series_master_id="AAMm=",
    show_as="workingElsewhere",
    is_all_day=False,
    is_cancelled=True,
    sensitivity="private",
    response="notResponded",
    is_organizer=False,
    attendees=("a@b.c", "d@e.f"),
    subject="Budget",
    location="Room",
    ical_uid="040000",
    change_key="Q==",
    last_modified_at=NINE,
    organizer="o@b.c",
)


@pytest.mark.parametrize(
    ("dressed", "instant"),
    [
        ({"dateTime": "2026-11-20T09:00:00.0000000", "timeZone": "UTC"}, NINE),
        ({"dateTime": "2026-11-20T10:00:00", "timeZone": "Europe/Berlin"}, NINE),
        ({"dateTime": "2026-11-20T09:00:00.0000000", "timeZone": "tzone://Microsoft/Utc"}, NINE),
        ({"dateTime": "2026-11-20T11:00:00+02:00", "timeZone": "UTC"}, NINE),
        ({"dateTime": "2026-11-20T09:00:00", "timeZone": "W. Europe Standard Time"}, None),
        ({"dateTime": "2026-11-20T09:00:00", "timeZone": "../../etc/passwd"}, None),
        ({"dateTime": "9999-12-31T23:59:59", "timeZone": "Etc/GMT+12"}, None),
        ({"dateTime": "tomorrow"}, None),
        (None, None),
    ],
)
def test_a_zoned_time_is_read_or_not_at_all(dressed: object, instant: datetime | None) -> None:
    assert read_zoned(dressed) == instant


def test_times_keep_their_fraction() -> None:
    at = NINE.replace(microsecond=123456)
    assert read_zoned(write_zoned(at)) == at


def test_a_page_of_events_is_read_as_written() -> None:
    brief = events.Event(
        id="o", start_at=NINE, end_at=NINE, type=events.OCCURRENCE, series_master_id="m", change_key=""
    )
    link = f"https://{HOST}/v1.0/users/a@b.c/calendarView/delta?$deltatoken=x"
    page = calendar_view.read_page(calendar_view.write_page([WHOLE, brief], ["gone"], delta_link=link), "a@b.c")
    assert page == calendar_view.Page(events=(WHOLE, brief), removed=("gone",), delta_link=link)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users/a@b.c/calendarView/delta?$deltatoken=x",
        "http://graph.microsoft.com/v1.0/users/a@b.c/calendarView/delta?$deltatoken=x",
        "https://graph.microsoft.com/v1.0/users/a@b.c/messages?$deltatoken=x",
        "https://graph.microsoft.com@evil.example/v1.0/users/a@b.c/calendarView/delta?$deltatoken=x",
        "https://graph.microsoft.com:8443/v1.0/users/a@b.c/calendarView/delta?$deltatoken=x",
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    assert isinstance(calendar_view.ask_link(HOST, "a@b.c", link), Failure)


@pytest.mark.parametrize(("status", "code"), [(410, "SyncStateNotFound"), (410, ""), (400, "SyncStateInvalid")])
def test_a_lost_token_is_no_failure(status: int, code: str) -> None:
    answer = HttpAnswer(status=status, body=msgspec.json.encode({"error": {"code": code}}))
    assert isinstance(calendar_view.read_page(answer, "a@b.c"), calendar_view.Resync)


def test_schedule_items_are_read_as_written() -> None:
    item = get_schedule.ScheduleItem(
        start_at=NINE, end_at=NINE + timedelta(hours=1), status="workingElsewhere", subject="Budget", location="Room"
    )
    hidden = get_schedule.ScheduleItem(start_at=NINE, end_at=NINE, status="oof", is_private=True)
    shown = get_schedule.Schedule(
        address="a@b.c", availability_view="0", items=(item, hidden), zone="W. Europe Standard Time"
    )
    assert get_schedule.read_schedules(get_schedule.write_schedules((shown,))) == (shown,)


def test_the_ask_for_items_is_in_utc() -> None:
    ask = get_schedule.ask_items(HOST, "a@b.c", ("a@b.c",), NINE, NINE + timedelta(days=1))
    assert ("Prefer", 'outlook.timezone="UTC"') in ask.headers
    assert get_schedule.read_window(ask.body) == (NINE, NINE + timedelta(days=1))


@pytest.mark.parametrize("status", mailbox_settings.STATUSES)
def test_automatic_replies_are_read_as_written(status: str) -> None:
    replies = mailbox_settings.AutomaticReplies(status=status, start_at=NINE, end_at=NINE + timedelta(days=1))
    answer = mailbox_settings.write_settings(replies, "UTC", "automaticRepliesSetting")
    assert mailbox_settings.read_replies(answer, "a@b.c") == replies


def test_a_subscription_is_read_as_asked_for() -> None:
    wanted = subs.Subscription(
        resource=subs.events_of("a@b.c"),
        notification_url="https://hooks.contoso.com/graph/online",
        lifecycle_url="https://hooks.contoso.com/graph/online",
        expires_at=NINE,
        client_state="secret",
    )
    assert subs.read_create(subs.ask_create(HOST, wanted).body) == wanted
    assert subs.user_of(wanted.resource) == "a@b.c"
    made = msgspec.structs.replace(wanted, id="1")
    assert subs.read_one(subs.write_one(made, 201), "it") == msgspec.structs.replace(made, client_state="")


def test_notifications_are_read_as_written_and_believed_by_their_state() -> None:
    change = change_notifications.Notification(
        subscription_id="1", client_state="s", change_type="updated", resource="Users/1/Events/2", resource_id="2"
    )
    missed = change_notifications.Notification(subscription_id="1", client_state="s", lifecycle="missed")
    body = change_notifications.write_notifications((change, missed), "tenant")
    assert change_notifications.read_notifications(body) == (change, missed)
    assert change.is_of("s") and not change.is_of("t") and not change.is_of("")


@given(JSON)
def test_nothing_that_is_json_breaks_a_reader(value: Any) -> None:
    body = msgspec.json.encode(value)
    for status in (200, 201, 400, 410, 429):
        answer = HttpAnswer(status=status, body=body)
        calendar_view.read_page(answer, "a")
        get_schedule.read_schedules(answer)
        mailbox_settings.read_replies(answer, "a")
        subs.read_one(answer, "it")
    for read in (
        change_notifications.read_notifications,
        events.read_body,
        subs.read_create,
        subs.read_renewal,
        get_schedule.read_window,
        lambda given: mailbox_settings.read_patch(given, mailbox_settings.AutomaticReplies(status="disabled")),
    ):
        try:
            read(body)
        except JsonRefused:
            continue

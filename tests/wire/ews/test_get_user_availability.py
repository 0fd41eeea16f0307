"""GetUserAvailability, both halves: order, errors per mailbox, and every way a server writes a time."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import Failure
from hybridge.wire.ews import get_user_availability as op
from hybridge.wire.ews.envelope import MESSAGES, TYPES, RequestRefused, ServerVersion, ask, read_request, write_response
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.ews.legacy_time_zone import LegacyTimeZone, Rule
from hybridge.wire.xml import parse_xml

BUILD = ServerVersion(15, 2, 2562, 37)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs"]), min_size=1, max_size=20
)
INSTANTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=30
)
OPEN = st.builds(
    BusyPeriod,
    INSTANTS,
    INSTANTS,
    st.sampled_from(["Free", "OOF", "NoData"]),
    TEXTS,
    TEXTS,
    st.booleans(),
    detailed=st.just(True),
)
BARE = st.builds(BusyPeriod, INSTANTS, INSTANTS, st.sampled_from(["Busy", "Tentative", "WorkingElsewhere"]))
PRIVATE = st.builds(BusyPeriod, INSTANTS, INSTANTS, is_private=st.just(True), detailed=st.just(True))
HOURS = st.builds(WorkingPeriod, st.just(("Monday", "Friday")), st.integers(0, 1440), st.integers(0, 1440))
VIEWS = st.builds(
    FreeBusy,
    st.sampled_from([("FreeBusy",), ("Detailed",), ("MergedOnly",), ("FreeBusyMerged", "Detailed")]),
    st.lists(OPEN | BARE | PRIVATE, max_size=4).map(tuple),
    st.sampled_from(["", "0123450"]),
)
WORKING = st.builds(
    FreeBusy, working_periods=st.lists(HOURS, min_size=1, max_size=2).map(tuple), working_bias=st.integers(-780, 720)
)
ERRORS = st.builds(op.MailboxError, st.just("ErrorMailRecipientNotFound"), TEXTS.map(str.strip))


def element(inside: str) -> bytes:
    return inside.replace(">", f' xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">', 1).encode()


@given(
    st.lists(WORDS, min_size=1, max_size=5).map(tuple),
    INSTANTS,
    st.timedeltas(timedelta(seconds=1), timedelta(days=60)),
    st.sampled_from(op.VIEWS),
    st.integers(5, 1440),
)
@settings(deadline=None, max_examples=50)
def test_requests_travel(
    mailboxes: tuple[str, ...], start: datetime, long: timedelta, view: str, interval: int
) -> None:
    request = op.Request(mailboxes, start, start + long, view, interval)
    body = ask("https://x/EWS/Exchange.asmx", op.write_request(request), user_agent="t").body
    assert op.read_request(read_request(body).child) == request


@given(st.lists(VIEWS | WORKING | ERRORS, max_size=4).map(tuple))
@settings(deadline=None, max_examples=60)
def test_responses_travel_in_order(answers: tuple[FreeBusy | op.MailboxError, ...]) -> None:
    response = op.Response(answers)
    assert op.read_answer(write_response(op.write_response(response), BUILD)) == response


def test_details_of_a_private_entry_never_leave() -> None:
    secret = BusyPeriod(NOON, NOON, subject="Takeover", location="Vault", is_private=True, detailed=True)
    written = op.write_response(op.Response((FreeBusy(periods=(secret,)),)))
    assert "Takeover" not in written
    assert "Vault" not in written


def test_our_request_is_in_utc_whatever_it_was_given() -> None:
    start = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    written = op.write_request(op.Request(("a@b.c",), start, start + timedelta(hours=1)))
    assert "<t:StartTime>2026-11-20T12:00:00Z</t:StartTime>" in written
    assert "<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>" in written


VIEW = (
    "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse>"
    '<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>'
    "<m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray><t:CalendarEvent>"
    "<t:StartTime>{start}</t:StartTime><t:EndTime>2026-11-20T13:00:00Z</t:EndTime><t:BusyType>{busy}</t:BusyType>"
    "</t:CalendarEvent></t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray>"
    "</m:GetUserAvailabilityResponse>"
)


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-20T12:00:00",
        "2026-11-20T12:00:00Z",
        "2026-11-20T12:00:00+00:00",
        "2026-11-20T04:00:00-08:00",
        "2026-11-20T17:45:00+05:45",
        "2026-11-20T12:00:00.0000000",
        "2026-11-20T12:00:00.0000000Z",
        " 2026-11-20T12:00:00Z\n",
    ],
)
def test_every_way_to_write_a_time(start: str) -> None:
    read = op.read_response(parse_xml(element(VIEW.format(start=start, busy="Busy"))))
    assert read == op.Response((FreeBusy(periods=(BusyPeriod(NOON, NOON + timedelta(hours=1)),)),))


@pytest.mark.parametrize(
    "start",
    ["", "noon", "2026-11-20", "2026-13-20T12:00:00Z", "0001-01-01T00:00:00+14:00", "2026-W01-1T00:00:00", "9" * 4000],
)
def test_unreadable_times_are_a_failure(start: str) -> None:
    read = op.read_response(parse_xml(element(VIEW.format(start=start, busy="Busy"))))
    assert isinstance(read, Failure)
    assert "is not a date and time" in read.says
    assert len(read.says) < 200


def test_an_unknown_busy_type_is_kept() -> None:
    read = op.read_response(parse_xml(element(VIEW.format(start="2026-11-20T12:00:00", busy="Daydreaming"))))
    assert isinstance(read, op.Response)
    first = read.answers[0]
    assert isinstance(first, FreeBusy)
    assert first.periods[0].busy_type == "Daydreaming"


def test_a_mailbox_without_a_view_has_no_periods() -> None:
    body = (
        "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse/>"
        "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
    )
    assert op.read_response(parse_xml(element(body))) == op.Response((FreeBusy(("None",)),))


PACIFIC = (
    "<t:TimeZone><t:Bias>480</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time>"
    "<t:DayOrder>1</t:DayOrder><t:Month>11</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
    "<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>2</t:DayOrder><t:Month>3</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
)
ONE = (
    "<t:MailboxData><t:Email><t:Address>a@b.c</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
    "</t:MailboxData>"
)
ARRAY = f"<m:MailboxDataArray>{ONE}</m:MailboxDataArray>"
WINDOW = "<t:TimeWindow><t:StartTime>{}</t:StartTime><t:EndTime>{}</t:EndTime></t:TimeWindow>"
OPTIONS = f"<t:FreeBusyViewOptions>{WINDOW}</t:FreeBusyViewOptions>"
NAIVE = OPTIONS.format("2026-07-01T08:00:00", "2026-12-01T08:00:00")


def test_naive_times_of_a_request_are_of_its_zone() -> None:
    body = element(f"<m:GetUserAvailabilityRequest>{PACIFIC}{ARRAY}{NAIVE}</m:GetUserAvailabilityRequest>")
    read = op.read_request(parse_xml(body))
    assert read.start_at == datetime(2026, 7, 1, 15, tzinfo=UTC)
    assert read.end_at == datetime(2026, 12, 1, 16, tzinfo=UTC)
    assert (read.view, read.interval, read.mailboxes) == ("FreeBusy", 30, ("a@b.c",))


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("", "ErrorSchemaValidation"),
        (NAIVE + ARRAY, "ErrorSchemaValidation"),
        (ARRAY + PACIFIC + NAIVE, "ErrorSchemaValidation"),
        ("<t:TimeZone><t:Bias>0</t:Bias></t:TimeZone>" + ARRAY + NAIVE, "ErrorSchemaValidation"),
        (PACIFIC.replace("02:00:00", "late", 1) + ARRAY + NAIVE, "ErrorSchemaValidation"),
        (PACIFIC.replace("480", "x") + ARRAY + NAIVE, "ErrorSchemaValidation"),
        (PACIFIC.replace(">11<", ">13<") + ARRAY + NAIVE, "ErrorSchemaValidation"),
        (PACIFIC.replace("Sunday", "Someday", 1) + ARRAY + NAIVE, "ErrorSchemaValidation"),
        (ARRAY.replace("Required", "Enthusiast") + NAIVE, "ErrorSchemaValidation"),
        (ARRAY.replace("t:Address", "t:SmtpAddress") + NAIVE, "ErrorSchemaValidation"),
        (ARRAY + OPTIONS.format("today", "tomorrow"), "ErrorSchemaValidation"),
        (ARRAY + OPTIONS.format("0001-01-01T00:00:00+14:00", "2026-12-01T08:00:00"), "ErrorSchemaValidation"),
        ("<m:MailboxDataArray/>" + NAIVE, "ErrorMailboxDataArrayEmpty"),
        (f"<m:MailboxDataArray>{ONE * 101}</m:MailboxDataArray>" + NAIVE, "ErrorMailboxDataArrayTooBig"),
        (ARRAY, "ErrorInvalidFreeBusyViewType"),
        (ARRAY + OPTIONS.format("2026-12-01T08:00:00", "2026-12-01T08:00:00"), "ErrorInvalidTimeInterval"),
        (
            ARRAY
            + NAIVE.replace(
                "</t:TimeWindow>",
                "</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>3</t:MergedFreeBusyIntervalInMinutes>",
            ),
            "ErrorInvalidMergedFreeBusyInterval",
        ),
        (
            ARRAY + NAIVE.replace("</t:TimeWindow>", "</t:TimeWindow><t:RequestedView>All</t:RequestedView>"),
            "ErrorSchemaValidation",
        ),
    ],
)
def test_requests_that_are_refused(inside: str, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        op.read_request(parse_xml(element(f"<m:GetUserAvailabilityRequest>{inside}</m:GetUserAvailabilityRequest>")))
    assert refused.value.fault.code == code


@pytest.mark.parametrize(
    ("rule", "year", "expected"),
    [
        (Rule(3, 5), 2026, datetime(2026, 3, 29, 2)),
        (Rule(10, 5, at=time(3)), 2026, datetime(2026, 10, 25, 3)),
        (Rule(11, 1), 2026, datetime(2026, 11, 1, 2)),
        (Rule(3, 2), 2026, datetime(2026, 3, 8, 2)),
        (Rule(2, 5, "Saturday"), 2025, datetime(2025, 2, 22, 2)),
        (Rule(2, 31, "Day"), 2024, datetime(2024, 2, 29, 2)),
    ],
)
def test_when_the_clock_changes(rule: Rule, year: int, expected: datetime) -> None:
    assert rule.starts_at(year) == expected


def test_zones_south_of_the_equator() -> None:
    sydney = LegacyTimeZone(-600, Rule(4, 1, at=time(3)), Rule(10, 1, bias=-60))
    assert sydney.to_utc(datetime(2026, 1, 1, 11)) == datetime(2026, 1, 1, tzinfo=UTC)
    assert sydney.to_utc(datetime(2026, 7, 1, 10)) == datetime(2026, 7, 1, tzinfo=UTC)

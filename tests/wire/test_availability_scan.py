"""The quick reader of free/busy says what the strict one says, of good answers, bad ones, and everything in between."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews import availability_scan as scan
from hybridge.wire.ews import get_user_availability as strict
from hybridge.wire.ews.envelope import EwsFault, ServerVersion, write_fault, write_response
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.ews.namespaces import MESSAGES, SOAP, TYPES

VERSION = ServerVersion(15, 2, 1748, 10)
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")

moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["", " ", "a & b", "<b>", "]]>", "tab\there", "line\nline", "\r", 'it\'s "so"', "\u00fc\U0001f600", "\ufffe"]
)
periods = st.builds(
    BusyPeriod,
    start_at=moments,
    end_at=moments,
    busy_type=st.sampled_from(["Free", "Busy", "OOF", "Tentative", "WorkingElsewhere", "NoData", "New_1", "x y"]),
    subject=texts,
    location=texts,
    is_meeting=st.booleans(),
    is_private=st.booleans(),
    detailed=st.booleans(),
)
hours = st.builds(
    WorkingPeriod,
    days=st.lists(st.sampled_from(["Monday", "Friday"]), max_size=2).map(tuple),
    start_minutes=st.integers(-5, 2000),
    end_minutes=st.integers(0, 99999999999),
)
views = st.builds(
    FreeBusy,
    view_types=st.sampled_from([("Detailed",), ("FreeBusy", "MergedOnly"), ("None",), ("MergedOnly",)]),
    periods=st.lists(periods, max_size=4).map(tuple),
    merged=st.sampled_from(["", "0122345", "x"]),
    working_periods=st.lists(hours, max_size=2).map(tuple),
    working_bias=st.none() | st.integers(-800, 800),
)
errors = st.builds(
    strict.MailboxError, code=st.sampled_from(["ErrorX", ""]), message=texts, exception_code=st.integers(0, 9999)
)
answers = st.lists(views | errors, max_size=4).map(lambda some: strict.Response(tuple(some)))


def answer_of(response: strict.Response) -> HttpAnswer:
    return write_response(strict.write_response(response), VERSION)


def same(answer: HttpAnswer) -> object:
    read = scan.read_answer(answer)
    wanted = strict.read_answer(answer)
    assert read == wanted
    if isinstance(wanted, strict.Response):
        wanted = strict.Response(tuple(scan.without_texts(one) for one in wanted.answers))
    assert scan.read_answer(answer, texts=False) == wanted
    return read


@given(answers)
@settings(max_examples=60, deadline=None)
def test_what_the_lab_writes(response: strict.Response) -> None:
    same(answer_of(response))


@given(answers, st.data())
@settings(max_examples=120, deadline=None)
def test_what_was_tampered_with(response: strict.Response, data: st.DataObject) -> None:
    body = answer_of(response).body
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 200)))
    pieces = [b"", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<!DOCTYPE a>", b"<?a b?>", b"&#x0;", b"&amp;", b"&b;", b" "]
    pieces += [
        b"</m:FreeBusyResponse>",
        b"<m:FreeBusyResponse>",
        b"\xff",
        b"\x00",
        b"\n",
        b"<t:x/>",
        body[start:end] * 2,
    ]
    piece = data.draw(st.sampled_from(pieces))
    same(
        HttpAnswer(status=data.draw(st.sampled_from([200, 200, 200, 500, 401])), body=body[:start] + piece + body[end:])
    )


SWITCHING = (
    f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Header><h:ServerVersionInfo '
    f'MajorVersion="15" xmlns:h="{TYPES}"/></s:Header><s:Body><GetUserAvailabilityResponse xmlns="{MESSAGES}">'
    "<FreeBusyResponseArray>%s</FreeBusyResponseArray></GetUserAvailabilityResponse></s:Body></s:Envelope>"
)
GOOD = (
    '<FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage>'
    f'<FreeBusyView><FreeBusyViewType xmlns="{TYPES}">Detailed</FreeBusyViewType>'
    f'<CalendarEventArray xmlns="{TYPES}"><CalendarEvent><StartTime>2026-11-20T09:00:00</StartTime>'
    "<EndTime>2026-11-20T10:00:00</EndTime><BusyType>Busy</BusyType><CalendarEventDetails><ID>00AF</ID>"
    "<Subject>a &amp; b</Subject><Location /><IsMeeting>true</IsMeeting><IsRecurring>false</IsRecurring>"
    "<IsException>false</IsException><IsReminderSet>true</IsReminderSet><IsPrivate>false</IsPrivate>"
    "</CalendarEventDetails></CalendarEvent></CalendarEventArray></FreeBusyView></FreeBusyResponse>"
)


def test_the_namespace_may_be_switched() -> None:
    read = same(HttpAnswer(status=200, body=(SWITCHING % (GOOD * 3)).encode()))
    assert isinstance(read, strict.Response) and len(read.answers) == 3
    view = read.answers[0]
    assert isinstance(view, FreeBusy) and view.periods[0].subject == "a & b" and view.periods[0].start_at == NINE


@pytest.mark.parametrize(
    "change",
    [
        ("http://schemas.xmlsoap.org", "https://schemas.xmlsoap.org"),
        (f'xmlns="{TYPES}"', f'xmlns="{MESSAGES}"'),
        (f'xmlns="{TYPES}"', ""),
        ("10:00:00<", "25:00:00<"),
        ("2026-11-20T09", "\u0662026-11-20T09"),
        ("<FreeBusyResponse>", "<FreeBusyResponse >"),
        ("utf-8", "utf-16"),
        ("utf-8", "iso-8859-1"),
        ("<ResponseCode>", "<!-- </FreeBusyResponse> --><ResponseCode>"),
        ("<s:Body>", "<s:Body><FreeBusyResponseArray></FreeBusyResponseArray>"),
    ],
)
def test_odd_documents_are_the_strict_reader_s(change: tuple[str, str]) -> None:
    same(HttpAnswer(status=200, body=(SWITCHING % (GOOD * 2)).replace(*change).encode()))


def test_nothing_hostile_is_read() -> None:
    bomb = SWITCHING % GOOD
    bomb = bomb.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>')
    assert "DOCTYPE" in str(same(HttpAnswer(status=200, body=bomb.encode())))
    same(HttpAnswer(status=200, body=b""))
    same(HttpAnswer(status=200, body=(SWITCHING % GOOD).encode("utf-16")))
    same(write_fault(EwsFault("ErrorServerBusy", "No.", (("BackOffMilliseconds", "1"),)), VERSION))


def test_the_good_shapes_are_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    period = BusyPeriod(NINE, NINE + timedelta(hours=1), "Busy", "a", "b", True, False, True)
    view = FreeBusy(("Detailed",), (period, period), "", (WorkingPeriod(("Monday",), 480, 1020),), 60)
    whole = answer_of(strict.Response((view,) * 5))
    assert same(whole) == strict.Response((view,) * 5)

    def never(answer: HttpAnswer) -> None:
        raise AssertionError("the strict reader was asked")

    monkeypatch.setattr(strict, "read_answer", never)
    scan.read_answer(whole)
    scan.read_answer(HttpAnswer(status=200, body=(SWITCHING % (GOOD * 3)).encode()))


@pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")
def test_foreign_samples() -> None:
    found = 0
    for file in sorted((Path(CORPUS) / "ews").rglob("*.xml")):
        body = file.read_bytes()
        if b"FreeBusyResponseArray" in body:
            same(HttpAnswer(status=200, body=body))
            same(HttpAnswer(status=200, body=body.replace(b"https://schemas", b"http://schemas")))
            same(HttpAnswer(status=200, body=b"".join(line.strip() for line in body.splitlines())))
            found += 1
    assert found

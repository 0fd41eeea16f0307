"""The pure parts of the source: events of free/busy, verdicts, what is due, groups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hybridge.presence.calendar import ShowAs
from hybridge.presence.sources.exchange_due import Due
from hybridge.presence.sources.exchange_events import window_around, window_of
from hybridge.presence.sources.exchange_groups import Groups, Kept
from hybridge.presence.sources.exchange_routes import Route
from hybridge.presence.sources.exchange_settings import place_of
from hybridge.presence.sources.exchange_verdicts import Kind, back_off, judge
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)
SPAN = window_around(NINE, timedelta(hours=2), timedelta(hours=24))


def test_what_a_view_says() -> None:
    view = FreeBusy(
        ("FreeBusy", "Detailed"),
        (
            BusyPeriod(NINE, TEN, "Busy", "Budget", "", True, False, True),
            BusyPeriod(NINE, TEN, "Busy", "Another", "", False, False, True),
            BusyPeriod(NINE, TEN, "OOF", "", "", False, True, True),
            BusyPeriod(NINE, TEN, "WorkingElsewhere"),
            BusyPeriod(TEN, NINE, "Invented"),
        ),
    )
    window = window_of(view, SPAN, NINE, "exchange", subjects=True)
    assert window is not None and (window.start_at, window.end_at) == SPAN
    assert [one.shows for one in window.events] == [
        ShowAs.BUSY,
        ShowAs.BUSY,
        ShowAs.OOF,
        ShowAs.WORKING_ELSEWHERE,
        ShowAs.NO_DATA,
    ]
    assert [one.meeting for one in window.events] == [True, False, None, None, None]
    assert [one.subject for one in window.events] == ["Budget", "Another", "", "", ""]
    assert len({one.identity for one in window.events}) == 5
    assert window.events[2].private and window.events[4].end_at == TEN
    again = window_of(view, SPAN, TEN, "exchange")
    assert again is not None and [one.identity for one in again.events] == [one.identity for one in window.events]
    assert {one.subject for one in again.events} == {""}


def test_a_merged_view_is_read_where_there_is_nothing_better() -> None:
    window = window_of(FreeBusy(("MergedOnly",), (), "0022345x"), SPAN, NINE, "exchange")
    assert window is not None
    begin = SPAN[0]
    half = timedelta(minutes=30)
    assert [(one.start_at, one.end_at, one.shows) for one in window.events] == [
        (begin + 2 * half, begin + 4 * half, ShowAs.BUSY),
        (begin + 4 * half, begin + 5 * half, ShowAs.OOF),
        (begin + 5 * half, begin + 6 * half, ShowAs.WORKING_ELSEWHERE),
        (begin + 6 * half, begin + 7 * half, ShowAs.NO_DATA),
        (begin + 7 * half, begin + 8 * half, ShowAs.NO_DATA),
    ]
    assert window_of(FreeBusy(("None",)), SPAN, NINE, "exchange") is None


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'<t:Value Name="BackOffMilliseconds">297749</t:Value>', 297.749),
        (b"Name: BackOffMilliseconds178510", 178.51),
        (b'<t:Value Name="BackOffMilliseconds"> 0</t:Value>', 0.0),
        (b"BackOffMilliseconds999999999", 3600.0),
        (b"BackOffMilliseconds soon", None),
        (b"", None),
    ],
)
def test_how_long_a_server_wants_to_be_left_alone(body: bytes, seconds: float | None) -> None:
    assert back_off(body) == seconds


@pytest.mark.parametrize(
    ("answer", "read", "kind"),
    [
        (HttpAnswer(status=200), object(), None),
        (HttpAnswer(status=401), object(), Kind.REFUSED),
        (HttpAnswer(status=302), object(), Kind.ELSEWHERE),
        (HttpAnswer(status=404), object(), Kind.ELSEWHERE),
        (HttpAnswer(status=500), EwsFault("ErrorServerBusy"), Kind.BUSY),
        (HttpAnswer(status=500), EwsFault("ErrorMailboxStoreUnavailable"), Kind.DOWN),
        (HttpAnswer(status=500), EwsFault("ErrorSchemaValidation"), Kind.FAULT),
        (HttpAnswer(status=500), EwsFault("ErrorPasswordExpired"), Kind.REFUSED),
        (HttpAnswer(status=200), Failure(reason=FailureReason.MALFORMED, says="cut"), Kind.FAULT),
        (HttpAnswer(status=500), Failure(reason=FailureReason.MALFORMED, says="a page"), Kind.DOWN),
        (HttpAnswer(), Failure(reason=FailureReason.UNREACHABLE, says="nobody"), Kind.DOWN),
    ],
)
def test_what_an_answer_came_to(answer: HttpAnswer, read: object, kind: Kind | None) -> None:
    verdict = judge(answer, read)
    assert (verdict.kind if verdict else None) == kind


def test_due_names_come_out_in_order_and_once() -> None:
    due = Due()
    for name, at in (("a", 5.0), ("b", 1.0), ("c", 3.0)):
        due.set(name, at)
    due.sooner("a", 2.0)
    due.sooner("a", 9.0)
    due.drop("c")
    assert (due.next_at(), due.take(1.5), due.take(99.0), due.next_at()) == (1.0, ["b"], ["a"], None)
    for at in range(10_000):
        due.set("again", float(at))
    assert due.take(1e9) == ["again"] and len(due) == 0


def test_groups_move_as_few_as_can_be() -> None:
    groups = Groups(2, {"b": Kept("ex1|G|0", "id-b"), "z": Kept("ex1|G|0", "id-z")})
    routes = dict.fromkeys("abcd", Route("ex1", "G"))
    groups.arrange(set("bcd"), lambda one: routes[one])
    assert {group.key: group.addresses for group in groups.all} == {"ex1|G|0": {"b", "c"}, "ex1|G|1": {"d"}}
    assert groups.kept() == {"b": Kept("ex1|G|0", "id-b")}
    routes["b"] = Route("ex2", "G")
    groups.arrange(set("abcd"), lambda one: routes[one])
    found = {group.key: group.addresses for group in groups.all}
    assert found == {"ex1|G|0": {"a", "c"}, "ex1|G|1": {"d"}, "ex2|G|0": {"b"}}
    assert groups.kept() == {}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Mail.contoso.com/EWS/Exchange.asmx", "mail.contoso.com"),
        ("mail.contoso.com:8443", "mail.contoso.com:8443"),
        ("https://mail.contoso.com.:443/x", "mail.contoso.com"),
        ("http://mail.contoso.com/EWS", ""),
        ("https://[::1", ""),
        ("https://[fe80::1]/", "[fe80::1]"),
        ("https://mail.contoso.com:x/", ""),
    ],
)
def test_places(url: str, place: str) -> None:
    assert place_of(url) == place

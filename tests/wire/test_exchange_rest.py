"""The REST interface of Exchange, both halves."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from hybridge.wire import exchange_rest as rest
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, Sign

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENTS = (
    rest.RestEvent(NOON, NOON + timedelta(hours=1), "Busy", "Budget"),
    rest.RestEvent(NOON, NOON + timedelta(hours=2), "Oof", "Away", is_cancelled=True),
)


def test_asks() -> None:
    root = rest.ask_root("mail.contoso.com")
    assert (root.url, root.sign, root.method) == ("https://mail.contoso.com/api", Sign.NONE, "GET")
    start = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    asked = rest.ask_calendar_view("h", start, NOON, mailbox="a+b@c.d", user_agent="Presence/1", bearer="tok")
    parts = urlsplit(asked.url)
    assert parts.path == "/api/v2.0/users/a%2Bb@c.d/calendarView"
    assert parse_qs(parts.query)["startDateTime"] == ["2026-11-20T12:00:00Z"]
    assert dict(asked.headers)["Authorization"] == "Bearer tok"
    anonymous = rest.ask_calendar_view("h", NOON, NOON)
    assert "Authorization" not in dict(anonymous.headers)
    assert urlsplit(anonymous.url).path == "/api/v2.0/me/calendarView"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api", ""),
        ("/API/", ""),
        ("/api/v2.0/me/calendarview", "me"),
        ("/api/v2.0/Users/ada@contoso.com/CalendarView", "ada@contoso.com"),
        ("/api/v2.0/me/messages", None),
        ("/apix", None),
        ("/", None),
    ],
)
def test_paths(path: str, expected: str | None) -> None:
    assert rest.read_ask(path) == expected


def test_the_root_tells_who_answered() -> None:
    unauthorized = rest.write_unauthorized(("Bearer x", "NTLM"))
    assert unauthorized.header_all("www-authenticate") == ("Bearer x", "NTLM")
    assert rest.read_root(unauthorized) == rest.RootAnswer(401, reached_exchange=False)
    ours = HttpAnswer(status=401, headers=(("X-FEServer", "EX1"),))
    assert rest.read_root(ours) == rest.RootAnswer(401, reached_exchange=True)
    failure = Failure(reason=FailureReason.UNREACHABLE, says="No.")
    assert rest.read_root(HttpAnswer(failure=failure)) is failure


def test_calendar_views_travel() -> None:
    assert rest.read_calendar_view(rest.write_calendar_view("mail.contoso.com", EVENTS)) == EVENTS
    assert rest.read_calendar_view(rest.write_calendar_view("mail.contoso.com", ())) == ()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HttpAnswer(status=401), FailureReason.SIGN_IN),
        (HttpAnswer(status=403, body=b"<html>"), FailureReason.FORBIDDEN),
        (HttpAnswer(status=200, body=b"<html>"), FailureReason.MALFORMED),
        (HttpAnswer(status=404, body=b'{"error":{"message":"gone"}}'), FailureReason.MALFORMED),
        (HttpAnswer(status=404, body=b'{"error":"gone"}'), FailureReason.MALFORMED),
    ],
)
def test_no_calendar(answer: HttpAnswer, reason: FailureReason) -> None:
    read = rest.read_calendar_view(answer)
    assert isinstance(read, Failure)
    assert read.reason is reason


def test_entries_without_times_are_left_out() -> None:
    body = b'{"value":[{"Start":{"DateTime":"x"}},{"Start":7},[],{"ShowAs":"Busy"}]}'
    assert rest.read_calendar_view(HttpAnswer(status=200, body=body)) == ()

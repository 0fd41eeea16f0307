"""Graph getSchedule, both halves: what one writes the other reads, and what is foreign is a Failure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from hybridge.wire.ask import Failure, HttpAnswer, Sign
from hybridge.wire.graph import get_schedule as wire
from hybridge.wire.json_body import JsonRefused

START = datetime(2026, 11, 20, tzinfo=UTC)
END = datetime(2026, 11, 21, tzinfo=UTC)
BOXES = ("ada@contoso.com", "grace@contoso.com")


def test_the_ask_is_a_post_as_a_person_online() -> None:
    ask = wire.ask_schedules("graph.microsoft.com", "linus@contoso.com", BOXES, START, END)
    assert ask.method == "POST" and ask.sign is Sign.ENTRA
    assert wire.read_path(ask.url.removeprefix("https://graph.microsoft.com")) == "linus@contoso.com"
    assert wire.read_ask(ask.body) == BOXES
    body = msgspec.json.decode(ask.body)
    assert body["startTime"] == {"dateTime": "2026-11-20T00:00:00", "timeZone": "UTC"}


def test_what_is_written_is_read() -> None:
    written = (
        wire.Schedule(address="ada@contoso.com", availability_view="0220"),
        wire.Schedule(
            address="grace@contoso.com", error_code="ErrorProxyRequestProcessingFailed", error_message="failed (5039)"
        ),
    )
    assert wire.read_schedules(wire.write_schedules(written)) == written


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(status=200, body=b"<html>"),
        HttpAnswer(status=200, body=b"[]"),
        HttpAnswer(status=403, body=b'{"error": {"code": "ErrorAccessDenied", "message": "no"}}'),
        HttpAnswer(status=503),
    ],
)
def test_anything_else_is_a_failure(answer: HttpAnswer) -> None:
    assert isinstance(wire.read_schedules(answer), Failure)


@pytest.mark.parametrize("body", [b"{}", b'{"schedules": []}', msgspec.json.encode({"schedules": ["a@b.c"] * 21})])
def test_graph_refuses_nobody_and_too_many(body: bytes) -> None:
    with pytest.raises(JsonRefused):
        wire.read_ask(body)

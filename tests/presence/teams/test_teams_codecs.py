"""The codecs of presence by Graph: what is asked, and answers that are odd."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from hybridge.presence.sinks.base import Later, Refused
from hybridge.presence.sinks.graph_asks import denied, not_done, wait_of
from hybridge.wire.ask import Failure, HttpAnswer, Sign
from hybridge.wire.graph import batch, presence, presences, set_presence
from hybridge.wire.graph.set_presence import SetPresence
from hybridge.wire.graph.status_message import StatusMessage, ask_message, read_message_body
from hybridge.wire.json_body import JsonRefused

HOST, ADA = "graph.microsoft.com", "ada@contoso.com"


def answer(body: Any, status: int = 200, *headers: tuple[str, str]) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=msgspec.json.encode(body))


def test_what_is_asked() -> None:
    wanted = SetPresence(session_id="App", availability="Busy", activity="InACall", lasts=timedelta(minutes=90))
    ask = set_presence.ask_set(HOST, "a/b@contoso.com", wanted)
    assert ask.url == f"https://{HOST}/v1.0/users/a%2Fb@contoso.com/presence/setPresence"
    assert (ask.method, ask.sign, ask.scope) == ("POST", Sign.ENTRA, f"https://{HOST}/.default")
    assert set_presence.read_set_body(ask.body) == msgspec.structs.replace(wanted, session_id="app")
    quiet = SetPresence(session_id="app", availability="DoNotDisturb", activity="Presenting")
    assert "/beta/" in set_presence.ask_set(HOST, ADA, quiet).url
    assert set_presence.read_clear_body(set_presence.ask_clear(HOST, ADA, "app").body) == "app"


def test_a_batch_holds_what_would_have_been_asked_alone() -> None:
    asks = [set_presence.ask_clear(HOST, ADA, "app"), presence.ask_one(HOST, ADA)]
    ask = batch.ask_batch(HOST, [*asks, msgspec.structs.replace(asks[1], url=f"{asks[1].url}?$select=id")])
    assert ask.url == f"https://{HOST}/v1.0/$batch"
    one, two, three = batch.read_items(ask.body)
    assert (one.method, one.url, one.body) == ("POST", f"/users/{ADA}/presence/clearPresence", asks[0].body)
    assert (two.method, two.url, two.body) == ("GET", f"/users/{ADA}/presence", b"")
    assert three.url.endswith("/presence?$select=id")


def test_answers_come_in_any_order_and_may_be_missing() -> None:
    told = {
        "responses": [
            {"id": "3", "status": 429, "headers": {"Retry-After": "7"}},
            {"id": "1", "status": 200, "body": {"value": 1}},
            {"id": "4", "status": "200"},
            {"id": "9", "status": 200},
        ]
    }
    read = batch.read_batch(answer(told), 4)
    assert not isinstance(read, Failure)
    assert [one.status for one in read] == [200, 0, 429, 0]
    assert read[0].body == b'{"value":1}'
    assert isinstance(not_done(read[1], "it"), Later), "unanswered: perhaps done, to be told again"
    assert not_done(read[2], "it") == Later(not_done(read[2], "it").says, timedelta(seconds=7))
    assert isinstance(batch.read_batch(answer([]), 1), Failure)
    assert isinstance(batch.read_batch(answer({}, 500), 1), Failure)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta()),
        ("99999", timedelta(hours=1)),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_to_wait(value: str, wait: timedelta | None) -> None:
    assert wait_of(answer({}, 429, ("retry-after", value))) == wait


@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (409, Refused), (429, Later), (500, Later), (503, Later)])
def test_what_an_error_means_for_one_person(status: int, kind: type[Later | Refused]) -> None:
    error = answer({"error": {"code": "BadRequest", "message": "No."}}, status)
    assert isinstance(not_done(error, "the presence"), kind)
    assert denied(error, "the presence") is None


def test_presences_are_read_as_they_are_written() -> None:
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    message = StatusMessage(content="Hello", expires_at=at, published_at=at - timedelta(hours=1))
    seen = presences.SeenPresence(
        object_id="1",
        availability="Busy",
        activity="InAMeeting",
        out_of_office=True,
        reply="Gone",
        message=message,
        sequence_number="7",
    )
    assert presences.read_seen(presences.write_seen(seen, own=True), ADA) == seen
    others = msgspec.structs.replace(seen, message=StatusMessage(content="Hello"))
    assert presences.read_many(presences.write_many((seen,))) == (others,)
    assert presences.read_seen(HttpAnswer(status=404), ADA) is None
    assert isinstance(presences.read_many(HttpAnswer(status=500)), Failure)
    assert presences.read_many(answer({"value": [{"availability": "Busy"}, 1]})) == ()
    assert read_message_body(ask_message(HOST, ADA, message).body) == StatusMessage(content="Hello", expires_at=at)


@pytest.mark.parametrize(
    "body", [{}, {"statusMessage": 1}, {"statusMessage": {"expiryDateTime": {"dateTime": "x", "timeZone": "UTC"}}}]
)
def test_a_message_that_is_none(body: Any) -> None:
    with pytest.raises(JsonRefused):
        read_message_body(msgspec.json.encode(body))

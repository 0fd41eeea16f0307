"""The notification operations of EWS: both halves of each, and the stream of envelopes."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fuzz.mutate import mutated

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import get_events, get_streaming_events, set_user_oof_settings, subscribe, unsubscribe
from hybridge.wire.ews.envelope import EwsFault, ServerVersion, ask, read_request, write_response
from hybridge.wire.ews.faults import RequestRefused
from hybridge.wire.ews.get_folder import FolderRef
from hybridge.wire.ews.get_streaming_events import EnvelopeStream, Response, read_stream, write_envelope
from hybridge.wire.ews.notifications import EVENT_TYPES, Event, Notification

BUILD = ServerVersion(15, 2, 2562, 37)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENTS = (
    *(
        Event(kind=kind, at=NOON, item_id="AAMk=", change_key="Dw", parent_folder_id="AAMkFOLDER")
        for kind in EVENT_TYPES
        if kind not in ("CopiedEvent", "MovedEvent")
    ),
    Event(
        kind="MovedEvent",
        at=NOON,
        item_id="new",
        parent_folder_id="there",
        old_item_id="old",
        old_parent_folder_id="here",
    ),
    Event(kind="ModifiedEvent", at=NOON, folder_id="AAMkFOLDER", parent_folder_id="root"),
)
TOLD = Response(
    notifications=(Notification("one & only", EVENTS), Notification("two", EVENTS[:1])), connection_status="OK"
)
STREAM = (Response(connection_status="OK"), TOLD, Response(), Response(connection_status="Closed"))
BYTES = b"".join(write_envelope(one, BUILD) for one in STREAM)
REQUESTS: tuple[tuple[Any, Any], ...] = (
    (subscribe, subscribe.Request(events=EVENT_TYPES)),
    (subscribe, subscribe.calendar_of("ada@contoso.com")),
    (subscribe, subscribe.Request(kind="Pull", folders=(FolderRef(folder_id="A"),), watermark="w", minutes=1440)),
    (
        subscribe,
        subscribe.Request(kind="Push", folders=(FolderRef("inbox"),), minutes=1, url="https://x/", caller_data="&"),
    ),
    (unsubscribe, unsubscribe.Request("one & only")),
    (get_events, get_events.Request("one", "AAA=")),
    (get_streaming_events, get_streaming_events.Request(("one", "two"), 30)),
    (
        set_user_oof_settings,
        set_user_oof_settings.Request("ada@contoso.com", "Scheduled", "Known", NOON, NOON, "<b>In</b>", ""),
    ),
    (set_user_oof_settings, set_user_oof_settings.Request("ada@contoso.com", "Disabled")),
)
RESPONSES: tuple[tuple[Any, Any], ...] = (
    (subscribe, subscribe.Response(subscription_id="one", watermark="w")),
    (subscribe, subscribe.Response("ErrorInvalidSubscriptionRequest", "Several mailboxes.")),
    (unsubscribe, unsubscribe.Response()),
    (unsubscribe, unsubscribe.Response("ErrorSubscriptionNotFound", "Gone.")),
    (get_events, get_events.Response(notification=Notification("one", EVENTS, "w0", False))),
    (
        get_events,
        get_events.Response(notification=Notification("one", (Event(kind="StatusEvent", watermark="w"),), "w0", True)),
    ),
    (get_events, get_events.Response("ErrorInvalidWatermark", "Unknown.")),
    (get_streaming_events, TOLD),
    (
        get_streaming_events,
        Response("ErrorInvalidSubscription", "No.", error_subscription_ids=("a", "b"), connection_status="Closed"),
    ),
    (set_user_oof_settings, set_user_oof_settings.Response()),
    (set_user_oof_settings, set_user_oof_settings.Response("ErrorAccessDenied", "Not yours.")),
)


@pytest.mark.parametrize(("operation", "request_"), REQUESTS)
def test_a_request_is_read_as_it_was_written(operation: Any, request_: Any) -> None:
    sent = ask("https://mail.contoso.com/EWS/Exchange.asmx", operation.write_request(request_), user_agent="t")
    incoming = read_request(sent.body)
    assert incoming.operation == operation.OPERATION
    assert operation.read_request(incoming.child) == request_


@pytest.mark.parametrize(("operation", "response"), RESPONSES)
def test_a_response_is_read_as_it_was_written(operation: Any, response: Any) -> None:
    answer = write_response(operation.write_response(response), BUILD)
    if operation is get_streaming_events:
        assert get_streaming_events.read_envelope(answer.body) == response
    else:
        assert operation.read_answer(answer) == response


def test_the_next_watermark_is_the_last_one() -> None:
    events = tuple(Event(kind="StatusEvent", watermark=mark) for mark in ("a", "b", ""))
    assert get_events.Response(notification=Notification("one", events)).watermark == "b"
    assert get_events.Response("ErrorExpiredSubscription").watermark == ""


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, len(BYTES)])
def test_a_stream_may_be_cut_anywhere(size: int) -> None:
    stream = EnvelopeStream()
    said = [one for at in range(0, len(BYTES), size) for one in stream.feed(BYTES[at : at + size])]
    assert tuple(said) == STREAM
    assert stream.end() is None


@pytest.mark.parametrize("prefix", ["", "s:", "soap11:", "SOAP-ENV:", "a.b-c_d:"])
def test_any_prefix_of_the_root_is_read(prefix: str) -> None:
    name = prefix.removesuffix(":")
    opened = f'<{prefix}Envelope xmlns{":" if name else ""}{name}="http://schemas.xmlsoap.org/soap/envelope/">'
    envelope = (
        BYTES[: len(write_envelope(STREAM[0], BUILD))]
        .decode()
        .replace('<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">', opened)
        .replace("</Envelope>", f"</{prefix}Envelope\r\n >")
    )
    assert read_stream(b"\r\n" + envelope.encode() * 2) == (STREAM[0], STREAM[0])


def test_notifications_of_the_schema_are_read_too() -> None:
    body = get_streaming_events.write_response(TOLD, "t")
    assert read_stream(write_response(body, BUILD).body) == (TOLD,)


def test_a_closing_tag_in_a_comment_or_cdata_ends_nothing() -> None:
    envelope = write_envelope(Response(message="here", connection_status="OK"), BUILD)
    envelope = envelope.replace(b">here<", b"><!-- </Envelope> --><![CDATA[</s:Envelope>]]><")
    stream = EnvelopeStream()
    said = [one for at in range(len(envelope)) for one in stream.feed(envelope[at : at + 1])]
    assert said == [Response(message="</s:Envelope>", connection_status="OK")]


def test_a_stream_with_a_document_type_is_dropped_at_once() -> None:
    stream = EnvelopeStream()
    (said,) = stream.feed(b'<?xml version="1.0"?><!DOCTYPE x [')
    assert isinstance(said, Failure) and "DOCTYPE" in said.says
    assert stream.broken and stream.feed(BYTES) == [] and stream.end() is None


def test_an_envelope_without_end_is_dropped_at_the_limit() -> None:
    stream = EnvelopeStream(limit=1000)
    assert stream.feed(b"<Envelope>" + b"x" * 900) == []
    (said,) = stream.feed(b"x" * 200)
    assert isinstance(said, Failure) and "1000 bytes" in said.says
    assert stream.broken


def test_a_torn_stream_says_so() -> None:
    assert read_stream(BYTES)[-1] == STREAM[-1]
    torn = read_stream(BYTES[:-1])[-1]
    assert isinstance(torn, Failure) and "middle" in torn.says


def test_a_foreign_envelope_is_a_failure_and_a_fault_a_fault() -> None:
    assert isinstance(read_stream(b"<html></Envelope>")[0], Failure)
    fault = b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Fault><faultcode>a:ErrorServerBusy'
    fault += b"</faultcode></Fault></Body></Envelope>"
    (said,) = read_stream(fault.replace(b"<faultcode>", b'<faultcode xmlns="">'))
    assert isinstance(said, EwsFault) and said.code == "ErrorServerBusy"


@pytest.mark.parametrize(
    "body",
    [
        "<m:Subscribe><m:StreamingSubscriptionRequest><t:EventTypes/></m:StreamingSubscriptionRequest></m:Subscribe>",
        "<m:Subscribe/>",
        "<m:GetStreamingEvents><t:SubscriptionId>a</t:SubscriptionId></m:GetStreamingEvents>",
        get_streaming_events.write_request(get_streaming_events.Request(("a",), 31)),
        get_streaming_events.write_request(get_streaming_events.Request(("a",), 0)),
        get_events.write_request(get_events.Request("a", "")),
        subscribe.write_request(subscribe.Request(kind="Pull", minutes=1441)),
        subscribe.write_request(subscribe.Request(events=("StatusEvent",))),
        set_user_oof_settings.write_request(set_user_oof_settings.Request("a@b", "Perhaps")),
        set_user_oof_settings.write_request(
            set_user_oof_settings.Request("a@b", "Enabled", internal_reply="x")
        ).replace("t:Message", "m:Message"),
    ],
)
def test_a_request_against_the_schema_is_refused(body: str) -> None:
    incoming = read_request(ask("https://mail.contoso.com/EWS/Exchange.asmx", body, user_agent="t").body)
    operations: dict[str, Any] = {
        one.OPERATION: one for one in (subscribe, unsubscribe, get_events, get_streaming_events, set_user_oof_settings)
    }
    with pytest.raises(RequestRefused) as refused:
        operations[incoming.operation].read_request(incoming.child)
    assert refused.value.fault.code == "ErrorSchemaValidation"


def test_another_answer_is_a_failure() -> None:
    answer: HttpAnswer = write_response(unsubscribe.write_response(unsubscribe.Response()), BUILD)
    assert isinstance(subscribe.read_answer(answer), Failure)
    assert isinstance(get_events.read_answer(answer), Failure)
    assert isinstance(set_user_oof_settings.read_answer(answer), Failure)
    assert isinstance(get_streaming_events.read_envelope(answer.body), Failure)


def test_how_a_broken_stream_is_cut_does_not_matter() -> None:
    """Mutated streams say the same in one piece and in many, and nothing but values comes out."""
    chance = random.Random(5)
    broken = 0
    for _ in range(400):
        body = mutated(BYTES, BYTES, chance)
        whole = read_stream(body)
        stream, said, at = EnvelopeStream(), [], 0
        while at < len(body):
            size = chance.choice((1, 2, 5, 40, 700))
            said += stream.feed(body[at : at + size])
            at += size
        torn = stream.end()
        assert (*said, *([torn] if torn else [])) == whole
        broken += whole != STREAM
    assert broken > 300

"""Microsoft's samples of the notification operations are read, and what we write is valid by Exchange's schema.

Both are read from ``HYBRIDGE_CORPUS``; without it these tests are skipped.
"""

import csv
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import envelope, get_events, get_streaming_events, set_user_oof_settings, subscribe, unsubscribe
from hybridge.wire.ews.faults import EwsFault, RequestRefused
from hybridge.wire.ews.get_folder import FolderRef
from hybridge.wire.ews.notifications import EVENT_TYPES, Event, Notification
from hybridge.wire.xml import parse_xml

CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")

OPERATIONS: dict[str, Any] = {
    one.OPERATION: one for one in (subscribe, unsubscribe, get_events, get_streaming_events, set_user_oof_settings)
}
BUILD = envelope.ServerVersion(15, 2, 2562, 37)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def samples() -> list[dict[str, str]]:
    if not CORPUS:
        return []
    with (Path(CORPUS) / "ews" / "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t"))
    return [row for row in rows if row["operation"] in OPERATIONS and row["well_formed"] == "yes"]


@pytest.mark.parametrize("row", samples(), ids=lambda row: str(row["file"]))
def test_a_sample_is_read_or_refused_for_its_known_mistake(row: dict[str, str]) -> None:
    operation = OPERATIONS[row["operation"]]
    body = (Path(CORPUS) / "ews" / row["file"]).read_bytes().replace(b"https://schemas.", b"http://schemas.")
    if row["kind"].startswith("response"):
        if b"Envelope" not in body:
            return
        opened = envelope.read_body(HttpAnswer(status=200, body=body))
        assert not isinstance(opened, EwsFault | Failure), row
        said = operation.read_response(opened)
        assert not isinstance(said, Failure), row
        return
    try:
        incoming = envelope.read_request(body)
        assert operation.read_request(incoming.child)
    except RequestRefused as refused:
        assert row["xsd_valid"] != "yes", refused


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(Path(CORPUS) / "ews" / "xsd-15.2.2562" / "messages.xsd"))


HOSTILE = "a<b>&\"'\u0000\ud7ff\ufffe\r\n]]> \U0001f600"
MOVED = Event(
    kind="MovedEvent",
    at=NOON,
    item_id="new",
    change_key="k",
    parent_folder_id="there",
    old_item_id="old",
    old_parent_folder_id="here",
    watermark="w",
)
EVENTS = (
    *(
        Event(kind=kind, at=NOON, item_id=HOSTILE, change_key="k", parent_folder_id="there")
        for kind in EVENT_TYPES
        if kind not in ("CopiedEvent", "MovedEvent")
    ),
    MOVED,
    Event(kind="ModifiedEvent", at=NOON, folder_id="f", parent_folder_id="root"),
    Event(
        kind="CopiedEvent",
        at=NOON,
        folder_id="f",
        parent_folder_id="root",
        old_folder_id="g",
        old_parent_folder_id="root",
    ),
    Event(kind="StatusEvent", watermark="w"),
)
TOLD = get_streaming_events.Response(notifications=(Notification(HOSTILE, EVENTS, "w", False),), connection_status="OK")
WRITTEN = (
    subscribe.write_request(subscribe.Request(events=EVENT_TYPES)),
    subscribe.write_request(subscribe.calendar_of(HOSTILE)),
    subscribe.write_request(
        subscribe.Request(kind="Pull", folders=(FolderRef(folder_id="A"),), watermark="w", minutes=5)
    ),
    subscribe.write_request(subscribe.Request(kind="Push", watermark="w", url="https://x/", caller_data=HOSTILE)),
    subscribe.write_response(subscribe.Response(subscription_id="a", watermark="w")),
    subscribe.write_response(subscribe.Response("ErrorInvalidSubscriptionRequest", HOSTILE)),
    unsubscribe.write_request(unsubscribe.Request("a")),
    unsubscribe.write_response(unsubscribe.Response()),
    get_events.write_request(get_events.Request("a", "w")),
    get_events.write_response(get_events.Response(notification=Notification("a", EVENTS, "w", True))),
    get_events.write_response(get_events.Response("ErrorExpiredSubscription", HOSTILE)),
    get_streaming_events.write_request(get_streaming_events.Request(("a", HOSTILE))),
    get_streaming_events.write_response(TOLD, "t"),
    get_streaming_events.write_response(
        get_streaming_events.Response(
            "ErrorInvalidSubscription", error_subscription_ids=("a",), connection_status="Closed"
        ),
        "t",
    ),
    set_user_oof_settings.write_request(
        set_user_oof_settings.Request("a@b", "Scheduled", "Known", NOON, NOON, HOSTILE, HOSTILE)
    ),
    set_user_oof_settings.write_response(set_user_oof_settings.Response("ErrorAccessDenied", HOSTILE)),
)


@pytest.mark.parametrize("body", WRITTEN)
def test_what_is_written_is_valid(body: str) -> None:
    inside = parse_xml(envelope.write_response(body, BUILD).body)[1][0]
    assert schema().validate(inside), f"{schema().error_log}\n{body}"

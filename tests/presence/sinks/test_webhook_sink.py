"""The webhook over real HTTP: what a receiver gets, what it may answer, and where nothing is ever sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as some
from tests.presence.sinks.contract import desired
from tests.presence.sinks.stages import KEY, NOON, WebhookStage, webhook

from hybridge.net.clock import SetClock
from hybridge.net.config import NetConfig
from hybridge.net.secret import Secret
from hybridge.net.webhook import SIGNATURE, Webhook, WebhookConfig, signed, verified, webhook_fault
from hybridge.presence.sinks.base import Later, Published, Refused, SinkDown
from hybridge.presence.sinks.webhook import WebhookSink
from hybridge.presence.states import PresenceState

MEETING = PresenceState.IN_A_MEETING
OTHER = Secret("another key of some length")


async def test_a_batch_is_cloudevents_in_structured_json(tmp_path: Path) -> None:
    async with webhook(tmp_path) as stage:
        sink = stage.sink()
        one, two = stage.known
        await sink.publish([desired(stage, one, MEETING), desired(stage, two, None)], NOON)
        assert stage.headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
        first, second = stage.bodies[0]
        assert first == {
            "specversion": "1.0",
            "id": f"{one.address}/5/{NOON.timestamp():.6f}",
            "source": "urn:hybridge:presence",
            "type": "hybridge.presence.state",
            "subject": one.address,
            "time": "2026-03-02T12:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "state": "in-a-meeting",
                "until": None,
                "expires_at": "2026-03-02T12:10:00Z",
                "text": "until 15:00",
                "fence": 5,
            },
        }
        assert second["data"]["state"] is None
        await sink.close()


async def test_a_receiver_with_another_key_is_a_refused_credential(tmp_path: Path) -> None:
    async with webhook(tmp_path) as stage:
        config = WebhookConfig(f"http://127.0.0.1:{stage.port}/presence", OTHER)
        sink = WebhookSink("hook", Webhook(config, NetConfig(), stage.clock))
        with pytest.raises(SinkDown, match=r"refused our signature or token \(401\)") as down:
            await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
        assert down.value.credential
        await sink.close()


async def test_while_a_key_is_changed_both_sign(tmp_path: Path) -> None:
    async with webhook(tmp_path) as stage:
        config = WebhookConfig(f"http://127.0.0.1:{stage.port}/presence", OTHER, old_key=KEY, token=Secret("letmein"))
        sink = WebhookSink("hook", Webhook(config, NetConfig(), stage.clock))
        assert await sink.publish([desired(stage, stage.known[0], MEETING)], NOON) == (Published(),)
        assert stage.headers["Authorization"] == "Bearer letmein"
        await sink.close()


@pytest.mark.parametrize(
    ("status", "headers", "says", "credential"),
    [
        (
            302,
            {"Location": "http://127.0.0.1:1/elsewhere"},
            r"redirects \(302\); presence is not sent elsewhere",
            False,
        ),
        (403, {}, r"refused our signature or token", True),
        (404, {}, r"has nothing to post to", False),
        (500, {}, r"answered 500", False),
        (503, {}, r"answered 503", False),
    ],
)
async def test_answers_that_are_no_success(
    tmp_path: Path, status: int, headers: dict[str, str], says: str, credential: bool
) -> None:
    async with webhook(tmp_path) as stage:
        stage.answer = lambda: web.Response(status=status, headers=headers)
        sink = stage.sink()
        with pytest.raises(SinkDown, match=says) as down:
            await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
        assert down.value.credential is credential
        assert down.value.next_step.endswith(".")
        await sink.close()


@pytest.mark.parametrize("value", ["30", "Mon, 02 Mar 2026 12:00:30 GMT"])
async def test_a_receiver_may_ask_to_wait(tmp_path: Path, value: str) -> None:
    async with webhook(tmp_path) as stage:
        stage.answer = lambda: web.Response(status=429, headers={"Retry-After": value})
        sink = stage.sink()
        (result,) = await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
        assert isinstance(result, Later) and result.wait == timedelta(seconds=30)
        await sink.close()


async def test_a_batch_refused_as_a_whole_is_sent_one_by_one(tmp_path: Path) -> None:
    async with webhook(tmp_path) as stage:
        stage.answer = lambda: web.Response(status=422)
        sink = stage.sink()
        results = await sink.publish([desired(stage, who, MEETING) for who in stage.known], NOON)
        assert [type(each) for each in results] == [Refused, Refused]
        await sink.close()


@pytest.mark.parametrize("body", [b"", b"ok", b"{", b'{"refused": 5}', b"[]", b'{"other": 1}', b"\xff"])
async def test_any_other_body_of_a_success_is_no_matter(tmp_path: Path, body: bytes) -> None:
    async with webhook(tmp_path) as stage:
        stage.answer = lambda: web.Response(status=200, body=body)
        sink = stage.sink()
        assert await sink.publish([desired(stage, stage.known[0], MEETING)], NOON) == (Published(),)
        await sink.close()


async def test_a_redirect_gets_neither_body_nor_token(tmp_path: Path) -> None:
    async with webhook(tmp_path) as stage, webhook(tmp_path) as other:
        stage.answer = lambda: web.Response(status=307, headers={"Location": f"http://127.0.0.1:{other.port}/presence"})
        sink = stage.sink(token=Secret("letmein"))
        with pytest.raises(SinkDown):
            await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
        assert other.headers == {}
        await sink.close()


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        ("http://hooks.corp.test/x", KEY, "Presence is not posted to hooks.corp.test over plain http."),
        ("ftp://hooks.corp.test/x", KEY, "hybridge asks only http and https"),
        ("https://user:pw@hooks.corp.test/x", KEY, "carries a user name"),
        ("nonsense", KEY, "hybridge asks only http and https"),
        ("https://hooks.corp.test/x", Secret("short"), "less than 16 characters"),
    ],
)
async def test_what_cannot_work_is_said_before_anything_is_sent(url: str, key: Secret, says: str) -> None:
    fault = webhook_fault(WebhookConfig(url, key))
    assert fault is not None and says in fault.says
    sink = WebhookSink("hook", Webhook(WebhookConfig(url, key), NetConfig(), SetClock(NOON)))
    with pytest.raises(SinkDown):
        await sink.open()
    await sink.close()


@pytest.mark.parametrize(
    "url", ["https://hooks.corp.test/x", "http://127.0.0.1:99/x", "http://localhost/x", "http://[::1]/x"]
)
def test_what_can_work(url: str) -> None:
    assert webhook_fault(WebhookConfig(url, KEY)) is None


async def test_a_network_that_may_not_be_left_is_not_left() -> None:
    sink = WebhookSink(
        "hook", Webhook(WebhookConfig("https://1.2.3.4/", KEY), NetConfig(only_mapped=True), SetClock(NOON))
    )
    with pytest.raises(SinkDown, match="only_mapped"):
        await sink.open()


def test_the_signature_is_hmac_sha256_of_time_and_body() -> None:
    """By hand, as a receiver in another language would do it."""
    header = signed(b'[{"a":1}]', NOON, KEY)
    stamp, mac = (part.split("=")[1] for part in header.split(","))
    assert stamp == str(int(NOON.timestamp()))
    expected = hmac.new(KEY.reveal().encode(), stamp.encode() + b"." + b'[{"a":1}]', hashlib.sha256).hexdigest()
    assert mac == expected


@pytest.mark.parametrize(
    ("header", "body", "at"),
    [
        ("", b"x", NOON),
        ("t=1,v1=00", b"x", NOON),
        (signed(b"x", NOON, KEY), b"y", NOON),
        (signed(b"x", NOON, OTHER), b"x", NOON),
        (signed(b"x", NOON, KEY), b"x", NOON + timedelta(minutes=6)),
        (signed(b"x", NOON, KEY), b"x", NOON - timedelta(minutes=6)),
        (signed(b"x", NOON, KEY) + ",t=5", b"x", NOON),
        (signed(b"x", NOON, KEY).replace("v1", "v0"), b"x", NOON),
    ],
)
def test_what_was_not_signed_so_is_not_verified(header: str, body: bytes, at: datetime) -> None:
    assert not verified(header, body, at, KEY)
    assert verified(signed(b"x", NOON, OTHER, KEY), b"x", NOON + timedelta(minutes=4), KEY)


@given(header=some.text(max_size=80), body=some.binary(max_size=20))
def test_any_header_is_answered(header: str, body: bytes) -> None:
    assert not verified(header, body, datetime(2026, 1, 1, tzinfo=UTC), KEY)


async def test_no_secret_shows(tmp_path: Path) -> None:
    async with webhook(tmp_path) as stage:
        sink = stage.sink(token=Secret("letmein-123"))
        await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
        seen = json.dumps(stage.bodies) + repr(sink.__dict__) + repr(vars(sink._poster)) + stage.headers[SIGNATURE]
        assert KEY.reveal() not in seen and "letmein-123" not in seen
        await sink.close()
    assert isinstance(stage, WebhookStage)

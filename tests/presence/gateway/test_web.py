"""Health, metrics, the control endpoint: what is answered, to whom, and what never is."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.presence.gateway.scripted import (
    ADA,
    BOB,
    CANARY,
    HOUR,
    MINUTE,
    NOW,
    ScriptedSource,
    World,
    layout,
    meeting,
    turned,
    until,
)

from hybridge.net.secret import Secret
from hybridge.presence.endpoint import control_file, read_endpoint
from hybridge.presence.explained import Board, Why
from hybridge.presence.gateway import Gateway
from hybridge.presence.layout import Layout
from hybridge.presence.log import LOGGER, JsonLines, Plain, log_to, told
from hybridge.presence.reloading import Reloading
from hybridge.presence.service import CannotListen, Place, Service, serving
from hybridge.wire.ask import HttpAnswer


@asynccontextmanager
async def served(world: World, plan: Layout) -> AsyncIterator[tuple[Service, aiohttp.ClientSession]]:
    """A whole service, and a client that has its token."""
    reloading = Reloading(world.folder / "none.toml")
    place = Place(world.state, "127.0.0.1:0")
    async with serving(plan, reloading, place, world.makers(), world.clock) as service:
        for name in plan.sources:
            await until(lambda name=name: name in world.sources)  # type: ignore[misc]
            await world.sources[name].running.wait()
        endpoint = read_endpoint(world.state)
        assert endpoint is not None
        headers = {"Authorization": f"Bearer {endpoint.token}"}
        async with aiohttp.ClientSession(headers=headers) as client:
            yield service, client


async def page(client: aiohttp.ClientSession, url: str, method: str = "GET") -> tuple[int, bytes]:
    async with client.request(method, url) as answer:
        return answer.status, await answer.read()


async def test_health_and_readiness(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with served(world, layout(tmp_path)) as (service, client):
        assert await page(client, f"{service.url}/healthz") == (200, b'{"alive":true}')
        assert (await page(client, f"{service.url}/readyz"))[0] == 200
        await service.gateway.drain(1.0)
        status, body = await page(client, f"{service.url}/readyz")
        assert (status, b"being drained" in body) == (503, True)


async def test_metrics_tell_numbers_and_nobody(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with served(world, layout(tmp_path)) as (service, client):
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        await turned()
        status, body = await page(client, f"{service.url}/metrics")
        text = body.decode()
        assert status == 200
        assert 'hybridge_presence_people{state="in-a-meeting"} 1.0' in text
        assert 'hybridge_presence_people{state="none"} 1.0' in text
        assert 'hybridge_presence_publish_lag_seconds_count{sink="log"} 1.0' in text
        assert 'hybridge_presence_outbox_published_total{sink="log"} 1.0' in text
        assert 'hybridge_presence_sink_up{sink="log"} 1.0' in text
        assert 'hybridge_presence_server_up{server="hq.contoso.com",source="hq"} 1.0' in text
        assert 'hybridge_presence_sweep_age_seconds{source="hq"} 0.0' in text
        assert "contoso.com/" not in text and ADA not in text and CANARY not in text


async def test_the_control_endpoint_wants_its_token_and_is_closed_to_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with served(world, layout(tmp_path)) as (service, client):
        endpoint = read_endpoint(world.state)
        assert endpoint is not None
        assert control_file(world.state).stat().st_mode & 0o077 == 0
        assert endpoint.url.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as stranger:
            for path in ("/board", f"/why/{ADA}", "/drain"):
                assert (await page(stranger, endpoint.url + path))[0] == 401
            assert (await page(stranger, f"{service.url}/board"))[0] == 404
        status, body = await page(client, f"{endpoint.url}/why/nobody@contoso.com")
        assert status == 404
        assert b"is not one of the 2 watched people" in body
    assert not control_file(world.state).exists()


async def test_a_drain_by_command_ends_the_service(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with served(world, layout(tmp_path)) as (service, client):
        endpoint = read_endpoint(world.state)
        assert endpoint is not None
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        assert (await page(client, f"{endpoint.url}/drain", "POST"))[0] == 202
        assert await service.run()
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]


async def test_an_address_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    first, second = World(tmp_path / "one"), World(tmp_path / "two")
    async with served(first, layout(tmp_path)) as (service, _):
        place = Place(second.state, service.url.removeprefix("http://"))
        with pytest.raises(CannotListen, match="presence.listen '127.0.0.1:"):
            async with serving(layout(tmp_path), Reloading(tmp_path), place, second.makers(), second.clock):
                pass


class Notified(ScriptedSource):
    """Takes notifications."""

    bodies: list[bytes] = []

    def notified(self, body: bytes, query: Mapping[str, str]) -> HttpAnswer:
        self.bodies.append(body)
        return HttpAnswer(status=202, headers=(("content-type", "text/plain"),), body=query.get("token", "").encode())


async def test_notifications_reach_the_source_they_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.presence.gateway.scripted.ScriptedSource", Notified)
    world = World(tmp_path)
    async with served(world, layout(tmp_path)) as (service, client):
        async with client.post(f"{service.url}/graph/hq?token=seen", data=b"changed") as answer:
            assert (answer.status, await answer.read()) == (202, b"seen")
        assert Notified.bodies == [b"changed"]
        assert (await page(client, f"{service.url}/graph/other", "POST"))[0] == 404
        async with client.post(f"{service.url}/graph/hq", data=io.BytesIO(b"x" * (5 * 1024 * 1024))) as answer:
            assert answer.status == 413


async def test_why_tells_claims_rules_and_every_sink(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with served(world, layout(tmp_path)) as (_, client):
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR), meeting(3 * HOUR, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        why = msgspec.json.decode(await _why(world, client, ADA.upper()), type=Why)
        assert (why.state, why.until) == ("in-a-meeting", NOW + HOUR - MINUTE)
        assert (why.next_state, why.next_at) == ("available", NOW + HOUR - MINUTE)
        assert why.because == ("A busy event others were invited to is a meeting until it ends.",)
        first = why.claims[0]
        assert (first.source, first.state, first.rules, first.in_force) == ("calendar", "in-a-meeting", ("busy",), True)
        assert first.item.startswith("item-")
        assert sorted(claim.state for claim in why.claims[1:]) == ["available", "in-a-meeting"]
        sink = why.sinks[0]
        assert (sink.sink, sink.desired, sink.shown, sink.trouble) == ("log", "in-a-meeting", "in-a-meeting", "")
        assert sink.expires_at is not None and sink.expires_at > NOW
        world.sources["hq"].unread(ADA)
        await turned()
        why = msgspec.json.decode(await _why(world, client, ADA), type=Why)
        assert why.trouble == f"{ADA} cannot be read."


async def _why(world: World, client: aiohttp.ClientSession, user: str) -> bytes:
    endpoint = read_endpoint(world.state)
    assert endpoint is not None
    status, body = await page(client, f"{endpoint.url}/why/{user}")
    assert status == 200
    return body


async def _everything(world: World, gateway: Gateway, client: aiohttp.ClientSession, url: str) -> dict[str, str]:
    """All that leaves the gateway while Ada is in the canary's meeting."""
    endpoint = read_endpoint(world.state)
    assert endpoint is not None
    await until(lambda: not gateway.store.pending)
    return {
        "why": (await _why(world, client, ADA)).decode(),
        "board": (await page(client, f"{endpoint.url}/board"))[1].decode(),
        "metrics": (await page(client, f"{url}/metrics"))[1].decode(),
        "ready": (await page(client, f"{url}/readyz"))[1].decode(),
        "sink": repr(world.calls),
        "state": "".join(path.read_bytes().decode("latin-1") for path in world.folder.glob("state.sqlite*")),
    }


@pytest.mark.parametrize("form", [JsonLines, Plain])
async def test_no_subject_leaves_the_gateway(tmp_path: Path, form: type[JsonLines]) -> None:
    world, log = World(tmp_path), io.StringIO()
    destination = log_to(log, form(), logging.DEBUG)
    try:
        async with served(world, layout(tmp_path)) as (service, client):
            world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR), meeting(2 * HOUR, HOUR))
            await world.shows("log", ADA, "in-a-meeting")
            seen = await _everything(world, service.gateway, client, service.url)
    finally:
        LOGGER.removeHandler(destination)
    seen["log"] = log.getvalue()
    assert "started" in seen["log"]
    words = [word for word in CANARY.replace(",", "").split() if len(word) > 5]
    assert {name: word for name, text in seen.items() for word in words if word in text} == {}


async def test_a_subject_is_told_to_who_asks_why_where_it_is_switched_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with served(world, layout(tmp_path, subjects=True)) as (service, client):
        private = msgspec.structs.replace(meeting(2 * HOUR, HOUR), private=True, subject="My secret")
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR), private)
        await world.shows("log", ADA, "in-a-meeting")
        seen = await _everything(world, service.gateway, client, service.url)
        assert CANARY in seen["why"] and CANARY in seen["board"]
        assert CANARY not in seen["metrics"] + seen["ready"] + seen["sink"]
        assert "My secret" not in "".join(seen.values())
        board = msgspec.json.decode(seen["board"], type=Board)
        assert [row.subject for row in board.people] == [CANARY, ""]


def test_no_secret_stands_in_the_log() -> None:
    log = io.StringIO()
    destination = log_to(log, JsonLines([Secret("Pass+word/1")]))
    try:
        told("refused", says="the password Pass+word/1 (Pass%2Bword%2F1) was refused", header="Bearer " + "a" * 30, n=3)
    finally:
        LOGGER.removeHandler(destination)
    line = msgspec.json.decode(log.getvalue())
    assert line["says"] == "the password (removed) ((removed)) was refused"
    assert "aaaa" not in line["header"]
    assert (line["event"], line["n"], line["level"]) == ("refused", 3, "info")
    assert BOB not in log.getvalue()

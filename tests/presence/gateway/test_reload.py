"""Reloading while running: what changed changes, what did not is not touched, what is bad is refused."""

from __future__ import annotations

import dataclasses
import os
from datetime import timedelta
from pathlib import Path

import pytest
from tests.presence.gateway.scripted import ADA, BOB, HOUR, MINUTE, World, layout, meeting, part, turned, until

from hybridge.net.secret import Secret
from hybridge.presence.parts import MAKERS
from hybridge.presence.reloading import Reloading
from hybridge.presence.rules import RULES
from hybridge.presence.service import Place, serving

TWO = {ADA: ("hq", ("log",)), BOB: ("branch", ("log",))}


async def test_a_server_is_added_and_removed_and_the_other_is_not_touched(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = layout(tmp_path, {ADA: ("hq", ("log",))})
    both = layout(tmp_path, TWO, sources=("hq", "branch"))
    async with world.serving(one) as gateway:
        hq = world.sources["hq"]
        hq.calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        await gateway.reload(both)
        await until(lambda: "branch" in world.sources)
        await world.sources["branch"].running.wait()
        world.sources["branch"].calendar(BOB, meeting(-MINUTE, HOUR))
        await world.shows("log", BOB, "in-a-meeting")
        assert world.sources["hq"] is hq
        assert world.opened.count("hq") == world.opened.count("log") == 1
        await gateway.reload(one)
        await world.shows("log", BOB, "in-a-meeting", "")
        assert world.sources["hq"] is hq
        assert set(gateway.sources) == {"hq"}
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]


async def test_a_mailbox_is_added_and_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    one, both = layout(tmp_path, {ADA: ("hq", ("log",))}), layout(tmp_path)
    async with world.serving(one) as gateway:
        hq = world.sources["hq"]
        await gateway.reload(both)
        assert {person.address for person in hq.people} == {ADA, BOB}
        hq.calendar(BOB, meeting(-MINUTE, HOUR))
        await world.shows("log", BOB, "in-a-meeting")
        await gateway.reload(one)
        await world.shows("log", BOB, "in-a-meeting", "")
        await until(lambda: gateway.sinks["log"].standing(BOB) is None)
        hq.calendar(BOB, meeting(-MINUTE, 2 * HOUR))
        await turned()
        assert world.sinks["log"].states(BOB) == ["in-a-meeting", ""]
    async with world.serving(one) as gateway:
        assert BOB not in gateway.roster.known


async def test_who_was_removed_while_the_gateway_was_down_is_withdrawn(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.serving(layout(tmp_path)):
        world.sources["hq"].calendar(BOB, meeting(-MINUTE, HOUR))
        await world.shows("log", BOB, "in-a-meeting")
    async with world.serving(layout(tmp_path, {ADA: ("hq", ("log",))})):
        await world.shows("log", BOB, "in-a-meeting", "")


async def test_a_changed_server_is_made_anew_with_what_it_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    plan = layout(tmp_path)
    changed = dataclasses.replace(
        plan, sources={"hq": dataclasses.replace(plan.sources["hq"], secret=Secret("another password"))}
    )
    async with world.serving(plan) as gateway:
        first = world.sources["hq"]
        first.kept = {"subscriptions": b"7"}
        first.calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        await gateway.reload(changed)
        await until(lambda: world.sources["hq"] is not first)
        assert world.sources["hq"].kept == {"subscriptions": b"7"}
        await turned(200)
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]


async def test_a_sink_is_added_changed_and_removed(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = layout(tmp_path, {ADA: ("hq", ("log",))})
    both = layout(tmp_path, {ADA: ("hq", ("log", "chat"))}, sinks=("log", "chat"))
    async with world.serving(one) as gateway:
        world.sources["hq"].calendar(ADA, meeting(-MINUTE, HOUR))
        await world.shows("log", ADA, "in-a-meeting")
        await gateway.reload(both)
        await world.shows("chat", ADA, "in-a-meeting")
        changed = dataclasses.replace(
            both, sinks={**both.sinks, "chat": part("file", "chat", tmp_path, secret="another")}
        )
        await gateway.reload(changed)
        await until(lambda: world.opened.count("chat") == 2)
        await turned(200)
        assert world.sinks["chat"].states(ADA) == ["in-a-meeting"]
        await gateway.reload(one)
        await until(lambda: [str(call.state) for call in world.calls["chat"]] == ["in-a-meeting", "None"])
        assert world.sinks["log"].states(ADA) == ["in-a-meeting"]
        assert set(gateway.sinks) == {"log"}


async def test_other_rules_are_in_force_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    plan = layout(tmp_path)
    async with world.serving(plan) as gateway:
        event = meeting(-MINUTE, HOUR)
        import msgspec

        world.sources["hq"].calendar(ADA, msgspec.structs.replace(event, meeting=False))
        await world.shows("log", ADA, "busy")
        await gateway.reload(dataclasses.replace(plan, rules=RULES["cisco"]))
        await world.shows("log", ADA, "busy", "in-a-meeting")


CONFIGURATION = """
[organization]
domain = "contoso.com"
[presence]
listen = ""
[[presence.exchange]]
name = "hq"
hosts = ["mail.contoso.com"]
username = "svc"
password = "never seen"
notifications = false
[[presence.file]]
name = "log"
path = "presence.jsonl"
[[presence.people]]
name = "staff"
source = "hq"
file = "staff.txt"
"""


def configured(folder: Path, text: str = CONFIGURATION) -> Path:
    (folder / "staff.txt").write_text("ada@contoso.com\n", encoding="utf-8")
    file = folder / "hybridge.toml"
    file.write_text(text.replace("[presence]\n", "[net]\nonly_mapped = true\n[presence]\n"), encoding="utf-8")
    return file


def later(file: Path) -> None:
    """A change within the same tick of the file system's clock is seen by its size; here by its time."""
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


async def test_a_changed_file_is_taken_over_and_a_bad_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybridge.presence.service.LOOK_EVERY", 0.01)
    world, file = World(tmp_path), configured(tmp_path)
    reloading = Reloading(file)
    async with serving(reloading.first(), reloading, Place(world.state), world.makers(), world.clock) as service:
        import asyncio

        running = asyncio.create_task(service.run())
        people = service.gateway.layout.people
        assert list(people) == ["ada@contoso.com"]
        (tmp_path / "staff.txt").write_text("ada@contoso.com\nbob@contoso.com # new\n", encoding="utf-8")
        await until(lambda: len(service.gateway.layout.people) == 2)
        good = file.read_text(encoding="utf-8")
        file.write_text(good.replace('source = "hq"', 'source = "nowhere"'), encoding="utf-8")
        later(file)
        await until(lambda: "source 'nowhere' is not configured; use one of: hq" in reloading.problem)
        assert len(service.gateway.layout.people) == 2
        file.write_text(good.replace('"log"', '"book"', 1), encoding="utf-8")
        later(file)
        await until(lambda: set(service.gateway.sinks) == {"book"})
        assert reloading.problem == ""
        assert world.opened.count("hq") == 1
        service.wishes.stop.set()
        assert await running


async def test_the_real_parts_can_be_made_of_a_configuration(tmp_path: Path) -> None:
    import hybridge.net.clock as clocks

    layout_read = Reloading(configured(tmp_path)).first()
    clock = clocks.SystemClock()
    async with (
        MAKERS.source(layout_read.sources["hq"], clock, {}) as source,
        MAKERS.sink(layout_read.sinks["log"], clock) as sink,
    ):
        assert (source.name, sink.name) == ("hq", "log")
    assert layout_read.sources["hq"].window == timedelta(hours=26)
    assert "never seen" not in repr(layout_read)

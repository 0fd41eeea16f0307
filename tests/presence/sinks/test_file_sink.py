"""Files for scripts: complete or not there, and what an earlier gateway left stays."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from tests.presence.sinks.contract import desired
from tests.presence.sinks.stages import NOON, FileStage, person

from hybridge.presence.sinks.base import Published, SinkDown
from hybridge.presence.sinks.file import LinesSink, StateFileSink
from hybridge.presence.states import PresenceState

MEETING, OUT = PresenceState.IN_A_MEETING, PresenceState.OUT_OF_OFFICE


async def test_lines_go_to_standard_output(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    stage = FileStage(tmp_path, whole=False)
    sink = LinesSink("out")
    await sink.open()
    batch = [desired(stage, stage.known[0], MEETING), desired(stage, stage.known[1], None)]
    assert await sink.publish(batch, NOON) == (Published(), Published())
    first, second = (json.loads(line) for line in capfdbinary.readouterr().out.splitlines())
    assert first == {
        "at": "2026-03-02T12:00:00Z",
        "address": "alice@corp.test",
        "state": "in-a-meeting",
        "until": None,
        "expires_at": "2026-03-02T12:10:00Z",
        "text": "until 15:00",
        "fence": 5,
    }
    assert second["state"] is None


async def test_lines_are_appended_and_the_file_may_be_moved_away(tmp_path: Path) -> None:
    stage = FileStage(tmp_path, whole=False)
    sink = LinesSink("out", stage.path)
    for state in (MEETING, OUT):
        await sink.publish([desired(stage, stage.known[0], state)], NOON)
    assert len(stage.path.read_text().splitlines()) == 2
    stage.path.rename(tmp_path / "rotated")
    await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
    assert len(stage.path.read_text().splitlines()) == 1


async def test_the_state_of_an_earlier_gateway_stays_until_it_expires(tmp_path: Path) -> None:
    stage = FileStage(tmp_path, whole=True)
    first = StateFileSink("file", stage.path)
    await first.open()
    await first.publish([desired(stage, stage.known[0], MEETING)], NOON)
    second = StateFileSink("file", stage.path)
    await second.open()
    await second.publish([desired(stage, stage.known[1], OUT)], NOON)
    assert set(json.loads(stage.path.read_text())) == {"alice@corp.test", "carol@corp.test"}
    stage.clock.advance(timedelta(hours=1))
    await second.publish([desired(stage, person("dave"), OUT)], stage.clock.now())
    assert set(json.loads(stage.path.read_text())) == {"dave@corp.test"}


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"a": 1}', b"\xff\xfe"])
async def test_a_broken_state_file_is_replaced(tmp_path: Path, broken: bytes) -> None:
    stage = FileStage(tmp_path, whole=True)
    stage.path.write_bytes(broken)
    sink = StateFileSink("file", stage.path)
    await sink.open()
    await sink.publish([desired(stage, stage.known[0], MEETING)], NOON)
    await stage.sees(stage.known[0], "in-a-meeting")
    assert [path.name for path in stage.folder.iterdir()] == ["presence.json"], "nothing is left beside it"


@pytest.mark.parametrize("kind", [LinesSink, StateFileSink])
async def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path, kind: type[LinesSink | StateFileSink]) -> None:
    path = tmp_path / "absent" / "presence.json"
    with pytest.raises(SinkDown, match=r"cannot be written: No such file or directory\.") as down:
        await kind("file", path).open()
    assert str(path) in down.value.says and not down.value.credential


async def test_a_folder_in_its_place_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "presence.json"
    path.mkdir()
    with pytest.raises(SinkDown, match="Is a directory"):
        await StateFileSink("file", path).open()
    assert os.listdir(tmp_path) == ["presence.json"]

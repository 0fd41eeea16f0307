"""How a long walk tells how far it is, and how Ctrl-C ends it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hybridge.cli.pacing import Meter, bar, how_far
from hybridge.repair.batches import Progress


class Hand:
    """A watch that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds * 1000


def run(columns: int, *moments: tuple[float, int]) -> str:
    """What a meter writes of a walk over 10,000 changes; each moment is seconds and changes done."""
    watch, stream = Hand(), io.StringIO()
    meter = Meter(stream, watch, columns)
    for seconds, done in moments:
        watch.seconds = seconds
        meter.tell(Progress(done, 10_000, "Enable EWS."))
    meter.close()
    return stream.getvalue()


def test_without_a_terminal_there_is_a_line_every_five_seconds() -> None:
    told = run(0, *((float(second), second * 3 + 1) for second in range(12)))
    assert told == (
        "  16 of 10,000 changes, 3.2 a second, about 52 min left\n"
        "  31 of 10,000 changes, 3.1 a second, about 54 min left\n"
    )


def test_a_short_walk_says_nothing_without_a_terminal() -> None:
    assert run(0, (0.1, 1), (0.2, 10_000)) == ""


def test_on_a_terminal_a_bar_is_redrawn_and_taken_away() -> None:
    told = run(100, (0.0, 1), (0.05, 2), (30.0, 5_000), (60.0, 10_000))
    drawn = [part for part in told.split("\r\x1b[K") if part]
    assert drawn == [
        "[------------------------] 1 of 10,000 changes",
        "[############------------] 5,000 of 10,000 changes, 166.7 a second, about 30 s left",
        "[########################] 10,000 of 10,000 changes, 166.7 a second",
    ]
    assert told.endswith("\r\x1b[K")
    assert max(map(len, run(40, (30.0, 5_000)).split("\r\x1b[K"))) == 39


def test_a_sentence_between_takes_the_bar_away_first() -> None:
    stream = io.StringIO()
    meter = Meter(stream, Hand(), 80)
    meter.tell(Progress(1, 2, "x"))
    meter.say("waiting 20 s: EWS is too busy")
    assert stream.getvalue().endswith("\r\x1b[K  waiting 20 s: EWS is too busy\n")


@pytest.mark.parametrize(
    ("done", "seconds", "says"),
    [
        (0, 5.0, "0 of 10,000 changes"),
        (1, 0.5, "1 of 10,000 changes"),
        (1, 4.0, "1 of 10,000 changes, 0.2 a second, about 11 h left"),
        (10_000, 100.0, "10,000 of 10,000 changes, 100.0 a second"),
    ],
)
def test_how_far(done: int, seconds: float, says: str) -> None:
    progress = Progress(done, 10_000, "x")
    assert how_far(progress, seconds) == says
    assert bar(progress, seconds).endswith(says)


INTERRUPTED = """
import asyncio, signal
from hybridge.cli.pacing import walking

async def walk(presses):
    with walking(50, QUIET) as made:
        for _ in range(presses):
            signal.raise_signal(signal.SIGINT)
            while not made.patience.pace.stop():
                await asyncio.sleep(0)
        return made.patience.pace.stop(), made.patience.pace.batch

before = signal.getsignal(signal.SIGINT)
print(asyncio.run(walk(0)), asyncio.run(walk(1)))
assert signal.getsignal(signal.SIGINT) is before
try:
    asyncio.run(walk(2))
except KeyboardInterrupt:
    print("cut short")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="event loops there have no signal handlers")
@pytest.mark.parametrize("quiet", [False, True])
def test_ctrl_c_stops_after_the_change_and_again_cuts_short(quiet: bool) -> None:
    program = INTERRUPTED.replace("QUIET", str(quiet))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n") == ["(False, 50) (True, 50)", "cut short", ""]
    assert "go on with: hybridge repair resume" in done.stderr


@pytest.mark.thorough
def test_a_part_is_taken_back_by_name(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    plan = tmp_path_factory.mktemp("part") / "plan.json"
    mailbox, pair = "ews/allow-list-mailbox:disabled", "delegation/send-on-behalf:missing"
    assert lab.run("lab", "break", mailbox, pair).code == 0
    assert lab.found() == {mailbox, pair}
    assert lab.run("repair", "plan", "--out", str(plan)).code == 0
    applied = lab.json("repair", "apply", str(plan), "--yes", "--batch", "1")
    assert applied["complete"]

    undo: Callable[..., Any] = lambda *names: lab.run("repair", "undo", applied["plan"], *names)  # noqa: E731
    refused = undo("--only", "nobody@contoso.com")
    assert refused.code == 3
    assert "Nothing of plan" in refused.out
    assert undo("--only", pair).code == 0
    assert lab.found() == {pair}
    assert undo("--batch", "1").code == 0
    assert lab.found() == {mailbox, pair}

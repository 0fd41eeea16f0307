"""What one watched mailbox costs the gateway in memory: every size in a process of its own.

Everybody has six meetings to come, was read once, and what they show was published and is in the state file. Counted
is everything between a process that has its libraries and that state: the person in the layout, what is known, the
timer, the entry in the outbox, the memory of the running sink. ``resident`` is what the system gave the process in
more (the highest water of the run stays in it, as it does in a gateway); ``traced`` is what Python's own allocations
hold, in another process because tracing costs memory itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any, NamedTuple

import presence_office as office
import uvloop
from presence_notifications import AMPLE, QUIET

from hybridge.net.clock import SystemClock


class Weight(NamedTuple):
    """Bytes a mailbox, and of what was traced the largest shares: (file:line, bytes a mailbox)."""

    resident: float
    traced: float
    largest: tuple[tuple[str, float], ...]


def measure(people: int) -> Weight:
    """Weigh a gateway of so many."""
    resident, traced = _weighed(people, "resident"), _weighed(people, "traced")
    return Weight(resident["each"], traced["each"], tuple((place, each) for place, each in traced["largest"]))


def _weighed(people: int, kind: str) -> dict[str, Any]:
    command = [sys.executable, __file__, kind, str(people)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _weigh(folder: Path, people: int, *, traced: bool) -> dict[str, Any]:
    clock, sink = SystemClock(), office.CountingSink(AMPLE)
    gc.collect()
    if traced:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0] if traced else _resident()
    async with office.serving(folder, people, clock, lambda: sink) as (gateway, spoken):
        for first in range(0, people, 1000):
            some = range(first, min(first + 1000, people))
            at = clock.now()
            await office.told_all(spoken, ((office.person(n).address, office.day(n, at, QUIET)) for n in some))
            await sink.reaches(some.stop)
        await office.quiet(gateway)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0] if traced else _resident()
        return {"each": (after - before) / people, "largest": _largest(people) if traced else ()}


def _largest(people: int) -> list[tuple[str, float]]:
    lines = tracemalloc.take_snapshot().statistics("lineno")[:12]
    return [
        (f"{Path(line.traceback[0].filename).name}:{line.traceback[0].lineno}", line.size / people) for line in lines
    ]


def main() -> int:
    """One process: what was weighed, as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=("resident", "traced"))
    parser.add_argument("people", type=int)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = uvloop.run(_weigh(Path(folder), chosen.people, traced=chosen.kind == "traced"))
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

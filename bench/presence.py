"""The presence gateway beside its peers and limits: how fast, how small, how late.

Run it with ``.venv/bin/python bench/presence.py``; ``--only PART`` runs a part.

* sweep: calendars read a second, beside exchangelib and beside aiohttp with lxml alone (``presence_sweep``).
* notifications: changes a second from source to sink, and the delay of one (``presence_notifications``).
* memory: bytes a watched mailbox, at 10,000 and at 100,000 (``presence_memory``).
* nine: 30,000 meetings begin at nine; until the last is shown, over the sink's own limit (``presence_nine``); with a
  real prosody too where one is installed, which takes minutes.
* streams: streams of notifications opened over TLS a second, beside the bare libraries (``presence_streams``).

Rates are of the client's processor time where that is said, because other programs must not decide. Nothing fails: the
figure that is wanted stands behind the one that was measured. ``--people`` and ``--rounds`` make a part smaller.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import presence_memory
import presence_nine
import presence_notifications
import presence_streams

DELAYS_AT = 1000.0
"""Changes a second while delays are measured."""


def sweep(people: int, rounds: int) -> Iterator[str]:
    """What the sweep shows; its sample for exchangelib is a twentieth."""
    import presence_sweep  # exchangelib takes a second and much memory

    batch = presence_sweep.BATCH
    sample = max(batch, people // 20 // batch * batch)
    found = presence_sweep.measure(people, sample, rounds)
    yield f"sweep of {people:,} mailboxes: {found.ours.processor:,.0f} a second of processor time"
    yield f"  {found.times_peer:.1f}x exchangelib ({found.peer.processor:,.0f}; wanted {presence_sweep.PEER:.0f}x)"
    yield f"  {found.of_bare:.2f}x aiohttp + lxml ({found.bare.processor:,.0f}; wanted {presence_sweep.BARE}x)"


def notifications(people: int, rounds: int) -> Iterator[str]:
    """What the stream of changes shows."""
    with tempfile.TemporaryDirectory() as folder:
        found = presence_notifications.measure(Path(folder), people, 2 * rounds, DELAYS_AT)
    told, hinted, bare = found.told, found.hinted, found.bare
    yield (
        f"changes told, {people:,} people: {told.processor:,.0f} a second of processor time, {told.wall:,.0f} by the "
        f"clock (wanted 10,000); {told.processor / bare.processor:.4f}x a bare queue"
    )
    yield f"  with hint and read before each: {hinted.processor:,.0f} and {hinted.wall:,.0f}"
    yield (
        f"  delay at {DELAYS_AT:,.0f} a second: p50 {found.delays.median:.1f} ms, p99 {found.delays.p99:.1f} ms "
        f"(wanted 50); bare queue {found.bare_delays.median:.1f} and {found.bare_delays.p99:.1f} ms"
    )


def memory(people: int, rounds: int) -> Iterator[str]:
    """What the scales show, for a tenth of the people and for all of them."""
    for size in (people // 10, people):
        weight = presence_memory.measure(size)
        yield (
            f"memory, {size:,} people: {weight.resident:,.0f} bytes each resident, {weight.traced:,.0f} traced "
            f"({weight.resident / 3000:.2f}x and {weight.traced / 3000:.2f}x what is wanted)"
        )
    yield "  most of it: " + ", ".join(f"{place} {each:,.0f}" for place, each in weight.largest[:5])


def nine(people: int, rounds: int) -> Iterator[str]:
    """What nine o'clock shows."""
    kinds: dict[str, Callable[[Path, int], presence_nine.Morning]] = {"counting": presence_nine.counting}
    if shutil.which("prosody"):
        kinds["prosody"] = presence_nine.prosody
    for kind, morning in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            found = morning(Path(folder), people)
        yield (
            f"{people:,} at nine, {kind}: the last shown after {found.last:.2f} s, {found.ratio:.2f}x the sink's own "
            f"limit ({found.limit:.2f} s; wanted 1.3x)"
        )
        yield f"  all decided after {found.decided:.2f} s; the gateway used {found.processor:.2f} s of the processor"
    if "prosody" not in kinds:
        yield "  prosody is not installed"


def streams(people: int, rounds: int) -> Iterator[str]:
    """What opening shows; ``people`` are streams."""
    found = presence_streams.measure(people, rounds)
    ours = found.ours
    yield f"{people:,} TLS streams: {ours.processor:,.0f} a second of processor time, {ours.wall:,.0f} by the clock"
    for name, bare in (("aiohttp", found.aiohttp), ("asyncio", found.asyncio)):
        yield f"  {ours.processor / bare.processor:.2f}x bare {name} ({bare.processor:,.0f} and {bare.wall:,.0f})"


PARTS: dict[str, tuple[Callable[[int, int], Iterator[str]], int, int]] = {
    "sweep": (sweep, 10_000, 3),
    "notifications": (notifications, 10_000, 2),
    "memory": (memory, 100_000, 1),
    "nine": (nine, 30_000, 1),
    "streams": (streams, 500, 3),
}
"""Name of a part -> how it is run, people, rounds."""


def main(arguments: Sequence[str]) -> int:
    """Run every part, or the one named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--people", type=int, metavar="N", help="People (mailboxes, streams) of a part.")
    parser.add_argument("--rounds", type=int, metavar="N", help="Rounds of a part.")
    options = parser.parse_args(arguments)
    for name in [options.only] if options.only else PARTS:
        part, people, rounds = PARTS[name]
        for words in part(options.people or people, options.rounds or rounds):
            sys.stdout.write(words + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

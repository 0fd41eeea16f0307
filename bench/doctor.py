"""How long the doctor takes: one mailbox over a slow line, a large tenant from an export, and beside a script.

Run it with ``.venv/bin/python bench/doctor.py``; ``--only line``, ``--only tenant`` or ``--only peer`` runs a part.

* line: one mailbox is examined live with 50 ms added to every round trip. The time of the fastest of three runs is
  compared with that of the longest chain of questions that depend on each other (``doctor_latency``): 1.0 would be a
  run that waits for nothing else. Work of both sides counts, on one machine; a longer ``--delay`` shows the waiting.
* tenant: an export of 10,000 and one of 100,000 mailboxes, each examined in a process of its own: mailboxes a second,
  and what the larger one needs more in memory (``doctor_tenant``).
* peer: the questions to EWS about one mailbox, beside the same written with exchangelib (``doctor_peer``).

Nothing fails: on a machine that does other things as well, only the ratios mean something.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import doctor_latency
import doctor_tenant

DELAY = 0.05
SIZES = (10_000, 100_000)


def line(folder: Path, delay: float = DELAY) -> Iterator[str]:
    """What the slow line shows."""
    timed = doctor_latency.measure(folder, delay)
    yield f"one mailbox, {delay * 1000:.0f} ms more a round trip: {timed.asked} questions, {timed.wall:.2f} s"
    after = timed.wall / delay
    yield f"  round trips: {timed.turns} in {timed.connections} connections, {after:.0f} one after the other"
    yield f"  the longest chain needs {timed.chain}: {'; '.join(timed.links)}"
    yield f"  ratio of the time to that of the chain: {timed.ratio:.2f}"


def tenant(folder: Path, sizes: Sequence[int] = SIZES) -> Iterator[str]:
    """What the tenants show."""
    peaks = []
    for number, found in doctor_tenant.rows(folder, sizes):
        peaks.append(found["peak"])
        rate, cpu = number / found["wall"], number / found["processor"]
        yield (
            f"{number:,} mailboxes: {found['wall']:.1f} s, {rate:,.0f} a second ({cpu:,.0f} by processor time), "
            f"peak {found['peak']:.0f} MB; json {found['json']:,.0f} KB, html {found['html']:,.0f} KB"
        )
    yield f"  memory grows by {peaks[-1] - peaks[0]:.0f} MB from {sizes[0]:,} to {sizes[-1]:,} mailboxes"


def peer(folder: Path, delay: float = DELAY) -> Iterator[str]:
    """What the script shows."""
    import doctor_peer

    pair = doctor_peer.measure(folder, delay)
    ratio = pair.peer / pair.ours
    yield f"EWS about one mailbox: {pair.ours:.2f} s, with exchangelib {pair.peer:.2f} s, ratio {ratio:.1f}"


PARTS = ("line", "tenant", "peer")


def told(part: str, folder: Path, delay: float, sizes: Sequence[int]) -> Iterator[str]:
    """What one part shows."""
    if part == "tenant":
        return tenant(folder, sizes)
    return line(folder, delay) if part == "line" else peer(folder, delay)


def main(arguments: Sequence[str]) -> int:
    """Run every part, or the one named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--delay", type=float, default=DELAY * 1000, metavar="MS", help="More for every round trip.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="Mailboxes of the tenants.")
    options = parser.parse_args(arguments)
    for name in [options.only] if options.only else PARTS:
        with tempfile.TemporaryDirectory() as folder:
            for words in told(name, Path(folder), options.delay / 1000, options.sizes):
                sys.stdout.write(words + "\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

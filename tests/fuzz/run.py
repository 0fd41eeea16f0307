"""Throws broken bodies at every reader for a while: ``python -m tests.fuzz.run --minutes 10``.

Each reader gets what it can read (found by trying every seed once) and, sometimes, what it cannot. A crash prints the
reader, the error and where the body was kept, so that it can be read again; the end says how many bodies each reader
saw. Exit code 1 when anything crashed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.mutate import mutated
from tests.fuzz.readers import STATUSES, Reader, readers, snapshot_reader
from tests.fuzz.seeds import seeds

from hybridge.wire.ask import Failure


class Crash(Exception):
    """A reader raised what it must not. ``body`` is what it read."""

    def __init__(self, reader: str, body: bytes, error: BaseException) -> None:
        super().__init__(f"{reader}: {type(error).__name__}: {error}")
        self.reader = reader
        self.body = body


def attempt(reader: Reader, body: bytes) -> bool:
    """Let ``reader`` read ``body``; True when something came of it. Raises ``Crash``."""
    try:
        found = reader.read(body)
        return not isinstance(found, Failure) and found not in (None, (), b"", "")
    except reader.refusals:
        return False
    except Exception as error:
        raise Crash(reader.name, body, error) from error


def liked(reader: Reader, bodies: Sequence[bytes]) -> list[bytes]:
    """The seeds ``reader`` gets something out of, each in an answer of a status that lets it."""
    found = []
    for body in bodies:
        for dressed in (body + b" " * blanks for blanks in range(len(STATUSES))):
            try:
                good = attempt(reader, dressed)
            except Crash:  # met again, and told, when it is thrown
                good = True
            if good:
                found.append(dressed)
                break
    return found


def one_round(reader: Reader, own: Sequence[bytes], bodies: Sequence[bytes], chance: random.Random) -> None:
    """One broken body; ``own`` are those the reader likes. Raises ``Crash``."""
    base = chance.choice(own) if own and chance.random() < 0.85 else chance.choice(bodies)
    attempt(reader, mutated(base, chance.choice(own or bodies), chance))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--only", default="", help="part of a reader's name")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-crashes"))
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "export").mkdir()
        bodies = asyncio.run(seeds(folder))
        chosen = [one for one in (*readers(), snapshot_reader(folder / "export")) if options.only in one.name]
        return _fuzz(chosen, bodies, options.minutes * 60, random.Random(options.seed), options.keep, options.seed)


def _fuzz(
    chosen: Sequence[Reader], bodies: Sequence[bytes], seconds: float, chance: random.Random, keep: Path, seed: int
) -> int:
    sys.stdout.write(f"seed {seed}; {len(chosen)} readers, {len(bodies)} bodies, {seconds:.0f} s\n")
    likes = {one.name: liked(one, bodies) for one in chosen}
    counts = dict.fromkeys(likes, 0)
    crashes: dict[str, Crash] = {}
    ends = time.monotonic() + seconds
    said = time.monotonic()
    while time.monotonic() < ends:
        for reader in chosen:
            for _ in range(20):
                counts[reader.name] += 1
                try:
                    one_round(reader, likes[reader.name], bodies, chance)
                except Crash as crash:
                    if crashes.setdefault(_place(crash), crash) is crash:
                        _tell(crash, keep)
        if time.monotonic() - said > 30:
            said = time.monotonic()
            sys.stdout.write(f"{sum(counts.values()):,} bodies, {len(crashes)} crashes\n")
            sys.stdout.flush()
    unread = [name for name, own in likes.items() if not own]
    sys.stdout.write(f"{sum(counts.values()):,} bodies in {seconds:.0f} s, {len(crashes)} crashes; ")
    sys.stdout.write(f"readers no seed suits: {', '.join(unread) or 'none'}\n")
    return 1 if crashes else 0


def _place(crash: Crash) -> str:
    """Where it crashed: the same line is told once."""
    trace = traceback.extract_tb(crash.__cause__.__traceback__) if crash.__cause__ else []
    return f"{trace[-1].filename}:{trace[-1].lineno}" if trace else str(crash)


def _tell(crash: Crash, keep: Path) -> None:
    keep.mkdir(exist_ok=True)
    path = keep / f"{crash.reader.replace('/', '-')}-{len(list(keep.iterdir()))}"
    path.write_bytes(crash.body)
    sys.stdout.write(f"CRASH {crash}\n  at {_place(crash)}\n  body kept in {path}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

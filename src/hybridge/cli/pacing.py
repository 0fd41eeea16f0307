"""A long walk over a plan at the command line: a bar on a terminal, else a line every five seconds; Ctrl-C stops it.

The first Ctrl-C ends the walk after the change that is under way, so that the journal says how everything stands; the
second cuts it short, which a journal survives too.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

from hybridge.cli.options import say
from hybridge.net.clock import stopwatch
from hybridge.repair.batches import Pace, Progress, Unhurried
from hybridge.repair.ends import PATIENT, Patience
from hybridge.wire.ask import Answerer

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""
_BAR = 24
_REDRAWN = 0.1


class Meter:
    """Tells how far a walk over ``noun`` is. ``elapsed`` gives the milliseconds since the start; ``columns`` 0 is no
    terminal."""

    def __init__(self, stream: TextIO, elapsed: Callable[[], float], columns: int = 0, noun: str = "changes") -> None:
        self._noun = noun
        self._stream = stream
        self._elapsed = elapsed
        self._columns = columns
        self._told = 0.0
        self._drawn = False

    def tell(self, progress: Progress) -> None:
        """Show ``progress`` if it is time to; the last step is always drawn on a terminal."""
        now = self._elapsed() / 1000
        last = bool(progress.total) and progress.done == progress.total
        if self._columns:
            if last or not self._drawn or now - self._told >= _REDRAWN:
                self._draw(bar(progress, now, self._noun)[: self._columns - 1], now)
        elif now - self._told >= EVERY:
            self._told = now
            self._stream.write(f"  {how_far(progress, now, self._noun)}\n")

    def say(self, text: str) -> None:
        """A sentence between."""
        self.close()
        self._stream.write(f"  {text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False

    def _draw(self, text: str, now: float) -> None:
        self._told, self._drawn = now, True
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()


def bar(progress: Progress, seconds: float, noun: str = "changes") -> str:
    """``progress`` as a bar with numbers; without one where the end is not known."""
    if not progress.total:
        return how_far(progress, seconds, noun)
    full = _BAR * progress.done // max(progress.total, 1)
    return f"[{'#' * full}{'-' * (_BAR - full)}] {how_far(progress, seconds, noun)}"


def how_far(progress: Progress, seconds: float, noun: str = "changes") -> str:
    """``progress`` after ``seconds``: "1,204 of 10,000 changes, 3.1 a second, about 47 min left".

    Where the end is not known (``total`` 0), ``says`` is what is being read: "Get-Mailbox: 1,204 objects".
    """
    if not progress.total:
        return f"{progress.says}: {progress.done:,} {noun}"
    parts = [f"{progress.done:,} of {progress.total:,} {noun}"]
    if seconds >= 1 and progress.done:
        rate = progress.done / seconds
        parts.append(f"{rate:.1f} a second")
        if left := progress.total - progress.done:
            parts.append(f"about {_time(left / rate)} left")
    return ", ".join(parts)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.0f} h"


@dataclass(frozen=True)
class Walk:
    """What a walk is made with."""

    patience: Patience
    tell: Callable[[str], None]

    def unhurried(self, answerer: Answerer) -> Unhurried:
        """``answerer``, asked no faster than Exchange lets it."""
        return Unhurried(answerer, tell=self.tell)


@contextmanager
def walking(batch: int, quiet: bool, *, attended: bool = False) -> Iterator[Walk]:
    """A walk in batches of ``batch`` that tells how far it is and may be stopped; to be used inside the event loop.

    ``attended``: somebody is asked before every change, and neither a bar nor Ctrl-C shall come between.
    """
    meter = Meter(sys.stderr, stopwatch(), shutil.get_terminal_size().columns if sys.stderr.isatty() else 0)
    if attended:
        yield Walk(Patience(pace=Pace(batch=batch)), meter.say)
        return
    asked: list[bool] = []

    def stop() -> None:
        asked.append(True)
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        meter.say("stopping after this change; go on with: hybridge repair resume (Ctrl-C again cuts it short)")

    pace = Pace(batch=batch, tell=(lambda _: None) if quiet else meter.tell, stop=lambda: bool(asked))
    with _on_interrupt(stop):
        try:
            yield Walk(
                Patience(PATIENT.tries, PATIENT.pause, PATIENT.longest, PATIENT.sleep, pace),
                lambda text: say(text, True) if quiet else meter.say(text),
            )
        finally:
            meter.close()


@contextmanager
def _on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` at the first Ctrl-C, where the event loop can."""
    before = signal.getsignal(signal.SIGINT)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, and loops outside the main thread
        loop.add_signal_handler(signal.SIGINT, stop)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)

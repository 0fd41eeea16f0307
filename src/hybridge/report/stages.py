"""A named test as a tree for a terminal: every step with its outcome and time, what failed, and what was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from hybridge.findings import Outcome, Stage

WIDTH = 110
_MARKS = {
    Outcome.PASSED: ("v", "green"),
    Outcome.FAILED: ("x", "red"),
    Outcome.INCONCLUSIVE: ("?", "yellow"),
    Outcome.ACCEPTED: ("a", "cyan"),
    Outcome.NOT_APPLICABLE: ("-", "dim"),
}
_DETAILS = 6
"""Details a step shows that did not pass, one that passed shows the first; JSON and HTML reports show all."""

Paint = Callable[[str, str], str]


def lines(stage: Stage, paint: Paint) -> Iterator[str]:
    """The tree under ``stage``, whose title is the test's question."""
    yield _line(stage, "", paint)
    yield from _below(stage, "", paint)


def took(stage: Stage) -> str:
    """The time of a step in words: "85 ms", "1.2 s"; "" where nothing was asked."""
    if stage.took_ms < 1:
        return ""
    return f"{stage.took_ms:.0f} ms" if stage.took_ms < 1000 else f"{stage.took_ms / 1000:.1f} s"


def _line(stage: Stage, stem: str, paint: Paint) -> str:
    mark, colour = _MARKS[stage.outcome]
    head = f"{stem}{paint(mark, colour)} {paint(stage.title, 'bold') if not stem else stage.title}"
    tail = "  ".join(part for part in (stage.outcome.value, took(stage)) if part)
    return f"{head}  {paint(tail, 'dim')}"


def _below(stage: Stage, stem: str, paint: Paint) -> Iterator[str]:
    for number, one in enumerate(stage.stages, start=1):
        last = number == len(stage.stages)
        yield _line(one, f"{stem}{'`' if last else '|'}- ", paint)
        inner = stem + ("   " if last else "|  ")
        bar = inner + ("|  " if one.stages else "   ")
        for text in one.says:
            yield from _wrapped(text, bar, paint, "")
        if one.outcome is not Outcome.NOT_APPLICABLE:
            shown = 1 if one.outcome is Outcome.PASSED else _DETAILS
            for text in one.details[:shown]:
                yield from _wrapped(text, bar, paint, "dim", limit=2)
            if len(one.details) > _DETAILS:
                yield f"{bar}{paint(f'... and {len(one.details) - _DETAILS} more', 'dim')}"
        yield from _below(one, inner, paint)


def _wrapped(text: str, stem: str, paint: Paint, colour: str, limit: int = 0) -> Iterator[str]:
    found = textwrap.wrap(text, WIDTH - len(stem))
    if limit and len(found) > limit:
        found = [*found[: limit - 1], found[limit - 1][: WIDTH - len(stem) - 4] + " ..."]
    for line in found:
        yield stem + (paint(line, colour) if colour else line)

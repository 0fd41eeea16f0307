"""The board, an explanation and the troubleshooter's steps, for a terminal."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hybridge.presence.explained import Board, ClaimShown, Row, SinkStanding, Step, Why
from hybridge.presence.states import PresenceState
from hybridge.presence.text import WORDS

WIDE = 110
EVERY = 1.0
"""Seconds between two looks of a live board."""
COLOURS = {
    "in-a-meeting": "red",
    "busy": "red",
    "presenting": "red",
    "in-a-call": "red",
    "do-not-disturb": "red",
    "focusing": "magenta",
    "out-of-office": "yellow",
    "away": "yellow",
    "tentative": "cyan",
    "working-elsewhere": "cyan",
    "available": "green",
    "unknown": "dim",
}
MARKS = {"passed": ("ok", "green"), "failed": ("FAILED", "red"), "not tried": ("not tried", "yellow")}


def shown_board(board: Board, only_trouble: bool, colour: bool) -> str:
    """The board as text."""
    return _text(_board(board, only_trouble), colour)


def shown_live(ask: Callable[[], Board], only_trouble: bool) -> None:
    """The board, again and again, until Ctrl-C."""
    with Live(_board(ask(), only_trouble), auto_refresh=False, screen=False) as live:
        while True:
            time.sleep(EVERY)
            live.update(_board(ask(), only_trouble), refresh=True)


def shown_why(why: Why, colour: bool) -> str:
    """An explanation as text."""
    head = Text.assemble(
        (why.address, "bold"),
        " is ",
        _state(why.state),
        f" until {_clock(why.until, why.at)}" if why.until else "",
        f" (rules: {why.rules}; group {why.group}, read by {why.source})",
    )
    lines: list[RenderableType] = [head, *(Text(f"  because: {says}") for says in why.because)]
    if why.next_at:
        lines.append(Text(f"  next: {_word(why.next_state)} at {_clock(why.next_at, why.at)}"))
    read = f"read at {_clock(why.calendar_read_at, why.at)}" if why.calendar_read_at else "never read"
    window = f", from {_clock(why.calendar_from, why.at)} to {_clock(why.calendar_to, why.at)}"
    lines.append(Text(f"  calendar: {read}{window if why.calendar_read_at else ''}"))
    replies = f"{why.replies}, read at {_clock(why.replies_read_at, why.at)}" if why.replies else "never read"
    lines.append(Text(f"  automatic replies: {replies}"))
    if why.trouble:
        lines.append(Text(f"  trouble: {why.trouble}", style="red"))
    lines += [_claims(why), _standings(why)]
    return _text(Group(*lines), colour)


def shown_steps(steps: tuple[Step, ...], colour: bool) -> str:
    """What was tried, as text."""
    lines: list[RenderableType] = []
    subject = ""
    for step in steps:
        if step.subject != subject:
            subject = step.subject
            lines.append(Text(subject, style="bold"))
        mark, style = MARKS[step.outcome]
        lines.append(Text.assemble("  ", (f"{mark:<10}", style), f"{step.name}: {step.says}"))
        if step.next_step:
            lines.append(Text(f"             next: {step.next_step}"))
    failed = sum(step.outcome == "failed" for step in steps)
    lines.append(Text(f"{len(steps)} steps, {failed} failed"))
    return _text(Group(*lines), colour)


def _board(board: Board, only_trouble: bool) -> Group:
    people = _people(board, only_trouble)
    parts: list[RenderableType] = [people, _servers(board), _sinks(board)]
    parts += [Text(f"trouble: {says}", style="red") for says in board.troubles]
    if board.draining:
        parts.append(Text("the gateway is being drained", style="yellow"))
    return Group(*parts)


def _people(board: Board, only_trouble: bool) -> Table:
    table = _table(f"{len(board.people)} people at {_clock(board.at, None)} UTC, rules {board.rules}")
    subjects = any(row.subject for row in board.people)
    for name in ("person", "state", "until", "next", "read", "sinks", *(("subject",) if subjects else ()), "trouble"):
        table.add_column(name, overflow="fold")
    for row in board.people:
        if not only_trouble or row.trouble or _differs(row):
            following = f"{_word(row.next_state)} {_clock(row.next_at, board.at)}" if row.next_at else ""
            cells = [_clock(row.until, board.at), following, _clock(row.read_at, board.at), _shown(row)]
            extra = [row.subject] if subjects else []
            table.add_row(row.address, _state(row.state), *cells, *extra, row.trouble)
    return table


def _servers(board: Board) -> Table:
    table = _table("servers")
    for name in ("source", "server", "people", "last read", "figures", "trouble"):
        table.add_column(name, overflow="fold")
    for source in board.sources:
        for end in source.endpoints:
            figures = ", ".join(f"{name} {value:g}" for name, value in end.figures.items())
            trouble = f"{end.trouble} {end.next_step}".strip()
            table.add_row(
                source.name, end.place, str(source.people), _clock(source.read_at, board.at), figures, trouble
            )
    return table


def _sinks(board: Board) -> Table:
    table = _table("sinks")
    for name in ("sink", "kind", "people", "pending", "published", "retried", "refused", "trouble"):
        table.add_column(name, overflow="fold")
    for sink in board.sinks:
        numbers = (sink.people, sink.pending, sink.published, sink.retried, sink.refused)
        table.add_row(sink.name, sink.kind, *map(str, numbers), f"{sink.trouble} {sink.next_step}".strip())
    return table


def _claims(why: Why) -> Table:
    table = _table("claims")
    subjects = any(claim.subject for claim in why.claims)
    for name in ("", "source", "state", "from", "until", "rules", "item", *(("subject",) if subjects else ())):
        table.add_column(name, overflow="fold")
    for claim in why.claims:
        table.add_row(*_claim(claim, why.at), *([claim.subject] if subjects else []))
    return table


def _claim(claim: ClaimShown, at: datetime) -> tuple[RenderableType, ...]:
    mark = "*" if claim.in_force else ""
    until = _clock(claim.until, at) or "open"
    item = claim.item if len(claim.item) <= 24 else f"{claim.item[:10]}...{claim.item[-10:]}"
    return (mark, claim.source, _state(claim.state), _clock(claim.from_at, at), until, ", ".join(claim.rules), item)


def _standings(why: Why) -> Table:
    table = _table("sinks")
    for name in ("sink", "wanted", "shown", "expires", "waiting", "last error"):
        table.add_column(name, overflow="fold")
    for one in why.sinks:
        expires = _clock(one.expires_at, why.at)
        table.add_row(one.sink, _word(one.desired), _word(one.shown), expires, _waiting(one, why.at), _error(one))
    return table


def _waiting(one: SinkStanding, at: datetime) -> str:
    if not one.pending:
        return ""
    again = f", again at {_clock(one.again_at, at)}" if one.again_at else ""
    return f"attempt {one.attempts + 1}{again}"


def _error(one: SinkStanding) -> str:
    return f"{one.trouble} {one.next_step}".strip()


def _differs(row: Row) -> bool:
    return any(shown != row.state for shown in row.shown.values())


def _shown(row: Row) -> str:
    """The sinks that show the state; what another shows is said beside it."""
    words = (
        name if shown == row.state else f"{name}: {_word(shown) or 'nothing'}" for name, shown in row.shown.items()
    )
    return ", ".join(words) if row.state or any(row.shown.values()) else ""


def _state(state: str) -> Text:
    return Text(_word(state) or "nothing yet", style=COLOURS.get(state, ""))


def _word(state: str) -> str:
    return WORDS[PresenceState(state)] if state else ""


def _clock(at: datetime | None, now: datetime | None) -> str:
    """Hours and minutes in UTC, with the day where it is another."""
    if at is None:
        return ""
    return at.strftime("%H:%M:%S" if now is None or at.date() == now.date() else "%d %b %H:%M")


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")


def _text(shown: RenderableType, colour: bool) -> str:
    stream = io.StringIO()
    width = None if colour else WIDE
    Console(file=stream, force_terminal=colour, no_color=not colour, width=width, highlight=False).print(shown)
    return stream.getvalue()

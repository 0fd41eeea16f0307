"""``hybridge demo presence``: a small office lives through a day in a minute.

The lab's clock is moved on by ten minutes a step; everything else is as in an organization: people put appointments
into their calendars and call them off (over the control any ``hybridge lab calendar`` uses), the gateway that
``hybridge presence run`` starts reads them over EWS and Graph, and what is shown here is what its sink was told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hybridge.cli.exits import Exit
from hybridge.cli.options import colour_wanted, out
from hybridge.presence.states import PresenceState
from hybridge.presence.text import WORDS

if TYPE_CHECKING:
    from hybridge.cli.lab_control import LabControl
    from hybridge.cli.lab_running import OpenLab
    from hybridge.presence.service import Service

BEGINS = timedelta(hours=8, minutes=50)
STEP = timedelta(minutes=10)
STEPS = 50
WIDE = 110
PATIENCE = 30.0
"""Seconds the first reading of all calendars may take."""
LOOKS = {
    PresenceState.AVAILABLE: (".", "green"),
    PresenceState.IN_A_MEETING: ("M", "red"),
    PresenceState.BUSY: ("B", "magenta"),
    PresenceState.OUT_OF_OFFICE: ("O", "yellow"),
    PresenceState.WORKING_ELSEWHERE: ("w", "cyan"),
    PresenceState.TENTATIVE: ("t", "cyan"),
    PresenceState.FOCUSING: ("F", "magenta"),
}
"""How ten minutes of a state look in the strip of a day."""


@dataclass(frozen=True)
class Act:
    """Something a person does at a time of the day; ``body`` is posted to ``path`` of the lab's control."""

    at: str
    says: str
    path: str
    body: dict[str, Any]


def put(at: str, who: str, subject: str, start: str, minutes: int, **more: Any) -> Act:
    """Somebody puts something into a calendar; ``start`` is a time of the day."""
    body = {"mailbox": f"{who}@contoso.com", "subject": subject, "start_at": start, "minutes": minutes, **more}
    body["attendees"] = [f"{one}@contoso.com" for one in more.get("attendees", ())]
    return Act(at, f"{who} has '{subject}' from {start}, {minutes} minutes", "/calendar", body)


def day() -> tuple[Act, ...]:
    """The office's day."""
    replies = {"mailbox": "alan@contoso.com", "state": "Enabled", "internal_reply": "Out.", "external_reply": "Out."}
    return (
        put("08:50", "ada", "Stand-up", "09:00", 30, attendees=("grace",)),
        put("08:50", "ada", "Design review", "09:30", 60, attendees=("grace", "linus")),
        put("08:50", "grace", "Stand-up", "09:00", 30, attendees=("ada",)),
        put("08:50", "grace", "Write the report", "11:00", 60),
        put("08:50", "alan", "Dentist", "11:00", 60, busy="OOF", private=True),
        put("08:50", "linus", "Supplier", "10:00", 90, attendees=("marie",)),
        put("08:50", "marie", "At the other site", "09:00", 180, busy="WorkingElsewhere"),
        put("08:50", "marie", "Lunch?", "12:00", 60, busy="Tentative"),
        put("10:20", "alan", "Incident", "10:20", 30, attendees=("ada",)),
        put("13:10", "ada", "Budget", "14:00", 90, attendees=("alan",)),
        Act(
            "14:40",
            "ada calls 'Budget' off, in the middle of it",
            "/calendar/remove",
            {"mailbox": "ada@contoso.com", "item": "Budget"},
        ),
        put("14:50", "grace", "Interview", "15:00", 60, attendees=("marie",)),
        Act("15:20", "alan goes home ill and turns his automatic replies on", "/replies", replies),
        Act("16:30", "alan feels better and turns them off", "/replies", {**replies, "state": "Disabled"}),
    )


@dataclass
class Seen:
    """What the sink was told, step by step."""

    at: datetime
    strips: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    untils: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    changes: int = 0

    def note(self, at: datetime, shown: dict[str, tuple[str, str]]) -> Iterator[str]:
        """Add a step; a sentence for each change."""
        self.at = at
        for who, (state, until) in sorted(shown.items()):
            before = self.strips[who][-1] if self.strips[who] else ""
            self.strips[who].append(state)
            self.untils[who] = until
            if state != before:
                self.changes += 1
                yield f"{at:%H:%M}  {who:<10} {_word(state)}{f' until {until}' if until else ''}"


async def office(folder: Path, seconds: float, quiet: bool) -> Exit:
    """Live the day in ``seconds``; 0 when everybody's presence was seen and nobody was left in a meeting."""
    from hybridge.cli.lab_control import LabControl
    from hybridge.cli.lab_running import open_lab
    from hybridge.presence.parts import MAKERS
    from hybridge.presence.reloading import Reloading
    from hybridge.presence.service import Place, serving

    logging.getLogger("hybridge").addHandler(logging.NullHandler())  # the clock jumps at every step: no news here
    config = folder / "hybridge.toml"
    async with open_lab(config) as lab:
        estate, control = lab.running.estate, LabControl(config)
        now = estate.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        await _post(control, "/clock", {"seconds": (midnight + BEGINS - now).total_seconds()})
        acts = list(day())
        await _play(control, acts, midnight, "08:50")
        reloading = Reloading(config)
        layout = reloading.first()
        async with serving(layout, reloading, Place(folder / "presence.sqlite"), MAKERS, estate) as service:
            running = asyncio.create_task(service.run())
            await _first_read(folder, len(layout.people))
            seen = await _live(lab, service, _Stage(folder, control, acts, midnight), seconds, quiet)
            service.wishes.drain.set()
            await running
    return _verdict(seen, len(layout.people))


@dataclass(frozen=True)
class _Stage:
    folder: Path
    control: LabControl
    acts: list[Act]
    midnight: datetime


async def _live(lab: OpenLab, service: Service, stage: _Stage, seconds: float, quiet: bool) -> Seen:
    """Step through the day."""
    seen = Seen(lab.running.estate.now())
    live = Live(_table(seen), auto_refresh=False) if colour_wanted() and not quiet else None
    if live is not None:
        live.start()
    for _ in range(STEPS):
        at = stage.midnight + BEGINS + len(next(iter(seen.strips.values()), [])) * STEP
        await _post(stage.control, "/clock", {"seconds": (at - lab.running.estate.now()).total_seconds()})
        service.gateway.poke()
        lines = [
            f"{at:%H:%M}  ({says})" for says in await _play(stage.control, stage.acts, stage.midnight, f"{at:%H:%M}")
        ]
        await asyncio.sleep(seconds / STEPS)
        lines += seen.note(at, _shown(stage.folder))
        seen.said = [*seen.said, *lines][-6:]
        if live is not None:
            live.update(Group(_table(seen), *(Text(line, style="dim") for line in seen.said)), refresh=True)
        elif not quiet:
            for line in lines:
                out(line)
    if live is not None:
        live.stop()
    elif not quiet:
        Console(width=WIDE).print(_table(seen))
    return seen


async def _play(control: LabControl, acts: list[Act], midnight: datetime, until: str) -> list[str]:
    """Let people do what they do up to ``until``; what they did, in words."""
    due = [act for act in acts if act.at <= until]
    for act in due:
        acts.remove(act)
        body = dict(act.body)
        if "start_at" in body:
            hours, _, minutes = body["start_at"].partition(":")
            body["start_at"] = (midnight + timedelta(hours=int(hours), minutes=int(minutes))).isoformat()
        await _post(control, act.path, body)
    return [act.says for act in due]


async def _post(control: LabControl, path: str, body: dict[str, Any]) -> None:
    await asyncio.to_thread(control.post, path, body)


async def _first_read(folder: Path, people: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(_shown(folder)) < people:  # noqa: ASYNC110 - a file does not tell when it is written
            await asyncio.sleep(0.1)


def _shown(folder: Path) -> dict[str, tuple[str, str]]:
    """What the sink's file says: state and end by person."""
    file = folder / "presence.json"
    if not file.exists():
        return {}
    people = msgspec.json.decode(file.read_bytes())
    return {address.partition("@")[0]: (one["state"], _hour(one.get("until"))) for address, one in people.items()}


def _hour(until: str | None) -> str:
    return until[11:16] if until else ""


def _word(state: str) -> str:
    return WORDS[PresenceState(state)]


def _table(seen: Seen) -> Group:
    table = Table(title=f"Contoso at {seen.at:%H:%M}", title_justify="left", box=None, header_style="bold")
    for name in ("person", "presence", "until", "the day so far, a letter for ten minutes"):
        table.add_column(name)
    for who, strip in seen.strips.items():
        letters = Text.assemble(*(LOOKS.get(PresenceState(one), ("?", "dim")) for one in strip))
        colour = LOOKS.get(PresenceState(strip[-1]), ("?", "dim"))[1]
        table.add_row(who, Text(_word(strip[-1]), style=colour), seen.untils[who], letters)
    legend = Text("  ".join(f"{letter} {WORDS[state]}" for state, (letter, _) in LOOKS.items()), style="dim")
    return Group(table, legend)


def _verdict(seen: Seen, people: int) -> Exit:
    """Everybody was seen at work, and in the evening nobody is in a meeting."""
    last = {strip[-1] for strip in seen.strips.values()}
    out(f"{seen.changes} changes of presence for {people} people in a day of {STEPS * STEP.seconds // 3600} hours")
    out("Next: hybridge lab up, then hybridge presence run in another terminal; docs/presence.md shows your own.")
    well = len(seen.strips) == people and PresenceState.IN_A_MEETING not in last and seen.changes > 2 * people
    return Exit.OK if well else Exit.FINDINGS

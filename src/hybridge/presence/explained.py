"""What the gateway tells of itself, as values: the board, why one person shows what they show, what was tried.

They travel as JSON from the running gateway to the command line, and are what ``--format json`` prints. No subject of
a meeting is in them unless the configuration wants subjects.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Outcome = Literal["passed", "failed", "not tried"]


class ClaimShown(msgspec.Struct, frozen=True, kw_only=True):
    """One claim. ``says`` are the sentences of the rules that made it; ``item`` is the source's id of the event."""

    source: str
    state: str
    from_at: datetime
    until: datetime | None
    item: str
    rules: tuple[str, ...]
    says: tuple[str, ...]
    in_force: bool
    subject: str = ""


class SinkStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How one person stands with one sink. ``trouble`` is the last failure or that of the whole sink."""

    sink: str
    kind: str
    desired: str
    desired_until: datetime | None
    shown: str
    expires_at: datetime | None
    pending: bool
    attempts: int
    again_at: datetime | None
    trouble: str
    next_step: str


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why a person shows what they show. ``next_at`` is the next boundary; ``claims`` in force first."""

    address: str
    group: str
    source: str
    at: datetime
    state: str
    until: datetime | None
    next_at: datetime | None
    next_state: str
    rules: str
    because: tuple[str, ...]
    claims: tuple[ClaimShown, ...]
    calendar_read_at: datetime | None
    calendar_from: datetime | None
    calendar_to: datetime | None
    replies_read_at: datetime | None
    replies: str
    trouble: str
    sinks: tuple[SinkStanding, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One person on the board. ``shown`` maps sinks to what they show."""

    address: str
    group: str
    source: str
    state: str
    until: datetime | None
    next_at: datetime | None
    next_state: str
    read_at: datetime | None
    shown: dict[str, str]
    trouble: str
    subject: str = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One server of a source."""

    place: str
    at: datetime
    trouble: str
    next_step: str
    figures: dict[str, float]


class SourceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A source with its servers. ``read_at`` is when it last told a calendar."""

    name: str
    kind: str
    people: int
    restarts: int
    read_at: datetime | None
    endpoints: tuple[Endpoint, ...]


class SinkShown(msgspec.Struct, frozen=True, kw_only=True):
    """A sink with its queue."""

    name: str
    kind: str
    people: int
    pending: int
    published: int
    retried: int
    refused: int
    lag: float
    restarts: int
    trouble: str
    next_step: str
    again_at: datetime | None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at once. ``state_trouble`` is about the state file, ``config_problem`` about a refused reload."""

    at: datetime
    started_at: datetime | None
    rules: str
    revision: int
    draining: bool
    jumps: int
    state_trouble: str
    config_problem: str
    people: tuple[Row, ...]
    sources: tuple[SourceShown, ...]
    sinks: tuple[SinkShown, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """Every sentence about something that is not well."""
        every = [self.state_trouble, self.config_problem]
        every += [f"{source.name}: {end.trouble}" for source in self.sources for end in source.endpoints if end.trouble]
        every += [f"{sink.name}: {sink.trouble}" for sink in self.sinks if sink.trouble]
        return tuple(says for says in every if says)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried at ``subject`` (``exchange hq: mail.contoso.com``)."""

    subject: str
    name: str
    outcome: Outcome
    says: str
    next_step: str = ""

"""What every source is to the gateway.

A source watches people until it is told otherwise. It tells what it saw through ``Tell``, one person at a time, and
never raises for what a server does: a failure is a ``NotRead`` of the people it concerns, so that one bad mailbox,
server or credential never stops another. It is a task of the gateway: ``run`` ends when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from hybridge.presence.observations import Observation, Subject
from hybridge.presence.people import Person

Tell = Callable[[str, Observation], None]
"""Given a person's address and what was seen. Never waits, never raises."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How one endpoint of a source does: for the troubleshooter, the metrics and the board.

    ``place`` names it (a host); ``trouble`` is one sentence, "" when all is well; ``figures`` are numbers by name.
    """

    place: str
    at: datetime
    trouble: str = ""
    next_step: str = ""
    figures: dict[str, float] = {}


class Source(Protocol):
    """A source of observations. ``name`` is that of its configuration."""

    name: str

    async def run(self, tell: Tell) -> None:
        """Watch until cancelled."""

    def watch(self, people: Iterable[Person]) -> None:
        """Watch exactly these from now on; may be called while ``run`` is under way."""

    def refresh(self, address: str, subject: Subject) -> None:
        """Read this person soon: a hint came, or what is known ends. Many calls become one read."""

    def keep(self) -> dict[str, bytes]:
        """What a restart wants to find again (subscription ids, tokens of a delta), by a name of the source's own."""

    def health(self) -> tuple[Health, ...]:
        """How its endpoints do."""

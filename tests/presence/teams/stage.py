"""The lab's Teams as the contract of sinks wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tests.loop.walk import NOW
from tests.presence.teams.office import Office, opened, person

from hybridge.net.clock import Clock, SetClock
from hybridge.presence.people import Person
from hybridge.presence.sinks.teams import TeamsSink
from hybridge.presence.states import PresenceState

GRAPH = "graph.microsoft.com"
THERE = "Available Available"


class TeamsStage:
    """Graph over TLS; the onlooker is whoever the lab shows presence to."""

    known = (person("ada@contoso.com"), person("grace@contoso.com"))
    stranger: Person | None = person("ghost@contoso.com")
    looks: Mapping[PresenceState | None, str] = {
        PresenceState.IN_A_MEETING: "Busy InAConferenceCall",
        PresenceState.OUT_OF_OFFICE: THERE,
        None: THERE,
    }
    ttl = timedelta(minutes=10)
    refuses_older = False

    def __init__(self, office: Office, clock: SetClock) -> None:
        self.office = office
        self._clock = clock
        self.clock: Clock = clock

    def sink(self) -> TeamsSink:
        """As the configuration makes it."""
        return self.office.sink()

    async def sees(self, person: Person, look: str) -> None:
        """What a presence service shows, it shows at once."""
        assert " ".join(self.office.shown(person.user)) == look

    async def outlive(self) -> None:
        """The lab has the same clock."""
        self._clock.advance(self.ttl)

    async def fail(self) -> None:
        """Somebody answers in Graph's place."""
        self.office.estate.switch_certificate(GRAPH, "untrusted")

    async def recover(self) -> None:
        """And no longer."""
        self.office.estate.switch_certificate(GRAPH, "good")


@asynccontextmanager
async def teams(folder: Path) -> AsyncIterator[TeamsStage]:
    """A lab of its own for each."""
    clock = SetClock(NOW)
    async with opened(folder, clock) as office:
        yield TeamsStage(office, clock)

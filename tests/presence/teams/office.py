"""A lab and a Teams sink on it, as the tests use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from tests.loop.walk import new_estate

from hybridge.config import load
from hybridge.lab.apps.teams_presence import PresenceSessions, presence_sessions, shown_of
from hybridge.lab.estate import ENTRA_CLIENT, Estate
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.answerers.live import open_live
from hybridge.net.clock import SetClock
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired
from hybridge.presence.sinks.teams import TeamsSettings, TeamsSink
from hybridge.presence.states import PresenceState
from hybridge.wire.ask import Answerer

USERS = ("ada@contoso.com", "grace@contoso.com", "linus@contoso.com")


def person(user: str) -> Person:
    return Person(address=user.lower(), source="exchange", user=user)


@dataclass
class Office:
    """The lab, and what a test does to it."""

    estate: Estate
    answerer: Answerer

    def sink(self, **changes: object) -> TeamsSink:
        settings = TeamsSettings(application=ENTRA_CLIENT)
        return TeamsSink(msgspec.structs.replace(settings, **changes), self.answerer)

    @property
    def now(self) -> datetime:
        return self.estate.now()

    @property
    def kept(self) -> PresenceSessions:
        return presence_sessions(self.estate)

    def shown(self, user: str = USERS[0]) -> tuple[str, str]:
        seen = shown_of(self.estate, user)
        return seen.availability, seen.activity

    def asked(self, ending: str) -> int:
        """Requests whose path ends so."""
        return sum(one.path.endswith(ending) for one in self.estate.log)

    def wanted(
        self,
        state: PresenceState | None,
        user: str = USERS[0],
        *,
        minutes: float | None = 30,
        keep: float = 60,
        text: str = "",
    ) -> Desired:
        """``state`` for ``minutes`` (None: without end), to be dropped after ``keep`` minutes."""
        until = None if minutes is None else self.now + timedelta(minutes=minutes)
        expires_at = self.now + timedelta(minutes=keep)
        return Desired(person=person(user), state=state, until=until, expires_at=expires_at, text=text)


@asynccontextmanager
async def opened(folder: Path, clock: SetClock) -> AsyncIterator[Office]:
    """A lab over TLS, and a live answerer as the lab's own configuration makes it."""
    estate = new_estate(clock)
    async with running_lab(estate, folder / "state", contoso_site(estate)) as running:
        file = folder / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with open_live(config.net, config.exchange, config.entra, clock) as live:
            yield Office(estate, live)

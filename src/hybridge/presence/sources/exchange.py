"""The on-premises Exchange source: sweeps are the truth, streams are hints, automatic replies are polled beside them.

Made of parts that share the servers (``exchange_servers``, with a breaker each) and nothing else: ``exchange_sweep``,
``exchange_streams``, ``exchange_replies``, ``exchange_routes``. The connections are handed in (``wire.streamed.Lines``,
on the network ``net.streaming.open_lines``), as are the time and the chance (``exchange_pace.Pace``). A source has one
account: servers of another forest or organization are another source.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from hybridge.presence.observations import Subject
from hybridge.presence.people import Person
from hybridge.presence.sources.base import Health, Tell
from hybridge.presence.sources.exchange_groups import Kept
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_replies import Replies
from hybridge.presence.sources.exchange_routes import Routes
from hybridge.presence.sources.exchange_servers import Servers
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.presence.sources.exchange_streams import Streams
from hybridge.presence.sources.exchange_sweep import Sweep
from hybridge.wire.streamed import Lines

SUBSCRIPTIONS = "subscriptions"
"""The name under which ``keep`` gives the subscriptions."""


class ExchangeSource:
    """A ``presence.sources.base.Source``. ``kept`` is what ``keep`` gave in an earlier run; what is not ours in it is
    passed over."""

    def __init__(
        self, name: str, settings: ExchangeSettings, lines: Lines, pace: Pace, kept: Mapping[str, bytes] | None = None
    ) -> None:
        self.name = name
        self._servers = Servers(settings.hosts, settings.calls, lines, pace)
        self._routes = Routes(settings, lines, self._servers, pace, self._moved)
        self._sweep = Sweep(
            settings, lines, self._servers, pace, lambda address: self._routes.of(address).place, self._routes.lost
        )
        self._replies = Replies(settings, lines, self._servers, pace, self._routes)
        self._streams = Streams(
            settings,
            lines,
            self._servers,
            pace,
            self._routes,
            self._sweep.refresh,
            _read_kept((kept or {}).get(SUBSCRIPTIONS, b"")),
        )

    async def run(self, tell: Tell) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._routes, self._sweep, self._replies, self._streams):
                tasks.create_task(part.run(tell))

    def watch(self, people: Iterable[Person]) -> None:
        """Watch exactly these from now on."""
        addresses = {person.address for person in people}
        for part in (self._routes, self._sweep, self._replies, self._streams):
            part.watch(addresses)

    def refresh(self, address: str, subject: Subject) -> None:
        """Read this person soon."""
        if subject is Subject.CALENDAR:
            self._sweep.refresh(address)
        else:
            self._replies.refresh(address)

    def keep(self) -> dict[str, bytes]:
        """The subscriptions: making tens of thousands of them takes hours."""
        return {SUBSCRIPTIONS: msgspec.json.encode(self._streams.kept())}

    def health(self) -> tuple[Health, ...]:
        """How each server does."""
        self._streams.count()
        return self._servers.health()

    def _moved(self, address: str) -> None:
        self._streams.rearrange()


def _read_kept(kept: bytes) -> dict[str, Kept]:
    try:
        return msgspec.json.decode(kept, type=dict[str, Kept])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}

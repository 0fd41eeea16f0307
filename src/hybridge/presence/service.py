"""The gateway with everything around it: its state file, its web pages, its control endpoint, its reloads, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hybridge.net.clock import Clock
from hybridge.presence.control import controlled, listening
from hybridge.presence.endpoint import control_file
from hybridge.presence.gateway import Gateway
from hybridge.presence.layout import Layout
from hybridge.presence.log import learn, told
from hybridge.presence.metrics import Metrics
from hybridge.presence.reloading import Reloading
from hybridge.presence.running_sink import Makers
from hybridge.presence.sole_owner import SoleOwner
from hybridge.presence.store import StateStore
from hybridge.presence.web import commands, public

LOOK_EVERY = 2.0
"""Seconds between two looks at the files of the configuration."""
DRAIN = 30.0
"""Seconds a drain may take."""


class CannotListen(Exception):
    """The address for health and metrics cannot be used: one sentence."""


@dataclass
class Wishes:
    """What somebody asked of the running gateway: a signal, or a command through the control endpoint."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    drain: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Place:
    """Where a gateway lives: its state file, and ``host:port`` for health and metrics ("" for none)."""

    state: Path
    listen: str = ""


class Service:
    """A running gateway. Made by ``serving``; ``url`` is where health and metrics are, "" where nowhere."""

    def __init__(self, gateway: Gateway, reloading: Reloading, wishes: Wishes) -> None:
        self.gateway = gateway
        self.reloading = reloading
        self.wishes = wishes
        self.url = ""

    async def run(self) -> bool:
        """Serve until stopped, drained, or another took over. Whether everything was sent at the end."""
        watcher = asyncio.create_task(self._reload_on_change(), name="presence reload")
        ends = [asyncio.create_task(end.wait()) for end in (self.wishes.stop, self.wishes.drain, self.gateway.lost)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watcher, *ends):
                task.cancel()
            await asyncio.wait([watcher, *ends])
        if self.gateway.lost.is_set():
            return False
        return await self.gateway.drain(DRAIN) if self.wishes.drain.is_set() else True

    async def reload(self) -> bool:
        """Read the configuration again; a bad one is refused and the old one stays. Whether it is in force."""
        layout = await asyncio.to_thread(self.reloading.again)
        if layout is None:
            return False
        learn(layout.secrets)
        if layout.place != self.gateway.layout.place:
            told("restart needed", logging.WARNING, says="presence.state and presence.listen change with a restart.")
        await self.gateway.reload(layout)
        return True

    async def _reload_on_change(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self.wishes.reload.wait()
            asked = self.wishes.reload.is_set()
            self.wishes.reload.clear()
            try:
                if asked or await asyncio.to_thread(self.reloading.changed):
                    await self.reload()
            except Exception as error:
                self.reloading.problem = f"The new configuration failed ({type(error).__name__}: {error})."
                told("reload failed", logging.ERROR, error=type(error).__name__, says=str(error))


@contextlib.asynccontextmanager
async def serving(
    layout: Layout, reloading: Reloading, place: Place, makers: Makers, clock: Clock
) -> AsyncIterator[Service]:
    """A gateway in operation until the block ends. Raises ``AlreadyRunning``, ``NewerState``, ``CannotListen``."""
    store = StateStore(place.state, clock.now)
    gateway = Gateway(layout, makers, store, SoleOwner(store, clock), clock)
    metrics = Metrics(gateway)
    wishes = Wishes()
    service = Service(gateway, reloading, wishes)
    routes = commands(gateway, wishes.drain.set, wishes.reload.set, lambda: reloading.problem)
    await gateway.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(gateway.stop)
        if place.listen:
            host, _, port = place.listen.rpartition(":")
            try:
                bound = await stack.enter_async_context(
                    listening(public(gateway, metrics), host.strip("[]"), int(port))
                )
            except (OSError, ValueError) as error:
                raise CannotListen(f"presence.listen '{place.listen}' cannot be used: {error}.") from error
            service.url = f"http://{host}:{bound}"
        try:
            await stack.enter_async_context(controlled(place.state, routes))
        except OSError as error:
            raise CannotListen(f"The control file '{control_file(place.state)}' cannot be written: {error}.") from error
        yield service

"""How sources and sinks are made from the configuration: one registry, a function a kind.

What a kind needs is imported when one of it is made, so that a gateway without XMPP needs no XMPP library, and a part
that cannot be made troubles nobody else: its task says why and tries again.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from hybridge import __version__
from hybridge.config_presence import (
    Named,
    PresenceCisco,
    PresenceExchange,
    PresenceFile,
    PresenceGraph,
    PresenceTeams,
    PresenceWebhook,
    PresenceXmpp,
)
from hybridge.net.clock import Clock
from hybridge.net.config import EntraConfig, ExchangeConfig
from hybridge.presence.layout import Part
from hybridge.presence.running_sink import Makers
from hybridge.presence.sinks.base import Sink
from hybridge.presence.sources.base import Source
from hybridge.terms.clouds import CLOUDS
from hybridge.wire.ask import Failure, FailureReason

BEFORE = timedelta(hours=2)
"""How far back a calendar is read: a meeting that began before is whole all the same."""
USER_AGENT = f"hybridge/{__version__}"
"""What Exchange's allow list for EWS must admit, where there is one."""
STDOUT = "-"


class CannotMake(Exception):
    """A part cannot be made of what the configuration says: one sentence, and the next step."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.says} {failure.next_step}".strip())


T = TypeVar("T", bound=Named)
MakeSource = Callable[[Part, Clock, Mapping[str, bytes]], AbstractAsyncContextManager[Source]]
MakeSink = Callable[[Part, Clock], AbstractAsyncContextManager[Sink]]


def exchange_account(part: Part) -> ExchangeConfig:
    """The account of an Exchange part: for its own hosts and no other."""
    table = _table(part, PresenceExchange)
    return ExchangeConfig(hosts=table.hosts, username=table.username, password=part.secret, auth=table.auth)


@asynccontextmanager
async def _exchange(part: Part, clock: Clock, kept: Mapping[str, bytes]) -> AsyncIterator[Source]:
    from hybridge.net.streaming import open_lines
    from hybridge.presence.sources.exchange import ExchangeSource
    from hybridge.presence.sources.exchange_pace import Pace
    from hybridge.presence.sources.exchange_settings import ExchangeSettings

    table = _table(part, PresenceExchange)
    settings = ExchangeSettings(
        hosts=table.hosts,
        user_agent=USER_AGENT,
        before=BEFORE,
        after=part.window,
        sweep_every=part.sweep.total_seconds(),
        replies_every=part.replies.total_seconds(),
        streaming=table.notifications,
        autodiscover=table.autodiscover,
        subjects=part.subjects,
    )
    async with open_lines(part.net, exchange_account(part), clock) as lines:
        if isinstance(lines, Failure):
            raise CannotMake(lines)
        yield ExchangeSource(part.name, settings, lines, Pace(clock.now, random.Random()), kept)


@asynccontextmanager
async def _graph(part: Part, clock: Clock, kept: Mapping[str, bytes]) -> AsyncIterator[Source]:
    from hybridge.net.answerers.live import open_live
    from hybridge.presence.sources.graph import GraphSource
    from hybridge.presence.sources.graph_settings import GraphSettings

    table = _table(part, PresenceGraph)
    settings = GraphSettings(
        name=part.name,
        host=CLOUDS[part.entra.cloud].graph,
        resource=table.resource,
        ahead=part.window,
        every=part.sweep,
        replies_every=part.replies,
        notification_url=table.notification_url,
        subjects=part.subjects,
    )
    async with open_live(part.net, ExchangeConfig(), part.entra, clock) as answerer:
        yield GraphSource(settings, answerer, now=clock.now, randomness=random.SystemRandom(), kept=kept)


@asynccontextmanager
async def _xmpp(part: Part, _: Clock) -> AsyncIterator[Sink]:
    try:
        from hybridge.net.xmpp import XmppComponent, XmppConfig
    except ModuleNotFoundError as error:
        raise CannotMake(
            Failure(
                reason=FailureReason.NOT_CONFIGURED,
                says=f"The library for XMPP is not installed ({error.name}).",
                next_step="Install it: pip install 'hybridge[xmpp]'.",
            )
        ) from error
    from hybridge.presence.sinks.xmpp import XmppSink

    table = _table(part, PresenceXmpp)
    config = XmppConfig(
        component=table.component,
        host=table.domain,
        secret=part.secret,
        server=table.host,
        port=table.port,
        allow_plaintext=table.allow_plaintext,
    )
    ttl = timedelta(seconds=table.ttl)
    yield XmppSink(part.name, XmppComponent(config, part.net), meeting_show=table.meeting_show, ttl=ttl)


@asynccontextmanager
async def _teams(part: Part, clock: Clock) -> AsyncIterator[Sink]:
    from hybridge.net.answerers.live import open_live
    from hybridge.presence.sinks.teams import TeamsSettings, TeamsSink

    table = _table(part, PresenceTeams)
    settings = TeamsSettings(
        application=part.entra.client_id,
        graph_host=CLOUDS[part.entra.cloud].graph,
        name=part.name,
        lease=timedelta(seconds=table.lease),
        presenting=table.presenting,
        status_messages=table.status_messages,
    )
    async with open_live(part.net, ExchangeConfig(), part.entra, clock) as answerer:
        yield TeamsSink(settings, answerer)


@asynccontextmanager
async def _webhook(part: Part, clock: Clock) -> AsyncIterator[Sink]:
    from hybridge.net.webhook import Webhook, WebhookConfig
    from hybridge.presence.sinks.webhook import WebhookSink

    table = _table(part, PresenceWebhook)
    poster = Webhook(WebhookConfig(table.url, key=part.secret), part.net, clock)
    yield WebhookSink(part.name, poster, interval=timedelta(seconds=table.interval))


@asynccontextmanager
async def _file(part: Part, _: Clock) -> AsyncIterator[Sink]:
    from hybridge.presence.sinks.file import LinesSink, StateFileSink

    table = _table(part, PresenceFile)
    path = None if table.path == STDOUT else _beside(part, table.path)
    if table.style == "state" and path is not None:
        yield StateFileSink(part.name, path)
    else:
        yield LinesSink(part.name, path)


@asynccontextmanager
async def _cisco(part: Part, clock: Clock) -> AsyncIterator[Sink]:
    from hybridge.net.answerers.live import open_live
    from hybridge.presence.sinks.cisco import CiscoSettings, CiscoSink

    table = _table(part, PresenceCisco)
    settings = CiscoSettings(
        hosts=table.hosts,
        application_user=table.username,
        domain=table.domain,
        name=part.name,
        experimental=table.experimental,
    )
    async with open_live(part.net, ExchangeConfig(), EntraConfig(), clock) as answerer:
        yield CiscoSink(settings, answerer, part.secret.reveal)


SOURCES: dict[str, MakeSource] = {"exchange": _exchange, "graph": _graph}
SINKS: dict[str, MakeSink] = {"xmpp": _xmpp, "teams": _teams, "webhook": _webhook, "file": _file, "cisco": _cisco}
"""Kind of a table -> how one of it is made."""


def _beside(part: Part, name: str) -> Path:
    return part.folder / Path(name).expanduser()


def _table(part: Part, kind: type[T]) -> T:
    """The table of a part, as what it is."""
    if not isinstance(part.table, kind):
        raise TypeError(f"{part.name} is no {kind.__name__}")
    return part.table


def _make_source(part: Part, clock: Clock, kept: Mapping[str, bytes]) -> AbstractAsyncContextManager[Source]:
    return SOURCES[part.kind](part, clock, kept)


def _make_sink(part: Part, clock: Clock) -> AbstractAsyncContextManager[Sink]:
    return SINKS[part.kind](part, clock)


MAKERS = Makers(_make_source, _make_sink)
"""The real parts."""

"""What Graph does around a request that an app cannot: ask a subscriber's address first, and bound what is under way.

An app answers at once, so requests to one mailbox are never under way together unless the gate is told to ``hold``
them: then the fifth to one mailbox is refused with 429, as Graph refuses it.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import unquote

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.graph_mailboxes import AT_ONCE, throttled
from hybridge.lab.apps.graph_subscriptions import read_create
from hybridge.lab.estate import Estate
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph import subscriptions
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

Validate = Callable[[str], Awaitable[str]]
"""Asks an address whether it wants notifications: "" when it does, else why not."""

_MAILBOX = re.compile(r"/(?:v1\.0|beta)/users/([^/]+)/(?:calendar(?:/|view)|calendarview|events|mailboxsettings)", re.I)


class GraphGate:
    """The gate of one estate. ``most`` is how many requests to one mailbox were under way at once at the most."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._open = asyncio.Event()
        self._open.set()
        self._under_way: Counter[str] = Counter()
        self.retry_after = timedelta(seconds=1)
        self.validate: Validate | None = None
        self.most = 0
        self.refused = 0

    def hold(self) -> None:
        """Keep requests to mailboxes waiting until ``release``."""
        self._open.clear()

    def release(self) -> None:
        """Let go what is held."""
        self._open.set()

    @property
    def held(self) -> int:
        """Requests to mailboxes under way now."""
        return self._under_way.total()

    async def through(self, request: Request, go: Callable[[], Awaitable[HttpAnswer]]) -> HttpAnswer:
        """The answer of ``go``, or the gate's own."""
        estate = self._estate
        if request.host != estate.cloud.graph:
            return await go()
        if request.method == "POST" and subscriptions.read_path(request.path) == ("", False):
            return await self._wanted(estate, request) or await go()
        found = _MAILBOX.match(request.path)
        if found is None:
            return await go()
        mailbox = unquote(found[1]).lower()
        if self._under_way[mailbox] >= AT_ONCE:
            self.refused += 1
            return throttled(self.retry_after, estate.now())
        self._under_way[mailbox] += 1
        self.most = max(self.most, self._under_way[mailbox])
        try:
            await self._open.wait()
            return await go()
        finally:
            self._under_way[mailbox] -= 1

    async def _wanted(self, estate: Estate, request: Request) -> HttpAnswer | None:
        """Graph's refusal where an address does not want to be notified, or None."""
        try:
            wanted = read_create(request.body)
        except JsonRefused:
            return None  # the app says it better, once it has looked at the token
        if "authorization" not in request.headers or self.validate is None:
            return None
        for url in filter(None, (wanted.notification_url, wanted.lifecycle_url)):
            if says := await self.validate(url):
                return write_error(400, "ValidationError", says, estate.now())
        return None


def gate_of(estate: Estate) -> GraphGate:
    """The gate of ``estate``; a reset releases what it holds."""
    return estate.own(GraphGate, lambda: GraphGate(estate), GraphGate.release)

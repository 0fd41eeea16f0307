"""Delivers the post of the lab's Graph: over HTTP to addresses of this machine, with Graph's three-second rule.

Who does not take a body with 2xx in three seconds is sent it again, later and later by the lab's clock, for four hours.
Certificates of subscribers are not verified, as nothing leaves this machine and the post holds no secret of anybody's.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

import aiohttp
from yarl import URL

from hybridge.lab.apps.graph_subscriptions import Delivery, is_here, post_of
from hybridge.lab.estate import Estate
from hybridge.lab.serve.graph_gate import gate_of

SECONDS = 3.0
"""How long a subscriber may take to answer."""
_LOOK_AGAIN = 0.1
"""Seconds after which the lab's clock is looked at again while something waits for it."""


class Notifier:
    """The postman of one estate; ``async with`` starts and stops it. ``delivered`` counts what was taken."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._post = post_of(estate)
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delivered = 0

    async def __aenter__(self) -> Notifier:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        connector = aiohttp.TCPConnector(ssl=False)
        self._session = aiohttp.ClientSession(
            timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )
        self._post.called.append(self._news.set)
        gate_of(self._estate).validate = self.validate
        self._news.set()
        self._pump = asyncio.create_task(self._deliver_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        gate_of(self._estate).validate = None
        self._post.called.remove(self._news.set)
        for task in (self._pump, *self._tasks):
            task.cancel()
        await asyncio.gather(self._pump, *self._tasks, return_exceptions=True)
        await self._session.close()

    async def validate(self, url: str) -> str:
        """Whether ``url`` wants to be notified: "" when it gave the token back, else a sentence."""
        token = f"Validation: Testing client application reachability {secrets.token_hex(8)}"
        try:
            address = URL(url).update_query(validationToken=token)
            async with self._session.post(address, allow_redirects=False) as reply:
                said = (await reply.content.read(8192)).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"Subscription validation request failed: {type(error).__name__}."
        plain = reply.content_type == "text/plain"
        good = reply.status == 200 and said == token and plain
        return "" if good else f"Subscription validation request failed: it was answered {reply.status}."

    async def _deliver_all(self) -> None:
        while True:
            self._news.clear()
            for one in self._post.due(self._estate.now()):
                task = asyncio.create_task(self._deliver(one))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN if self._post.waiting else None):
                    await self._news.wait()

    async def _deliver(self, one: Delivery) -> None:
        if not is_here(one.url):
            return
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(URL(one.url), data=one.body, headers=headers, allow_redirects=False) as reply:
                taken = 200 <= reply.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            taken = False
        if taken:
            self.delivered += 1
            return
        self._post.again(one, self._estate.now())
        self._news.set()

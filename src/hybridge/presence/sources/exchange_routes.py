"""Where each mailbox lives: SOAP Autodiscover at the configured servers, many mailboxes a call.

An answer names the address of EWS and a group of mailboxes that belong together (GroupingInformation). It is believed
only within the configured hosts: one that names another host moves no credential there; the mailbox is told
``NotRead`` with that reason, and is still read at the hosts of the configuration. Looked up at the start, once a day,
and again when something says that a mailbox has moved, at most every ``AGAIN`` seconds each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from hybridge.presence.observations import NotRead, Subject
from hybridge.presence.sources.base import Tell
from hybridge.presence.sources.exchange_due import Due
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_servers import Server, Servers
from hybridge.presence.sources.exchange_settings import AUTODISCOVER_PATH, ExchangeSettings, place_of
from hybridge.presence.sources.exchange_verdicts import Kind, Verdict, judge
from hybridge.wire import autodiscover_soap as soap
from hybridge.wire.ask import Failure, HttpAsk, Sign
from hybridge.wire.streamed import Lines

AGAIN = 60.0
"""Seconds between two looks for one mailbox at least."""
A_CALL = 50
"""Mailboxes asked about in one call."""
GROUPING = "GroupingInformation"
_WANTED = (soap.EXTERNAL_EWS_URL, soap.INTERNAL_EWS_URL, GROUPING)


class Route(msgspec.Struct, frozen=True):
    """``place`` is the server a mailbox lives on, ``grouping`` what its neighbours share; "" where not known."""

    place: str = ""
    grouping: str = ""


NOWHERE = Route()


class Routes:
    """Knows where mailboxes live. ``changed`` is called with a mailbox that was found to live elsewhere."""

    def __init__(
        self,
        settings: ExchangeSettings,
        lines: Lines,
        servers: Servers,
        pace: Pace,
        changed: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._lines = lines
        self._servers = servers
        self._pace = pace
        self._changed = changed
        self._routes: dict[str, Route] = {}
        self._due = Due()
        self._asked_at: dict[str, float] = {}
        self._stir = asyncio.Event()
        self._unusable: set[str] = set()
        self.settled = asyncio.Event()
        """Set when every mailbox was looked for once."""

    def of(self, address: str) -> Route:
        """Where ``address`` lives."""
        return self._routes.get(address, NOWHERE)

    def watch(self, addresses: set[str]) -> None:
        """Know exactly these."""
        if not self._settings.autodiscover:
            return
        for gone in self._asked_at.keys() - addresses:
            self._due.drop(gone)
            self._routes.pop(gone, None)
            del self._asked_at[gone]
        for address in sorted(addresses - self._asked_at.keys()):
            self._asked_at[address] = float("-inf")
            self._due.set(address, float("-inf"))
        self._stir.set()

    def lost(self, address: str) -> None:
        """``address`` may live somewhere else by now."""
        if address in self._asked_at:
            self._due.sooner(address, max(self._pace.tick(), self._asked_at[address] + AGAIN))
            self._stir.set()

    async def run(self, tell: Tell) -> None:
        """Look up what is due, until cancelled."""
        if not self._settings.autodiscover:
            self.settled.set()
            return
        while True:
            tick = self._pace.tick()
            addresses = self._due.take(tick, A_CALL)
            if addresses:
                try:
                    await self._look(addresses, tell)
                except Exception:  # a defect of ours must not end the source; they are looked for again in a day
                    self._servers.defect()
                continue
            self.settled.set()
            next_at = self._due.next_at()
            await self._pace.wait(self._stir, None if next_at is None else max(0.0, next_at - tick))

    async def _look(self, addresses: list[str], tell: Tell) -> None:
        tick = self._pace.tick()
        for address in addresses:
            self._asked_at[address] = tick
            self._due.set(address, tick + self._pace.about(self._settings.routes_every))
        server = next(
            (one for one in self._servers.all if one.closed_until <= tick and one.place not in self._unusable), None
        )
        if server is None:
            retry = self._settings.sweep_every if self._unusable else AGAIN
            for address in addresses:
                self._due.set(address, tick + self._pace.about(retry))
            self._unusable.clear()
            return
        response = await self._ask(server, addresses)
        if response is None:
            for address in addresses:
                self._due.set(address, tick)
            return
        for address, user in zip(addresses, response.users, strict=False):
            self._learn(address, user, tell)

    async def _ask(self, server: Server, addresses: list[str]) -> soap.Response | None:
        """The answer about ``addresses``; None when the server gave none, which is noted then."""
        url = f"https://{server.place}{AUTODISCOVER_PATH}"
        like = soap.ask(url, addresses[0], sign=Sign.EXCHANGE, user_agent=self._settings.user_agent)
        body = soap.write_request(soap.Request(tuple(addresses), _WANTED), url).encode()
        asked: HttpAsk = msgspec.structs.replace(like, body=body)
        answer = await self._lines.http(asked)
        read = soap.read_answer(answer)
        server.count("autodiscover")
        verdict = judge(answer, read if isinstance(read, Failure) else None)
        if isinstance(read, soap.Response) and verdict is None:
            if read.code == "ServerBusy":
                self._servers.failed(server, Verdict(Kind.BUSY, "Autodiscover is too busy.", code=read.code))
                return None
            if len(read.users) == len(addresses):
                return read
        elif verdict is not None and verdict.kind in (Kind.BUSY, Kind.DOWN, Kind.REFUSED):
            self._servers.failed(server, verdict)
            return None
        self._unusable.add(server.place)  # no Autodiscover there; EWS may be fine all the same
        return None

    def _learn(self, address: str, user: soap.UserResponse, tell: Tell) -> None:
        if user.code != "NoError":
            if user.code in ("RedirectAddress", "RedirectUrl"):
                place = place_of(user.target) if user.code == "RedirectUrl" else ""
                if self._servers.known(place):
                    self._settle(address, Route(place))
                    return
                says = f"Autodiscover sends {address} on to {user.target[:200]}, which is not a host of this source."
                tell(address, NotRead(Subject.CALENDAR, says, self._pace.now(), "Foreign" + user.code))
            return
        urls = [url for name in _WANTED[:2] if (url := user.setting(name))]
        found = next((place for url in urls if self._servers.known(place := place_of(url))), "")
        if urls and not found:
            says = (
                f"Autodiscover says that {address} is read at {place_of(urls[0]) or urls[0][:200]}, which is not a "
                "host of this source: no credential is sent there. If it is yours, add it to the hosts."
            )
            tell(address, NotRead(Subject.CALENDAR, says, self._pace.now(), "ForeignHost"))
        self._settle(address, Route(found, user.setting(GROUPING)[:200]))

    def _settle(self, address: str, route: Route) -> None:
        if route != self._routes.get(address, NOWHERE):
            self._routes[address] = route
            self._changed(address)

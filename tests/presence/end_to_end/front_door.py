"""The front door of the gateway: the program as a child, over a lab's real TLS, and a colleague who looks on.

What the gateway publishes is read from its standard output (a sink of kind file with ``path = "-"``), so a test waits
for lines that really come; each carries the instant at which it was published.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import dropwhile
from operator import not_
from pathlib import Path
from typing import Any

import msgspec
from tests.presence.prosody import COMPONENT, HOST, SECRET, Onlooker, Prosody

from hybridge.lab.estate import ADMINISTRATOR_LOGON
from hybridge.lab.mail.items import Change
from hybridge.lab.mail.store import store_of
from hybridge.lab.mail.subscriptions import subscriptions_of
from hybridge.lab.serve.running import RunningLab
from hybridge.presence.sinks.file import Line
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import read_item_id

ADA, ALAN, GRACE = "ada@contoso.com", "alan@contoso.com", "grace@contoso.com"
FREE, MAYBE, MEETING, OUT = "available", "tentative", "in-a-meeting", "out-of-office"
SUBJECT = "Canary acquisition"
PATIENCE = 30.0
"""Seconds after which what must happen has not."""
SETTINGS = """
[presence]
listen = ""
sweep = {sweep}
expiry = {ttl}

[[presence.exchange]]
name = "hq"
hosts = ["mail.contoso.com", "ex1.contoso.com", "ex2.contoso.com"]
username = '{account}'
password_file = "{password}"
auth = "ntlm"
notifications = {notifications}

[[presence.file]]
name = "out"
path = "-"

[[presence.people]]
name = "staff"
source = "hq"
addresses = {people}
"""
CHAT = """
[[presence.xmpp]]
name = "chat"
component = "{component}"
secret = "{secret}"
port = {port}
domain = "{host}"
ttl = {ttl}
"""


def soon(seconds: int) -> datetime:
    """A whole second at least that far ahead: calendars know no parts of one."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds + 1)


class Gateway:
    """One running gateway. ``lines`` is what it has published, in order; times are its own clock's."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.lines: list[Line] = []
        self._process = process
        self._log = log
        self._said = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    def changes(self, who: str) -> list[Line]:
        """What it published of this person, each change once: the same state with another end is no change."""
        found = [line for line in self.lines if line.address == who]
        return [line for number, line in enumerate(found) if number == 0 or found[number - 1].state != line.state]

    def states(self, who: str) -> list[str]:
        """The states of this person, in order."""
        return [str(line.state) for line in self.changes(who)]

    async def says(self, what: Callable[[Gateway], bool]) -> None:
        """Wait until that is so."""
        try:
            async with self._said, asyncio.timeout(PATIENCE):
                await self._said.wait_for(lambda: what(self) or self._reading.done())
        except TimeoutError:
            raise AssertionError(f"published only {self.lines}, logged: {self.log()}") from None
        assert what(self), f"ended after {self.lines}, logged: {self.log()}"

    async def kill(self) -> None:
        """SIGKILL, and wait until it is dead."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    def log(self) -> str:
        """What it wrote to standard error."""
        return self._log.read_text(encoding="utf-8")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            async with self._said:
                self.lines.append(msgspec.json.decode(text, type=Line))
                self._said.notify_all()
        async with self._said:
            self._said.notify_all()


class Office:
    """A lab in this process, and what happens in its calendars."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab = lab
        self.store = store_of(lab.estate)
        self.changes: list[Change] = []
        self.store.watch(self.changes.append)

    def meeting(self, who: str, begins: datetime, ends: datetime) -> str:
        """A meeting with somebody else; its id."""
        return self.store.put_simple(
            Premises.ON_PREMISES,
            who,
            subject=SUBJECT,
            start_at=begins,
            end_at=ends,
            attendees=("katherine@contoso.com",),
        )

    def end_at(self, item_id: str, ends: datetime) -> None:
        """Let it end then."""
        item = self.store.get(read_item_id(item_id))
        assert item is not None
        self.store.put(msgspec.structs.replace(item, end_at=ends))

    def remove(self, item_id: str) -> None:
        """Take it out of the calendar."""
        item = self.store.get(read_item_id(item_id))
        assert item is not None
        self.store.remove(item)

    async def listened_to(self, *people: str, by_somebody: bool = True) -> None:
        """Wait until somebody listens to what happens in each of these calendars, or until nobody does."""
        known = subscriptions_of(self.lab.estate)
        async with asyncio.timeout(PATIENCE):
            while any(self._listeners(known, who) != by_somebody for who in people):  # noqa: ASYNC110 - tells nobody
                await asyncio.sleep(0.01)

    @staticmethod
    def _listeners(known: Any, who: str) -> bool:
        return any(one.mailbox == who and one.wake is not None for one in known.all)

    def configure(
        self,
        folder: Path,
        *people: str,
        server: Prosody | None = None,
        ttl: float = 60,
        sweep: float = 600,
        notifications: bool = True,
    ) -> Path:
        """A configuration for ``Gateway`` in ``folder``; with ``server``, it publishes there too."""
        toml = self.lab.toml.partition("\n[presence]\n")[0]
        password = next(line.split('"')[1] for line in toml.splitlines() if line.startswith("password_file"))
        toml += SETTINGS.format(
            sweep=sweep,
            ttl=ttl,
            account=ADMINISTRATOR_LOGON,
            password=password,
            notifications=str(notifications).lower(),
            people=msgspec.json.encode(people).decode(),
        )
        if server is not None:
            toml += CHAT.format(component=COMPONENT, secret=SECRET, port=server.component_port, host=HOST, ttl=ttl)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "hybridge.toml"
        file.write_text(toml, encoding="utf-8")
        return file


@asynccontextmanager
async def gateway(config: Path) -> AsyncIterator[Gateway]:
    """``hybridge presence run`` in a process of its own, killed at the end."""
    log = config.with_name("gateway.log")
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hybridge", "presence", "run", "--config", str(config)),
            cwd=config.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
    running = Gateway(process, log)
    try:
        yield running
    finally:
        await running.kill()


class Colleague(Onlooker):
    """A second real account that also writes down when it saw what."""

    def __init__(self, user: str, *, server: Prosody) -> None:
        super().__init__(user, server=server)
        self.arrived: list[tuple[str, datetime]] = []
        """(bare JID, when a presence of its calendar or its activity came), in order."""
        self._events: set[str] = set()

    def arrivals(self, who: str) -> list[datetime]:
        """When each change of this person's calendar came, with its activity after it."""
        return [at for jid, at in self.arrived if jid == account(who)]

    async def sees_of(self, who: str, shows: list[str], activities: list[str]) -> None:
        """Wait until this is what came of this person's calendar since sign-in: all of it, in order."""
        user = who.partition("@")[0]
        await self.sees(lambda _: (self.shows(user), self.activities_of(who)) == (shows, activities))

    def activities_of(self, who: str) -> list[str]:
        """Every activity of this person, in order, "" for none any more: what was over at sign-in is left out."""
        return self._activities(account(who))

    def _activities(self, bare: str) -> list[str]:
        return list(dropwhile(not_, (what for jid, what in self.activities if jid == bare)))

    async def _saw_presence(self, presence: Any) -> None:
        if presence["from"].resource == "calendar":
            self.arrived.append((str(presence["from"].bare), datetime.now(UTC)))
        await super()._saw_presence(presence)

    async def _saw_activity(self, message: Any) -> None:
        """prosody sends one event to a contact of its own host twice (bare and full JID), with one id."""
        if message["id"] in self._events:
            return
        self._events.add(message["id"])
        jid, now = str(message["from"].bare), datetime.now(UTC)
        await super()._saw_activity(message)
        if self._activities(jid):
            self.arrived.append((jid, now))


def account(who: str) -> str:
    """The XMPP account of somebody at Contoso."""
    return f"{who.partition('@')[0]}@{HOST}"

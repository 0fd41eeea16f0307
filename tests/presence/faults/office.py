"""The real gateway over the lab: real store, real outboxes, real sources over TLS on loopback, a sink that writes down.

Time is the loop's (``warp``) and leaps; the lab, the gateway and the sink share it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
from tests.presence.faults.records import CountingSink, Record, overstays, without_need
from tests.presence.faults.truth import truth
from tests.presence.faults.warp import LoopClock, leaping

from hybridge.config import load
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.behaviour.publishing import facing
from hybridge.lab.contoso import SERVERS, AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR_LOGON, Estate
from hybridge.lab.mail.store import MailStore, store_of
from hybridge.lab.mail.subscriptions import Subscriptions, subscriptions_of
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.clock import Clock
from hybridge.org.records import CalendarEvent, UserOofSettings
from hybridge.presence.gateway import Gateway
from hybridge.presence.layout import Layout, Part, served
from hybridge.presence.parts import MAKERS
from hybridge.presence.running_sink import Makers
from hybridge.presence.sinks.base import Sink
from hybridge.presence.sole_owner import SoleOwner
from hybridge.presence.store import StateStore
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import read_item_id

START = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
"""Nine o'clock today: the certificates are looked at by the machine's own clock, give or take a year."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
ADA, GRACE, ALAN, KATHERINE = (f"{name}@contoso.com" for name in ("ada", "grace", "alan", "katherine"))
LINUS, MARIE = "linus@contoso.com", "marie@contoso.com"
HOMES = {ADA: ON, GRACE: ON, ALAN: ON, KATHERINE: ON, LINUS: ONLINE, MARIE: ONLINE}
HOSTS = ("mail.contoso.com", *SERVERS.values())
SWEEP = timedelta(minutes=5)
LOOK = 0.25
"""Seconds of the loop between two looks whether all agree."""

TOML = """
[presence]
state = "presence.sqlite"
listen = ""
sweep = 300
replies = 300
window = 24
expiry = 900

[[presence.exchange]]
name = "hq"
hosts = [{hosts}]
username = '{account}'
password_file = "{password_file}"
auth = "{auth}"

[[presence.graph]]
name = "online"

[[presence.file]]
name = "log"
path = "presence.jsonl"

[[presence.people]]
name = "hq"
source = "hq"
addresses = ["{on_premises}"]

[[presence.people]]
name = "online"
source = "online"
addresses = ["{online}"]
"""


@cache
def certificate() -> AuthCertificate:
    return make_auth_certificate(START)


@dataclass
class Office:
    """The lab, the record of its sink, and the clocks; ``serving`` runs a gateway."""

    folder: Path
    estate: Estate
    running: RunningLab
    lab_clock: LoopClock
    clock: LoopClock
    """The gateway's."""
    record: Record
    auth: str = "ntlm"

    # the gateway

    @property
    def state(self) -> Path:
        return self.folder / "presence.sqlite"

    @property
    def password_file(self) -> Path:
        return self.folder / "service.password"

    def layout(self) -> Layout:
        """What the configuration says now."""
        file = self.folder / "hybridge.toml"
        text = TOML.format(
            hosts=", ".join(f'"{host}"' for host in HOSTS),
            account=ADMINISTRATOR_LOGON,
            password_file=self.password_file,
            auth=self.auth,
            on_premises='", "'.join(who for who, home in HOMES.items() if home is ON),
            online='", "'.join(who for who, home in HOMES.items() if home is ONLINE),
        )
        before, _, _ = self.running.toml.partition("\n[presence")  # the lab prints a gateway of its own
        file.write_text(before + text, encoding="utf-8")
        return served(load(file))

    def sign_in_with(self, password: str) -> None:
        """Write the password the gateway is configured with."""
        self.password_file.write_text(password, encoding="utf-8")
        self.password_file.chmod(0o600)

    def makers(self) -> Makers:
        """The real sources, and the sink that writes down."""

        @asynccontextmanager
        async def sink(part: Part, _: Clock) -> AsyncIterator[Sink]:
            yield CountingSink(part.name, self.record)

        return Makers(MAKERS.source, sink)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Gateway]:
        """A gateway over what is on disk."""
        store = StateStore(self.state, self.clock.now, busy=0.05, again=0.05)
        gateway = Gateway(self.layout(), self.makers(), store, SoleOwner(store, self.clock), self.clock)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.stop()

    # the lab

    @property
    def mail(self) -> MailStore:
        return store_of(self.estate)

    @property
    def told(self) -> Subscriptions:
        return subscriptions_of(self.estate)

    def meet(self, who: str, minutes: float, length: float = 30, busy_type: str = "Busy", alone: bool = False) -> str:
        """An event in this calendar that begins in so many minutes, on a whole one."""
        start = (self.estate.now() + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        return self.mail.put_simple(
            HOMES[who],
            who,
            subject="Budget",
            start_at=start,
            end_at=start + timedelta(minutes=length),
            busy_type=busy_type,
            attendees=() if alone else (KATHERINE,),
        )

    def call_off(self, item_id: str) -> None:
        """Take an event out of its calendar."""
        item = self.mail.get(read_item_id(item_id))
        assert item is not None
        self.mail.remove(item)

    def reply(self, who: str, minutes: float, length: float) -> None:
        """Scheduled automatic replies."""
        start = (self.estate.now() + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        self.put_replies(
            UserOofSettings(
                premises=HOMES[who],
                identity=who,
                oof_state="Scheduled",
                start_at=start,
                end_at=start + timedelta(minutes=length),
            )
        )

    def put_replies(self, settings: UserOofSettings) -> None:
        self.estate.organization = self.estate.organization.put(settings)

    def publish_hosts(self, network: str, *hosts: str) -> None:
        """Let these hosts (or all of Exchange) be reached so: ``good``, ``refused``, ``silent`` or ``reset``."""
        organization = self.estate.organization
        changed = (
            msgspec.structs.replace(facing(organization, host), network=network)
            for host in hosts or (*HOSTS, "autodiscover.contoso.com")
        )
        self.estate.organization = organization.put(*changed)
        for stream in tuple(self.told.streams) if network != "good" else ():
            stream.tear()

    # time, and what must be true

    async def passes(self, by: timedelta) -> None:
        """Let this time pass."""
        await asyncio.sleep(by.total_seconds())

    def astray(self) -> dict[str, str]:
        """Who does not show what the pure core makes of the true calendar, and how."""
        now = self.estate.now()
        return {who: says for who in HOMES if (says := self._astray(who, now))}

    def _astray(self, who: str, now: datetime) -> str:
        wanted, shown = truth(self.estate, HOMES[who], who, now), self.record.shown(who)
        if shown is None:
            return f"nothing is shown, {wanted.state} until {wanted.until} is true"
        if (shown.state, shown.until) == (wanted.state, wanted.until):
            return ""
        return f"{shown.state} until {shown.until} is shown, {wanted.state} until {wanted.until} is true"

    async def agrees(self, within: timedelta) -> timedelta:
        """Wait until everybody shows what is true; fails when that takes longer. How long it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while wrong := self.astray():
            assert loop.time() - began < within.total_seconds(), wrong
            await asyncio.sleep(LOOK)
        return timedelta(seconds=loop.time() - began)

    async def is_quiet(self, within: timedelta = SWEEP + MINUTE) -> None:
        """After that time everybody shows what is true, and goes on so; nothing that was published breaks a rule."""
        await self.passes(within)
        for _ in range(4):
            await self.agrees(3 * SECOND)
            await self.passes(MINUTE)
        self.keeps_the_rules()

    def keeps_the_rules(self) -> None:
        """Nothing was published without need, and nobody was left in a meeting that is over."""
        assert not (twice := without_need(self.record)), twice
        assert not (over := overstays(self.record, self.clock.now())), over


@asynccontextmanager
async def open_office(folder: Path) -> AsyncIterator[Office]:
    """A lab for one test; the loop's time leaps while it is open."""
    with leaping():
        clock = LoopClock(START)
        healthy = contoso(START, certificate())
        healthy = healthy.drop(
            *(event.address for premises in HOMES.values() for event in healthy.all(CalendarEvent, premises))
        )
        estate = Estate(healthy, clock=clock.now, certificate=certificate(), randomness=random.Random(5))
        async with running_lab(estate, folder / "lab", contoso_site(estate)) as running:
            own = LoopClock(START)
            office = Office(folder, estate, running, clock, own, Record(own.now))
            office.sign_in_with(estate.users[ADMINISTRATOR_LOGON])
            yield office

"""The source against the lab over TLS: configured by the file the lab prints, and by nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from tests.presence.sources.exchange_farm import Told, watched

from hybridge.config import Config, load
from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import contoso
from hybridge.lab.estate import Estate
from hybridge.lab.mail.failover import bring_up, take_down
from hybridge.lab.mail.store import store_of
from hybridge.lab.mail.subscriptions import subscriptions_of
from hybridge.lab.serve.running import running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.clock import SystemClock
from hybridge.net.streaming import ExchangeLines, open_lines
from hybridge.org.records import UserOofSettings
from hybridge.presence.calendar import ReplyState
from hybridge.presence.observations import Subject
from hybridge.presence.people import Person
from hybridge.presence.sources.exchange import ExchangeSource
from hybridge.presence.sources.exchange_pace import Pace
from hybridge.presence.sources.exchange_settings import ExchangeSettings
from hybridge.terms.premises import Premises

pytestmark = pytest.mark.wire
ON = Premises.ON_PREMISES
NOW = datetime.now(UTC).replace(microsecond=0)
WHO = tuple(Person(address=f"{name}@contoso.com", source="lab") for name in ("ada", "grace", "alan", "katherine"))
ADA, ALAN = WHO[0].address, WHO[2].address


@dataclass
class Office:
    """A lab, and the lines to it."""

    estate: Estate
    lines: ExchangeLines
    hosts: tuple[str, ...]

    def source(self, kept: dict[str, bytes] | None = None, **changes: object) -> ExchangeSource:
        plain = {"hosts": self.hosts, "debounce": 0.3, "replies_rate": 1000, "user_agent": "hybridge/presence"}
        settings = ExchangeSettings(**{**plain, **changes})  # type: ignore[arg-type]
        return ExchangeSource("lab", settings, self.lines, Pace(self.estate.now, random.Random(1)), kept)

    def meet(self, who: str, hours: float = 1) -> str:
        start = self.estate.now() + timedelta(hours=hours)
        end = start + timedelta(minutes=30)
        return store_of(self.estate).put_simple(
            ON, who, subject="Budget", start_at=start, end_at=end, attendees=("grace@contoso.com",)
        )


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    certificate = make_auth_certificate(NOW)
    estate = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        file = tmp_path / "hybridge.toml"
        file.write_text(running.toml, encoding="utf-8")
        config = load(file)
        async with opened(config) as lines:
            yield Office(estate, lines, config.exchange.hosts)


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[ExchangeLines]:
    async with open_lines(config.net, config.exchange, SystemClock()) as lines:
        assert isinstance(lines, ExchangeLines)
        yield lines


async def test_a_new_meeting_is_seen_within_two_seconds(office: Office) -> None:
    told = Told()
    source = office.source()
    async with watched(source, WHO, told):
        await told.until(lambda: len(told.calendars()) >= 8 and len(told.replies()) == 4)
        began = len(told.calendars(ADA))
        loop_time = asyncio.get_running_loop().time
        at = loop_time()
        office.meet(ADA)
        await told.until(lambda: len(told.calendars(ADA)) > began)
        assert loop_time() - at < 2
    window = told.calendars(ADA)[-1].window
    assert any(event.start_at == NOW + timedelta(hours=1) for event in window.events), window
    assert {who for who, one in told.all if one in told.hints()} == {ADA}
    assert sum(health.figures["subscriptions"] for health in source.health()) == 4
    assert not told.failures(), told.failures()


async def test_without_streams_one_sweep_sees_it(office: Office) -> None:
    told = Told()
    async with watched(office.source(streaming=False, replies=False, sweep_every=0.3), WHO, told):
        await told.until(lambda: len(told.calendars()) >= 4)
        office.meet(ALAN)
        await told.until(
            lambda: any(
                event.start_at == NOW + timedelta(hours=1)
                for one in told.calendars(ALAN)
                for event in one.window.events
            )
        )


async def test_automatic_replies_switched_on_and_off(office: Office) -> None:
    told = Told()
    source = office.source(streaming=False)
    async with watched(source, WHO, told):
        await told.until(lambda: len(told.replies()) == 4)
        for state in ("Enabled", "Disabled"):
            office.estate.organization = office.estate.organization.put(
                UserOofSettings(premises=ON, identity=ADA, oof_state=state)
            )
            count = len(told.replies(ADA))
            source.refresh(ADA, Subject.REPLIES)
            await told.until(lambda count=count: len(told.replies(ADA)) > count)  # type: ignore[misc]
    assert [one.replies.state for one in told.replies(ADA)] == [
        ReplyState.DISABLED,
        ReplyState.ENABLED,
        ReplyState.DISABLED,
    ]


@pytest.mark.parametrize("manner", ["busy:1", "busy-without-wait:1", "busy-inside:1", "unavailable:1", "challenged:0"])
async def test_every_way_of_being_too_busy_is_obeyed_and_ends(office: Office, manner: str) -> None:
    told = Told()
    source = office.source(streaming=False, replies=False, autodiscover=False, hosts=office.hosts[:1])
    async with watched(source, WHO, told):
        await told.until(lambda: len(told.calendars()) == 4)
        subscriptions_of(office.estate).budgets.take_up(manner)
        source.refresh(ADA, Subject.CALENDAR)
        await told.until(lambda: len(told.failures(ADA)) >= 1)
    (health,) = source.health()
    assert health.trouble and health.figures["closed_for"] > 0


async def test_a_server_that_fails_over_is_followed(office: Office) -> None:
    told = Told()
    source = office.source(replies=False)
    async with watched(source, WHO, told):
        await told.until(lambda: len(told.calendars()) >= 8)
        take_down(office.estate, "EX1")
        count = len(told.calendars(ADA))
        await told.until(lambda: len(told.calendars(ADA)) > count)  # the gap is read when the stream is open again
        bring_up(office.estate, "EX1")
        office.meet(ADA, 3)
        await told.until(
            lambda: any(
                event.start_at == NOW + timedelta(hours=3) for one in told.calendars(ADA) for event in one.window.events
            )
        )


async def test_a_restart_takes_its_subscriptions_over(office: Office) -> None:
    told = Told()
    first = office.source(replies=False)
    async with watched(first, WHO, told):
        await told.until(lambda: len(told.calendars()) >= 8)
    kept = first.keep()
    again = Told()
    second = office.source(kept, replies=False)
    async with watched(second, WHO, again):
        await again.until(lambda: len(again.calendars()) >= 8)
        assert second.keep() == kept
        office.meet(ADA)
        await again.until(lambda: len(again.hints(ADA)) >= 1)

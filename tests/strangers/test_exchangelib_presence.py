"""exchangelib changes a calendar of the lab, and the presence the gateway publishes follows it, each time in 2 seconds.

The gateway is a process of its own, told by notifications alone: its next sweep is minutes away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import exchangelib
import pytest
import requests
from exchangelib.protocol import BaseProtocol, Protocol
from exchangelib.recurrence import DailyPattern, Recurrence
from exchangelib.version import EXCHANGE_2019
from requests.adapters import HTTPAdapter
from tests.cli.test_presence_gateway import ADA, Office, office, streaming

from hybridge.lab.contoso import EWS_URL, MAIL_HOST
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.usefixtures("connected")]
__all__ = ["office"]
T = TypeVar("T")
FREE, MEETING, OUT = "available", "in-a-meeting", "out-of-office"


@pytest.fixture
def connected(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With exchangelib dialling the lab, trusting its authority and checking the real name."""
    lab = office.lab

    class ToTheLab(HTTPAdapter):
        def get_connection_with_tls_context(
            self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            trust = {"ca_certs": str(lab.ca_file), "cert_reqs": "CERT_REQUIRED"}
            name = {"server_hostname": MAIL_HOST, "assert_hostname": MAIL_HOST}
            return self.poolmanager.connection_from_host("127.0.0.1", lab.https_port, "https", trust | name)

        def cert_verify(self, *_: Any, **__: Any) -> None:
            """The pool has its authority already."""

        def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
            request.headers["Host"] = MAIL_HOST

    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", ToTheLab)
    yield
    Protocol.clear_cache()


class Stranger:
    """exchangelib in Ada's mailbox, and what is published meanwhile."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.ada: exchangelib.Account = None
        self.lags: list[float] = []
        self.seen = [FREE]

    async def open(self) -> None:
        self.ada = await asyncio.to_thread(self._opened)

    def _opened(self) -> exchangelib.Account:
        configuration = exchangelib.Configuration(
            service_endpoint=EWS_URL,
            credentials=exchangelib.Credentials(ADMINISTRATOR_LOGON, self.office.lab.estate.users[ADMINISTRATOR]),
            auth_type=exchangelib.NTLM,
            version=exchangelib.Version(EXCHANGE_2019),
        )
        account = exchangelib.Account(
            ADA,
            config=configuration,
            autodiscover=False,
            access_type=exchangelib.IMPERSONATION,
            default_timezone=exchangelib.UTC,
        )
        assert account.calendar.name == "Calendar"
        return account

    async def does(self, what: Callable[[], T], then: str) -> T:
        """Do something to the calendar; the presence ``then`` follows, and nothing comes between."""
        done = await asyncio.to_thread(what)
        at = datetime.now(UTC)
        self.seen.append(then)
        await self.office.until(lambda: len(self.office.states()) >= len(self.seen))
        assert self.office.states() == self.seen
        self.lags.append((datetime.now(UTC) - at).total_seconds())
        return done

    def new(self, start: timedelta, length: timedelta, **more: Any) -> exchangelib.CalendarItem:
        begins = exchangelib.EWSDateTime.from_datetime(datetime.now(UTC).replace(microsecond=0) + start)
        return exchangelib.CalendarItem(
            account=self.ada,
            folder=self.ada.calendar,
            subject="Canary acquisition",
            start=begins,
            end=begins + length,
            required_attendees=["grace@contoso.com"],
            **more,
        )

    def make(self, start: timedelta, length: timedelta, **more: Any) -> Any:
        return self.new(start, length, **more).save(
            send_meeting_invitations=exchangelib.items.SEND_TO_ALL_AND_SAVE_COPY
        )

    def move(self, item: Any, by: timedelta) -> None:
        item.start += by
        item.end += by
        item.save(update_fields=["start", "end"])

    def today(self) -> Any:
        """The occurrence that is now."""
        now = exchangelib.EWSDateTime.from_datetime(datetime.now(UTC))
        return next(iter(self.ada.calendar.view(start=now - timedelta(minutes=1), end=now + timedelta(minutes=1))))

    def all_day(self) -> Any:
        day = exchangelib.EWSDate.from_date(datetime.now(UTC).date())
        return exchangelib.CalendarItem(
            account=self.ada,
            folder=self.ada.calendar,
            subject="Canary holiday",
            start=day,
            end=day,
            is_all_day=True,
            legacy_free_busy_status="OOF",
        ).save()


async def test_presence_follows_what_a_stranger_does_to_a_calendar(office: Office) -> None:
    office.configure(600)
    hour, recently = timedelta(hours=1), -timedelta(minutes=5)
    async with office.gateway():
        await office.until(lambda: office.states() == [FREE])
        await streaming(office)
        one = Stranger(office)
        await one.open()
        single = await one.does(lambda: one.make(recently, hour), MEETING)
        await one.does(lambda: one.move(single, 5 * hour), FREE)
        await one.does(lambda: one.move(single, -5 * hour), MEETING)
        await one.does(lambda: single.cancel(), FREE)
        private = await one.does(lambda: one.make(recently, hour, sensitivity="Private"), MEETING)
        await one.does(lambda: private.delete(), FREE)
        holiday = await one.does(one.all_day, OUT)
        await one.does(lambda: holiday.delete(), FREE)
        daily = Recurrence(pattern=DailyPattern(interval=1), start=datetime.now(UTC).date(), number=5)
        series = await one.does(lambda: one.make(recently, hour, recurrence=daily), MEETING)
        await one.does(lambda: one.move(one.today(), 6 * hour), FREE)
        await one.does(lambda: one.make(recently, hour), MEETING)
        await one.does(lambda: one.today().delete(), FREE)
        await asyncio.to_thread(series.delete)
        assert max(one.lags) < 2.0, one.lags
    assert b"Canary" not in office.told() + office.log.read_bytes()

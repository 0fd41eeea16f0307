"""exchangelib against the lab: a client that shares no code with us reads folders, free/busy, replies and delegates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import exchangelib
import pytest
import pytest_asyncio
from exchangelib.errors import UnauthorizedError
from exchangelib.version import EXCHANGE_2019
from tests.strangers.exchangelib_dialling import dialling

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import EWS_URL, contoso
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON, Estate
from hybridge.lab.in_process import InProcess
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site
from hybridge.net.clock import SetClock
from hybridge.org.records import DelegateUser
from hybridge.plan import Change
from hybridge.repair.hands.base import Reply
from hybridge.repair.hands.ews import EwsHand
from hybridge.repair.hands.powershell import PowerShellHand
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer

pytestmark = pytest.mark.wire
T = TypeVar("T")
NOW = datetime.now(UTC).replace(microsecond=0)
EVERY_SCHEME = pytest.mark.parametrize("scheme", [exchangelib.BASIC, exchangelib.NTLM])


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[RunningLab]:
    certificate = make_auth_certificate(NOW)
    estate = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)
    async with running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        yield running


@pytest.fixture
def connected(lab: RunningLab) -> Iterator[None]:
    with dialling(lab):
        yield


EXCHANGE = exchangelib.Version(EXCHANGE_2019)


def account(
    lab: RunningLab, scheme: str, password: str = "", version: exchangelib.Version | None = EXCHANGE
) -> exchangelib.Account:
    """Ada's mailbox, opened by the administrator."""
    secret = password or lab.estate.users[ADMINISTRATOR]
    configuration = exchangelib.Configuration(
        service_endpoint=EWS_URL,
        credentials=exchangelib.Credentials(ADMINISTRATOR_LOGON, secret),
        auth_type=scheme,
        version=version,
    )
    return exchangelib.Account(
        "ada@contoso.com",
        config=configuration,
        autodiscover=False,
        access_type=exchangelib.DELEGATE,
        default_timezone=exchangelib.UTC,
    )


async def read(lab: RunningLab, scheme: str, what: Callable[[exchangelib.Account], T]) -> T:
    """``what`` of Ada's mailbox, read in a thread: exchangelib blocks, and the lab runs on this loop."""
    return await asyncio.to_thread(lambda: what(account(lab, scheme)))


@EVERY_SCHEME
@pytest.mark.usefixtures("connected")
async def test_the_calendar_folder_is_found(lab: RunningLab, scheme: str) -> None:
    calendar = await read(lab, scheme, lambda ada: ada.calendar)
    assert (type(calendar).__name__, calendar.name, calendar.folder_class) == (
        "Calendar",
        "Calendar",
        "IPF.Appointment",
    )


@EVERY_SCHEME
@pytest.mark.usefixtures("connected")
async def test_free_and_busy_times_are_read(lab: RunningLab, scheme: str) -> None:
    start = exchangelib.EWSDateTime.from_datetime(NOW)

    def free_busy(ada: exchangelib.Account) -> list[Any]:
        asked = [(ada, "Organizer", False), ("alan@contoso.com", "Required", False)]
        return list(ada.protocol.get_free_busy_info(asked, start=start, end=start + timedelta(days=2)))

    views = await read(lab, scheme, free_busy)
    hour = NOW.replace(minute=0, second=0)
    for view in views:
        events = [(event.start, event.busy_type, event.details.subject) for event in view.calendar_events]
        assert events == [
            (hour + timedelta(hours=2), "Busy", "Budget"),
            (hour + timedelta(hours=26), "Tentative", "Lunch"),
        ]
    assert len(views) == 2


@EVERY_SCHEME
@pytest.mark.usefixtures("connected")
async def test_automatic_replies_are_read(lab: RunningLab, scheme: str) -> None:
    settings = await read(lab, scheme, lambda ada: ada.oof_settings)
    assert (settings.state, settings.external_audience) == ("Disabled", "All")


@EVERY_SCHEME
@pytest.mark.usefixtures("connected")
async def test_delegates_are_read(lab: RunningLab, scheme: str) -> None:
    (delegate,) = await read(lab, scheme, lambda ada: ada.delegates)
    assert delegate.user_id.primary_smtp_address == "grace@contoso.com"
    assert delegate.delegate_permissions.calendar_folder_permission_level == "Editor"


@EVERY_SCHEME
@pytest.mark.usefixtures("connected")
async def test_what_our_hand_lists_is_read(lab: RunningLab, scheme: str) -> None:
    alan = DelegateUser(
        premises=Premises.ON_PREMISES,
        identity="ada@contoso.com/alan@contoso.com",
        delegator="ada@contoso.com",
        delegate="alan@contoso.com",
        view_private_items=True,
    )
    change = Change(address=alan.address, before=None, after=alan, says="List Alan.")
    hand = EwsHand(published, "hybridge/test", PowerShellHand(), SetClock(NOW))
    reply = await hand.write(InProcess(lab.estate), change)
    assert isinstance(reply, Reply), reply
    first, second = await read(lab, scheme, lambda ada: list(ada.delegates))
    assert (first.user_id.primary_smtp_address, first.user_id.display_name) == ("alan@contoso.com", "Alan Turing")
    assert first.delegate_permissions.calendar_folder_permission_level == "None"
    assert (first.receive_copies_of_meeting_messages, first.view_private_items) == (False, True)
    assert second.user_id.primary_smtp_address == "grace@contoso.com"
    assert isinstance(await hand.write(InProcess(lab.estate), change.inverse), Reply)
    (left,) = await read(lab, scheme, lambda ada: ada.delegates)
    assert left.user_id.primary_smtp_address == "grace@contoso.com"


async def published(_: Answerer, __: str) -> str:
    return EWS_URL


@pytest.mark.usefixtures("connected")
async def test_a_client_that_guesses_the_version_is_told(lab: RunningLab) -> None:
    """Without a version exchangelib asks ResolveNames for one."""
    found = await asyncio.to_thread(lambda: str(account(lab, exchangelib.BASIC, version=None).version.build))
    assert found == "15.2.2562.37"


@pytest.mark.usefixtures("connected")
async def test_zones_and_names_are_read(lab: RunningLab) -> None:
    protocol = await read(lab, exchangelib.BASIC, lambda ada: ada.protocol)
    zones = await asyncio.to_thread(lambda: {zone.id for zone in protocol.get_timezones()})
    assert zones >= {"UTC", "W. Europe Standard Time"}
    people = await asyncio.to_thread(lambda: protocol.resolve_names(["a"]))
    assert [one.email_address for one in people] == ["ada@contoso.com", "alan@contoso.com"]


@pytest.mark.usefixtures("connected")
async def test_ntlm_shakes_hands_once_for_many_requests(lab: RunningLab) -> None:
    await read(lab, exchangelib.NTLM, lambda ada: (ada.calendar, ada.oof_settings, ada.delegates))
    statuses = [one.status for one in lab.estate.log]
    assert statuses[:2] == [401, 401]
    assert set(statuses[2:]) == {200}
    assert {one.principal for one in lab.estate.log[2:]} == {ADMINISTRATOR}
    assert all(one.user_agent.startswith("exchangelib/") for one in lab.estate.log)


@EVERY_SCHEME
@pytest.mark.usefixtures("connected")
async def test_a_wrong_password_is_refused(lab: RunningLab, scheme: str) -> None:
    with pytest.raises(UnauthorizedError):
        await asyncio.to_thread(lambda: account(lab, scheme, "wrong").oof_settings)
    assert {one.status for one in lab.estate.log} == {401}

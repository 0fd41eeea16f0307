"""exchangelib hears from the lab, by streaming and by pulling, what another client does to a calendar.

Both clients are exchangelib, signed in under different spellings, so that each has connections of its own: one stream
would hold the only connection of the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import exchangelib
import pytest
import pytest_asyncio
from exchangelib.errors import ErrorExpiredSubscription, ErrorInvalidSubscription, ErrorSubscriptionNotFound
from exchangelib.version import EXCHANGE_2019
from tests.strangers.exchangelib_dialling import dialling

from hybridge.lab.auth_certificate import make_auth_certificate
from hybridge.lab.contoso import EWS_URL, contoso
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON, Estate
from hybridge.lab.mail.failover import move
from hybridge.lab.serve.running import RunningLab, running_lab
from hybridge.lab.site import contoso_site

pytestmark = [pytest.mark.wire, pytest.mark.usefixtures("connected")]
T = TypeVar("T")
NOW = datetime.now(UTC).replace(microsecond=0)
START = NOW + timedelta(hours=2)
ADA = "ada@contoso.com"


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[RunningLab]:
    certificate = make_auth_certificate(NOW)
    estate = Estate(contoso(NOW, certificate), clock=lambda: NOW, certificate=certificate)
    async with asyncio.timeout(60), running_lab(estate, tmp_path / "state", contoso_site(estate)) as running:
        yield running


@pytest.fixture
def connected(lab: RunningLab) -> Iterator[None]:
    with dialling(lab):
        yield


def opened(lab: RunningLab, user: str, mailbox: str = ADA) -> exchangelib.Account:
    """``mailbox``, by impersonation."""
    configuration = exchangelib.Configuration(
        service_endpoint=EWS_URL,
        credentials=exchangelib.Credentials(user, lab.estate.users[ADMINISTRATOR]),
        auth_type=exchangelib.NTLM,
        version=exchangelib.Version(EXCHANGE_2019),
    )
    return exchangelib.Account(
        mailbox,
        config=configuration,
        autodiscover=False,
        access_type=exchangelib.IMPERSONATION,
        default_timezone=exchangelib.UTC,
    )


class Both:
    """The listening client, the doing one, and the lab's clock."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab = lab
        self.ears = opened(lab, ADMINISTRATOR_LOGON)
        self.hands = opened(lab, ADMINISTRATOR)

    async def hear(self, what: Callable[[Any], T]) -> T:
        """``what`` of the listening client's calendar, in a thread: exchangelib blocks, and the lab runs here."""
        return await asyncio.to_thread(lambda: what(self.ears.calendar))

    async def create(self) -> Any:
        """An appointment, made by the other client."""

        def save() -> Any:
            start = exchangelib.EWSDateTime.from_datetime(START)
            item = exchangelib.CalendarItem(
                account=self.hands,
                folder=self.hands.calendar,
                subject="Standup",
                start=start,
                end=start + timedelta(minutes=30),
            )
            return item.save()

        return await asyncio.to_thread(save)

    async def reschedule(self, item: Any) -> None:
        """Move an appointment by an hour."""

        def change() -> None:
            item.start += timedelta(hours=1)
            item.end += timedelta(hours=1)
            item.save(update_fields=["start", "end"])

        await asyncio.to_thread(change)


def kinds(notification: Any) -> list[str]:
    return [type(event).__name__ for event in notification.events]


CREATED = ["CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]
MODIFIED = ["ModifiedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]


class Ears:
    """A stream of exchangelib; the next notification is waited for in a thread."""

    def __init__(self, both: Both, identity: str, minutes: int = 30) -> None:
        self._stream = both.ears.calendar.get_streaming_events(identity, connection_timeout=minutes)

    def listen(self) -> asyncio.Task[Any]:
        """The next notification; None when the server closed."""
        return asyncio.create_task(asyncio.to_thread(next, self._stream, None))

    async def close(self) -> None:
        """Stop listening."""
        await asyncio.to_thread(self._stream.close)


async def test_a_stream_hears_what_another_client_does(lab: RunningLab) -> None:
    both = Both(lab)
    identity = await both.hear(lambda calendar: calendar.subscribe_to_streaming())
    ears = Ears(both, identity)
    listening = ears.listen()
    item = await both.create()
    heard = await listening
    assert (heard.subscription_id, kinds(heard)) == (identity, CREATED)
    assert {event.timestamp for event in heard.events} == {exchangelib.EWSDateTime.from_datetime(NOW)}
    assert (heard.events[0].item_id.id, heard.events[2].folder_id.id) == (item.id, both.ears.calendar.id)
    listening = ears.listen()
    await both.reschedule(item)
    assert kinds(await listening) == MODIFIED
    listening = ears.listen()
    await asyncio.to_thread(item.delete)
    assert kinds(await listening)[:2] == ["DeletedEvent", "FreeBusyChangedEvent"]
    await ears.close()


async def test_moving_to_the_waste_basket_is_heard_as_a_move(lab: RunningLab) -> None:
    both = Both(lab)
    item = await both.create()
    identity = await both.hear(lambda calendar: calendar.subscribe_to_streaming())
    ears = Ears(both, identity)
    listening = ears.listen()
    before = item.id
    await asyncio.to_thread(item.move_to_trash)
    heard = await listening
    assert kinds(heard)[:2] == ["MovedEvent", "FreeBusyChangedEvent"]
    assert heard.events[0].old_item_id.id == before
    await ears.close()


async def test_a_stream_that_closed_is_opened_again_with_the_same_id(lab: RunningLab) -> None:
    both = Both(lab)
    identity = await both.hear(lambda calendar: calendar.subscribe_to_streaming())
    for _ in range(2):
        ears = Ears(both, identity, minutes=1)
        listening = ears.listen()
        await both.create()
        assert kinds(await listening) == CREATED
        listening = ears.listen()
        lab.estate.move_clock(timedelta(seconds=45))
        lab.estate.move_clock(timedelta(seconds=15))
        assert await listening is None, "the server closed"
    assert await both.hear(lambda calendar: calendar.unsubscribe(identity)) is True
    with pytest.raises(ErrorSubscriptionNotFound):
        await both.hear(lambda calendar: calendar.unsubscribe(identity))


async def test_a_lost_subscription_is_an_error_of_the_stream(lab: RunningLab) -> None:
    both = Both(lab)
    identity = await both.hear(lambda calendar: calendar.subscribe_to_streaming())
    ears = Ears(both, identity)
    listening = ears.listen()
    await both.create()
    assert kinds(await listening) == CREATED
    listening = ears.listen()
    move(lab.estate, ADA, "EX2")
    with pytest.raises(ErrorInvalidSubscription, match="subscription IDs"):
        await listening
    with pytest.raises(ErrorSubscriptionNotFound):
        await Ears(both, identity).listen()


async def test_pulling_hears_the_same(lab: RunningLab) -> None:
    both = Both(lab)
    identity, watermark = await both.hear(lambda calendar: calendar.subscribe_to_pull(timeout=10))

    async def pulled(mark: str) -> Any:
        return (await both.hear(lambda calendar: list(calendar.get_events(identity, mark))))[-1]

    nothing = await pulled(watermark)
    assert kinds(nothing) == ["StatusEvent"]
    item = await both.create()
    heard = await pulled(nothing.events[-1].watermark)
    assert kinds(heard) == CREATED
    await both.reschedule(item)
    heard = await pulled(heard.events[-1].watermark)
    assert kinds(heard) == MODIFIED
    lab.estate.move_clock(timedelta(minutes=11))
    with pytest.raises(ErrorExpiredSubscription):
        await pulled(heard.events[-1].watermark)


async def test_automatic_replies_are_set(lab: RunningLab) -> None:
    both = Both(lab)
    start = exchangelib.EWSDateTime.from_datetime(START)

    def change() -> Any:
        both.hands.oof_settings = exchangelib.OofSettings(
            state="Scheduled",
            external_audience="Known",
            start=start,
            end=start + timedelta(days=1),
            internal_reply="I am away",
            external_reply="Away",
        )
        return both.ears.oof_settings

    said = await asyncio.to_thread(change)
    assert (said.state, said.external_audience, said.start, said.internal_reply) == (
        "Scheduled",
        "Known",
        start,
        "I am away",
    )

"""exchangelib lives in mailboxes of the lab, and what two gateways publish follows every step.

One gateway is told by notifications alone (its next sweep is ten minutes away), the other is told nothing and sweeps
more than once a second. How long a step took is measured between two recorded instants, not by this test's clock: when
the lab's store changed, and when the gateway published (its own ``at``). The middle of a story's steps is held to the
limit.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, TypeVar

import exchangelib
import pytest
import pytest_asyncio
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY
from exchangelib.recurrence import DailyPattern, Recurrence
from exchangelib.version import EXCHANGE_2019
from tests.presence.end_to_end.front_door import (
    ADA,
    ALAN,
    FREE,
    GRACE,
    MAYBE,
    MEETING,
    OUT,
    SUBJECT,
    Gateway,
    Office,
    gateway,
)
from tests.strangers.exchangelib_dialling import dialling

from hybridge.lab.contoso import EWS_URL
from hybridge.lab.estate import ADMINISTRATOR, ADMINISTRATOR_LOGON

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
T = TypeVar("T")
PEOPLE = (ADA, ALAN)
HOUR = timedelta(hours=1)
SWEEP = 0.6
"""Seconds between two sweeps of the gateway that is told nothing."""
LIMITS = {"notified": 2.0, "sweeping": 1.1 * SWEEP + 1.0}
"""Seconds from a change to its publication: for a sweep its jitter of a tenth, and the reading itself."""
Steps = dict[str, list[float]]


class Stranger:
    """exchangelib in Ada's mailbox and in Alan's, and what is published meanwhile."""

    def __init__(
        self, office: Office, followers: dict[str, Gateway], ada: exchangelib.Account, alan: exchangelib.Account
    ) -> None:
        self.took: Steps = defaultdict(list)
        self._office = office
        self._followers = followers
        self._ada = ada
        self._alan = alan
        self._seen = {(name, who): len(one.changes(who)) for name, one in followers.items() for who in PEOPLE}

    async def does(self, what: Callable[[], T], then: str, who: str = ADA) -> T:
        """Do something to a calendar; of its owner both gateways publish ``then``, and nothing comes between."""
        before = len(self._office.changes)
        done = await asyncio.to_thread(what)
        changed_at = next(change.at for change in self._office.changes[before:] if change.mailbox == who)
        for name, follower in self._followers.items():
            place = self._seen[name, who]
            await follower.says(lambda one, place=place: len(one.changes(who)) > place)  # type: ignore[misc]
            published = follower.changes(who)[place:]
            assert [str(line.state) for line in published] == [then], name
            self.took[name].append((published[0].at - changed_at).total_seconds())
            self._seen[name, who] += 1
        return done

    def make(self, invited: str = GRACE, **more: Any) -> Any:
        """An hour with somebody that began five minutes ago."""
        return self._item(required_attendees=[invited], **_now(), **more).save(
            send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY
        )

    def make_absence(self) -> Any:
        """Today, the whole day, out of office (around midnight, two days)."""
        now = datetime.now(UTC)
        first, last = (exchangelib.EWSDate.from_date((now + away).date()) for away in (-HOUR, HOUR))
        return self._item(start=first, end=last, is_all_day=True, legacy_free_busy_status="OOF").save()

    def make_series(self) -> Any:
        """The same, every third day from now on."""
        first = _now()["start"].date()
        return self.make(recurrence=Recurrence(pattern=DailyPattern(interval=3), start=first, number=5))

    def move(self, item: Any, by: timedelta) -> None:
        """Somewhere else in time."""
        item.start += by
        item.end += by
        item.save(update_fields=["start", "end"])

    def happening(self, after: timedelta = timedelta()) -> Any:
        """What Ada's calendar shows now, or then."""
        at = exchangelib.EWSDateTime.from_datetime(datetime.now(UTC) + after)
        [found] = self._ada.calendar.view(start=at, end=at + timedelta(minutes=1))
        return found

    def accept(self) -> None:
        """Alan accepts what he was invited to."""
        at = exchangelib.EWSDateTime.from_datetime(datetime.now(UTC))
        [found] = self._alan.calendar.view(start=at, end=at + timedelta(minutes=1))
        found.accept()

    def _item(self, **fields: Any) -> exchangelib.CalendarItem:
        return exchangelib.CalendarItem(account=self._ada, folder=self._ada.calendar, subject=SUBJECT, **fields)


def _now() -> dict[str, Any]:
    begins = exchangelib.EWSDateTime.from_datetime(datetime.now(UTC).replace(microsecond=0)) - timedelta(minutes=5)
    return {"start": begins, "end": begins + HOUR}


@pytest.fixture(scope="module")
def connected(office: Office) -> Iterator[None]:
    with dialling(office.lab):
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mailboxes(office: Office, connected: None) -> tuple[exchangelib.Account, ...]:
    """Ada's and Alan's, opened by the administrator who acts as them."""

    def opened(who: str) -> exchangelib.Account:
        configuration = exchangelib.Configuration(
            service_endpoint=EWS_URL,
            credentials=exchangelib.Credentials(ADMINISTRATOR_LOGON, office.lab.estate.users[ADMINISTRATOR]),
            auth_type=exchangelib.BASIC,
            version=exchangelib.Version(EXCHANGE_2019),
        )
        account = exchangelib.Account(
            who,
            config=configuration,
            autodiscover=False,
            access_type=exchangelib.IMPERSONATION,
            default_timezone=exchangelib.UTC,
        )
        assert account.calendar.name == "Calendar"
        return account

    return tuple([await asyncio.to_thread(opened, who) for who in PEOPLE])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def followers(office: Office, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Gateway]]:
    """The two gateways, both knowing that Ada and Alan are free."""
    folder = tmp_path_factory.mktemp("gateways")
    told = office.configure(folder / "notified", *PEOPLE)
    sweeping = office.configure(folder / "sweeping", *PEOPLE, sweep=SWEEP, notifications=False)
    async with gateway(told) as notified, gateway(sweeping) as swept:
        both = {"notified": notified, "sweeping": swept}
        for one in both.values():
            await one.says(lambda one: all(one.states(who) == [FREE] for who in PEOPLE))
        await office.listened_to(*PEOPLE)
        yield both


@pytest.fixture(scope="module")
def taken(record_testsuite_property: Callable[[str, object], None]) -> Iterator[Steps]:
    """What every step of every story took; into the report of the run (``--junitxml``)."""
    steps: Steps = defaultdict(list)
    yield steps
    for name, seconds in steps.items():
        said = {"steps": len(seconds), "p50": median(seconds), "max": max(seconds)}
        record_testsuite_property(f"seconds from a change to its publication, {name}", said)


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(
    office: Office, followers: dict[str, Gateway], mailboxes: tuple[exchangelib.Account, ...], taken: Steps
) -> AsyncIterator[Stranger]:
    """Who tells the story; at its end it was followed in time, and no subject left the house."""
    one = Stranger(office, followers, *mailboxes)
    yield one
    for name, seconds in one.took.items():
        taken[name] += seconds
        assert min(seconds) > 0 and median(seconds) < LIMITS[name], (name, seconds)
        assert SUBJECT not in followers[name].log() + str(followers[name].lines)


async def test_a_meeting_is_made_moved_away_moved_back_and_called_off(stranger: Stranger) -> None:
    meeting = await stranger.does(stranger.make, MEETING)
    await stranger.does(lambda: stranger.move(meeting, 4 * HOUR), FREE)
    await stranger.does(lambda: stranger.move(meeting, -4 * HOUR), MEETING)
    await stranger.does(lambda: meeting.cancel(), FREE)


async def test_of_a_series_one_occurrence_is_moved_and_one_deleted(stranger: Stranger) -> None:
    series = await stranger.does(stranger.make_series, MEETING)
    await stranger.does(lambda: stranger.move(stranger.happening(), 4 * HOUR), FREE)
    await stranger.does(lambda: stranger.move(stranger.happening(4 * HOUR), -4 * HOUR), MEETING)
    await stranger.does(lambda: stranger.happening().delete(), FREE)
    await asyncio.to_thread(series.delete)


async def test_a_whole_series_is_deleted(stranger: Stranger) -> None:
    series = await stranger.does(stranger.make_series, MEETING)
    await stranger.does(lambda: series.delete(), FREE)


async def test_a_day_out_of_office_covers_a_meeting_and_uncovers_it(stranger: Stranger) -> None:
    meeting = await stranger.does(stranger.make, MEETING)
    absence = await stranger.does(stranger.make_absence, OUT)
    await stranger.does(lambda: absence.delete(), MEETING)
    await stranger.does(lambda: meeting.delete(), FREE)


async def test_a_private_meeting_shows_as_a_meeting(stranger: Stranger) -> None:
    meeting = await stranger.does(lambda: stranger.make(sensitivity="Private"), MEETING)
    await stranger.does(lambda: stranger.move(meeting, 4 * HOUR), FREE)
    await stranger.does(lambda: stranger.move(meeting, -4 * HOUR), MEETING)
    await stranger.does(lambda: meeting.delete(), FREE)


async def test_an_invitation_is_a_maybe_until_it_is_accepted_and_nothing_once_called_off(stranger: Stranger) -> None:
    meeting = await stranger.does(lambda: stranger.make(invited=ALAN), MAYBE, ALAN)
    await stranger.does(stranger.accept, MEETING, ALAN)
    await stranger.does(lambda: meeting.cancel(), FREE, ALAN)

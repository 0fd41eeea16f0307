"""Online mailboxes, read through Microsoft Graph.

The truth is what is read: free/busy of 20 people a request, or each calendar whole and then by its delta; automatic
replies are polled, because Graph notifies of no settings. Notifications are hints: they make a read come soon, and a
lost one costs at most the time to the next read. Nothing here knows the time or the network but through what it was
given.

Failures stay where they belong: a mailbox that refuses or is throttled rests alone, longer each time; where Graph as a
whole does not answer or refuses who we are, everything rests, and each person is told once a rest.
"""

from __future__ import annotations

import logging
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from hybridge.presence.observations import CalendarRead, Observation, RepliesRead, Subject
from hybridge.presence.people import Person
from hybridge.presence.sources import graph_reading as reading
from hybridge.presence.sources.base import Health, Tell
from hybridge.presence.sources.graph_asks import Asks
from hybridge.presence.sources.graph_calendars import Calendars, Read
from hybridge.presence.sources.graph_jobs import Budget, Jobs
from hybridge.presence.sources.graph_lanes import Lanes, Rest
from hybridge.presence.sources.graph_settings import GraphSettings
from hybridge.presence.sources.graph_verdicts import Scope, Verdict
from hybridge.presence.sources.graph_watch import Meant, Watch
from hybridge.wire.ask import Answerer, HttpAnswer
from hybridge.wire.graph import change_notifications as notices
from hybridge.wire.graph.get_schedule import MAX_SCHEDULES
from hybridge.wire.json_body import JsonRefused

CALENDAR, REPLIES, SUBSCRIBE, END = "calendar", "replies", "subscribe", "end"
_SUBJECTS = {CALENDAR: Subject.CALENDAR, REPLIES: Subject.REPLIES, SUBSCRIBE: Subject.CALENDAR}
_FIRST_BACKOFF = timedelta(seconds=15)
_LONGEST_BACKOFF = timedelta(hours=1)
_CREDENTIAL_REST = timedelta(seconds=30)
_LONGEST_CREDENTIAL_REST = timedelta(minutes=15)
_log = logging.getLogger(__name__)


class GraphSource:
    """One ``[[presence.graph]]``. ``kept`` is what an earlier one of this name gave from ``keep``.

    ``answerer`` signs what it is asked as the configured Entra application. ``randomness`` spreads reads and makes the
    clientState; it must be a cryptographic one (``random.SystemRandom()``) outside of tests.
    """

    def __init__(
        self,
        settings: GraphSettings,
        answerer: Answerer,
        *,
        now: Callable[[], datetime],
        randomness: random.Random,
        kept: Mapping[str, bytes] | None = None,
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._now = now
        self._random = randomness
        self._asks = Asks(settings, answerer, now)
        self._calendars = Calendars(settings, self._asks, now, _fraction, kept or {})
        self._watch = Watch(kept or {}, randomness)
        self._lanes = Lanes()
        self._rest = Rest()
        self._resting = Verdict(says="")
        self._people: dict[str, Person] = {}
        self._failures: Counter[tuple[str, str]] = Counter()
        self._hinted: set[str] = set()
        self._no_subscription = ""
        self._reads = 0
        self._tell: Tell = _nobody
        whole = settings.resource == "calendar-view"
        self._jobs = Jobs(
            now,
            self._do,
            {CALENDAR: 1 if whole else MAX_SCHEDULES, REPLIES: 1, SUBSCRIBE: 1, END: 1},
            settings.at_once,
            {REPLIES: Budget(settings.replies_per_minute)},
        )

    async def run(self, tell: Tell) -> None:
        """Watch until cancelled."""
        self._tell = tell
        try:
            await self._jobs.run()
        finally:
            self._tell = _nobody

    def watch(self, people: Iterable[Person]) -> None:
        """Watch exactly these from now on."""
        wanted = {person.address: person for person in people}
        now = self._now()
        for address in self._people.keys() - wanted.keys():
            self._forget(address)
        new = [address for address, person in wanted.items() if self._people.get(address) != person]
        self._people = wanted
        for address in new:
            self._jobs.set(CALENDAR, address, now)
            self._jobs.set(REPLIES, address, now)
            if self._settings.notified:
                self._jobs.set(SUBSCRIBE, address, self._subscribe_at(address, now))
        for address in self._watch.strangers(wanted if self._settings.notified else {}):
            self._jobs.set(END, address, now)

    def refresh(self, address: str, subject: Subject) -> None:
        """Read this person soon."""
        if address not in self._people:
            return
        kind = CALENDAR if subject is Subject.CALENDAR else REPLIES
        self._jobs.hint(kind, address, self._now() + self._settings.coalesce)

    def notified(self, body: bytes, query: Mapping[str, str]) -> HttpAnswer:
        """What the gateway's web server answers to Graph's POST. Queues and returns: Graph waits three seconds."""
        shown = notices.handshake(query)
        if shown is not None:
            return shown
        try:
            notes = notices.read_notifications(body)
        except JsonRefused as refused:
            return notices.refused(str(refused))
        for meant in self._watch.believed(notes):
            self._follow(meant)
        return notices.accepted()

    def keep(self) -> dict[str, bytes]:
        """Subscriptions, their secret, and followed calendars."""
        return self._watch.keep() | self._calendars.keep()

    def health(self) -> tuple[Health, ...]:
        """How Graph does."""
        now, resting = self._now(), not self._rest.over(self._now())
        figures: dict[str, float] = {
            "people": len(self._people),
            "reads": self._reads,
            "requests": self._asks.asked,
            "resyncs": self._calendars.resyncs,
            "waiting": len(self._jobs),
            "failing": len({address for _, address in self._failures}),
            "throttled_mailboxes": self._lanes.resting(now),
            "subscriptions": len(self._watch),
            "notifications": sum(self._watch.counts.values()),
            "strange_notifications": self._watch.counts["strange"],
        }
        says = self._resting.says if resting else self._no_subscription
        step = self._resting.next_step if resting else ""
        return (Health(place=self._settings.host, at=now, trouble=says, next_step=step, figures=figures),)

    # What comes in

    def _follow(self, meant: Meant) -> None:
        now = self._now()
        if meant.address not in self._people:
            return
        if meant.renew or meant.make:
            self._jobs.hint(SUBSCRIBE, meant.address, now)
        if meant.anew:
            self._calendars.forget(meant.address)
            self.refresh(meant.address, Subject.REPLIES)
        if not meant.renew:
            self._hinted.add(meant.address)
            self.refresh(meant.address, Subject.CALENDAR)

    def _forget(self, address: str) -> None:
        for kind in (CALENDAR, REPLIES, SUBSCRIBE):
            self._jobs.drop(kind, address)
            self._failures.pop((kind, address), None)
        self._calendars.forget(address)
        self._lanes.forget(address)
        self._hinted.discard(address)

    # Jobs

    async def _do(self, kind: str, addresses: tuple[str, ...]) -> None:
        try:
            if kind == END:
                await self._end(addresses[0])
                return
            people = tuple(self._people[address] for address in addresses if address in self._people)
            if people and not self._rests(kind, people):
                await self._at_lane(kind, people)
        except Exception as error:
            _log.exception("A job of source %s failed", self.name)
            defect = Verdict(says=f"Reading failed by a mistake of hybridge ({type(error).__name__}).")
            for address in addresses:
                self._failed(kind, address, defect)

    def _rests(self, kind: str, people: tuple[Person, ...]) -> bool:
        """Whether Graph as a whole rests; then these are told why, and come again after the rest."""
        now = self._now()
        if self._rest.over(now):
            return False
        for person in people:
            self._failed(kind, person.address, self._resting)
        return True

    async def _at_lane(self, kind: str, people: tuple[Person, ...]) -> None:
        """Do a job in a place at the mailbox that is asked; where there is none, later."""
        lane = people[0].address
        wait = self._lanes.enter(lane, self._now())
        if wait is not None:
            self._jobs.set(kind, lane, self._now() + wait)
            for person in people[1:]:
                self._jobs.set(kind, person.address, self._now())
            return
        try:
            if kind == CALENDAR:
                await self._read_calendars(people)
            elif kind == REPLIES:
                await self._read_replies(people[0])
            else:
                await self._subscribe(people[0])
        finally:
            self._lanes.leave(lane)

    async def _read_calendars(self, people: tuple[Person, ...]) -> None:
        one = people[0]
        hinted = one.address in self._hinted
        self._hinted.difference_update(person.address for person in people)
        if self._settings.resource == "calendar-view":
            reads = await self._calendars.read_view(
                one, hinted=hinted, count=lambda: self._lanes.count(one.address, self._now())
            )
        else:
            reads = await self._calendars.read_schedules(people)
        again_at = self._later(self._settings.every)
        for read in reads:
            self._calendar_read(read, again_at)

    def _calendar_read(self, read: Read, again_at: datetime) -> None:
        if isinstance(read.found, Verdict):
            self._failed(CALENDAR, read.address, read.found)
        else:
            self._good(CALENDAR, read.address, CalendarRead(read.found), again_at)

    async def _read_replies(self, person: Person) -> None:
        found = await self._asks.replies(person.user or person.address)
        if isinstance(found, Verdict):
            self._failed(REPLIES, person.address, found)
            return
        source = f"graph {self._settings.host}"
        replies = reading.replies_of(found, read_at=self._now(), source=source)
        self._good(REPLIES, person.address, RepliesRead(replies), self._later(self._settings.replies_every))

    async def _subscribe(self, person: Person) -> None:
        """Make, renew or make again the subscription about a person."""
        held, user = self._watch.held(person.address), person.user or person.address
        made = await self._asks.renew(user, held.id) if held and held.expires_at > self._now() else None
        if made is None:
            made = await self._asks.subscribe(user, self._watch.client_state)
            if held is not None and not isinstance(made, Verdict):
                self._follow(Meant(person.address))  # something may have gone untold between the two
        if isinstance(made, Verdict):
            self._no_subscription = made.says
            self._failed(SUBSCRIBE, person.address, made)
            return
        self._no_subscription = ""
        self._watch.note(person.address, made)
        self._good(SUBSCRIBE, person.address, None, self._subscribe_at(person.address, self._now()))

    async def _end(self, address: str) -> None:
        wanted = address in self._people and self._settings.notified
        held = None if wanted else self._watch.drop(address)
        if held is not None:
            await self._asks.unsubscribe(held.id)

    # What becomes of it

    def _good(self, kind: str, address: str, seen: Observation | None, again_at: datetime) -> None:
        self._rest.end()
        self._failures.pop((kind, address), None)
        if address not in self._people:
            return
        self._jobs.set(kind, address, again_at)
        if seen is not None:
            self._reads += 1
            self._tell(address, seen)

    def _failed(self, kind: str, address: str, verdict: Verdict) -> None:
        now = self._now()
        if verdict.scope is Scope.ALL:
            self._begin_rest(verdict, now)
            again_at = self._later(max((self._rest.until or now) - now, timedelta()), over=timedelta(seconds=5))
        else:
            self._failures[kind, address] += 1
            wait = verdict.wait or min(
                _FIRST_BACKOFF * 2 ** min(self._failures[kind, address] - 1, 12), _LONGEST_BACKOFF
            )
            again_at = self._later(wait, over=wait / 4)
            if verdict.wait is not None:
                self._lanes.rest(address, now, again_at)
        if address not in self._people:
            return
        self._jobs.set(kind, address, again_at)
        if kind != SUBSCRIBE:
            self._tell(address, verdict.not_read(_SUBJECTS[kind], now))

    def _begin_rest(self, verdict: Verdict, now: datetime) -> None:
        if not self._rest.over(now):
            return
        first = _CREDENTIAL_REST if verdict.credential else timedelta(seconds=2)
        longest = _LONGEST_CREDENTIAL_REST if verdict.credential else None
        self._rest.begin(now, verdict.wait, first=first, longest=longest)
        self._resting = verdict

    def _later(self, wait: timedelta, over: timedelta | None = None) -> datetime:
        """After ``wait``, a little later or, where it is not Graph's own, sooner: so that not all come at once."""
        spread = over * self._random.random() if over is not None else wait * (self._random.random() - 0.5) / 5
        return self._now() + wait + spread

    def _subscribe_at(self, address: str, now: datetime) -> datetime:
        held = self._watch.held(address)
        return self._watch.renew_at(held, self._settings.lifetime, _fraction(address)) if held else now


def _fraction(address: str) -> float:
    """A number between 0 and 1 that is always the same for an address."""
    return zlib.crc32(address.encode()) % 1000 / 1000


def _nobody(_: str, __: Observation) -> None:
    """Tell is given by ``run``."""

"""An office of plain values, a source that reads it, and everything that can go wrong, by a seeded chance.

The gateway, its store and its outboxes are the real ones. Time is the loop's and leaps.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.presence.faults.records import CountingSink, Record, overstays, without_need
from tests.presence.faults.warp import LoopClock
from tests.presence.gateway.scripted import layout

from hybridge.net.clock import Clock
from hybridge.presence.calendar import AutomaticReplies, CalendarEvent, ReplyState, Response, ShowAs, Window
from hybridge.presence.claims import claims_of, merged
from hybridge.presence.gateway import Gateway
from hybridge.presence.layout import Part
from hybridge.presence.observations import CalendarRead, Hinted, NotRead, RepliesRead, Subject
from hybridge.presence.people import Person
from hybridge.presence.rules import TEAMS
from hybridge.presence.running_sink import Makers
from hybridge.presence.sinks.base import Sink, SinkDown
from hybridge.presence.sole_owner import SoleOwner
from hybridge.presence.sources.base import Health, Source, Tell
from hybridge.presence.store import StateStore

START = datetime(2026, 11, 20, 7, tzinfo=UTC)
PEOPLE = tuple(f"{name}@contoso.com" for name in ("ada", "alan", "grace", "katherine", "linus", "marie"))
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BEFORE, AFTER = 2 * HOUR, 24 * HOUR
SWEEP = 300.0
SETTLED = timedelta(minutes=11)
"""After this with nothing wrong everything was read twice, and every pause is over."""
SHOWN = (
    *(ShowAs.BUSY,) * 5,
    ShowAs.FREE,
    ShowAs.TENTATIVE,
    ShowAs.OOF,
    ShowAs.WORKING_ELSEWHERE,
)
ANSWERS = (Response.UNKNOWN, Response.ACCEPTED, Response.ORGANIZER, Response.NOT_RESPONDED, Response.DECLINED)


class TrueSource:
    """Reads the office's calendars: in turn, when it is told of a change, and when it is asked to."""

    def __init__(self, office: SimulatedOffice) -> None:
        self.name = "hq"
        self._office = office
        self._people: tuple[str, ...] = ()
        self._planned: set[asyncio.TimerHandle] = set()
        self._tell: Tell = lambda _address, _seen: None

    async def run(self, tell: Tell) -> None:
        self._tell = tell
        self._office.watchers.append(self._changed)
        try:
            while True:
                for address in self._people:
                    self._read(address, Subject.CALENDAR)
                    self._read(address, Subject.REPLIES)
                await asyncio.sleep(SWEEP * self._office.chance.uniform(0.9, 1.1))
        finally:
            self._office.watchers.remove(self._changed)
            for handle in self._planned:
                handle.cancel()

    def watch(self, people: Iterable[Person]) -> None:
        self._people = tuple(person.address for person in people)

    def refresh(self, address: str, subject: Subject) -> None:
        self._later(0.8, self._read, address, subject)

    def keep(self) -> dict[str, bytes]:
        return {}

    def health(self) -> tuple[Health, ...]:
        return ()

    def _changed(self, address: str) -> None:
        """A notification, which may be lost, doubled or late."""
        chance = self._office.chance
        for _ in range(chance.choice((0, 1, 1, 2)) if self._office.lossy else 1):
            self._later(chance.uniform(0.0, 5.0) if self._office.lossy else 0.1, self._hinted, address)

    def _hinted(self, address: str) -> None:
        self._tell(address, Hinted(Subject.CALENDAR, self._office.clock.now()))

    def _read(self, address: str, subject: Subject) -> None:
        """Read now; the answer comes a little later, perhaps after one that was asked for after it."""
        seen = self._office.read(address, subject)
        self._later(self._office.chance.uniform(0.0, 3.0 if self._office.lossy else 0.2), self._tell, address, seen)

    def _later(self, seconds: float, call: Callable[..., None], *what: object) -> None:
        def called() -> None:
            self._planned.discard(handle)
            call(*what)

        handle = asyncio.get_running_loop().call_later(seconds, called)
        self._planned.add(handle)


class SimulatedOffice:
    """The true calendars and replies, what is wrong at the moment, and the gateway that serves them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = LoopClock(START)
        self.record = Record(self.clock.now, later=lambda: self.moody and self.chance.random() < 0.4)
        self.calendars: dict[str, dict[str, CalendarEvent]] = {address: {} for address in PEOPLE}
        self.replies: dict[str, AutomaticReplies] = {}
        self.watchers: list[Callable[[str], None]] = []
        self.down = self.lossy = self.moody = False
        self.unreadable: dict[str, bool] = {}
        """Whose mailbox cannot be read, and whether it is said to be gone."""
        self.steps: list[str] = []
        self._folder = folder
        self._gateway: Gateway | None = None
        self._lock: sqlite3.Connection | None = None
        self._number = 0

    # what the source reads, and what is true

    def read(self, address: str, subject: Subject) -> CalendarRead | RepliesRead | NotRead:
        now = self.clock.now()
        if self.down or address in self.unreadable:
            return NotRead(subject, "It cannot be read.", now, "Down", gone=self.unreadable.get(address, False))
        if subject is Subject.REPLIES:
            return RepliesRead(self._replies(address, now))
        return CalendarRead(self._window(address, now))

    def _window(self, address: str, now: datetime) -> Window:
        begin, end = now - BEFORE, now + AFTER
        events = (one for one in self.calendars[address].values() if one.start_at < end and one.end_at > begin)
        return Window(start_at=begin, end_at=end, read_at=now, events=tuple(events), source="hq")

    def _replies(self, address: str, now: datetime) -> AutomaticReplies:
        found = self.replies.get(address)
        start, end = (found.start_at, found.end_at) if found else (None, None)
        return AutomaticReplies(
            state=found.state if found else ReplyState.DISABLED, read_at=now, start_at=start, end_at=end
        )

    def astray(self) -> dict[str, str]:
        """Who does not show what the pure core makes of the true calendar."""
        now, wrong = self.clock.now(), {}
        for address in PEOPLE:
            replies = self._replies(address, now)
            wanted = merged(claims_of(self._window(address, now), replies, TEAMS, now), now, TEAMS)
            shown = self.record.shown(address)
            until = wanted.until if replies.state is not ReplyState.ENABLED else (shown.until if shown else None)
            if shown is None or (shown.state, shown.until) != (wanted.state, until):
                wrong[address] = f"at {now}: shown {shown}, true {wanted}"
        return wrong

    # the gateway

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        await self._start()
        try:
            yield
        finally:
            self._unlock()
            assert self._gateway is not None
            await self._gateway.stop()

    async def _start(self) -> None:
        @asynccontextmanager
        async def source(_: Part, __: Clock, ___: Mapping[str, bytes]) -> AsyncIterator[Source]:
            yield TrueSource(self)

        @asynccontextmanager
        async def sink(part: Part, _: Clock) -> AsyncIterator[Sink]:
            yield CountingSink(part.name, self.record)

        store = StateStore(self._folder / "state.sqlite", self.clock.now, busy=0.0, again=0.05)
        people = dict.fromkeys(PEOPLE, ("hq", ("log",)))
        plan = layout(self._folder, people)
        self._gateway = Gateway(plan, Makers(source, sink), store, SoleOwner(store, self.clock), self.clock)
        await self._gateway.start()

    # what happens

    async def step(self) -> None:
        """One thing happens, and some time passes."""
        happens = self.chance.choice(self._what_happens())
        self.steps.append(f"{self.clock.now():%d %H:%M:%S} {happens.__name__}")
        done = happens()
        if isinstance(done, Coroutine):
            await done
        await asyncio.sleep(self.chance.choice((0.0, 0.5, 5.0, 60.0, 400.0, 1500.0)) * self.chance.random())

    def _what_happens(self) -> tuple[Callable[[], object], ...]:
        edits = (self._put, self._put, self._put, self._change, self._change, self._remove, self._reply)
        faults = (
            self._source,
            self._mailbox,
            self._notifications,
            self._sink,
            self._mood,
            self._disk,
            self._jump,
            self._restart,
            self._kill,
        )
        return (*edits, *edits, *faults)

    def _event(self, identity: str) -> CalendarEvent:
        now = self.clock.now().replace(second=0, microsecond=0)
        start = now + timedelta(minutes=self.chance.randrange(-30, 240))
        length = self.chance.choice((0, 1, 5, 15, 30, 30, 60, 60, 180, 24 * 60))
        shows = self.chance.choice(SHOWN)
        return CalendarEvent(
            identity=identity,
            start_at=start,
            end_at=start + timedelta(minutes=length),
            shows=shows,
            meeting=self.chance.choice((True, True, False, None)),
            all_day=length == 24 * 60,
            private=self.chance.random() < 0.2,
            cancelled=self.chance.random() < 0.1,
            response=self.chance.choice(ANSWERS),
            focus=self.chance.random() < 0.1,
        )

    def _put(self) -> None:
        self._number += 1
        self._set(self.chance.choice(PEOPLE), self._event(f"item-{self._number}"))

    def _change(self) -> None:
        address = self.chance.choice(PEOPLE)
        if self.calendars[address]:
            self._set(address, self._event(self.chance.choice(tuple(self.calendars[address]))))

    def _set(self, address: str, event: CalendarEvent) -> None:
        self.calendars[address][event.identity] = event
        self._notify(address)

    def _remove(self) -> None:
        address = self.chance.choice(PEOPLE)
        if self.calendars[address]:
            del self.calendars[address][self.chance.choice(tuple(self.calendars[address]))]
            self._notify(address)

    def _notify(self, address: str) -> None:
        for watcher in tuple(self.watchers):
            watcher(address)

    def _reply(self) -> None:
        now = self.clock.now().replace(second=0, microsecond=0)
        start = now + timedelta(minutes=self.chance.randrange(-60, 60))
        state = self.chance.choice((ReplyState.DISABLED, ReplyState.DISABLED, *ReplyState))
        self.replies[self.chance.choice(PEOPLE)] = AutomaticReplies(
            state=state,
            read_at=now,
            start_at=start,
            end_at=start + timedelta(minutes=self.chance.randrange(1, 200)),
        )

    def _source(self) -> None:
        self.down = not self.down

    def _mailbox(self) -> None:
        address = self.chance.choice(PEOPLE)
        if self.unreadable.pop(address, None) is None:
            self.unreadable[address] = self.chance.random() < 0.3

    def _notifications(self) -> None:
        self.lossy = not self.lossy

    def _sink(self) -> None:
        self.record.down = None if self.record.down else SinkDown("The sink is away.")

    def _mood(self) -> None:
        self.moody = not self.moody

    def _disk(self) -> None:
        """Another writer locks the state file, or lets go of it."""
        if self._lock is not None:
            self._unlock()
            return
        lock = sqlite3.connect(self._folder / "state.sqlite", isolation_level=None, timeout=0.2)
        try:
            lock.execute("BEGIN IMMEDIATE")
            self._lock = lock
        except sqlite3.OperationalError:
            lock.close()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.execute("ROLLBACK")
            self._lock.close()
            self._lock = None

    async def _jump(self) -> None:
        """Set the clock. Outbox and gateway each notice by themselves, and may each tell all anew."""
        began = len(self.record.all)
        self.record.jump()
        self.clock.jump(self.chance.choice((-2, -0.5, 0.5, 3)) * self.chance.random() * HOUR)
        assert self._gateway is not None
        self._gateway.poke()
        await asyncio.sleep(1.0)
        self.record.forgotten.update(range(began, len(self.record.all) + 1))

    async def _restart(self) -> None:
        """A stop as it should be; only a state file that could not be written is a loss."""
        assert self._gateway is not None
        self._is_sound()
        await self._gateway.stop()
        if self._lock is not None or self._gateway.store.pending:
            self.record.forget()
        await asyncio.sleep(self.chance.choice((0.0, 1.0, 600.0)))
        await self._start()

    async def _kill(self) -> None:
        """An end without anything: what waited for the disk is lost."""
        assert self._gateway is not None
        store = self._gateway.store
        if self._lock is None:
            await asyncio.to_thread(store.settle, 5.0)
        self._put()
        await asyncio.sleep(self.chance.random() * 2.0)
        store._pending.clear()
        self.record.forget()
        await self._restart()

    # at quiescence

    def _is_sound(self) -> None:
        """Nothing broke off in the gateway itself."""
        assert self._gateway is not None
        assert self._gateway.roster.defects == 0
        assert not self._gateway.lost.is_set()
        assert not any(one.restarts for one in self._gateway.sources.values())
        assert not any(one.restarts for one in self._gateway.sinks.values())

    async def settle(self) -> None:
        """Everything is well again; after a while all must be true."""
        self.down = self.lossy = self.moody = False
        self.unreadable.clear()
        self.record.down = None
        self._unlock()
        await asyncio.sleep(SETTLED.total_seconds())
        self._is_sound()
        wrong = self.astray()
        if wrong:  # a boundary may lie in this very second
            await asyncio.sleep(2.0)
            wrong = self.astray()
        assert not wrong, (wrong, self.steps[-30:])
        assert not (twice := without_need(self.record)), (twice[:3], self.steps)
        assert not (over := overstays(self.record, self.clock.now())), (over[:3], self.steps)

"""The gateway: what sources tell becomes decisions, decisions become what the sinks are to show.

One event loop. A source tells of one person (``tell``); the machine says what follows; a decision goes into the
outbox of every sink that shows the person; a timer looks again at the next boundary of the calendar. Nothing of that
waits for anything: sources, deliveries, the state file's thread and the timer are tasks of their own, and each fails
alone.

After a restart the gateway knows what it knew (the state file) and what the sinks show. Whoever is to show what they
show already is told again in time; whoever is not, waits for the first read of their calendar (``GRACE`` at most), so
that a meeting that was cancelled meanwhile does not flash up. A boundary that passes is never waited with.

The wall clock is compared with the loop's own: where one ran away (the machine slept, the clock was set), everybody
is looked at anew and read anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from hybridge.net.clock import Clock
from hybridge.presence.layout import Layout
from hybridge.presence.log import told
from hybridge.presence.machine import Command, Event, Known, Phase, Publish, Refresh, WakeAt, Withdraw
from hybridge.presence.observations import CalendarRead, Claimed, NotRead, Observation, Subject, Unclaimed
from hybridge.presence.ownership import Lease, Ownership
from hybridge.presence.roster import CHANGED, WOKE, Roster, without_subjects
from hybridge.presence.running import RunningSource
from hybridge.presence.running_sink import Listener, Makers, RunningSink
from hybridge.presence.sinks.base import Desired
from hybridge.presence.store import SHARE, Held, StateStore
from hybridge.presence.text import text_of

GRACE = timedelta(seconds=30)
"""How long a decision that differs from what is shown waits for a first read after a restart."""
JUMP = 5.0
"""Seconds by which wall clock and loop may differ between two looks."""
TICK = 1.0
"""Seconds between two looks at the clock at most."""
KEEP_EVERY = 15.0
CHUNK = 25
"""People that are looked at before the loop may do something else."""


T = TypeVar("T")


class AlreadyRunning(Exception):
    """Another gateway holds the lease of the state file."""


class Gateway:
    """One gateway over a layout. ``start``, then ``reload`` at will, ``drain`` or ``stop``."""

    def __init__(self, layout: Layout, makers: Makers, store: StateStore, owner: Ownership, clock: Clock) -> None:
        self.layout = layout
        self.clock = clock
        self.store = store
        self.roster = Roster(layout.rules)
        self.sources: dict[str, RunningSource] = {}
        self.sinks: dict[str, RunningSink] = {}
        self.started_at: datetime | None = None
        self.draining = False
        self.jumps = 0
        self.troubles: dict[str, str] = {}
        """Why somebody could not be read last, by address."""
        self.lost = asyncio.Event()
        """Set when the lease is another's: nothing is published any more."""
        self.on_lag: Callable[[str, float], None] = lambda _sink, _seconds: None
        """Told of a sink and the seconds from decision to publication."""
        self._makers = makers
        self._owner = owner
        self._lease = Lease(SHARE, 0)
        self._encode = msgspec.msgpack.Encoder().encode
        self._unsure: set[str] = set()
        self._sure_at: datetime | None = None
        self._poked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._changing = asyncio.Lock()
        self._showing: set[asyncio.Task[None]] = set()
        self._written_anew = 0
        self._kept: dict[tuple[str, str], bytes] = {}
        self._told_of: dict[tuple[str, str], str] = {}

    @property
    def revision(self) -> int:
        """The lease under which everything is written."""
        return self._lease.revision

    # its life

    async def start(self) -> None:
        """Take over from what is on disk, and begin. Raises ``AlreadyRunning``, ``store.NewerState``."""
        held = await asyncio.to_thread(self.store.open)
        lease = await self._owner.acquire(SHARE)
        if lease is None:
            await asyncio.to_thread(self.store.close)
            raise AlreadyRunning(f"Another gateway runs with the state file {self.store.path}.")
        self._lease = lease
        self._written_anew = self.store.renewed
        if self.store.trouble:
            told("state file in trouble", logging.ERROR, says=self.store.trouble)
        now = self.clock.now()
        self.started_at = now
        self._sure_at = now + GRACE
        told("started", people=len(self.layout.people), revision=lease.revision, state=str(self.store.path))
        await self._restore(held)
        self._tasks = [
            asyncio.create_task(_for_ever(work), name=f"presence {work.__name__}")
            for work in (self._look_on_time, self._keep_up)
        ]

    async def stop(self) -> None:
        """End at once, without sending anything more; what is shown stays until it expires."""
        ending = [*self._tasks, *self._showing]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        self._tasks = []
        self._keep()
        await _all(source.stop() for source in self.sources.values())
        await _all(sink.stop() for sink in self.sinks.values())
        await asyncio.to_thread(self.store.close)
        await self._owner.release(self._lease)
        told("stopped")

    async def drain(self, seconds: float) -> bool:
        """Read nothing more and send what waits, for ``seconds`` at most; whether everything was sent."""
        self.draining = True
        await _all(source.stop() for source in self.sources.values())
        done = await asyncio.gather(*(sink.drain(seconds) for sink in self.sinks.values()))
        told("drained", complete=all(done))
        return all(done)

    # what sources tell

    def tell(self, address: str, observation: Observation) -> None:
        """What a source saw of a person (``sources.base.Tell``)."""
        watched = self.layout.people.get(address)
        if watched is None or self.draining:
            return
        now = self.clock.now()
        if isinstance(observation, CalendarRead) and watched.person.source in self.sources:
            self.sources[watched.person.source].last_read_at = now
        if isinstance(observation, NotRead):
            self.troubles[address] = observation.says
        elif isinstance(observation, CalendarRead):
            self.troubles.pop(address, None)
        seen = without_subjects(observation, but_public=self.layout.subjects)
        self._see(address, seen, now, sure=_decides(observation))

    def poke(self) -> None:
        """Look at the clock now: it was moved."""
        self._poked.set()

    def _see(self, address: str, event: Event, now: datetime, *, sure: bool = False) -> None:
        """Step one person. ``sure``: enough is known now to show a decision that differs from what is shown."""
        before = self.roster.known.get(address)
        commands = self.roster.see(address, event, now)
        known = self.roster.known.get(address)
        if known is not None and known is not before and known != before:
            self.store.put("known", (address,), self._encode(known))
        decided = any([self._obey(address, command) for command in commands])
        if sure and address in self._unsure:
            self._unsure.discard(address)
            decided = True
        if decided:
            self._show(address, now)

    def _obey(self, address: str, command: Command) -> bool:
        """Do what a command says; whether it is a decision (which is shown level by level, from what is known)."""
        match command:
            case WakeAt(at):
                self.roster.wake_at(address, at)
                self._poked.set()
            case Refresh(subject):
                self._refresh(address, subject)
            case Publish() | Withdraw():
                return True
        return False

    def _refresh(self, address: str, subject: Subject) -> None:
        watched = self.layout.people.get(address)
        source = self.sources.get(watched.person.source) if watched else None
        if source is not None:
            source.refresh(address, subject)

    # what the sinks show

    def _show(self, address: str, now: datetime, only: str = "") -> None:
        """Leave the present decision with every sink of the person, or with ``only`` that one."""
        watched, known = self.layout.people.get(address), self.roster.known.get(address)
        if watched is None or known is None or self.lost.is_set():
            return
        decision = known.published
        if decision is None and known.phase is not Phase.GONE:
            return  # nothing was decided yet: what is shown lasts until it expires
        desired = Desired(
            person=watched.person,
            state=decision.state if decision else None,
            until=decision.until if decision else None,
            expires_at=now + self.layout.expiry,
            text=text_of(decision.state if decision else None),
            fence=self._lease.revision,
        )
        for name in watched.sinks:
            sink = self.sinks.get(name) if only in ("", name) else None
            if sink is not None and (address not in self._unsure or sink.agrees(desired)):
                sink.want(desired)

    def _withdraw(self, address: str, names: Iterable[str]) -> None:
        """What we published for this person at these sinks goes; afterwards they are forgotten there."""
        for name in names:
            if name in self.sinks:
                self.sinks[name].withdraw(address, self._lease.revision)

    def _shown(self, sink: str, desired: Desired, lag: float | None) -> None:
        """A sink shows this now."""
        address = desired.person.address
        if desired.state is None:
            self.store.drop("published", (sink, address))
        else:
            self.store.put("published", (sink, address), self._encode(desired))
        if lag is not None:
            self.on_lag(sink, lag)

    def _opened(self, sink: str) -> None:
        """A sink was made: it must hear of everybody."""
        task = asyncio.create_task(self._show_all(sink), name=f"presence showing {sink}")
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)

    async def _show_all(self, sink: str) -> None:
        for number, address in enumerate(tuple(self.layout.people), start=1):
            self._show(address, self.clock.now(), only=sink)
            if number % CHUNK == 0:
                await asyncio.sleep(0)

    # beginning and reloading

    async def _restore(self, held: Held) -> None:
        for address in self.layout.people:
            self.roster.add(address, _read(Known, held.known.get(address)))
        for address in held.known.keys() - self.layout.people.keys():
            self.store.drop("known", (address,))
        self._unsure = set(self.layout.people)
        for name in self.layout.sinks:
            self._open_sink(name, _of_sink(held, name))
        for sink, address in held.published:
            if sink not in self.layout.sinks:
                self.store.drop("published", (sink, address))
            elif address not in self.layout.people or sink not in self.layout.people[address].sinks:
                self._withdraw(address, (sink,))
        await self._look_at_all(WOKE)
        for name in self.layout.sources:
            self._open_source(name, {key: body for (source, key), body in held.keeps.items() if source == name})

    async def reload(self, layout: Layout) -> None:
        """Serve another layout; what is the same in both is not touched."""
        async with self._changing:
            await self._reload(layout)

    async def _reload(self, layout: Layout) -> None:
        old, self.layout = self.layout, layout
        gone = [name for name in old.sources if layout.sources.get(name) != old.sources[name]]
        kept = {name: dict(self.sources[name].keep()) for name in gone}
        await _all([self.sources.pop(name).stop() for name in gone])
        await self._reload_sinks(old)
        now = self.clock.now()
        for address in old.people.keys() - layout.people.keys():
            self._withdraw(address, old.people[address].sinks)
            self.roster.drop(address)
            self._unsure.discard(address)
            self.troubles.pop(address, None)
            self.store.drop("known", (address,))
        for address, watched in layout.people.items():
            self.roster.add(address)
            before = old.people.get(address)
            if before is not None and before != watched:
                self._withdraw(address, set(before.sinks) - set(watched.sinks))
        rules_changed = old.rules != layout.rules
        self.roster.rules = layout.rules
        if rules_changed:
            await self._look_at_all(CHANGED)
        for address in layout.people:
            self._show(address, now)
        for name in layout.sources:
            if name not in self.sources:
                self._open_source(name, kept.get(name, {}))
            else:
                self._watch(name)
        told("configuration in force", people=len(layout.people), sources=len(layout.sources), sinks=len(layout.sinks))

    async def _reload_sinks(self, old: Layout) -> None:
        for name in old.sinks:
            if name not in self.layout.sinks:
                sink = self.sinks[name]
                sink.withdraw_all(self._lease.revision)
                await sink.drain(5.0)
                await self.sinks.pop(name).stop()
            elif old.sinks[name] != self.layout.sinks[name]:
                before = self.sinks.pop(name)
                await before.stop()
                self._open_sink(name, tuple(before.outbox.shown()))
            else:
                self.sinks[name].configured()
        for name in self.layout.sinks:
            if name not in self.sinks:
                self._open_sink(name, ())

    def _open_sink(self, name: str, shown: tuple[Desired, ...]) -> None:
        sink = RunningSink(self.layout.sinks[name], self._makers.sink, self.clock, Listener(self._shown, self._opened))
        self.sinks[name] = sink
        sink.start(shown)

    def _open_source(self, name: str, kept: Mapping[str, bytes]) -> None:
        self.sources[name] = RunningSource(self.layout.sources[name], self._makers.source, self.tell, self.clock, kept)
        self._watch(name)
        self.sources[name].start()

    def _watch(self, name: str) -> None:
        self.sources[name].watch(one.person for one in self.layout.people.values() if one.person.source == name)

    # time

    async def _look_on_time(self) -> None:
        """Look at whoever is due; notice when the clock ran away."""
        loop = asyncio.get_running_loop()
        wall, steady = self.clock.now(), loop.time()
        while True:
            await self._until_due()
            now, ticks = self.clock.now(), loop.time()
            ahead = (now - wall).total_seconds() - (ticks - steady)
            if abs(ahead) > JUMP:
                await self._jumped(now, ahead)
            wall, steady = now, ticks
            if self._sure_at is not None and now >= self._sure_at:
                await self._grow_sure(now)
            for number, address in enumerate(self.roster.due(now), start=1):
                self._see(address, WOKE, now, sure=True)
                if number % CHUNK == 0:
                    await asyncio.sleep(0)  # thousands have meetings at nine: the first are published meanwhile

    async def _until_due(self) -> None:
        self._poked.clear()
        next_at = self.roster.next_at
        wait = TICK if next_at is None else min(TICK, max(0.0, (next_at - self.clock.now()).total_seconds()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):  # wait_for of Python 3.11 may swallow a cancellation
                await self._poked.wait()

    async def _jumped(self, now: datetime, ahead: float) -> None:
        """Look at everybody, and read everybody. What waits at a sink until an instant waits no longer; after a clock
        that was set back nobody knows when what is shown expires, so that all of it is told again.
        """
        self.jumps += 1
        told("clock jumped", logging.WARNING, seconds=round(ahead), now=now.isoformat())
        async with self._changing:
            for name, sink in tuple(self.sinks.items()):
                if ahead < 0:
                    await sink.stop()
                    self._open_sink(name, ())
                elif sink.trouble is None or not sink.trouble.credential:
                    sink.configured()
        await self._look_at_all(WOKE)
        for address in tuple(self.layout.people):
            self._refresh(address, Subject.CALENDAR)

    async def _grow_sure(self, now: datetime) -> None:
        """The grace after a restart is over: whoever could not be read shows what is known."""
        self._sure_at = None
        waiting, self._unsure = self._unsure, set()
        for address in waiting:
            self._show(address, now)

    async def _look_at_all(self, event: Event) -> None:
        for number, address in enumerate(tuple(self.roster.known), start=1):
            self._see(address, event, self.clock.now())
            if number % CHUNK == 0:
                await asyncio.sleep(0)

    # upkeep

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY)
            self._keep()
            self._tell_troubles()
            if self.store.renewed != self._written_anew:
                self._written_anew = self.store.renewed
                told("state file set aside", logging.ERROR, says=self.store.trouble)
                self._write_all()
            if not await self._owner.renew(self._lease):
                self._lose()

    def _keep(self) -> None:
        for name, source in self.sources.items():
            for key, body in source.keep().items():
                if self._kept.get((name, key)) != body:
                    self._kept[name, key] = body
                    self.store.put("keeps", (name, key), body)

    def _tell_troubles(self) -> None:
        """Log which servers and sinks went down or came back since the last look."""
        now = {("state file", str(self.store.path)): self.store.trouble}
        for name, source in self.sources.items():
            now |= {(f"source {name}", health.place): health.trouble for health in source.health()}
        for name, sink in self.sinks.items():
            now[f"sink {name}", ""] = sink.defect or (sink.trouble.says if sink.trouble else "")
        for key, says in now.items():
            if bool(says) != bool(self._told_of.get(key, "")):
                level = logging.WARNING if says else logging.INFO
                told("in trouble" if says else "well again", level, what=key[0], place=key[1], says=says)
        self._told_of = now

    def _write_all(self) -> None:
        """The state file is a new one."""
        self._kept.clear()
        for address, known in self.roster.known.items():
            self.store.put("known", (address,), self._encode(known))
        for name, sink in self.sinks.items():
            for desired in sink.outbox.shown():
                self.store.put("published", (name, desired.person.address), self._encode(desired))

    def _lose(self) -> None:
        """Another gateway took over: publish nothing more."""
        if not self.lost.is_set():
            self.lost.set()
            told("lease lost", logging.ERROR, revision=self._lease.revision)
            for sink in self.sinks.values():
                sink.silence()


def _decides(observation: Observation) -> bool:
    """Whether it tells enough to decide after a restart."""
    if isinstance(observation, NotRead):
        return observation.subject is Subject.CALENDAR
    return isinstance(observation, CalendarRead | Claimed | Unclaimed)


def _of_sink(held: Held, name: str) -> tuple[Desired, ...]:
    read = (_read(Desired, body) for (sink, _), body in held.published.items() if sink == name)
    return tuple(desired for desired in read if desired is not None)


def _read(kind: type[T], body: bytes | None) -> T | None:
    """What the state file holds of this kind; None where it is not there or of another version."""
    if body is None:
        return None
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError:
        return None


async def _for_ever(work: Callable[[], Coroutine[object, object, None]]) -> None:
    """Do what never ends; a defect in it is logged, and it is begun again."""
    while True:
        try:
            await work()
        except Exception as error:
            told("defect", logging.ERROR, where=work.__name__, error=type(error).__name__, says=str(error))
        await asyncio.sleep(TICK)


async def _all(work: Iterable[Coroutine[object, object, None]]) -> None:
    await asyncio.gather(*work, return_exceptions=True)

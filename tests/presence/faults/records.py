"""What was published, in order, and what must be true of it whatever went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from hybridge.presence.outbox import OCCUPIED
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Result, SinkDown
from hybridge.presence.sinks.pace import Pace

LIMITS = Limits(
    batch=20, requests=1000, per=timedelta(seconds=1), shortest=timedelta(minutes=1), longest=timedelta(hours=1)
)
SECOND = timedelta(seconds=1)


class Publication(NamedTuple):
    """One person was published ``at`` this instant of the gateway's clock."""

    at: datetime
    desired: Desired


@dataclass
class Record:
    """What a sink was told, in order. It outlives the gateways that tell it."""

    now: Callable[[], datetime]
    all: list[Publication] = field(default_factory=list)
    down: SinkDown | None = None
    refused: int = 0
    """Batches that were not taken."""
    later: Callable[[], bool] = lambda: False
    """Whether the sink asks for the next person later."""
    forgotten: set[int] = field(default_factory=set)
    """Before these publications the gateway lost what it knew of the sink (by number)."""
    jumps: dict[int, datetime] = field(default_factory=dict)
    """Before these publications the clock jumped: when that was by the old one."""

    def forget(self) -> None:
        """From now on the gateway does not know what the sink shows."""
        self.forgotten.add(len(self.all))

    def jump(self) -> None:
        """The clock is about to jump: what was published before is not to be measured by what comes after."""
        self.jumps.setdefault(len(self.all), self.now())
        self.forget()

    def of(self, address: str) -> list[Publication]:
        """What was published of one person."""
        return [one for one in self.all if one.desired.person.address == address]

    def states(self, address: str) -> list[str]:
        """The states of one person one after the other; told again counts once."""
        told = [str(one.desired.state or "") for one in self.of(address)]
        return [state for number, state in enumerate(told) if number == 0 or told[number - 1] != state]

    def shown(self, address: str) -> Desired | None:
        """What the sink shows of one person now: the last publication, until it expires."""
        told = self.of(address)
        return told[-1].desired if told and told[-1].desired.expires_at > self.now() else None


class CountingSink:
    """A sink that writes down everything it is told. While ``record.down`` is set it is out of reach."""

    def __init__(self, name: str, record: Record) -> None:
        self.name = name
        self.limits = LIMITS
        self._record = record

    async def open(self) -> None:
        self._reach()

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        self._reach()
        return tuple(self._one(desired, now) for desired in batch)

    def _one(self, desired: Desired, now: datetime) -> Result:
        if self._record.later():
            return Later("Not now.")
        self._record.all.append(Publication(now, desired))
        return Published()

    def serves(self, person: Person) -> bool:
        return True

    async def close(self) -> None:
        """Nothing is held."""

    def _reach(self) -> None:
        if self._record.down is not None:
            self._record.refused += 1
            raise self._record.down


def without_need(record: Record) -> list[tuple[Publication, Publication]]:
    """Publications that told a person's sink what it showed already, though no refresh was due: with the one before.

    A refresh is due in the last part of a state's life, and never where the state ends before it expires.
    """
    found: list[tuple[Publication, Publication]] = []
    last: dict[str, Publication] = {}
    for number, one in enumerate(record.all):
        if number in record.forgotten:
            last.clear()
        before = last.get(one.desired.person.address)
        if before is not None and _same(before.desired, one.desired) and not _due(before, one.at):
            found.append((before, one))
        last[one.desired.person.address] = one
    return found


def _same(one: Desired, other: Desired) -> bool:
    return (one.state, one.until, one.text) == (other.state, other.until, other.text)


def _due(told: Publication, at: datetime) -> bool:
    ends_first = told.desired.until is not None and told.desired.until <= told.desired.expires_at
    if at >= told.desired.expires_at:
        return True
    life = told.desired.expires_at - told.at
    return not ends_first and at - told.at >= life * Pace().refresh_from - SECOND


def overstays(record: Record, now: datetime) -> list[tuple[Publication, timedelta]]:
    """Who was shown as occupied past the end of what occupied them for longer than a sink's shortest expiry.

    Shown is what was published last, until it expires.
    """
    found: list[tuple[Publication, timedelta]] = []
    standing: dict[str, Publication] = {}
    for number, one in enumerate(record.all):
        if number in record.jumps:
            found += _overstaying(standing.values(), record.jumps[number])
            standing.clear()
        before = standing.get(one.desired.person.address)
        found += _overstaying([before] if before else [], one.at)
        standing[one.desired.person.address] = one
    return found + _overstaying(standing.values(), record.jumps.get(len(record.all), now))


def _overstaying(shown: Iterable[Publication], until: datetime) -> list[tuple[Publication, timedelta]]:
    """Those of ``shown``, which were shown until then or until they expired, that outlived their end too long."""
    found = []
    for one in shown:
        if one.desired.state in OCCUPIED and one.desired.until is not None:
            over = min(until, one.desired.expires_at) - max(one.desired.until, one.at)
            if over > LIMITS.shortest:
                found.append((one, over))
    return found

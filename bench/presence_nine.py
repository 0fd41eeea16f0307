"""Nine o'clock: everybody's first meeting begins at the same instant. How long until the last of them is shown?

The time from the boundary until the last publication, over the time the sink needs at least by its own limit:

* *counting*: a sink that takes ``RATE`` people a second by the limits it states (and nothing else slows it);
* *prosody*: a real one with our module, and its own limit is what it needs for the very same stanzas, already written,
  through a socket, as many under way at once as the gateway has. Both begin with a server that was just started.

The gateway gets a clock of the bench's. It runs from five minutes to nine, while everybody is read; then it is moved in
steps too small to be taken for a jump until a moment before nine, and runs on by itself.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import presence_office as office
import uvloop
from tests.presence.prosody import COMPONENT, HOST, SECRET, Prosody

from hybridge.net.secret import Secret
from hybridge.net.xmpp import XmppComponent, XmppConfig
from hybridge.presence.delivery import AT_ONCE
from hybridge.presence.gateway import Gateway
from hybridge.presence.sinks.base import Limits, Sink
from hybridge.presence.sinks.xmpp import BATCH, NAMESPACE, XmppSink

RATE = 5000
BEGIN = office.NINE - timedelta(minutes=5)
STEP = timedelta(seconds=2)
"""Twice that is less than what a gateway takes for a jump."""
TURNS = 20
"""Of the loop, in which the gateway looks at the clock."""
HEADWAY = timedelta(seconds=0.5)


class MovedClock:
    """Runs with the machine's own, from ``at``; ``move`` sets it ahead."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._began = time.monotonic()

    def now(self) -> datetime:
        """The instant it shows."""
        return self._at + timedelta(seconds=time.monotonic() - self._began)

    def move(self, by: timedelta) -> None:
        """Set it ahead."""
        self._at += by


class Morning(NamedTuple):
    """Seconds from the boundary to the last, at the sink's own limit, until all was decided, and of the processor."""

    last: float
    limit: float
    decided: float
    processor: float

    @property
    def ratio(self) -> float:
        """How much longer than the sink's own limit."""
        return self.last / self.limit


@asynccontextmanager
async def _at_nine(
    folder: Path, people: int, make_sink: Callable[[], Sink]
) -> AsyncIterator[tuple[Gateway, MovedClock]]:
    """A gateway a moment before nine; everybody was read and is free, and the sinks have that."""
    clock = MovedClock(BEGIN)
    async with office.serving(folder, people, clock, make_sink) as (gateway, spoken):
        at, first = clock.now(), office.NINE - clock.now()
        told = ((office.person(n).address, office.day(n, at, first)) for n in range(people))
        await office.told_all(spoken, told)
        await office.quiet(gateway)
        if clock.now() > office.NINE - HEADWAY:
            raise SystemExit("It was nine before everybody was read: too many people for this machine.")
        while (left := office.NINE - HEADWAY - clock.now()) > timedelta(0):
            clock.move(min(STEP, left))
            gateway.poke()
            for _ in range(TURNS):
                await asyncio.sleep(0)
        gc.collect()
        yield gateway, clock


async def _morning(folder: Path, people: int, make_sink: Callable[[], Sink], limit: float) -> Morning:
    """From nine until the sink showed the last."""
    async with _at_nine(folder, people, make_sink) as (gateway, clock):
        shown, decided_at, done = 0, clock.now(), asyncio.Event()

        def see(_sink: str, lag: float) -> None:
            nonlocal shown, decided_at
            shown += 1
            decided_at = max(decided_at, clock.now() - timedelta(seconds=lag))
            if shown == people:
                done.set()

        gateway.on_lag = see
        processor = time.process_time()
        await done.wait()
        last, decided = clock.now() - office.NINE, decided_at - office.NINE
        return Morning(last.total_seconds(), limit, decided.total_seconds(), time.process_time() - processor)


def counting(folder: Path, people: int, rate: int = RATE) -> Morning:
    """With a sink of ``rate`` people a second."""
    limits = Limits(batch=min(50, rate // 10), requests=rate // min(50, rate // 10))
    return uvloop.run(_morning(folder, people, lambda: office.CountingSink(limits), people / rate))


# ---------------------------------------------------------------------------------------------------------- prosody


@contextmanager
def _server(folder: Path, people: int) -> Iterator[Prosody]:
    """A prosody just started, with all the accounts."""
    server = Prosody(folder, ttl=900, level="warn")
    for number in range(people):
        server.add(f"user{number:06d}")
    server.start()
    try:
        yield server
    finally:
        server.stop(kill=True)  # it would say goodbye for everybody first


def prosody(folder: Path, people: int) -> Morning:
    """With a real server: first as bare as can be, then through the gateway."""
    with _server(folder / "bare", people) as server:
        limit = uvloop.run(_bare(server, people))
    with _server(folder / "ours", people) as server:
        config = XmppConfig(component=COMPONENT, host=HOST, secret=Secret(SECRET), port=server.component_port)
        state = folder / "state"
        state.mkdir()
        return uvloop.run(_morning(state, people, lambda: XmppSink(office.SINK, XmppComponent(config)), limit))


def _stanza(number: int, first: int, people: int) -> bytes:
    everybody = "".join(
        f"<person jid='{office.person(one).jid}' fence='1' ttl='900' show='dnd' activity='working/in_a_meeting'>"
        "In a meeting</person>"
        for one in range(first, min(first + BATCH, people))
    )
    return (
        f"<iq type='set' from='{COMPONENT}' to='{HOST}' id='b{number}'>"
        f"<publish xmlns='{NAMESPACE}'>{everybody}</publish></iq>"
    ).encode()


async def _bare(server: Prosody, people: int) -> float:
    """Seconds for everybody, ``AT_ONCE`` stanzas under way."""
    stanzas = [_stanza(number, first, people) for number, first in enumerate(range(0, people, BATCH))]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.component_port)
    writer.write(
        b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' "
        b"to='%b'>" % COMPONENT.encode()
    )
    said = b""
    while (stream := re.search(rb"id=['\"]([^'\"]+)['\"]", said)) is None:
        said += await reader.read(65536)
    proof = hashlib.sha1(stream[1] + SECRET.encode(), usedforsecurity=False).hexdigest()
    writer.write(f"<handshake>{proof}</handshake>".encode())
    said = b""
    while b"<handshake" not in said:
        said += await reader.read(65536)
    seconds = await _exchanged(reader, writer, stanzas, people)
    writer.close()
    await writer.wait_closed()
    return seconds


async def _exchanged(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stanzas: list[bytes], people: int
) -> float:
    began, sent, answered, done, said = time.perf_counter(), 0, 0, 0, b""
    while answered < len(stanzas):
        while sent < len(stanzas) and sent - answered < AT_ONCE:
            writer.write(stanzas[sent])
            sent += 1
        said += await reader.read(262144)
        whole, end, said = said.rpartition(b"</iq>")
        answered += (whole + end).count(b"</iq>")
        done += whole.count(b"result='done'") + whole.count(b'result="done"')
    seconds = time.perf_counter() - began
    if done != people:
        raise SystemExit(f"prosody showed {done} of {people}.")
    return seconds

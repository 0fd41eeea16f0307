"""What every sink owes the gateway, whatever is behind it.

A ``Stage`` is a system that shows presence, running for real, with an onlooker who is none of ours. To hold a new sink
to the contract, write its stage and add one line to ``STAGES`` of ``test_contract.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import pytest

from hybridge.net.clock import Clock
from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Published, Refused, Sink, SinkDown
from hybridge.presence.states import PresenceState

MEETING, OUT = PresenceState.IN_A_MEETING, PresenceState.OUT_OF_OFFICE


class Stage(Protocol):
    """A system behind a sink.

    ``known`` are two people it has, ``stranger`` one it refuses (None: it refuses nobody). ``looks`` are the onlooker's
    words for the two states that are published, and for None. ``ttl`` is how long a state is to be shown at least.
    """

    @property
    def clock(self) -> Clock: ...

    @property
    def known(self) -> tuple[Person, Person]: ...

    @property
    def stranger(self) -> Person | None: ...

    @property
    def looks(self) -> Mapping[PresenceState | None, str]: ...

    @property
    def ttl(self) -> timedelta: ...

    @property
    def refuses_older(self) -> bool: ...

    def sink(self) -> Sink:
        """A new connection of the product to the system."""

    async def sees(self, person: Person, look: str) -> None:
        """Wait until the onlooker sees that; raise if that never happens."""

    async def outlive(self) -> None:
        """Let the time of what was published be over."""

    async def fail(self) -> None:
        """The system is out of reach from now on."""

    async def recover(self) -> None:
        """It is there again."""


def desired(
    stage: Stage, person: Person, state: PresenceState | None, text: str = "until 15:00", fence: int = 5
) -> Desired:
    now = stage.clock.now()
    return Desired(person=person, state=state, until=None, expires_at=now + stage.ttl, text=text, fence=fence)


async def publish(stage: Stage, sink: Sink, *batch: Desired) -> None:
    results = await sink.publish(batch, stage.clock.now())
    assert [type(one) for one in results] == [Published] * len(batch), results


async def shows_changes_and_withdraws(stage: Stage) -> None:
    """Each of two people sees their own state; the same again changes nothing; a withdrawn state is gone."""
    one, two = stage.known
    sink = stage.sink()
    assert sink.serves(one) and sink.serves(two)
    await sink.open()
    await publish(stage, sink, desired(stage, one, MEETING), desired(stage, two, OUT))
    await stage.sees(one, stage.looks[MEETING])
    await stage.sees(two, stage.looks[OUT])
    await publish(stage, sink, desired(stage, one, MEETING))
    await stage.sees(one, stage.looks[MEETING])
    await publish(stage, sink, desired(stage, one, OUT), desired(stage, two, MEETING))
    await stage.sees(one, stage.looks[OUT])
    await stage.sees(two, stage.looks[MEETING])
    await publish(stage, sink, desired(stage, one, None), desired(stage, two, None))
    await stage.sees(one, stage.looks[None])
    await stage.sees(two, stage.looks[None])
    await publish(stage, sink, desired(stage, one, None))
    await sink.close()


async def one_refusal_stops_nobody(stage: Stage) -> None:
    """The others of a batch are published; the refusal is a sentence."""
    if stage.stranger is None:
        pytest.skip("this system refuses nobody")
    one, two = stage.known
    sink = stage.sink()
    await sink.open()
    batch = [desired(stage, one, MEETING), desired(stage, stage.stranger, MEETING), desired(stage, two, MEETING)]
    first, refused, last = await sink.publish(batch, stage.clock.now())
    assert isinstance(first, Published) and isinstance(last, Published)
    assert isinstance(refused, Refused)
    assert stage.stranger.address in refused.says or stage.stranger.jid in refused.says
    assert refused.says.endswith(".")
    await stage.sees(one, stage.looks[MEETING])
    await stage.sees(two, stage.looks[MEETING])
    await sink.close()


async def what_is_shown_outlives_a_close_but_not_its_time(stage: Stage) -> None:
    """Closing withdraws nothing; a gateway that never comes back leaves nothing."""
    one = stage.known[0]
    sink = stage.sink()
    await sink.open()
    await publish(stage, sink, desired(stage, one, MEETING))
    await stage.sees(one, stage.looks[MEETING])
    await sink.close()
    await sink.close()
    await stage.sees(one, stage.looks[MEETING])
    await stage.outlive()
    await stage.sees(one, stage.looks[None])


async def a_system_out_of_reach_is_a_sentence(stage: Stage) -> None:
    """``SinkDown`` says what is the matter and what to do; afterwards the same sink can be opened again."""
    one = stage.known[0]
    sink = stage.sink()
    await sink.open()
    await publish(stage, sink, desired(stage, one, MEETING))
    await stage.fail()
    with pytest.raises(SinkDown) as down:
        await sink.publish([desired(stage, one, OUT)], stage.clock.now())
    assert down.value.says.endswith(".") and down.value.next_step.endswith(".") and not down.value.credential
    await stage.recover()
    await sink.open()
    await publish(stage, sink, desired(stage, one, OUT))
    await stage.sees(one, stage.looks[OUT])
    await sink.close()


async def an_older_gateway_is_not_heard(stage: Stage) -> None:
    """Where the system can tell: what was decided under an older lease is refused."""
    if not stage.refuses_older:
        pytest.skip("this system knows no fence")
    one = stage.known[0]
    sink = stage.sink()
    await sink.open()
    await publish(stage, sink, desired(stage, one, MEETING, fence=7))
    (result,) = await sink.publish([desired(stage, one, OUT, fence=6)], stage.clock.now())
    assert isinstance(result, Refused)
    await stage.sees(one, stage.looks[MEETING])
    await sink.close()


CONTRACT = (
    shows_changes_and_withdraws,
    one_refusal_stops_nobody,
    what_is_shown_outlives_a_close_but_not_its_time,
    a_system_out_of_reach_is_a_sentence,
    an_older_gateway_is_not_heard,
)

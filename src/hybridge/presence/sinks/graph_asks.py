"""Many asks of Graph as few round trips, and what an answer of Graph means for a sink."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hybridge.presence.sinks.base import Later, Refused, SinkDown
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph import batch
from hybridge.wire.graph.errors import read_error

PERMISSION = "Presence.ReadWrite.All"
GRANT = f"Grant the Entra application the application permission {PERMISSION}, with admin consent."
LONGEST_WAIT = timedelta(hours=1)
_LASTING = frozenset(
    {FailureReason.SIGN_IN, FailureReason.FORBIDDEN, FailureReason.NOT_CONFIGURED, FailureReason.REFUSED}
)
"""Why nothing was asked that will not go away by itself."""


async def ask_all(answerer: Answerer, graph_host: str, asks: Sequence[HttpAsk]) -> tuple[HttpAnswer, ...]:
    """An answer to each ask, in order: asks of one version of Graph go together, up to 20 at once.

    Where a whole batch was answered by an error, each of its asks has that answer. Raises ``SinkDown`` where Graph
    could not be asked at all.
    """
    answers: dict[int, HttpAnswer] = {}
    for version in dict.fromkeys(batch.version_of(one) for one in asks):
        places = [place for place, one in enumerate(asks) if batch.version_of(one) == version]
        for start in range(0, len(places), batch.MAX_REQUESTS):
            some = places[start : start + batch.MAX_REQUESTS]
            answers |= zip(some, await _together(answerer, graph_host, [asks[place] for place in some]), strict=True)
    return tuple(answers[place] for place in range(len(asks)))


async def _together(answerer: Answerer, graph_host: str, asks: Sequence[HttpAsk]) -> tuple[HttpAnswer, ...]:
    answer = await answerer.http(asks[0] if len(asks) == 1 else batch.ask_batch(graph_host, asks))
    if answer.failure is not None:
        raise down(answer.failure)
    if len(asks) == 1 or answer.status != 200:
        return (answer,) * len(asks)
    read = batch.read_batch(answer, len(asks))
    if isinstance(read, Failure):
        raise down(read)
    return read


def down(failure: Failure) -> SinkDown:
    """The sink is down because of ``failure``."""
    return SinkDown(failure.says, failure.next_step, credential=failure.reason in _LASTING)


def denied(answer: HttpAnswer, what: str) -> SinkDown | None:
    """That Graph refuses the application (401, 403), else None. A token that merely ran out is no lasting refusal."""
    if answer.status not in (401, 403):
        return None
    says = read_error(answer, what).says
    if answer.status == 403:
        return SinkDown(says, GRANT, credential=True)
    expired = b"expired" in answer.body
    step = "" if expired else f"Check the Entra application, its tenant and cloud. {GRANT}"
    return SinkDown(says, step, credential=not expired)


def wait_of(answer: HttpAnswer) -> timedelta | None:
    """How long Graph wants to be left alone, None where it does not say."""
    seconds = answer.header("retry-after").strip()
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 8):
        return None
    return min(timedelta(seconds=int(seconds)), LONGEST_WAIT)


def not_done(answer: HttpAnswer, what: str) -> Later | Refused:
    """What an answer that is no success means for one person."""
    failure = read_error(answer, what)
    if answer.failure is not None or answer.status == 429 or answer.status >= 500:
        return Later(failure.says, wait_of(answer))
    return Refused(failure.says, GRANT if answer.status == 403 else failure.next_step)

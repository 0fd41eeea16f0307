"""Presence posted to an address of the customer's: CloudEvents 1.0, a batch in structured JSON.

A body is a JSON array (``application/cloudevents-batch+json``) of events of type ``hybridge.presence.state``, whose
``subject`` is the person's address and whose ``data`` is the whole state: ``state`` (null when nothing is to be
shown), ``until``, ``expires_at``, ``text`` and ``fence``. Every event tells the present state, not what has changed,
and comes again before it expires: a receiver that keeps the newest of each subject, ordered by ``fence`` and then by
``time``, and drops what is past its ``expires_at``, is right after any loss.

Any 2xx takes the batch. The body of that answer may say which people the receiver does not want, as
``{"refused": [{"subject": "a@corp.test", "says": "why"}]}``; a batch that is refused as a whole (400, 413, 422) is
sent again one by one, so that one person never stops the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import msgspec

from hybridge.presence.people import Person
from hybridge.presence.sinks.base import Desired, Later, Limits, Published, Refused, Result, SinkDown
from hybridge.wire.ask import Failure, FailureReason, HttpAnswer

TYPE = "hybridge.presence.state"
HEADERS = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
INTERVAL = timedelta(minutes=5)
BATCH = 200
WHOLE_BATCH_REFUSED = (400, 413, 422)


class Poster(Protocol):
    """Posts to the one address of this sink (``net.webhook.Webhook``)."""

    @property
    def place(self) -> str: ...

    def fault(self) -> Failure | None: ...

    async def post(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer: ...

    async def close(self) -> None: ...


class _Unwanted(msgspec.Struct):
    subject: str
    says: str = ""


class _Answer(msgspec.Struct):
    refused: list[_Unwanted] = []


class WebhookSink:
    """Posts everybody's state. ``interval`` is about how often it comes again, ``source`` names this gateway."""

    def __init__(
        self,
        name: str,
        poster: Poster,
        *,
        source: str = "urn:hybridge:presence",
        interval: timedelta = INTERVAL,
        batch: int = BATCH,
        requests: int = 10,
    ) -> None:
        self.name = name
        self.limits = Limits(
            batch=batch, requests=requests, shortest=min(timedelta(seconds=30), interval), longest=2 * interval
        )
        self._poster = poster
        self._source = source

    def serves(self, person: Person) -> bool:
        """Everybody."""
        return True

    async def open(self) -> None:
        """See that the configuration can work; the first batch shows whether the receiver does."""
        failure = self._poster.fault()
        if failure is not None:
            raise _down(failure)

    async def publish(self, batch: Sequence[Desired], now: datetime) -> tuple[Result, ...]:
        """One request."""
        body = msgspec.json.encode([self._event(desired, now) for desired in batch])
        answer = await self._poster.post(body, HEADERS)
        if answer.failure is not None:
            raise _down(answer.failure)
        if 200 <= answer.status < 300:
            return _taken(batch, answer.body)
        if answer.status in WHOLE_BATCH_REFUSED:
            return await self._one_by_one(batch, answer.status, now)
        if answer.status in (429, 503):
            wait = _retry_after(answer.header("retry-after"), now)
            if wait is not None:
                return (Later(f"{self._poster.place} asked to wait.", wait),) * len(batch)
        raise self._refusal(answer.status)

    async def close(self) -> None:
        """Disconnect."""
        await self._poster.close()

    async def _one_by_one(self, batch: Sequence[Desired], status: int, now: datetime) -> tuple[Result, ...]:
        if len(batch) > 1:
            return tuple([(await self.publish([desired], now))[0] for desired in batch])
        return (Refused(f"{self._poster.place} refused the state of {batch[0].person.address} with {status}."),)

    def _event(self, desired: Desired, now: datetime) -> dict[str, Any]:
        address = desired.person.address
        return {
            "specversion": "1.0",
            "id": f"{address}/{desired.fence}/{now.timestamp():.6f}",
            "source": self._source,
            "type": TYPE,
            "subject": address,
            "time": now,
            "datacontenttype": "application/json",
            "data": {
                "state": desired.state,
                "until": desired.until,
                "expires_at": desired.expires_at,
                "text": desired.text,
                "fence": desired.fence,
            },
        }

    def _refusal(self, status: int) -> SinkDown:
        place = self._poster.place
        if 300 <= status < 400:
            return SinkDown(
                f"{place} redirects ({status}); presence is not sent elsewhere.", "Configure the final address."
            )
        if status in (401, 403):
            return SinkDown(
                f"{place} refused our signature or token ({status}).",
                "Compare key and token on both sides.",
                credential=True,
            )
        if status in (404, 405, 410):
            return SinkDown(f"{place} has nothing to post to at this address ({status}).", "Correct the address.")
        return SinkDown(f"{place} answered {status}.", "See the receiver's log.")


def _taken(batch: Sequence[Desired], body: bytes) -> tuple[Result, ...]:
    """Published, but for those the answer names."""
    try:
        answer = msgspec.json.decode(body, type=_Answer) if body.startswith(b"{") else _Answer()
    except msgspec.DecodeError:
        answer = _Answer()
    unwanted = {each.subject: each.says for each in answer.refused}
    return tuple(
        Refused(f"The receiver does not take {d.person.address}: {unwanted[d.person.address] or 'it did not say why'}.")
        if d.person.address in unwanted
        else Published()
        for d in batch
    )


def _retry_after(value: str, now: datetime) -> timedelta | None:
    """Retry-After: seconds or a date (RFC 9110 10.2.3), an hour at most."""
    try:
        seconds = (
            float(value)
            if value.isascii() and value.isdigit()
            else (parsedate_to_datetime(value) - now).total_seconds()
        )
    except (ValueError, TypeError):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), 3600.0))


def _down(failure: Failure) -> SinkDown:
    return SinkDown(failure.says, failure.next_step, credential=failure.reason is FailureReason.SIGN_IN)

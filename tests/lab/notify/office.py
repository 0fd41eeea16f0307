"""An Exchange organization a test talks EWS with, without a socket; streams are read by hand."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hybridge.lab.apps import base
from hybridge.lab.apps.exchange import answer
from hybridge.lab.contoso import EWS_URL, MAIL_HOST, AuthCertificate, contoso
from hybridge.lab.estate import ADMINISTRATOR, Estate
from hybridge.lab.mail.store import MailStore, store_of
from hybridge.lab.mail.subscriptions import Subscriptions, subscriptions_of
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import envelope, get_events, get_streaming_events, subscribe, unsubscribe
from hybridge.wire.ews.faults import EwsFault
from hybridge.wire.ews.get_streaming_events import EnvelopeStream

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
ADA, GRACE, ALAN, KATHERINE = (f"{name}@contoso.com" for name in ("ada", "grace", "alan", "katherine"))
ON = Premises.ON_PREMISES
Said = get_streaming_events.Response | EwsFault | Failure


class Reading:
    """One open stream, read by hand; ``woken`` counts how often its writer was called."""

    def __init__(self, stream: base.Writing) -> None:
        self.stream = stream
        self.woken = 0
        self._split = EnvelopeStream()
        stream.opened(self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def now(self) -> list[Said]:
        """What is written now."""
        return [said for piece in self.stream.take() for said in self._split.feed(piece)]

    def events(self) -> list[str]:
        """Kinds of the events written now."""
        return [
            event.kind
            for said in self.now()
            if isinstance(said, get_streaming_events.Response)
            for notification in said.notifications
            for event in notification.events
        ]


class Office:
    """The organization, its mailboxes and its subscriptions; the clock stands until it is moved."""

    def __init__(self) -> None:
        certificate = AuthCertificate(b"", NOW, NOW + timedelta(days=1))
        organization = contoso(NOW, certificate)
        self.estate = Estate(organization, clock=lambda: NOW, certificate=certificate, randomness=random.Random(7))
        self.known: Subscriptions = subscriptions_of(self.estate)
        self.store: MailStore = store_of(self.estate)
        self.cookie = ""

    def post(
        self,
        body: str,
        *,
        acting: str = ADA,
        account: str = ADMINISTRATOR,
        anchor: str = "",
        sticky: bool = False,
        host: str = MAIL_HOST,
    ) -> HttpAnswer:
        """Post ``body``; ``sticky`` asks for affinity and sends the cookie there is."""
        headers = {"user-agent": "hybridge/1.0"}
        if anchor or acting:
            headers["x-anchormailbox"] = anchor or acting
        if sticky:
            headers |= {"x-preferserveraffinity": "true"} | ({"cookie": self.cookie} if self.cookie else {})
        sent = envelope.ask(EWS_URL, body, user_agent="office", impersonate=acting)
        answered = answer(
            self.estate,
            base.Request(
                method="POST",
                host=host,
                path="/EWS/Exchange.asmx",
                headers=headers,
                body=sent.body,
                principal=account,
            ),
        )
        if cookie := answered.header("set-cookie"):
            self.cookie = cookie.partition(";")[0]
        return answered

    def subscribe(self, mailbox: str = ADA, *, request: subscribe.Request | None = None, **how: Any) -> Any:
        """Subscribe to the calendar of ``mailbox``, acting as it."""
        body = subscribe.write_request(request or subscribe.calendar_of(mailbox))
        return subscribe.read_answer(self.post(body, acting=how.pop("acting", mailbox), **how))

    def pull(self, minutes: int = 10, **how: Any) -> Any:
        """A pull subscription to Ada's calendar."""
        folders = subscribe.calendar_of(ADA).folders
        request = subscribe.Request(kind=subscribe.PULL, folders=folders, minutes=minutes, **how)
        return self.subscribe(request=request)

    def get_events(self, identity: str, watermark: str, **how: Any) -> Any:
        """What a pull subscription is told."""
        body = get_events.write_request(get_events.Request(identity, watermark))
        return get_events.read_answer(self.post(body, **how))

    def unsubscribe(self, identity: str, **how: Any) -> Any:
        """End a subscription."""
        return unsubscribe.read_answer(self.post(unsubscribe.write_request(unsubscribe.Request(identity)), **how))

    def ask_stream(self, *identities: str, minutes: int = 30, **how: Any) -> HttpAnswer:
        """The answer to GetStreamingEvents."""
        request = get_streaming_events.Request(identities, minutes)
        return self.post(get_streaming_events.write_request(request), **how)

    def stream(self, *identities: str, minutes: int = 30, **how: Any) -> Reading:
        """An open stream whose first envelope was read."""
        answered = self.ask_stream(*identities, minutes=minutes, **how)
        assert isinstance(answered, base.StreamedAnswer), answered.body
        reading = Reading(answered.stream)
        assert reading.now() == [get_streaming_events.Response(connection_status="OK")]
        return reading

    def refusal(self, *identities: str, **how: Any) -> Any:
        """The one envelope of a refused GetStreamingEvents, or its fault."""
        answered = self.ask_stream(*identities, **how)
        body = envelope.read_body(answered)
        return body if isinstance(body, EwsFault | Failure) else get_streaming_events.read_response(body)

    def put(self, mailbox: str = ADA, hours: int = 1) -> str:
        """Put an appointment into a calendar."""
        start = self.estate.now() + timedelta(hours=hours)
        return self.store.put_simple(
            ON, mailbox, subject="Standup", start_at=start, end_at=start + timedelta(minutes=30)
        )

    def passes(self, **time: float) -> None:
        """Move the clock."""
        self.estate.move_clock(timedelta(**time))

"""EWS GetStreamingEvents: one long answer in which the server writes an envelope whenever something happens.

The answer is HTTP in chunks, a stream of complete envelopes one after another, each with its own XML declaration, cut
into chunks at arbitrary places. The first has ConnectionStatus OK; about every 45 seconds one without notifications
shows that the server lives; the last has Closed, after ``minutes`` at most. Then the same subscriptions may be asked
for again. When an id is not good, one envelope comes with ErrorSubscriptionIds and Closed, and the good ids get nothing
either.

Real servers write the root without a prefix and ``m:Notification`` where the schema has the types namespace. The
stream is therefore split at the closing tag of an Envelope with any prefix, outside comments and CDATA, and both
namespaces are read.
"""

from __future__ import annotations

import re

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, ServerVersion, read_body
from hybridge.wire.ews.namespaces import MESSAGES, SOAP, TYPES
from hybridge.wire.ews.notifications import (
    Notification,
    read_notification,
    required,
    single,
    within,
    write_notification,
    write_single,
)
from hybridge.wire.ews.reading import Slot, child, guarded, sequence, status, text
from hybridge.wire.ews.writing import element, filled
from hybridge.wire.xml import LIMIT, Element, malformed

OPERATION = "GetStreamingEvents"
OK, CLOSED = "OK", "Closed"
MOST_IDS = 200
"""Subscriptions one connection takes."""
LONGEST = 30
"""Most minutes a connection is kept."""
HEARTBEAT_SECONDS = 45
"""How often a server shows that it lives."""


class Request(msgspec.Struct, frozen=True):
    """The subscriptions to be told of, for ``minutes`` (1 to 30)."""

    subscription_ids: tuple[str, ...]
    minutes: int = LONGEST


class Response(msgspec.Struct, frozen=True):
    """One envelope of the stream. ``connection_status`` is "OK", "Closed" or "" when it was not said."""

    code: str = "NoError"
    message: str = ""
    notifications: tuple[Notification, ...] = ()
    error_subscription_ids: tuple[str, ...] = ()
    connection_status: str = ""

    @property
    def closed(self) -> bool:
        """Whether the server ends the connection with this."""
        return self.connection_status == CLOSED


def write_request(request: Request) -> str:
    """The body of the request."""
    ids = "".join(element("t:SubscriptionId", one) for one in request.subscription_ids)
    return (
        f"<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds>"
        f"{element('m:ConnectionTimeout', request.minutes)}</m:GetStreamingEvents>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:SubscriptionIds"), Slot("m:ConnectionTimeout"))
    ids = sequence(parts["m:SubscriptionIds"][0], Slot("t:SubscriptionId", at_most=None))["t:SubscriptionId"]
    return Request(tuple(required(one) for one in ids), within(parts["m:ConnectionTimeout"][0], 1, LONGEST))


def write_response(response: Response, prefix: str = "m") -> str:
    """The body of one envelope. ``prefix`` "m" is what servers send, "t" what the schema says."""
    told = "".join(write_notification(one, f"{prefix}:Notification") for one in response.notifications)
    bad = "".join(element(f"{prefix}:SubscriptionId", one) for one in response.error_subscription_ids)
    inside = (
        (f"<m:Notifications>{told}</m:Notifications>" if told else "")
        + (f"<m:ErrorSubscriptionIds>{bad}</m:ErrorSubscriptionIds>" if bad else "")
        + filled("m:ConnectionStatus", response.connection_status)
    )
    return write_single(OPERATION, response.code, response.message, inside)


def write_envelope(response: Response, version: ServerVersion) -> bytes:
    """One complete envelope of the stream, in the shape Exchange writes it."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Envelope xmlns="{SOAP}">'
        f'<soap11:Header xmlns:soap11="{SOAP}"><ServerVersionInfo xmlns="{TYPES}" MajorVersion="{version.major}" '
        f'MinorVersion="{version.minor}" MajorBuildNumber="{version.build}" MinorBuildNumber="{version.revision}" '
        f'Version="{version.schema}"/></soap11:Header>'
        f'<soap11:Body xmlns:soap11="{SOAP}" xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">{write_response(response)}'
        "</soap11:Body></Envelope>"
    ).encode()


def read_response(answer: Element) -> Response | Failure:
    """Read one envelope's message; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_envelope(envelope: bytes) -> Response | EwsFault | Failure:
    """Read one complete envelope."""
    body = read_body(HttpAnswer(status=200, body=envelope))
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    message = single(OPERATION, answer)
    said = status(message)
    told, bad = child(message, "m:Notifications"), child(message, "m:ErrorSubscriptionIds")
    return Response(
        code=said.code,
        message=said.message,
        notifications=tuple(read_notification(one) for one in _either(told, "Notification")),
        error_subscription_ids=tuple((one.text or "").strip() for one in _either(bad, "SubscriptionId")),
        connection_status=text(message, "m:ConnectionStatus"),
    )


def _either(parent: Element | None, name: str) -> list[Element]:
    """Children called ``name`` in the messages or the types namespace."""
    wanted = (f"{{{MESSAGES}}}{name}", f"{{{TYPES}}}{name}")
    return [] if parent is None else [one for one in parent if one.tag in wanted]


class EnvelopeStream:
    """Splits the stream of one answer into envelopes and reads them; knows no socket.

    ``feed`` takes the bytes as they come and returns what they completed. A stream that breaks the rules (an envelope
    of more than ``limit`` bytes, a document type) ends with one ``Failure``; ``broken`` is true from then on and
    further bytes are dropped.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.broken = False
        self._limit = limit
        self._bytes = bytearray()
        self._searched = 0
        self._closing = b""  # what ends the comment or CDATA section we are in
        self._refusal = ""

    def feed(self, chunk: bytes) -> list[Response | EwsFault | Failure]:
        """What ``chunk`` completed, in order; most often nothing or one."""
        if self.broken:
            return []
        self._bytes += chunk
        complete: list[Response | EwsFault | Failure] = []
        while end := self._end_of_envelope():
            complete.append(read_envelope(bytes(self._bytes[:end])))
            del self._bytes[:end]
            self._searched = 0
        if len(self._bytes) > self._limit:
            self._refusal = f"An envelope of the stream is longer than {self._limit} bytes."
        if self._refusal:
            self.broken = True
            self._bytes.clear()
            complete.append(malformed(self._refusal, "Close the stream; look what answers in front of Exchange."))
        return complete

    def end(self) -> Failure | None:
        """At the end of the stream: why it ended in the middle of an envelope, None when it did not."""
        if self.broken or not self._bytes.strip():
            return None
        return malformed("The stream of notifications ended in the middle of an envelope.", "Open the stream again.")

    def _end_of_envelope(self) -> int:
        """Where the first envelope ends, 0 when it is not complete; goes on searching where it stopped."""
        while not self._refusal:
            if self._closing:
                found = self._bytes.find(self._closing, self._searched)
                if found < 0:
                    self._searched = max(self._searched, len(self._bytes) - len(self._closing) + 1)
                    return 0
                self._searched, self._closing = found + len(self._closing), b""
            mark = _MARK.search(self._bytes, self._searched)
            if mark is None:
                self._searched = max(self._searched, len(self._bytes) - _LONGEST_MARK)
                return 0
            self._searched = mark.end()
            self._closing = _CLOSINGS.get(mark[0], b"")
            if mark[0].upper() == b"<!DOCTYPE":
                self._refusal = "The stream holds a document type (DOCTYPE), which is never read."
            elif not self._closing:
                return mark.end()
        return 0


def read_stream(body: bytes, limit: int = LIMIT) -> tuple[Response | EwsFault | Failure, ...]:
    """Everything a whole stream said, with the failure of its end when it was torn."""
    stream = EnvelopeStream(limit)
    said = stream.feed(body)
    torn = stream.end()
    return (*said, torn) if torn else tuple(said)


_CLOSINGS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
_MARK = re.compile(rb"<!--|<!\[CDATA\[|<!DOCTYPE|</(?:[A-Za-z_][\w.-]{0,60}:)?Envelope[ \t\r\n]{0,16}>", re.IGNORECASE)
_LONGEST_MARK = 96
"""No mark is longer, in bytes: what may stand cut at the end of what came so far."""

"""EWS GetEvents: what happened to a pull subscription since a watermark.

The last watermark of an answer is what to ask with next. When nothing happened there is one StatusEvent with a new
watermark. A watermark the server does not have is ErrorInvalidWatermark, a subscription nobody asked for longer than
its time-out is ErrorExpiredSubscription: both want a new subscription.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.notifications import (
    Notification,
    read_notification,
    required,
    single,
    write_notification,
    write_single,
)
from hybridge.wire.ews.reading import Slot, child, guarded, sequence, status
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

OPERATION = "GetEvents"


class Request(msgspec.Struct, frozen=True):
    """Events of a subscription after ``watermark``."""

    subscription_id: str
    watermark: str


class Response(msgspec.Struct, frozen=True):
    """The events; ``code`` is "NoError" unless there are none to have."""

    code: str = "NoError"
    message: str = ""
    notification: Notification | None = None

    @property
    def watermark(self) -> str:
        """What to ask with next, "" when the answer has none."""
        marks = [event.watermark for event in self.notification.events] if self.notification else []
        return next((mark for mark in reversed(marks) if mark), "")


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        f"<m:GetEvents>{element('m:SubscriptionId', request.subscription_id)}"
        f"{element('m:Watermark', request.watermark)}</m:GetEvents>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:SubscriptionId"), Slot("m:Watermark"))
    return Request(required(parts["m:SubscriptionId"][0]), required(parts["m:Watermark"][0]))


def write_response(response: Response) -> str:
    """The body of the answer."""
    inside = write_notification(response.notification) if response.notification else ""
    return write_single(OPERATION, response.code, response.message, inside)


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    message = single(OPERATION, answer)
    said = status(message)
    if said.failed:
        return Response(said.code, said.message)
    found = child(message, "m:Notification")
    return Response(said.code, said.message, None if found is None else read_notification(found))

"""EWS Unsubscribe: ends a streaming or a pull subscription; only its owner may."""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.notifications import required, single, write_single
from hybridge.wire.ews.reading import Slot, guarded, sequence, status
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

OPERATION = "Unsubscribe"


class Request(msgspec.Struct, frozen=True):
    """Which subscription."""

    subscription_id: str


class Response(msgspec.Struct, frozen=True):
    """``code`` is "NoError", ErrorSubscriptionNotFound or another error."""

    code: str = "NoError"
    message: str = ""


def write_request(request: Request) -> str:
    """The body of the request."""
    return f"<m:Unsubscribe>{element('m:SubscriptionId', request.subscription_id)}</m:Unsubscribe>"


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    return Request(required(sequence(operation, Slot("m:SubscriptionId"))["m:SubscriptionId"][0]))


def write_response(response: Response) -> str:
    """The body of the answer."""
    return write_single(OPERATION, response.code, response.message)


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    said = status(single(OPERATION, answer))
    return Response(said.code if said.failed else "NoError", said.message)

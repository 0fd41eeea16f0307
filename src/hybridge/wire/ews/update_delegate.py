"""EWS UpdateDelegate: changes what is given of a delegate, or only who gets meeting requests.

What a request leaves out stays as it is. Somebody who is no delegate is answered with ErrorNotDelegate in the message
for them.
"""

from __future__ import annotations

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.delegate_changes import (
    DelegateSettings,
    FolderLevels,
    Outcome,
    Request,
    Response,
    read_change,
    read_outcomes,
    write_change,
    write_outcomes,
)
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.xml import Element

__all__ = [
    "OPERATION",
    "DelegateSettings",
    "FolderLevels",
    "Outcome",
    "Request",
    "Response",
    "read_answer",
    "read_request",
    "read_response",
    "write_request",
    "write_response",
]

OPERATION = "UpdateDelegate"


def write_request(request: Request) -> str:
    """The body of the request."""
    return write_change(OPERATION, request)


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    return read_change(operation, at_least=0)


def write_response(response: Response) -> str:
    """The body of the answer."""
    return write_outcomes(OPERATION, response)


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return read_outcomes(OPERATION, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)

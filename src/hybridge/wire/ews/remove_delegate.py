"""EWS RemoveDelegate: ends that somebody is a delegate of a mailbox.

Exchange takes three things away at once: the entry on the list of delegates, the rights on the folders, and the
permission to send on behalf. Somebody who is no delegate is answered with ErrorNotDelegate in the message for them.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.delegate_changes import Outcome, Response, read_outcomes, write_outcomes
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.get_delegate import read_user_ids, write_user_ids
from hybridge.wire.ews.reading import Slot, sequence, text
from hybridge.wire.ews.writing import element
from hybridge.wire.xml import Element

__all__ = [
    "OPERATION",
    "Outcome",
    "Request",
    "Response",
    "read_answer",
    "read_request",
    "read_response",
    "write_request",
    "write_response",
]

OPERATION = "RemoveDelegate"


class Request(msgspec.Struct, frozen=True):
    """Delegates of ``mailbox`` to remove, by address; at least one."""

    mailbox: str
    users: tuple[str, ...]


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        f"<m:RemoveDelegate><m:Mailbox>{element('t:EmailAddress', request.mailbox)}</m:Mailbox>"
        f"{write_user_ids(request.users)}</m:RemoveDelegate>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:Mailbox"), Slot("m:UserIds"))
    return Request(text(parts["m:Mailbox"][0], "t:EmailAddress"), read_user_ids(parts["m:UserIds"][0]))


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

"""EWS DeleteItem: items removed. The client half removes for good and has nobody told of it."""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.calendar_items import ItemError, ItemId, read_item, read_item_ids, write_item_ids
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.item_messages import read_messages, write_messages
from hybridge.wire.ews.reading import Foreign, Slot, attribute, guarded, one_of, sequence
from hybridge.wire.xml import Element

OPERATION = "DeleteItem"
WHOM = ("SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy")
_WAYS = ("HardDelete", "SoftDelete", "MoveToDeletedItems")


class Request(msgspec.Struct, frozen=True):
    """The items to remove. ``cancellations`` says who is told: one of ``WHOM``, "" where the client did not say."""

    ids: tuple[ItemId, ...]
    way: str = "HardDelete"
    cancellations: str = "SendToNone"


class Response(msgspec.Struct, frozen=True):
    """One entry per item: None where it was removed."""

    items: tuple[ItemError | None, ...]

    @property
    def code(self) -> str:
        """The code of the first item that was not removed, or "NoError"."""
        return next((one.code for one in self.items if one is not None), "NoError")

    @property
    def message(self) -> str:
        """The message that goes with ``code``."""
        return next((one.message for one in self.items if one is not None), "")


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        f'<m:DeleteItem DeleteType="{request.way}" SendMeetingCancellations="SendToNone">'
        f"{write_item_ids(request.ids)}</m:DeleteItem>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:ItemIds"))
    whom = attribute(operation, "SendMeetingCancellations")
    return Request(
        read_item_ids(parts["m:ItemIds"][0]),
        one_of(operation, attribute(operation, "DeleteType"), _WAYS),
        one_of(operation, whom, WHOM) if whom else "",
    )


def write_response(response: Response) -> str:
    """The body of the answer."""
    return write_messages(OPERATION, (one or "" for one in response.items))


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    items = tuple(one if isinstance(one, ItemError) else None for one in read_messages(OPERATION, answer, read_item))
    if not items:
        raise Foreign("the DeleteItem response names no item.")
    return Response(items)

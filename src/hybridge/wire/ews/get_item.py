"""EWS GetItem: items that are named by their ids. The client half asks for the subject alone."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.calendar_items import (
    CalendarItem,
    ItemError,
    ItemId,
    read_item,
    read_item_ids,
    write_item_ids,
)
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.item_messages import items, read_messages, write_messages
from hybridge.wire.ews.item_shapes import ItemShape, read_shape
from hybridge.wire.ews.reading import Foreign, Slot, guarded, sequence
from hybridge.wire.xml import Element

OPERATION = "GetItem"


class Request(msgspec.Struct, frozen=True):
    """The items that are asked for, and what of them; the client half asks for id and subject alone."""

    ids: tuple[ItemId, ...]
    shape: ItemShape = ItemShape(additional=frozenset({"item:Subject"}))


class Response(msgspec.Struct, frozen=True):
    """One entry per item asked for, in order."""

    items: tuple[CalendarItem | ItemError, ...]

    @property
    def code(self) -> str:
        """The code of the first item that was not shown, or "NoError"."""
        return next((one.code for one in self.items if isinstance(one, ItemError)), "NoError")

    @property
    def message(self) -> str:
        """The message that goes with ``code``."""
        return next((one.message for one in self.items if isinstance(one, ItemError)), "")


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
        '<t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:ItemShape>'
        f"{write_item_ids(request.ids)}</m:GetItem>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:ItemShape"), Slot("m:ItemIds"))
    return Request(read_item_ids(parts["m:ItemIds"][0]), read_shape(parts["m:ItemShape"][0]))


def write_response(said: Iterable[str | ItemError]) -> str:
    """The body of the answer: per item asked for its element, or the error in its place."""
    return write_messages(OPERATION, (one if isinstance(one, ItemError) else items(one) for one in said))


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    found = tuple(read_messages(OPERATION, answer, read_item))
    if not found:
        raise Foreign("the GetItem response names no item.")
    return Response(found)

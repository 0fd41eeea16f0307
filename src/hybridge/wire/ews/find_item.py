"""EWS FindItem by CalendarView: what lies in a calendar within a time, by id and subject.

A view is at most two years long; an item that reaches over its edge is returned whole.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, read_item, write_item
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    attribute,
    child,
    children,
    expect,
    guarded,
    instant,
    sequence,
    status,
    text,
)
from hybridge.wire.ews.writing import element
from hybridge.wire.ews.writing import instant as written_instant
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

OPERATION = "FindItem"


class Request(msgspec.Struct, frozen=True):
    """The calendar of ``mailbox`` within two instants (aware)."""

    mailbox: str
    start_at: datetime
    end_at: datetime


class Response(msgspec.Struct, frozen=True):
    """What lies there, or why it was not shown."""

    items: tuple[CalendarItem, ...] = ()
    error: ItemError | None = None

    @property
    def code(self) -> str:
        """The error's code, or "NoError"."""
        return self.error.code if self.error else "NoError"


def write_request(request: Request) -> str:
    """The body of the request."""
    view = f'StartDate="{written_instant(request.start_at)}" EndDate="{written_instant(request.end_at)}"'
    return (
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>'
        f'<t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:ItemShape><m:CalendarView {view}/>'
        '<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox>'
        f"{element('t:EmailAddress', request.mailbox)}</t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds>"
        "</m:FindItem>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:ItemShape"), Slot("m:CalendarView"), Slot("m:ParentFolderIds"))
    folder = sequence(parts["m:ParentFolderIds"][0], Slot("t:DistinguishedFolderId"))["t:DistinguishedFolderId"][0]
    owner = sequence(folder, Slot("t:Mailbox", at_least=0))["t:Mailbox"]
    view = parts["m:CalendarView"][0]
    try:
        start, end = (instant(attribute(view, name)) for name in ("StartDate", "EndDate"))
    except Foreign as error:
        raise schema_violation(str(error), view) from None
    return Request(text(owner[0], "t:EmailAddress") if owner else "", start, end)


def write_response(response: Response) -> str:
    """The body of the answer."""
    if response.error:
        said, kind, root = written_status(response.error.code, response.error.message), "Error", ""
    else:
        items = "".join(write_item(item) for item in response.items)
        said, kind = written_status("NoError", ""), "Success"
        root = (
            f'<m:RootFolder TotalItemsInView="{len(response.items)}" IncludesLastItemInRange="true">'
            f"<t:Items>{items}</t:Items></m:RootFolder>"
        )
    return (
        f'<m:FindItemResponse><m:ResponseMessages><m:FindItemResponseMessage ResponseClass="{kind}">{said}{root}'
        "</m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse>"
    )


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:FindItemResponse")
    for message in children(child(answer, "m:ResponseMessages"), "m:FindItemResponseMessage"):
        said = status(message)
        if said.failed:
            return Response(error=ItemError(said.code, said.message))
        root = child(message, "m:RootFolder")
        found = None if root is None else child(root, "t:Items")
        return Response(tuple(read_item(item) for item in (() if found is None else found)))
    raise Foreign("the FindItem response holds no message.")

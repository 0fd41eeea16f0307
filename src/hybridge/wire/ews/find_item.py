"""EWS FindItem: what lies in folders, by a calendar view or not.

A calendar view expands series, is at most two years long, and returns an item that reaches over its edge whole. Without
one, masters are returned as the items they are. The client half asks a calendar view for ids and subjects.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, read_item
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import RequestRefused, schema_violation
from hybridge.wire.ews.get_folder import FolderRef, read_targets
from hybridge.wire.ews.item_messages import write_messages
from hybridge.wire.ews.item_properties import time_zone_context
from hybridge.wire.ews.item_shapes import ItemShape, read_shape
from hybridge.wire.ews.property_codecs import placed_in
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    attribute,
    child,
    children,
    expect,
    guarded,
    instant,
    local_name,
    one_of,
    sequence,
    status,
    whole_number,
)
from hybridge.wire.ews.restrictions import Order, Restriction, read_order, read_restriction
from hybridge.wire.ews.writing import element
from hybridge.wire.ews.writing import instant as written_instant
from hybridge.wire.xml import Element

OPERATION = "FindItem"


class Request(msgspec.Struct, frozen=True):
    """The calendar of ``mailbox`` within two instants (aware)."""

    mailbox: str
    start_at: datetime
    end_at: datetime


class CalendarView(msgspec.Struct, frozen=True):
    """A window of time (aware); ``most`` None is no limit."""

    start_at: datetime
    end_at: datetime
    most: int | None = None


class Page(msgspec.Struct, frozen=True):
    """Items from ``offset`` on, counted from the end where ``from_end``; ``most`` None is no limit."""

    offset: int = 0
    most: int | None = None
    from_end: bool = False


class Search(msgspec.Struct, frozen=True):
    """What a client looks for: in a view of time or page by page, with a restriction and an order."""

    folders: tuple[FolderRef, ...]
    shape: ItemShape
    view: CalendarView | None = None
    page: Page = Page()
    restriction: Restriction | None = None
    order: tuple[Order, ...] = ()

    @property
    def mailbox(self) -> str:
        """The mailbox the request names first, "" for none."""
        return self.folders[0].mailbox if self.folders else ""


class Found(msgspec.Struct, frozen=True):
    """Items of one folder as they are written, how many there are in all, and whether the last is among them.

    ``offset`` is where the next page begins, None for a calendar view.
    """

    items: tuple[str, ...]
    total: int
    last: bool = True
    offset: int | None = None


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


_VIEWS = "m:IndexedPageItemView|m:FractionalPageItemView|m:CalendarView"


def read_request(operation: Element) -> Search:
    """Read a request strictly; raises ``RequestRefused``."""
    one_of(operation, attribute(operation, "Traversal"), ("Shallow", "SoftDeleted", "Associated"))
    parts = sequence(
        operation,
        Slot("m:ItemShape"),
        Slot(_VIEWS, at_least=0),
        Slot("m:Restriction", at_least=0),
        Slot("m:SortOrder", at_least=0),
        Slot("m:ParentFolderIds"),
        Slot("m:QueryString", at_least=0),
    )
    view = next(iter(parts[_VIEWS]), None)
    timed = view is not None and local_name(view) == "CalendarView"
    if timed and (parts["m:Restriction"] or parts["m:SortOrder"]):
        raise RequestRefused(
            EwsFault("ErrorUnsupportedPathForQuery", "A calendar view takes neither a restriction nor an order.")
        )
    return Search(
        folders=read_targets(parts["m:ParentFolderIds"][0]),
        shape=read_shape(parts["m:ItemShape"][0]),
        view=_read_view(view) if view is not None and timed else None,
        page=_read_page(view) if view is not None and not timed else Page(),
        restriction=next((read_restriction(one) for one in parts["m:Restriction"]), None),
        order=tuple(one for every in parts["m:SortOrder"] for one in read_order(every)),
    )


def _read_view(view: Element) -> CalendarView:
    to_utc = placed_in(time_zone_context(view))
    try:
        start, end = (instant(attribute(view, name), to_utc) for name in ("StartDate", "EndDate"))
    except Foreign as error:
        raise schema_violation(str(error), view) from None
    return CalendarView(start, end, _most(view))


def _read_page(view: Element) -> Page:
    point = attribute(view, "BasePoint") or "Beginning"
    return Page(
        offset=max(whole_number(attribute(view, "Offset") or "0") or 0, 0),
        most=_most(view),
        from_end=one_of(view, point, ("Beginning", "End")) == "End",
    )


def _most(view: Element) -> int | None:
    written = attribute(view, "MaxEntriesReturned")
    most = whole_number(written) if written else None
    if written and (most is None or most < 1):
        raise schema_violation("MaxEntriesReturned is not a number above 0.", view)
    return most


def write_response(said: Iterable[Found | ItemError]) -> str:
    """The body of the answer: per folder what was found, or the error in its place."""
    return write_messages(OPERATION, (one if isinstance(one, ItemError) else _root(one) for one in said))


def _root(found: Found) -> str:
    page = "" if found.offset is None else f' IndexedPagingOffset="{found.offset}"'
    return (
        f'<m:RootFolder{page} TotalItemsInView="{found.total}" IncludesLastItemInRange="{str(found.last).lower()}">'
        f"<t:Items>{''.join(found.items)}</t:Items></m:RootFolder>"
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

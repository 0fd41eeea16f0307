"""EWS CreateItem of one appointment that disturbs nobody: free, private, without a reminder, sent to nobody.

A calendar item needs ``SendMeetingInvitations``; the calendar of somebody else is named by the folder's mailbox, or the
item lands in the caller's own. The order of the elements is the schema's.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, ItemId, read_item, write_item
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.item_messages import read_messages, write_messages
from hybridge.wire.ews.reading import Foreign, Slot, attribute, guarded, instant, sequence, text
from hybridge.wire.ews.writing import element
from hybridge.wire.ews.writing import instant as written_instant
from hybridge.wire.xml import Element, escape

OPERATION = "CreateItem"
_SLOTS = (
    Slot("t:Subject", at_least=0),
    Slot("t:Sensitivity", at_least=0),
    Slot("t:Body", at_least=0),
    Slot("t:ReminderIsSet", at_least=0),
    Slot("t:Start", at_least=0),
    Slot("t:End", at_least=0),
    Slot("t:LegacyFreeBusyStatus", at_least=0),
)


class Request(msgspec.Struct, frozen=True):
    """One appointment in the calendar of ``mailbox``."""

    mailbox: str
    item: CalendarItem


class Response(msgspec.Struct, frozen=True):
    """What was made, or why not."""

    made: ItemId | ItemError

    @property
    def code(self) -> str:
        """The error's code, or "NoError"."""
        return self.made.code if isinstance(self.made, ItemError) else "NoError"

    @property
    def message(self) -> str:
        """The message that goes with ``code``."""
        return self.made.message if isinstance(self.made, ItemError) else ""


def write_request(request: Request) -> str:
    """The body of the request."""
    item = request.item
    start, end = item.start_at or datetime.min.replace(tzinfo=UTC), item.end_at or datetime.min.replace(tzinfo=UTC)
    return (
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>'
        f'<t:DistinguishedFolderId Id="calendar"><t:Mailbox>{element("t:EmailAddress", request.mailbox)}</t:Mailbox>'
        "</t:DistinguishedFolderId></m:SavedItemFolderId><m:Items><t:CalendarItem>"
        f"<t:Subject>{escape(item.subject)}</t:Subject><t:Sensitivity>Private</t:Sensitivity>"
        f"<t:ReminderIsSet>false</t:ReminderIsSet><t:Start>{written_instant(start)}</t:Start>"
        f"<t:End>{written_instant(end)}</t:End>{element('t:LegacyFreeBusyStatus', item.busy or 'Free')}"
        "</t:CalendarItem></m:Items></m:CreateItem>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:SavedItemFolderId", at_least=0), Slot("m:Items"))
    if attribute(operation, "SendMeetingInvitations") != "SendToNone":
        raise schema_violation("The lab makes appointments for nobody else: SendMeetingInvitations.", operation)
    items = sequence(parts["m:Items"][0], Slot("t:CalendarItem"))["t:CalendarItem"][0]
    sequence(items, *_SLOTS)
    return Request(_mailbox(parts["m:SavedItemFolderId"]), _read_new(items))


def _mailbox(folders: list[Element]) -> str:
    for folder in folders:
        named = sequence(folder, Slot("t:DistinguishedFolderId"))["t:DistinguishedFolderId"][0]
        owner = sequence(named, Slot("t:Mailbox", at_least=0))["t:Mailbox"]
        return text(owner[0], "t:EmailAddress") if owner else ""
    return ""


def _read_new(item: Element) -> CalendarItem:
    try:
        start, end = (instant(text(item, name)) for name in ("t:Start", "t:End"))
    except Foreign as error:
        raise schema_violation(str(error), item) from None
    return CalendarItem(text(item, "t:Subject"), start, end, text(item, "t:LegacyFreeBusyStatus") or "Busy")


def write_response(response: Response) -> str:
    """The body of the answer."""
    said: CalendarItem | ItemError = (
        response.made if isinstance(response.made, ItemError) else CalendarItem(item_id=response.made)
    )
    return write_messages(OPERATION, (said,), lambda item: f"<m:Items>{write_item(item) if item else ''}</m:Items>")


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    for said in read_messages(OPERATION, answer, read_item):
        if isinstance(said, ItemError):
            return Response(said)
        if said.item_id is not None:
            return Response(said.item_id)
    raise Foreign("the CreateItem response names no item.")

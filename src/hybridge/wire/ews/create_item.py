"""EWS CreateItem: appointments and meetings made, invitations answered, meetings called off.

The client half makes one appointment that disturbs nobody: free, private, without a reminder, sent to nobody. The
server half reads whatever a client makes: items, and the answers that are created as if they were items (``ANSWERS``).
A calendar item needs ``SendMeetingInvitations``; the calendar of somebody else is named by the folder's mailbox, or the
item lands in the caller's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, ItemId, read_item, read_item_id_element
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.get_folder import FolderRef, read_target
from hybridge.wire.ews.item_messages import items, read_messages, write_messages
from hybridge.wire.ews.item_properties import read_properties, time_zone_context
from hybridge.wire.ews.reading import Foreign, Slot, attribute, guarded, local_name, one_of, sequence, text
from hybridge.wire.ews.writing import element
from hybridge.wire.ews.writing import instant as written_instant
from hybridge.wire.xml import Element, escape

OPERATION = "CreateItem"
WHOM = ("SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy")
DISPOSITIONS = ("SaveOnly", "SendOnly", "SendAndSaveCopy")
ANSWERS = ("AcceptItem", "TentativelyAcceptItem", "DeclineItem", "CancelCalendarItem", "RemoveItem")
"""What is created in answer to an item."""
_KINDS = "|".join(f"t:{name}" for name in ("CalendarItem", "Message", *ANSWERS))
_ANSWER_NAMES = (
    "ItemClass",
    "Subject",
    "Sensitivity",
    "Body",
    "Attachments",
    "InternetMessageHeaders",
    "Sender",
    "ToRecipients",
    "CcRecipients",
    "BccRecipients",
    "IsReadReceiptRequested",
    "IsDeliveryReceiptRequested",
    "From",
    "ReferenceItemId",
    "NewBodyContent",
    "ReceivedBy",
    "ReceivedRepresenting",
    "ProposedStart",
    "ProposedEnd",
)


class NewItem(msgspec.Struct, frozen=True):
    """An item to make: ``kind`` is CalendarItem or Message, ``properties`` its values by FieldURI."""

    kind: str
    properties: dict[str, Any]
    zone: str = ""


class Answer(msgspec.Struct, frozen=True):
    """An answer to ``to``: ``kind`` is one of ``ANSWERS``; ``body`` is what is said with it."""

    kind: str
    to: ItemId
    body: str = ""


class Creation(msgspec.Struct, frozen=True):
    """What a client wants made. ``folder`` None is the default folder of the caller; "" is what was not said."""

    items: tuple[NewItem | Answer, ...]
    folder: FolderRef | None = None
    invitations: str = ""
    disposition: str = ""

    @property
    def mailbox(self) -> str:
        """The mailbox the request names, "" for none."""
        return self.folder.mailbox if self.folder else ""


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


def read_request(operation: Element) -> Creation:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:SavedItemFolderId", at_least=0), Slot("m:Items"))
    whom, disposition = (attribute(operation, name) for name in ("SendMeetingInvitations", "MessageDisposition"))
    context = time_zone_context(operation)
    made = sequence(parts["m:Items"][0], Slot(_KINDS, at_most=None))[_KINDS]
    return Creation(
        items=tuple(_read_new(one, context) for one in made),
        folder=next((read_target(one) for one in parts["m:SavedItemFolderId"]), None),
        invitations=one_of(operation, whom, WHOM) if whom else "",
        disposition=one_of(operation, disposition, DISPOSITIONS) if disposition else "",
    )


def _read_new(item: Element, context: str) -> NewItem | Answer:
    kind = local_name(item)
    if kind not in ANSWERS:
        return NewItem(kind, read_properties(item, context), context)
    found = sequence(item, *(Slot(f"t:{name}", at_least=0) for name in _ANSWER_NAMES))
    named = found["t:ReferenceItemId"]
    if not named:
        raise schema_violation(f"The element '{kind}' refers to no item.", item)
    return Answer(kind, read_item_id_element(named[0]), text(item, "t:Body") or text(item, "t:NewBodyContent"))


def write_response(said: Iterable[str | ItemError]) -> str:
    """The body of the answer: per item the elements made of it, or the error in their place."""
    return write_messages(OPERATION, (one if isinstance(one, ItemError) else items(one) for one in said))


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

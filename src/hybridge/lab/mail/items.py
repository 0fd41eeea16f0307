"""Items of the lab's mailboxes: appointments, meetings, series, and the messages that invite, answer and cancel.

Values only. Instants are aware UTC; ``zone`` is the Windows id of the zone an appointment was made in, by which its
series repeats. What a client sees as one item of a series is an ``Occurrence``: computed, never stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from hybridge.org.records import CalendarEvent
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import item_id
from hybridge.wire.ews.recurrences import Recurrence

CALENDAR, INBOX, SENT, DELETED = "calendar", "inbox", "sentitems", "deleteditems"
"""Distinguished names of the folders items are put into."""

RECORD_CHANGE_KEY = "AQAAAA=="
"""The change key of every event that is a record of the organization."""

Kind = Literal["CalendarItem", "Message", "MeetingRequest", "MeetingResponse", "MeetingCancellation"]


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody invited. ``role`` is Required, Optional or Resource; ``response`` as EWS ResponseTypeType names it."""

    address: str
    name: str = ""
    role: str = "Required"
    response: str = "Unknown"
    responded_at: datetime | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An occurrence that was changed: ``item`` is what stands at ``original_start`` of the series instead."""

    original_start: datetime
    item: Item


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One stored item. ``identity`` is ``<mailbox>/<number>`` and never given twice; ``change`` counts its changes.

    ``response`` is the owner's answer: Organizer, Accept, Tentative, Decline, NoResponseReceived or Unknown (no
    meeting). ``refers_to`` names, for a meeting message, the appointment it is about in the same mailbox.
    ``others`` are properties the lab keeps without knowing them: FieldURI and value of each.
    """

    premises: Premises
    mailbox: str
    identity: str = ""
    folder: str = CALENDAR
    kind: Kind = "CalendarItem"
    item_class: str = "IPM.Appointment"
    change: int = 1
    created_at: datetime | None = None
    modified_at: datetime | None = None
    created_by: str = ""
    modified_by: str = ""
    uid: str = ""
    subject: str = ""
    body: str = ""
    body_type: str = "Text"
    sensitivity: str = "Normal"
    importance: str = "Normal"
    categories: tuple[str, ...] = ()
    location: str = ""
    start_at: datetime
    end_at: datetime
    zone: str = "UTC"
    is_all_day: bool = False
    busy_type: str = "Busy"
    reminder_is_set: bool = False
    reminder_minutes: int = 15
    is_response_requested: bool = True
    allow_new_time_proposal: bool = True
    organizer: str = ""
    attendees: tuple[Attendee, ...] = ()
    response: str = "Unknown"
    replied_at: datetime | None = None
    is_cancelled: bool = False
    request_was_sent: bool = False
    sequence: int = 0
    recurrence: Recurrence | None = None
    exceptions: tuple[Changed, ...] = ()
    deleted: tuple[datetime, ...] = ()
    recurrence_id: datetime | None = None
    refers_to: str = ""
    intended_busy_type: str = ""
    has_been_processed: bool = False
    is_read: bool = False
    others: tuple[tuple[str, Any], ...] = ()

    @property
    def opaque_id(self) -> str:
        """The id a client knows the item by."""
        return item_id(self.identity)

    @property
    def change_key(self) -> str:
        """What a client must bring to change the item; another one after every change."""
        return RECORD_CHANGE_KEY if self.change == 0 else change_key(self.identity, self.change)

    @property
    def is_meeting(self) -> bool:
        """Whether others are, or were, invited."""
        return bool(self.attendees) or self.response != "Unknown"

    @property
    def is_organizer(self) -> bool:
        """Whether the owner of the mailbox called the meeting."""
        return self.response in ("Organizer", "Unknown")


def change_key(identity: str, change: int) -> str:
    """An opaque word that is another one for every change of every item."""
    return item_id(f"{identity.rpartition('/')[2]}#{change}").removeprefix("AAMkITEM")


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a calendar at one time: a single item, or one occurrence of a series.

    ``kind`` is Single, Occurrence or Exception; ``item`` is the stored item it comes of, with an exception's own values
    in their place. ``busy_type`` is Free, Tentative, Busy, OOF, WorkingElsewhere or NoData. ``series_id`` is the opaque
    id of the master, "" for a single item. ``original_start`` is where the series put it.
    """

    item: Item
    item_id: str
    change_key: str
    start_at: datetime
    end_at: datetime
    kind: str = "Single"
    series_id: str = ""
    original_start: datetime | None = None

    @property
    def mailbox(self) -> str:
        """Whose calendar it is in."""
        return self.item.mailbox

    @property
    def busy_type(self) -> str:
        """How it is shown."""
        return self.item.busy_type

    @property
    def subject(self) -> str:
        """What it is called."""
        return self.item.subject

    @property
    def location(self) -> str:
        """Where it is."""
        return self.item.location

    @property
    def is_all_day(self) -> bool:
        """Whether it fills days."""
        return self.item.is_all_day

    @property
    def is_meeting(self) -> bool:
        """Whether others are invited."""
        return self.item.is_meeting

    @property
    def is_private(self) -> bool:
        """Whether its details are nobody else's business."""
        return self.item.sensitivity in ("Private", "Confidential")

    @property
    def is_cancelled(self) -> bool:
        """Whether the organizer called it off."""
        return self.item.is_cancelled

    @property
    def is_recurring(self) -> bool:
        """Whether it belongs to a series."""
        return bool(self.series_id)

    @property
    def response(self) -> str:
        """The owner's answer."""
        return self.item.response


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to an item. Ids are those a client knows; ``at`` is the lab's time (aware UTC).

    ``kind`` is created, modified, deleted, moved, copied, free-busy or new-mail. A moved or copied item tells where it
    came from in ``old_folder_id`` and ``old_item_id``.
    """

    kind: str
    premises: Premises
    mailbox: str
    folder_id: str
    item_id: str
    change_key: str
    at: datetime
    old_folder_id: str = ""
    old_item_id: str = ""


def of_record(event: CalendarEvent) -> Item:
    """The item a record of the organization stands for: a meeting of the owner's."""
    return Item(
        premises=event.premises,
        mailbox=event.mailbox,
        identity=event.identity,
        change=0,
        created_by=event.created_by,
        uid=f"record-{event.identity}",
        subject=event.subject,
        start_at=event.start_at,
        end_at=event.end_at,
        busy_type=event.busy_type,
        organizer=event.mailbox,
        response="Organizer",
    )

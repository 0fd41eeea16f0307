"""Properties of items by their FieldURI, in the order the schema has them, and how an element of an item is read.

The tables hold every property of the schema of Exchange 15.2.2562: those hybridge knows with how they are written, the
others (None) by name alone, so that a request with them is in order though nothing of them is kept. Source: ItemType,
MessageType, MeetingMessageType and their extensions in types.xsd.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hybridge.wire.ews import property_codecs as c
from hybridge.wire.ews.faults import EwsFault, RequestRefused, schema_violation
from hybridge.wire.ews.namespaces import qualified
from hybridge.wire.ews.property_codecs import Codec, placed_in
from hybridge.wire.ews.reading import Slot, attribute, child, local_name, sequence
from hybridge.wire.xml import Element

BUSY = c.choice("Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData")
RESPONSE = c.choice("Unknown", "Organizer", "Tentative", "Accept", "Decline", "NoResponseReceived")
Properties = Mapping[str, Any]
"""Values by FieldURI."""


class Property(NamedTuple):
    """One property: the element's name, its FieldURI, how it is written (None: not kept), if clients set it."""

    name: str
    uri: str
    codec: Codec | None
    writable: bool


_ITEM: tuple[tuple[str, Codec | None, bool], ...] = (
    ("MimeContent", c.MIME, True),
    ("ItemId", c.ITEM_ID, False),
    ("ParentFolderId", c.FOLDER_ID, False),
    ("ItemClass", c.TEXT, True),
    ("Subject", c.TEXT, True),
    ("Sensitivity", c.choice("Normal", "Personal", "Private", "Confidential"), True),
    ("Body", c.BODY, True),
    ("Attachments", None, True),
    ("DateTimeReceived", c.INSTANT, False),
    ("Size", c.NUMBER, False),
    ("Categories", c.STRINGS, True),
    ("Importance", c.choice("Low", "Normal", "High"), True),
    ("InReplyTo", c.TEXT, True),
    ("IsSubmitted", c.BOOLEAN, False),
    ("IsDraft", c.BOOLEAN, False),
    ("IsFromMe", c.BOOLEAN, False),
    ("IsResend", c.BOOLEAN, False),
    ("IsUnmodified", c.BOOLEAN, False),
    ("InternetMessageHeaders", None, False),
    ("DateTimeSent", c.INSTANT, False),
    ("DateTimeCreated", c.INSTANT, False),
    ("ResponseObjects", c.OBJECTS, False),
    ("ReminderDueBy", c.INSTANT, True),
    ("ReminderIsSet", c.BOOLEAN, True),
    ("ReminderNextTime", None, False),
    ("ReminderMinutesBeforeStart", c.NUMBER, True),
    ("DisplayCc", c.TEXT, False),
    ("DisplayTo", c.TEXT, False),
    ("DisplayBcc", None, False),
    ("HasAttachments", c.BOOLEAN, False),
    ("ExtendedProperty", None, True),
    ("Culture", c.TEXT, True),
    ("EffectiveRights", c.RIGHTS, False),
    ("LastModifiedName", c.TEXT, False),
    ("LastModifiedTime", c.INSTANT, False),
    ("IsAssociated", c.BOOLEAN, False),
    ("WebClientReadFormQueryString", None, False),
    ("WebClientEditFormQueryString", None, False),
    ("ConversationId", None, False),
    ("UniqueBody", c.BODY, False),
    ("Flag", None, True),
    *(
        (name, None, False)
        for name in (
            "StoreEntryId",
            "InstanceKey",
            "NormalizedBody",
            "EntityExtractionResult",
            "PolicyTag",
            "ArchiveTag",
            "RetentionDate",
            "Preview",
            "RightsManagementLicenseData",
            "PredictedActionReasons",
            "IsClutter",
            "BlockStatus",
            "HasBlockedImages",
        )
    ),
    ("TextBody", c.BODY, False),
)
_CALENDAR: tuple[tuple[str, Codec | None, bool], ...] = (
    ("UID", c.TEXT, True),
    ("RecurrenceId", c.INSTANT, False),
    ("DateTimeStamp", c.INSTANT, True),
    ("Start", c.INSTANT, True),
    ("End", c.INSTANT, True),
    ("OriginalStart", c.INSTANT, False),
    ("IsAllDayEvent", c.BOOLEAN, True),
    ("LegacyFreeBusyStatus", BUSY, True),
    ("Location", c.TEXT, True),
    ("When", c.TEXT, True),
    ("IsMeeting", c.BOOLEAN, False),
    ("IsCancelled", c.BOOLEAN, False),
    ("IsRecurring", c.BOOLEAN, False),
    ("MeetingRequestWasSent", c.BOOLEAN, False),
    ("IsResponseRequested", c.BOOLEAN, True),
    ("CalendarItemType", c.TEXT, False),
    ("MyResponseType", RESPONSE, False),
    ("Organizer", c.PERSON, False),
    ("RequiredAttendees", c.ATTENDEES, True),
    ("OptionalAttendees", c.ATTENDEES, True),
    ("Resources", c.ATTENDEES, True),
    ("InboxReminders", None, True),
    ("ConflictingMeetingCount", c.NUMBER, False),
    ("AdjacentMeetingCount", c.NUMBER, False),
    ("ConflictingMeetings", None, False),
    ("AdjacentMeetings", None, False),
    ("Duration", c.TEXT, False),
    ("TimeZone", c.TEXT, False),
    ("AppointmentReplyTime", c.INSTANT, False),
    ("AppointmentSequenceNumber", c.NUMBER, False),
    ("AppointmentState", c.NUMBER, False),
    ("Recurrence", c.SERIES, True),
    ("FirstOccurrence", c.OCCURRENCE, False),
    ("LastOccurrence", c.OCCURRENCE, False),
    ("ModifiedOccurrences", c.OCCURRENCES, False),
    ("DeletedOccurrences", c.DELETED, False),
    ("MeetingTimeZone", None, True),
    ("StartTimeZone", c.ZONE, True),
    ("EndTimeZone", c.ZONE, True),
    ("ConferenceType", c.NUMBER, True),
    ("AllowNewTimeProposal", c.BOOLEAN, True),
    ("IsOnlineMeeting", c.BOOLEAN, False),
    ("MeetingWorkspaceUrl", c.TEXT, True),
    ("NetShowUrl", c.TEXT, True),
    ("EnhancedLocation", None, True),
    ("StartWallClock", None, False),
    ("EndWallClock", None, False),
    ("StartTimeZoneId", c.TEXT, False),
    ("EndTimeZoneId", c.TEXT, False),
    ("IntendedFreeBusyStatus", None, False),
    ("JoinOnlineMeetingUrl", None, False),
    ("OnlineMeetingSettings", None, False),
    ("IsOrganizer", c.BOOLEAN, False),
)
_MESSAGE: tuple[tuple[str, Codec | None, bool], ...] = (
    ("Sender", c.PERSON, True),
    ("ToRecipients", c.PEOPLE, True),
    ("CcRecipients", c.PEOPLE, True),
    ("BccRecipients", c.PEOPLE, True),
    ("IsReadReceiptRequested", c.BOOLEAN, True),
    ("IsDeliveryReceiptRequested", c.BOOLEAN, True),
    ("ConversationIndex", None, False),
    ("ConversationTopic", c.TEXT, False),
    ("From", c.PERSON, True),
    ("InternetMessageId", c.TEXT, False),
    ("IsRead", c.BOOLEAN, True),
    ("IsResponseRequested", c.BOOLEAN, True),
    ("References", None, True),
    ("ReplyTo", None, True),
    ("ReceivedBy", c.PERSON, False),
    ("ReceivedRepresenting", c.PERSON, False),
)
_MEETING: tuple[tuple[str, Codec | None, bool], ...] = (
    ("AssociatedCalendarItemId", c.ASSOCIATED_ID, False),
    ("IsDelegated", c.BOOLEAN, False),
    ("IsOutOfDate", c.BOOLEAN, False),
    ("HasBeenProcessed", c.BOOLEAN, False),
    ("ResponseType", RESPONSE, False),
)
_REQUEST: tuple[tuple[str, Codec | None, bool], ...] = (
    ("MeetingRequestType", c.TEXT, False),
    ("IntendedFreeBusyStatus", BUSY, False),
)


def _properties(group: str, table: tuple[tuple[str, Codec | None, bool], ...]) -> tuple[Property, ...]:
    return tuple(Property(name, f"{group}:{name}", codec, writable) for name, codec, writable in table)


_ITEM_PROPERTIES = _properties("item", _ITEM)
_CALENDAR_PROPERTIES = _properties("calendar", _CALENDAR)
_UIDS = tuple(one for one in _CALENDAR_PROPERTIES if one.name in ("UID", "RecurrenceId", "DateTimeStamp"))
_MEETING_PROPERTIES = (
    *_ITEM_PROPERTIES,
    *_properties("message", _MESSAGE),
    *_properties("meeting", _MEETING),
    *_UIDS,
    Property("IsOrganizer", "cal:IsOrganizer", None, False),
)
_IN_REQUEST = tuple(
    one
    for one in _CALENDAR_PROPERTIES
    if one not in _UIDS
    and one.name not in ("IsResponseRequested", "InboxReminders", "IsOrganizer")
    and one.name not in ("IntendedFreeBusyStatus", "JoinOnlineMeetingUrl", "OnlineMeetingSettings")
)
_IN_ANSWER = tuple(
    one for one in _CALENDAR_PROPERTIES if one.name in ("Start", "End", "Location", "Recurrence", "CalendarItemType")
)
PROPERTIES: dict[str, tuple[Property, ...]] = {
    "CalendarItem": (*_ITEM_PROPERTIES, *_CALENDAR_PROPERTIES),
    "Message": (*_ITEM_PROPERTIES, *_properties("message", _MESSAGE)),
    "MeetingRequest": (*_MEETING_PROPERTIES, *_properties("meetingRequest", _REQUEST), *_IN_REQUEST),
    "MeetingResponse": (*_MEETING_PROPERTIES, *_IN_ANSWER),
    "MeetingCancellation": (*_MEETING_PROPERTIES, *_IN_ANSWER),
}
"""Properties in the order of the schema, by the name of the item's element."""
BY_URI = {one.uri: one for every in PROPERTIES.values() for one in every}


def read_properties(item: Element, zone: str) -> dict[str, Any]:
    """What an item of a request says, strictly; ``zone`` is the Windows id of times without zone.

    Raises ``RequestRefused``: a wrong order breaks the schema, a read-only property is ErrorInvalidPropertySet.
    """
    table = PROPERTIES[local_name(item)]
    slots = (Slot(f"t:{one.name}", 0, None if one.name == "ExtendedProperty" else 1) for one in table)
    found = sequence(item, *slots)
    own = child(item, "t:StartTimeZone")
    to_utc = placed_in(zone if own is None else attribute(own, "Id") or zone)
    said: dict[str, Any] = {}
    for one in table:
        for element in found[f"t:{one.name}"]:
            _writable(one)
            if one.codec is not None:
                said[one.uri] = one.codec.read(element, to_utc)
    return said


def _writable(one: Property) -> None:
    if not one.writable:
        raise RequestRefused(EwsFault("ErrorInvalidPropertySet", f"The property {one.uri} cannot be set."))


def write_item(kind: str, values: Properties) -> str:
    """The element of an item that shows ``values``, in the order of the schema."""
    return f"<t:{kind}>{''.join(_written(kind, values))}</t:{kind}>"


def _written(kind: str, values: Properties) -> Iterator[str]:
    for one in PROPERTIES[kind]:
        value = values.get(one.uri)
        if value is not None and one.codec is not None:
            yield one.codec.write(f"t:{one.name}", value)


def time_zone_context(operation: Element) -> str:
    """The Windows id of the zone in the TimeZoneContext header of the request ``operation`` is in, "" for none."""
    header = operation.getroottree().getroot().find(qualified("s:Header"))
    context = None if header is None else child(header, "t:TimeZoneContext")
    zone = None if context is None else child(context, "t:TimeZoneDefinition")
    return "" if zone is None else attribute(zone, "Id")


def known_uri(path: Element) -> str:
    """The FieldURI of a path to a property, "" for an extended or indexed one; raises ``RequestRefused``."""
    if local_name(path) != "FieldURI":
        return ""
    uri = attribute(path, "FieldURI")
    if not uri or ":" not in uri:
        raise schema_violation("The required attribute 'FieldURI' is missing.", path)
    return uri

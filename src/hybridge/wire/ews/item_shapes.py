"""Which properties of an item a client wants: the base shape and what it names beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hybridge.wire.ews.item_properties import known_uri
from hybridge.wire.ews.property_codecs import Body
from hybridge.wire.ews.reading import Slot, one_of, sequence, strict_boolean
from hybridge.wire.xml import Element

PATHS = "t:FieldURI|t:IndexedFieldURI|t:ExtendedFieldURI|t:ExceptionFieldURI"
DEFAULT = {
    "item:ItemId",
    "item:ParentFolderId",
    "item:ItemClass",
    "item:Subject",
    "item:Sensitivity",
    "item:Body",
    "item:DateTimeReceived",
    "item:Size",
    "item:Importance",
    "item:IsSubmitted",
    "item:IsDraft",
    "item:IsFromMe",
    "item:DateTimeSent",
    "item:DateTimeCreated",
    "item:ReminderIsSet",
    "item:ReminderMinutesBeforeStart",
    "item:HasAttachments",
    "calendar:Start",
    "calendar:End",
    "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus",
    "calendar:Location",
    "calendar:IsMeeting",
    "calendar:IsCancelled",
    "calendar:IsRecurring",
    "calendar:MeetingRequestWasSent",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
    "calendar:Organizer",
    "calendar:RequiredAttendees",
    "calendar:OptionalAttendees",
    "calendar:Resources",
    "calendar:Recurrence",
    "calendar:FirstOccurrence",
    "calendar:LastOccurrence",
    "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences",
    "message:From",
    "message:Sender",
    "message:ToRecipients",
    "message:IsRead",
    "meeting:AssociatedCalendarItemId",
    "meeting:HasBeenProcessed",
    "meeting:ResponseType",
}
NOT_FOUND = {
    "item:MimeContent",
    "item:Body",
    "item:TextBody",
    "item:UniqueBody",
    "calendar:RequiredAttendees",
    "calendar:OptionalAttendees",
    "calendar:Resources",
    "calendar:Recurrence",
    "calendar:FirstOccurrence",
    "calendar:LastOccurrence",
    "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences",
    "calendar:StartTimeZone",
    "calendar:EndTimeZone",
    "message:ToRecipients",
}
"""What FindItem never tells, whatever it is asked for."""
_ONLY_ASKED = {"item:MimeContent", "item:TextBody", "item:UniqueBody"}


class ItemShape(msgspec.Struct, frozen=True):
    """``body_type`` is Best, HTML or Text; ``additional`` are FieldURIs."""

    base: str = "IdOnly"
    additional: frozenset[str] = frozenset()
    mime: bool = False
    body_type: str = "Best"

    def shown(self, values: Mapping[str, Any], *, finding: bool = False) -> dict[str, Any]:
        """``values`` with only what the shape asks for; with ``finding`` only what FindItem tells."""
        wanted = {uri: value for uri, value in values.items() if self._wants(uri)}
        if finding:
            wanted = {uri: value for uri, value in wanted.items() if uri not in NOT_FOUND}
        body = wanted.get("item:Body")
        if isinstance(body, Body) and self.body_type != "Best":
            wanted["item:Body"] = Body(body.text, self.body_type)
        return wanted

    def _wants(self, uri: str) -> bool:
        if uri == "item:ItemId" or uri in self.additional or (self.mime and uri == "item:MimeContent"):
            return True
        if self.base == "AllProperties":
            return uri not in _ONLY_ASKED
        return self.base == "Default" and uri in DEFAULT


_SLOTS = (
    Slot("t:BaseShape"),
    Slot("t:IncludeMimeContent", at_least=0),
    Slot("t:BodyType", at_least=0),
    Slot("t:UniqueBodyType", at_least=0),
    Slot("t:NormalizedBodyType", at_least=0),
    Slot("t:FilterHtmlContent", at_least=0),
    Slot("t:ConvertHtmlCodePageToUTF8", at_least=0),
    Slot("t:InlineImageUrlTemplate", at_least=0),
    Slot("t:BlockExternalImages", at_least=0),
    Slot("t:AddBlankTargetToLinks", at_least=0),
    Slot("t:MaximumBodySize", at_least=0),
    Slot("t:AdditionalProperties", at_least=0),
)


def read_shape(shape: Element) -> ItemShape:
    """An ItemShape strictly; raises ``RequestRefused``."""
    found = {name: elements[0] for name, elements in sequence(shape, *_SLOTS).items() if elements}
    base = found["t:BaseShape"]
    paths: list[Element] = []
    if "t:AdditionalProperties" in found:
        paths = sequence(found["t:AdditionalProperties"], Slot(PATHS, at_most=None))[PATHS]
    mime = found.get("t:IncludeMimeContent")
    body = found.get("t:BodyType")
    shapes = ("IdOnly", "Default", "AllProperties", "PcxPeopleSearch")
    return ItemShape(
        base=one_of(base, (base.text or "").strip(), shapes),
        additional=frozenset(uri for path in paths if (uri := known_uri(path))),
        mime=mime is not None and strict_boolean(mime, (mime.text or "").strip()),
        body_type="Best" if body is None else one_of(body, (body.text or "").strip(), ("Best", "HTML", "Text")),
    )

"""EWS UpdateItem, server half: properties set, appended to and removed, one path at a time.

A client brings the change key it last saw; ``conflict`` says what happens when the item has changed since. For calendar
items the request must say who is told of the change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from hybridge.wire.ews.calendar_items import ItemError, ItemId, read_item_id_element
from hybridge.wire.ews.faults import EwsFault, RequestRefused, schema_violation
from hybridge.wire.ews.item_messages import items, write_messages
from hybridge.wire.ews.item_properties import BY_URI, PROPERTIES, known_uri, read_properties, time_zone_context
from hybridge.wire.ews.item_shapes import PATHS
from hybridge.wire.ews.reading import Slot, attribute, local_name, one_of, sequence
from hybridge.wire.xml import Element

OPERATION = "UpdateItem"
CONFLICTS = ("NeverOverwrite", "AutoResolve", "AlwaysOverwrite")
WHOM = ("SendToNone", "SendOnlyToAll", "SendOnlyToChanged", "SendToAllAndSaveCopy", "SendToChangedAndSaveCopy")
_DOES = "t:AppendToItemField|t:SetItemField|t:DeleteItemField"
_IDS = "t:ItemId|t:OccurrenceItemId|t:RecurringMasterItemId"
_KINDS = "|".join(f"t:{kind}" for kind in (*PROPERTIES, "Item"))


class FieldChange(msgspec.Struct, frozen=True):
    """One property: ``does`` is set, append or delete; ``uri`` is "" for one hybridge does not keep."""

    does: str
    uri: str
    value: Any = None


class ItemChange(msgspec.Struct, frozen=True):
    """Changes of one item, in order; ``zone`` is the Windows id of the request's own zone, "" for none."""

    item: ItemId
    fields: tuple[FieldChange, ...]
    zone: str = ""


class Request(msgspec.Struct, frozen=True):
    """What to change. ``whom`` is one of ``WHOM``, "" where the client did not say."""

    changes: tuple[ItemChange, ...]
    conflict: str
    whom: str = ""

    @property
    def ids(self) -> tuple[ItemId, ...]:
        """The items that are changed."""
        return tuple(one.item for one in self.changes)


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:SavedItemFolderId", at_least=0), Slot("m:ItemChanges"))
    changes = sequence(parts["m:ItemChanges"][0], Slot("t:ItemChange", at_most=None))["t:ItemChange"]
    context = time_zone_context(operation)
    whom = attribute(operation, "SendMeetingInvitationsOrCancellations")
    return Request(
        changes=tuple(_read_change(one, context) for one in changes),
        conflict=one_of(operation, attribute(operation, "ConflictResolution"), CONFLICTS),
        whom=one_of(operation, whom, WHOM) if whom else "",
    )


def _read_change(change: Element, context: str) -> ItemChange:
    parts = sequence(change, Slot(_IDS), Slot("t:Updates"))
    updates = sequence(parts["t:Updates"][0], Slot(_DOES, at_least=0, at_most=None))[_DOES]
    fields = tuple(_read_field(one, context) for one in updates)
    return ItemChange(read_item_id_element(parts[_IDS][0]), fields, context)


def _read_field(field: Element, context: str) -> FieldChange:
    does = {"AppendToItemField": "append", "SetItemField": "set", "DeleteItemField": "delete"}[local_name(field)]
    if does == "delete":
        return FieldChange(does, _settable(known_uri(sequence(field, Slot(PATHS))[PATHS][0])))
    parts = sequence(field, Slot(PATHS), Slot(_KINDS))
    uri, item = _settable(known_uri(parts[PATHS][0])), parts[_KINDS][0]
    if len(item) != 1:
        raise schema_violation("An item of a change has exactly one property.", item)
    if not uri or local_name(item) == "Item":
        return FieldChange(does, "")
    said = read_properties(item, context)
    if uri not in said and BY_URI[uri].codec is not None:
        raise RequestRefused(
            EwsFault("ErrorUpdatePropertyMismatch", f"The path {uri} and the property in the item are not the same.")
        )
    return FieldChange(does, uri if uri in said else "", said.get(uri))


def _settable(uri: str) -> str:
    if uri and uri not in BY_URI:
        raise schema_violation(f"The value '{uri[:80]}' of 'FieldURI' is not one of a property.")
    if uri and not BY_URI[uri].writable:
        raise RequestRefused(EwsFault("ErrorInvalidPropertySet", f"The property {uri} cannot be set."))
    return uri


def write_response(said: Iterable[str | ItemError]) -> str:
    """The body of the answer: per change the changed item, or the error in its place."""
    done = "<m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>"
    return write_messages(OPERATION, (one if isinstance(one, ItemError) else items(one) + done for one in said))

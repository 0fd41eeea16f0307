"""What the notification operations of EWS share: events, notifications, folder ids, and a response of one message.

A subscription is told of events; a notification is a bunch of them for one subscription. Pull subscriptions are given
watermarks, streaming subscriptions none. An event is about an item or about a folder (the folder an item was changed
in is itself modified), and for a move or a copy it also says where from.

Two things differ between the schema and the wire: GetStreamingEvents has ``m:Notification`` (and ``m:SubscriptionId``)
where the schema has the types namespace, and clients in the field count on that; both are read.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec

from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.get_folder import FolderRef
from hybridge.wire.ews.namespaces import qualified
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    attribute,
    child,
    children,
    expect,
    local_name,
    sequence,
    text,
    whole_number,
)
from hybridge.wire.ews.reading import instant as read_instant
from hybridge.wire.ews.writing import element, filled, instant, response_class
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element, escape

EVENT_TYPES = (
    "CopiedEvent",
    "CreatedEvent",
    "DeletedEvent",
    "ModifiedEvent",
    "MovedEvent",
    "NewMailEvent",
    "FreeBusyChangedEvent",
)
"""What can be subscribed to (NotificationEventTypeType)."""
STATUS = "StatusEvent"
"""The event that says nothing happened; nobody subscribes to it."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``kind`` is the name of its element, one of ``EVENT_TYPES`` or ``STATUS``, or an unknown one kept.

    About an item when ``item_id`` is set, else about the folder ``folder_id``; the ``old_...`` of moves and copies.
    """

    kind: str
    at: datetime | None = None
    item_id: str = ""
    change_key: str = ""
    folder_id: str = ""
    parent_folder_id: str = ""
    old_item_id: str = ""
    old_folder_id: str = ""
    old_parent_folder_id: str = ""
    watermark: str = ""


class Notification(msgspec.Struct, frozen=True):
    """Events of one subscription, oldest first; the watermark and ``more_events`` are of pull subscriptions."""

    subscription_id: str
    events: tuple[Event, ...] = ()
    previous_watermark: str = ""
    more_events: bool | None = None


def write_notification(notification: Notification, name: str = "m:Notification") -> str:
    """``notification`` as the element ``name``."""
    events = "".join(_write_event(event) for event in notification.events)
    return (
        f"<{name}>{element('t:SubscriptionId', notification.subscription_id)}"
        f"{filled('t:PreviousWatermark', notification.previous_watermark)}"
        f"{element('t:MoreEvents', notification.more_events)}{events}</{name}>"
    )


def _write_event(event: Event) -> str:
    about = ""
    if event.at is not None:
        about = element("t:TimeStamp", instant(event.at.replace(microsecond=0)))
        about += _written_id("ItemId", event.item_id, event.change_key) if event.item_id else ""
        about += _written_id("FolderId", event.folder_id, event.change_key) if not event.item_id else ""
        about += _written_id("ParentFolderId", event.parent_folder_id, _FOLDER_KEY)
        about += _written_id("OldItemId", event.old_item_id, event.change_key) if event.old_item_id else ""
        about += _written_id("OldFolderId", event.old_folder_id, event.change_key) if event.old_folder_id else ""
        if event.old_parent_folder_id:
            about += _written_id("OldParentFolderId", event.old_parent_folder_id, _FOLDER_KEY)
    return f"<t:{event.kind}>{filled('t:Watermark', event.watermark)}{about}</t:{event.kind}>"


_FOLDER_KEY = "AQAAAA=="


def _written_id(name: str, identity: str, change_key: str) -> str:
    key = f' ChangeKey="{escape(change_key)}"' if change_key else ""
    return f'<t:{name} Id="{escape(identity)}"{key}/>'


def read_notification(notification: Element) -> Notification:
    """Read a notification; elements that are no event are passed over. Raises ``Foreign``."""
    said: dict[str, str] = {}
    events: list[Event] = []
    for one in notification:
        part = _PARTS.get(one.tag)
        if part is None:
            events.append(_read_event(one))
        else:
            said[part] = (one.text or "").strip()
    more = said.get("more", "")
    return Notification(
        subscription_id=said.get("id", ""),
        events=tuple(events),
        previous_watermark=said.get("previous", ""),
        more_events=more in ("true", "1") if more else None,
    )


_PARTS = {
    qualified(f"{prefix}:{name}"): part
    for prefix in ("t", "m")
    for name, part in (("SubscriptionId", "id"), ("PreviousWatermark", "previous"), ("MoreEvents", "more"))
}
_IDS = {
    qualified(f"t:{name}"): field
    for name, field in (
        ("ItemId", "item_id"),
        ("FolderId", "folder_id"),
        ("ParentFolderId", "parent_folder_id"),
        ("OldItemId", "old_item_id"),
        ("OldFolderId", "old_folder_id"),
        ("OldParentFolderId", "old_parent_folder_id"),
    )
}
_OWN_IDS = ("item_id", "folder_id")
_TIME, _WATERMARK = qualified("t:TimeStamp"), qualified("t:Watermark")


def _read_event(event: Element) -> Event:
    """In one pass: thousands of these come in a second."""
    said: dict[str, str] = {}
    at, change_key = None, ""
    for one in event:
        field = _IDS.get(one.tag)
        if field is not None:
            said[field] = str(one.get("Id") or "")
            if field in _OWN_IDS:
                change_key = str(one.get("ChangeKey") or "")
        elif one.tag == _TIME:
            at = _instant((one.text or "").strip())
        elif one.tag == _WATERMARK:
            said["watermark"] = (one.text or "").strip()
    return Event(kind=local_name(event), at=at, change_key=change_key, **said)


@lru_cache(maxsize=256)
def _instant(written: str) -> datetime | None:
    """The time of an event, which many events share."""
    return read_instant(written) if written else None


def write_folder_ids(folders: tuple[FolderRef, ...]) -> str:
    """``t:FolderIds`` of a subscription, nothing for none."""
    written = "".join(_write_ref(ref) for ref in folders)
    return f"<t:FolderIds>{written}</t:FolderIds>" if written else ""


def _write_ref(ref: FolderRef) -> str:
    if not ref.distinguished:
        return f'<t:FolderId Id="{escape(ref.folder_id)}"/>'
    owner = f"<t:Mailbox>{element('t:EmailAddress', ref.mailbox)}</t:Mailbox>" if ref.mailbox else ""
    return f'<t:DistinguishedFolderId Id="{escape(ref.distinguished)}">{owner}</t:DistinguishedFolderId>'


def read_folder_ids(found: list[Element]) -> tuple[FolderRef, ...]:
    """The folders of the ``t:FolderIds`` found (none or one), strictly; raises ``RequestRefused``."""
    kinds = "t:FolderId|t:DistinguishedFolderId"
    return tuple(_read_ref(ref) for ids in found for ref in sequence(ids, Slot(kinds, at_most=None))[kinds])


def _read_ref(ref: Element) -> FolderRef:
    identity = attribute(ref, "Id")
    if not identity:
        raise schema_violation("The required attribute 'Id' is missing.", ref)
    if local_name(ref) == "FolderId":
        return FolderRef(folder_id=identity)
    owner = sequence(ref, Slot("t:Mailbox", at_least=0))["t:Mailbox"]
    return FolderRef(distinguished=identity, mailbox=text(owner[0], "t:EmailAddress") if owner else "")


def required(found: Element) -> str:
    """The text of an element that must not be empty; raises ``RequestRefused``."""
    written = (found.text or "").strip()
    if not written:
        raise schema_violation(f"The element '{local_name(found)}' is empty.", found)
    return written


def within(found: Element, least: int, most: int) -> int:
    """The whole number of an element, at least ``least`` and at most ``most``; raises ``RequestRefused``."""
    number = whole_number((found.text or "").strip())
    if number is None or not least <= number <= most:
        raise schema_violation(f"The element '{local_name(found)}' must be {least} to {most}.", found)
    return number


def write_single(operation: str, code: str, message: str, inside: str = "") -> str:
    """A response of one message."""
    return (
        f"<m:{operation}Response><m:ResponseMessages>"
        f'<m:{operation}ResponseMessage ResponseClass="{response_class(code)}">'
        f"{written_status(code, message)}{inside}</m:{operation}ResponseMessage>"
        f"</m:ResponseMessages></m:{operation}Response>"
    )


def single(operation: str, answer: Element) -> Element:
    """The one message of a response to ``operation``; raises ``Foreign``."""
    expect(answer, f"m:{operation}Response")
    message = next(children(child(answer, "m:ResponseMessages"), f"m:{operation}ResponseMessage"), None)
    if message is None:
        raise Foreign(f"the {operation} response holds no message.")
    return message

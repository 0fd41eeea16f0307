"""EWS operations on appointments: CreateItem, GetItem, DeleteItem and FindItem, done for real on the calendar's events.

Every one is judged by the caller's rights on that calendar. An id that names nothing, or something the caller may not
see, is ErrorItemNotFound alike.
"""

from __future__ import annotations

from hybridge.lab.apps.keepings import kept
from hybridge.lab.behaviour.availability import events_within
from hybridge.lab.behaviour.item_rights import account_of, item_rights, may_delete
from hybridge.lab.behaviour.mailbox_rights import NO_MAILBOX, Caller
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import CalendarEvent, Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews import create_item, delete_item, find_item, get_item
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, ItemId, item_id, read_item_id

ON = Premises.ON_PREMISES
NOT_FOUND = ItemError("ErrorItemNotFound", "The specified object was not found in the store.")
NO_FOLDER = ItemError("ErrorFolderNotFound", "The specified folder could not be found in the store.")
DENIED = ItemError("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
NOT_CREATED = ItemError("ErrorCreateItemAccessDenied", "Access is denied. Check credentials and try again.")


def answer_create(estate: Estate, caller: Caller, request: create_item.Request) -> str:
    """The response to CreateItem."""
    mailbox = request.mailbox or caller.user
    refused = _refused(estate.organization, caller, mailbox)
    if refused is None and "createitems" not in item_rights(estate.organization, caller, mailbox):
        refused = NOT_CREATED
    if refused is not None:
        return create_item.write_response(create_item.Response(refused))
    event = _event(estate, caller, mailbox, request.item)
    estate.organization = estate.organization.put(event)
    return create_item.write_response(create_item.Response(ItemId(item_id(event.identity), "AQAAAA==")))


def _event(estate: Estate, caller: Caller, mailbox: str, item: CalendarItem) -> CalendarEvent:
    owner = caller.user.lower() == mailbox.lower() and not caller.full_access
    return CalendarEvent(
        premises=ON,
        identity=f"{mailbox}/{kept(estate).next_appointment()}",
        mailbox=mailbox,
        start_at=item.start_at or estate.now(),
        end_at=item.end_at or estate.now(),
        busy_type=item.busy or "Busy",
        subject=item.subject,
        created_by="" if owner else account_of(caller),
    )


def answer_get(estate: Estate, caller: Caller, request: get_item.Request) -> str:
    """The response to GetItem."""
    return get_item.write_response(get_item.Response(tuple(_shown(estate, caller, one) for one in request.ids)))


def _shown(estate: Estate, caller: Caller, one: ItemId) -> CalendarItem | ItemError:
    event = _visible(estate.organization, caller, one)
    return NOT_FOUND if event is None else CalendarItem(subject=event.subject, item_id=one)


def answer_delete(estate: Estate, caller: Caller, request: delete_item.Request) -> str:
    """The response to DeleteItem."""
    return delete_item.write_response(delete_item.Response(tuple(_gone(estate, caller, one) for one in request.ids)))


def _gone(estate: Estate, caller: Caller, one: ItemId) -> ItemError | None:
    event = _found(estate.organization, one)
    if event is None or not item_rights(estate.organization, caller, event.mailbox):
        return NOT_FOUND
    if not may_delete(estate.organization, caller, event):
        return DENIED
    estate.organization = estate.organization.drop(event.address)
    return None


def answer_find(estate: Estate, caller: Caller, request: find_item.Request) -> str:
    """The response to FindItem."""
    mailbox = request.mailbox or caller.user
    refused = _refused(estate.organization, caller, mailbox)
    if refused is None and "readitems" not in item_rights(estate.organization, caller, mailbox):
        refused = DENIED
    if refused is not None:
        return find_item.write_response(find_item.Response(error=refused))
    events = events_within(estate.organization, mailbox, request.start_at, request.end_at)
    items = (CalendarItem(subject=one.subject, item_id=ItemId(item_id(one.identity), "AQAAAA==")) for one in events)
    return find_item.write_response(find_item.Response(tuple(items)))


def mailbox_of_ids(request: get_item.Request | delete_item.Request) -> str:
    """The mailbox the first item lies in, "" for an id that is none of ours."""
    return read_item_id(request.ids[0].id).rpartition("/")[0] if request.ids else ""


def _refused(organization: Organization, caller: Caller, mailbox: str) -> ItemError | None:
    """Why the caller does not even see the calendar."""
    if not mailbox or organization.one(Mailbox, ON, mailbox) is None:
        return ItemError("ErrorNonExistentMailbox", NO_MAILBOX)
    return None if item_rights(organization, caller, mailbox) else NO_FOLDER


def _found(organization: Organization, one: ItemId) -> CalendarEvent | None:
    return organization.one(CalendarEvent, ON, read_item_id(one.id)) if read_item_id(one.id) else None


def _visible(organization: Organization, caller: Caller, one: ItemId) -> CalendarEvent | None:
    event = _found(organization, one)
    if event is None:
        return None
    rights = item_rights(organization, caller, event.mailbox)
    own = bool(event.created_by) and event.created_by.lower() == account_of(caller).lower()
    return event if "readitems" in rights or own else None

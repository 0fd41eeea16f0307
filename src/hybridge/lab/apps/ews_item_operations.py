"""EWS operations on items: CreateItem, GetItem, UpdateItem, DeleteItem, MoveItem and CopyItem.

Every one is judged by the caller's rights on the folder. An id that names nothing, or something the caller may not see,
is ErrorItemNotFound alike. What is made in somebody else's calendar is theirs: the owner is its organizer.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.lab.apps.ews_item_answers import answer_of
from hybridge.lab.behaviour.item_rights import account_of
from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.estate import Estate
from hybridge.lab.mail.access import DENIED, NOT_FOUND, Place, named, place_of, rights_on, sees
from hybridge.lab.mail.invitations import CANCELLED, Post, addresses, with_changed, without_occurrence
from hybridge.lab.mail.items import CALENDAR, DELETED, SENT, Item, Occurrence
from hybridge.lab.mail.properties import appended, settled, with_all, with_property, without_property
from hybridge.lab.mail.shown import id_alone, shown
from hybridge.lab.mail.store import store_of
from hybridge.terms.premises import Premises
from hybridge.wire.ews import create_item, delete_item, get_item, move_item, update_item
from hybridge.wire.ews.calendar_items import ItemError, ItemId, read_item_id
from hybridge.wire.ews.item_properties import write_item

ON = Premises.ON_PREMISES
NOT_CREATED = ItemError("ErrorCreateItemAccessDenied", "Access is denied. Check credentials and try again.")
NOT_SAID = "The attribute {} is required for calendar items."
replace = msgspec.structs.replace


def answer_create(estate: Estate, caller: Caller, request: create_item.Creation) -> str:
    """The response to CreateItem."""
    return create_item.write_response([_created(estate, caller, request, one) for one in request.items])


def _created(
    estate: Estate, caller: Caller, request: create_item.Creation, one: create_item.NewItem | create_item.Answer
) -> str | ItemError:
    if isinstance(one, create_item.Answer):
        return answer_of(estate, caller, one, request.disposition)
    calendar = one.kind == "CalendarItem"
    default = CALENDAR if calendar else "drafts" if request.disposition == "SaveOnly" else SENT
    place = place_of(estate, caller, request.folder, default)
    if isinstance(place, ItemError):
        return place
    if "createitems" not in place.rights:
        return NOT_CREATED
    if calendar and not request.invitations:
        return ItemError("ErrorSendMeetingInvitationsRequired", NOT_SAID.format("SendMeetingInvitations"))
    if not calendar and not request.disposition:
        return ItemError("ErrorMessageDispositionRequired", "The attribute MessageDisposition is required.")
    made = _made(estate, caller, place, one)
    if isinstance(made, ItemError):
        return made
    return _put(estate, made, request) if calendar else _sent(estate, made, one, request.disposition)


def _sent(estate: Estate, message: Item, new: create_item.NewItem, disposition: str) -> str:
    """A message is saved, sent, or both; one that is only sent leaves nothing to show."""
    lists = (new.properties.get(f"message:{name}Recipients", ()) for name in ("To", "Cc", "Bcc"))
    if disposition != "SaveOnly":
        Post(store_of(estate), estate.organization).send(message, (one.address for every in lists for one in every))
    if disposition == "SendOnly":
        return ""
    saved = store_of(estate).add(replace(message, is_read=True))
    return write_item(saved.kind, id_alone(saved))


def _put(estate: Estate, made: Item, request: create_item.Creation) -> str:
    item = store_of(estate).add(made)
    if item.attendees and request.invitations != "SendToNone":
        post = Post(store_of(estate), estate.organization)
        copy = request.invitations == "SendToAllAndSaveCopy"
        item = post.invite(item, addresses(item.attendees), keeps_copy=copy)
    return write_item(item.kind, id_alone(item))


def _made(estate: Estate, caller: Caller, place: Place, new: create_item.NewItem) -> Item | ItemError:
    account = account_of(caller)
    start = new.properties.get("calendar:Start", estate.now())
    item = Item(
        premises=ON,
        mailbox=place.mailbox,
        folder=place.folder,
        kind="CalendarItem" if new.kind == "CalendarItem" else "Message",
        item_class="IPM.Appointment" if new.kind == "CalendarItem" else "IPM.Note",
        start_at=start,
        end_at=start,
        zone=new.zone or "UTC",
        organizer=place.mailbox,
        created_by="" if account.lower() == place.mailbox.lower() else account,
        modified_by=account,
    )
    item = with_all(item, new.properties)
    return settled(replace(item, response="Organizer") if item.attendees else item)


def answer_get(estate: Estate, caller: Caller, request: get_item.Request) -> str:
    """The response to GetItem."""
    return get_item.write_response([_got(estate, caller, request, one) for one in request.ids])


def _got(estate: Estate, caller: Caller, request: get_item.Request, one: ItemId) -> str | ItemError:
    found = named(estate, caller, one)
    if isinstance(found, ItemError):
        return found
    if not sees(estate, caller, found.item):
        return NOT_FOUND
    return write_item(found.item.kind, shown(estate, caller, found, request.shape))


def answer_update(estate: Estate, caller: Caller, request: update_item.Request) -> str:
    """The response to UpdateItem."""
    return update_item.write_response([_updated(estate, caller, request, one) for one in request.changes])


def _updated(
    estate: Estate, caller: Caller, request: update_item.Request, change: update_item.ItemChange
) -> str | ItemError:
    found = named(estate, caller, change.item)
    refused = found if isinstance(found, ItemError) else _unchangeable(estate, caller, found, request, change)
    if isinstance(found, ItemError) or refused is not None:
        return refused or NOT_FOUND
    before = replace(found.item, start_at=found.start_at, end_at=found.end_at)
    after = _changed(before, change)
    if isinstance(after, ItemError):
        return after
    after = replace(after, modified_by=account_of(caller))
    kept = _kept_occurrence(estate, found, after) if found.series_id else _kept(estate, before, after)
    if isinstance(kept, ItemError):
        return kept
    if kept.kind == "CalendarItem" and kept.is_organizer:
        kept = _tell(estate, before, kept, after, request.whom, found)
    now = store_of(estate).occurrence(read_item_id(found.item_id))
    return write_item(kept.kind, id_alone(kept) if now is None else id_alone(now))


def _unchangeable(
    estate: Estate, caller: Caller, found: Occurrence, request: update_item.Request, change: update_item.ItemChange
) -> ItemError | None:
    """Why this may not be changed so."""
    if not sees(estate, caller, found.item):
        return NOT_FOUND
    if "editallitems" not in rights_on(estate, caller, found.item):
        return DENIED
    if found.item.kind == "CalendarItem" and not request.whom:
        what = NOT_SAID.format("SendMeetingInvitationsOrCancellations")
        return ItemError("ErrorSendMeetingInvitationsOrCancellationsRequired", what)
    if request.conflict == "AlwaysOverwrite":
        return None
    if not change.item.change_key:
        return ItemError("ErrorChangeKeyRequired", "A change key is required for this operation.")
    if request.conflict == "NeverOverwrite" and change.item.change_key != found.change_key:
        said = "The send or update operation could not be performed because the change key is not current."
        return ItemError("ErrorIrresolvableConflict", said)
    return None


def _changed(item: Item, change: update_item.ItemChange) -> Item | ItemError:
    """``item`` with every field changed, in order."""
    for field in change.fields:
        if field.does == "set":
            item = with_property(item, field.uri, field.value)
            continue
        said = without_property(item, field.uri) if field.does == "delete" else appended(item, field.uri, field.value)
        if isinstance(said, ItemError):
            return said
        item = said
    return item


def _kept(estate: Estate, before: Item, after: Item) -> Item | ItemError:
    kept = settled(after, before)
    if isinstance(kept, ItemError):
        return kept
    if kept.attendees and kept.response == "Unknown":
        kept = replace(kept, response="Organizer")
    if _moved(before, kept) and kept.is_organizer:
        waiting = tuple(replace(one, response="Unknown", responded_at=None) for one in kept.attendees)
        kept = replace(kept, sequence=kept.sequence + 1, attendees=waiting)
    return store_of(estate).put(kept)


def _kept_occurrence(estate: Estate, found: Occurrence, after: Item) -> Item | ItemError:
    """The series with its occurrence changed."""
    master = store_of(estate).get(read_item_id(found.series_id))
    if master is None or found.original_start is None:
        return NOT_FOUND
    plain = settled(replace(after, recurrence=None, exceptions=(), deleted=()))
    if isinstance(plain, ItemError):
        return plain
    return store_of(estate).put(with_changed(master, found.original_start, plain))


def _moved(before: Item, after: Item) -> bool:
    return (before.start_at, before.end_at, before.recurrence) != (after.start_at, after.end_at, after.recurrence)


def _tell(estate: Estate, before: Item, kept: Item, after: Item, whom: str, found: Occurrence) -> Item:
    """Invitations to those who take part now, cancellations to those who do not any more."""
    if whom in ("", "SendToNone"):
        return kept
    post = Post(store_of(estate), estate.organization)
    was, now = addresses(before.attendees), addresses(after.attendees)
    post.call_off(kept, (one for one in was if one not in now), found.original_start)
    everybody = now if "All" in whom else tuple(one for one in now if one not in was)
    return post.invite(kept, everybody, keeps_copy=whom.endswith("SaveCopy")) if now else kept


def answer_delete(estate: Estate, caller: Caller, request: delete_item.Request) -> str:
    """The response to DeleteItem."""
    gone = tuple(_gone(estate, caller, request, one) for one in request.ids)
    return delete_item.write_response(delete_item.Response(gone))


def _gone(estate: Estate, caller: Caller, request: delete_item.Request, one: ItemId) -> ItemError | None:
    found = named(estate, caller, one)
    if isinstance(found, ItemError):
        return found
    item = found.item
    if "deleteallitems" not in rights_on(estate, caller, item):
        return DENIED
    if item.kind == "CalendarItem" and not request.cancellations:
        return ItemError("ErrorSendMeetingCancellationsRequired", NOT_SAID.format("SendMeetingCancellations"))
    tells = request.cancellations not in ("", "SendToNone") and item.is_organizer and item.kind == "CalendarItem"
    return remove(estate, found, tells=tells, for_good=request.way != "MoveToDeletedItems")


def remove(estate: Estate, found: Occurrence, *, tells: bool, for_good: bool) -> ItemError | None:
    """Remove an item or one occurrence of a series; with ``tells`` its attendees get a cancellation."""
    store, item = store_of(estate), found.item
    if tells and not item.subject.startswith(CANCELLED):
        Post(store, estate.organization).call_off(item, addresses(item.attendees), found.original_start)
    if not found.series_id or found.original_start is None:
        store.remove(item, for_good=for_good)
        return None
    master = store.get(read_item_id(found.series_id))
    if master is None:
        return NOT_FOUND
    store.put(without_occurrence(master, found.original_start))
    return None


def answer_move(estate: Estate, caller: Caller, request: move_item.Request) -> str:
    """The response to MoveItem."""
    return move_item.write_response(_moves(estate, caller, request, copies=False))


def answer_copy(estate: Estate, caller: Caller, request: move_item.Request) -> str:
    """The response to CopyItem."""
    return move_item.write_response(_moves(estate, caller, request, copies=True), move_item.COPY)


def _moves(estate: Estate, caller: Caller, request: move_item.Request, *, copies: bool) -> Iterator[str | ItemError]:
    for one in request.ids:
        yield _one_move(estate, caller, request, one, copies)


def _one_move(estate: Estate, caller: Caller, request: move_item.Request, one: ItemId, copies: bool) -> str | ItemError:
    found, place = named(estate, caller, one), place_of(estate, caller, request.to, DELETED)
    if isinstance(found, ItemError) or isinstance(place, ItemError):
        return found if isinstance(found, ItemError) else place if isinstance(place, ItemError) else NOT_FOUND
    rights = rights_on(estate, caller, found.item)
    if found.series_id:
        return ItemError("ErrorCalendarCannotMoveOrCopyOccurrence", "An occurrence cannot be moved or copied.")
    if "createitems" not in place.rights or not (copies or "deleteallitems" in rights):
        return ItemError("ErrorMoveCopyFailed", "The move or copy operation failed.")
    store = store_of(estate)
    if copies:
        there = replace(found.item, mailbox=place.mailbox, folder=place.folder)
        moved = store.add(there, copied_from=found.item)
    else:
        moved = store.move(found.item, place.folder, place.mailbox)
    return write_item(moved.kind, id_alone(moved))

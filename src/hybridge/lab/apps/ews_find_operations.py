"""EWS operations that look for items: FindItem, with a calendar view or page by page, and SyncFolderItems.

Source: Microsoft's pages on CalendarView and on SyncFolderItems: a view is at most two years long and returns no
masters; a synchronization returns masters and no occurrences, at most 512 changes at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.estate import Estate
from hybridge.lab.mail.access import DENIED, Place, mailbox_of, place_of, sees
from hybridge.lab.mail.expansion import single
from hybridge.lab.mail.items import CALENDAR, Occurrence
from hybridge.lab.mail.shown import everything, shown
from hybridge.lab.mail.store import Entry, store_of
from hybridge.terms.premises import Premises
from hybridge.wire.ews import find_item, sync_folder_items
from hybridge.wire.ews.calendar_items import ItemError, ItemId, item_id
from hybridge.wire.ews.distinguished_folders import folder_id
from hybridge.wire.ews.item_properties import write_item
from hybridge.wire.ews.restrictions import ordered
from hybridge.wire.ews.sync_folder_items import Synced, read_state, write_state

ON = Premises.ON_PREMISES
LONGEST_VIEW = timedelta(days=2 * 366)
"""Two years, leap days and all."""
LARGEST_PAGE = 1000
"""Items the throttling policy lets one FindItem return (EWSFindCountLimit)."""


def answer_find(estate: Estate, caller: Caller, request: find_item.Search) -> str:
    """The response to FindItem."""
    folders = ((place_of(estate, caller, ref)) for ref in request.folders)
    return find_item.write_response([_found(estate, caller, request, place) for place in folders])


def search_owner(request: find_item.Search) -> str:
    """The mailbox a FindItem names first, "" for none."""
    return mailbox_of(request.folders[0])


def sync_owner(request: sync_folder_items.Request) -> str:
    """The mailbox a SyncFolderItems names, "" for none."""
    return mailbox_of(request.folder)


def _found(
    estate: Estate, caller: Caller, request: find_item.Search, place: Place | ItemError
) -> find_item.Found | ItemError:
    if isinstance(place, ItemError):
        return place
    if "readitems" not in place.rights:
        return DENIED
    if request.view is not None:
        return _viewed(estate, caller, request, request.view, place)
    items = store_of(estate).items(ON, place.mailbox, place.folder)
    return _paged(estate, caller, request, [single(one) for one in items if sees(estate, caller, one)])


def _viewed(
    estate: Estate, caller: Caller, request: find_item.Search, view: find_item.CalendarView, place: Place
) -> find_item.Found | ItemError:
    if place.folder != CALENDAR:
        return ItemError("ErrorCalendarFolderIsInvalidForCalendarView", "A calendar view is for calendars only.")
    if view.end_at < view.start_at:
        return ItemError("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate.")
    if view.end_at - view.start_at > LONGEST_VIEW:
        return ItemError("ErrorCalendarViewRangeTooBig", "The calendar view is longer than two years.")
    every = store_of(estate).occurrences(ON, place.mailbox, view.start_at, view.end_at)
    seen = [one for one in every if sees(estate, caller, one.item)]
    most = min(view.most or LARGEST_PAGE, LARGEST_PAGE)
    if view.most is None and len(seen) > LARGEST_PAGE:
        return ItemError("ErrorExceededFindCountLimit", "More items were found than a policy allows to return.")
    return find_item.Found(_written(estate, caller, request, seen[:most]), len(seen), last=len(seen) <= most)


def _paged(estate: Estate, caller: Caller, request: find_item.Search, found: list[Occurrence]) -> find_item.Found:
    """The page of ``found`` that is asked for, restricted and in order."""
    by_id = {one.item_id: one for one in found}
    values: Iterable[Any] = (everything(estate, one) for one in found)
    if request.restriction is not None:
        values = (one for one in values if request.restriction.matches(one))
    sorted_out = [by_id[one["item:ItemId"].id] for one in ordered(values, request.order)]
    page, total = request.page, len(sorted_out)
    most = min(page.most or LARGEST_PAGE, LARGEST_PAGE)
    if page.from_end:
        ends = max(total - page.offset, 0)
        begins = max(ends - most, 0)
        return find_item.Found(
            _written(estate, caller, request, sorted_out[begins:ends]), total, begins == 0, total - begins
        )
    ends = min(page.offset + most, total)
    here = sorted_out[page.offset : ends]
    return find_item.Found(_written(estate, caller, request, here), total, ends >= total, ends)


def _written(estate: Estate, caller: Caller, request: find_item.Search, found: Iterable[Occurrence]) -> tuple[str, ...]:
    return tuple(write_item(one.item.kind, shown(estate, caller, one, request.shape, finding=True)) for one in found)


def answer_sync(estate: Estate, caller: Caller, request: sync_folder_items.Request) -> str:
    """The response to SyncFolderItems."""
    return sync_folder_items.write_response(_synced(estate, caller, request))


def _synced(estate: Estate, caller: Caller, request: sync_folder_items.Request) -> Synced | ItemError:
    place = place_of(estate, caller, request.folder)
    if isinstance(place, ItemError):
        return place
    if "readitems" not in place.rights:
        return DENIED
    folder = folder_id(place.mailbox, place.folder)
    after = read_state(request.state, folder) if request.state else BEFORE_ALL
    if after is None:
        said = "Synchronization state data is corrupt or otherwise invalid."
        return ItemError("ErrorInvalidSyncStateData", said)
    journal = list(store_of(estate).journal(ON, place.mailbox, place.folder, after))
    changes: dict[str, tuple[str, str | ItemId]] = {}
    reached = after
    for entry in journal:
        if len(changes) == request.limit and entry.identity not in changes:
            return Synced(write_state(folder, reached), tuple(changes.values()), last=False)
        _note(estate, caller, request, entry, changes)
        reached = entry.number
    return Synced(write_state(folder, max(reached, 0)), tuple(changes.values()))


BEFORE_ALL = -(2**31) + 1
"""Where a client begins that has no state."""


def _note(
    estate: Estate,
    caller: Caller,
    request: sync_folder_items.Request,
    entry: Entry,
    changes: dict[str, tuple[str, str | ItemId]],
) -> None:
    """Add what ``entry`` means for the client, who sees every item as it is now."""
    named = item_id(entry.identity)
    if any(one.id == named for one in request.ignore):
        return
    item = store_of(estate).get(entry.identity)
    if item is None:
        known = changes.pop(entry.identity, None)
        if entry.kind == "deleted" and (known is None or known[0] != "Create"):
            changes[entry.identity] = ("Delete", ItemId(named))
        return
    if entry.identity in changes or not sees(estate, caller, item):
        return
    written = write_item(item.kind, shown(estate, caller, single(item), request.shape, finding=True))
    changes[entry.identity] = ("Create" if entry.kind == "created" else "Update", written)

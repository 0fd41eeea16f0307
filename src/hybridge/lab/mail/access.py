"""Which folders and items a caller of EWS reaches, and what they may do there.

A calendar is open to whoever has rights on it; every other folder to its owner and to who has full access. What a
caller may not see is not found, as if it were not there. Private items of somebody's calendar are seen by the owner,
by whoever made them, and by a delegate who may view private items.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from hybridge.lab.behaviour.item_rights import account_of, has_own_entry, item_rights
from hybridge.lab.behaviour.mailbox_rights import NO_MAILBOX, Caller
from hybridge.lab.estate import Estate
from hybridge.lab.mail.expansion import occurrence, originals
from hybridge.lab.mail.items import CALENDAR, Item, Occurrence
from hybridge.lab.mail.store import store_of
from hybridge.org.records import DelegateUser, Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import ItemError, ItemId, read_item_id
from hybridge.wire.ews.distinguished_folders import KINDS, read_folder_id
from hybridge.wire.ews.get_folder import FolderRef

ON = Premises.ON_PREMISES
NOT_FOUND = ItemError("ErrorItemNotFound", "The specified object was not found in the store.")
NO_FOLDER = ItemError("ErrorFolderNotFound", "The specified folder could not be found in the store.")
DENIED = ItemError("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
MALFORMED = ItemError("ErrorInvalidIdMalformed", "Id is malformed.")


class Place(NamedTuple):
    """A folder of a mailbox and the caller's single rights there, in lower case."""

    mailbox: str
    folder: str
    rights: frozenset[str]


def place_of(estate: Estate, caller: Caller, ref: FolderRef | None, default: str = CALENDAR) -> Place | ItemError:
    """The folder ``ref`` names (None: the caller's ``default``), or why the caller does not reach it."""
    named = _named(caller, ref or FolderRef(distinguished=default))
    if named is None:
        return MALFORMED
    mailbox, folder = named
    found = estate.organization.one(Mailbox, ON, mailbox) if mailbox else None
    if found is None:
        return ItemError("ErrorNonExistentMailbox", NO_MAILBOX)
    rights = _rights(estate, caller, found.identity, folder)
    if folder not in KINDS or not rights:
        return NO_FOLDER
    return Place(found.identity, folder, rights)


def _named(caller: Caller, ref: FolderRef) -> tuple[str, str] | None:
    if ref.distinguished:
        return ref.mailbox or caller.user, ref.distinguished.lower()
    return read_folder_id(ref.folder_id)


def _rights(estate: Estate, caller: Caller, mailbox: str, folder: str) -> frozenset[str]:
    if folder == CALENDAR:
        return item_rights(estate.organization, caller, mailbox)
    owner = Caller(user=mailbox)
    return item_rights(estate.organization, owner, mailbox) if caller.owns(mailbox) else frozenset()


def rights_on(estate: Estate, caller: Caller, item: Item) -> frozenset[str]:
    """Rights of the caller on ``item``: those of its folder, and of its maker to what is one's own."""
    rights = _rights(estate, caller, item.mailbox, item.folder)
    if not _own(caller, item):
        return rights - {"deleteowneditems", "editowneditems"}
    own = {"readitems"}
    own |= {"deleteallitems"} if "deleteowneditems" in rights else set()
    own |= {"editallitems"} if "editowneditems" in rights else set()
    return rights | own


def sees(estate: Estate, caller: Caller, item: Item) -> bool:
    """Whether the caller may read ``item``."""
    if "readitems" not in rights_on(estate, caller, item):
        return False
    return item.sensitivity != "Private" or _own(caller, item) or sees_private(estate, caller, item.mailbox)


def sees_private(estate: Estate, caller: Caller, mailbox: str) -> bool:
    """Whether the caller may see private items of ``mailbox``."""
    if caller.owns(mailbox) and not has_own_entry(estate.organization, caller, mailbox):
        return True
    delegates = estate.organization.all(DelegateUser, ON, mailbox)
    account = account_of(caller).lower()
    return any(one.view_private_items and one.delegate.lower() == account for one in delegates)


def _own(caller: Caller, item: Item) -> bool:
    return bool(item.created_by) and item.created_by.lower() == account_of(caller).lower()


def named(estate: Estate, caller: Caller, one: ItemId) -> Occurrence | ItemError:
    """What ``one`` names, if the caller reaches its folder at all; else why not."""
    identity = read_item_id(one.id)
    if not identity:
        return MALFORMED
    found = store_of(estate).occurrence(identity)
    if found is None or found.item.premises is not ON or not rights_on(estate, caller, found.item):
        return NOT_FOUND
    if one.by == "RecurringMasterItemId":
        return _master(estate, found)
    return _indexed(found.item, one.index, found) if one.by == "OccurrenceItemId" else found


def _master(estate: Estate, found: Occurrence) -> Occurrence | ItemError:
    master = store_of(estate).occurrence(read_item_id(found.series_id)) if found.series_id else None
    if master is not None:
        return master
    said = "The id of a recurring master needs the id of one of its occurrences."
    return ItemError("ErrorCalendarCannotUseIdForRecurringMasterId", said)


def _indexed(master: Item, index: int, found: Occurrence) -> Occurrence | ItemError:
    if master.recurrence is None or found.series_id:
        said = "The id of an occurrence needs the id of its recurring master."
        return ItemError("ErrorCalendarCannotUseIdForOccurrenceId", said)
    at = next(islice(originals(master), index - 1, index), None) if index > 0 else None
    if at is None:
        said = "The index of the occurrence is out of the range of the series."
        return ItemError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", said)
    if at in master.deleted:
        said = "The occurrence was deleted from the series."
        return ItemError("ErrorCalendarOccurrenceIsDeletedFromRecurrence", said)
    return occurrence(master, at)


def mailbox_of(ref: FolderRef | None) -> str:
    """The mailbox ``ref`` names, "" for none."""
    if ref is None or ref.distinguished:
        return ref.mailbox if ref else ""
    return (read_folder_id(ref.folder_id) or ("",))[0]


def mailbox_of_ids(ids: tuple[ItemId, ...]) -> str:
    """The mailbox the first item lies in, "" for an id that is none of ours."""
    return read_item_id(ids[0].id).partition("/")[0] if ids else ""

"""EWS operations on folders: GetFolder, FindFolder and SyncFolderHierarchy.

Every mailbox has the same folders for ever. A calendar is found by whoever may open it, every other folder by its owner
and by who has full access; to all others it is not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.lab.behaviour.delegates import folder_name
from hybridge.lab.behaviour.mailbox_rights import NO_MAILBOX, Caller, may_open_calendar
from hybridge.lab.estate import Estate
from hybridge.lab.mail.access import mailbox_of
from hybridge.lab.mail.store import store_of
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews import get_folder, sync_folder_hierarchy
from hybridge.wire.ews.calendar_items import ItemError
from hybridge.wire.ews.distinguished_folders import KINDS, folder_id, parent_of, read_folder_id
from hybridge.wire.ews.sync_folder_items import read_state, write_state

ON = Premises.ON_PREMISES


def answer_get_folder(estate: Estate, caller: Caller, request: get_folder.Request) -> str:
    """The response to GetFolder."""
    folders = (_folder(estate, caller, ref) for ref in request.folders)
    shaped = (
        get_folder.shaped(folder, request) if isinstance(folder, get_folder.Folder) else folder for folder in folders
    )
    return get_folder.write_response(get_folder.Response(tuple(shaped)))


def folder_owner(request: get_folder.Request | sync_folder_hierarchy.FindRequest) -> str:
    """The mailbox a GetFolder or FindFolder names first, "" for none."""
    return mailbox_of(request.folders[0])


def _folder(estate: Estate, caller: Caller, ref: get_folder.FolderRef) -> get_folder.Folder | get_folder.FolderError:
    organization = estate.organization
    mailbox, name = _owner_and_name(caller, ref)
    if not name:
        return get_folder.FolderError("ErrorInvalidIdMalformed", "The folder id is not one of this server.")
    if not mailbox:
        return get_folder.FolderError("ErrorMissingEmailAddress", "An account without a mailbox must name one.")
    if organization.one(Mailbox, ON, mailbox) is None:
        return get_folder.FolderError("ErrorNonExistentMailbox", NO_MAILBOX)
    opens = may_open_calendar(organization, caller, mailbox) if name == "calendar" else caller.owns(mailbox)
    if name not in KINDS or not opens:
        return get_folder.FolderError("ErrorFolderNotFound", "The folder was not found.")
    return _written(estate, mailbox, name)


def _written(estate: Estate, mailbox: str, name: str) -> get_folder.Folder:
    kind, parent = KINDS[name], parent_of(name)
    items = store_of(estate).items(ON, mailbox, name)
    return get_folder.Folder(
        folder_id=folder_id(mailbox, name),
        change_key="AQAAAA==",
        kind=kind.element,
        parent_folder_id=folder_id(mailbox, parent) if parent else "",
        folder_class=kind.folder_class,
        display_name=folder_name(estate.organization, mailbox, name),
        total_count=len(items),
        child_folder_count=sum(parent_of(other) == name for other in KINDS),
        unread_count=sum(not one.is_read for one in items if one.kind != "CalendarItem"),
    )


def _owner_and_name(caller: Caller, ref: get_folder.FolderRef) -> tuple[str, str]:
    """Mailbox and distinguished name; an empty name for an id that is none of ours."""
    if ref.distinguished:
        return ref.mailbox or caller.user, ref.distinguished.lower()
    return read_folder_id(ref.folder_id) or ("", "")


def answer_find_folder(estate: Estate, caller: Caller, request: sync_folder_hierarchy.FindRequest) -> str:
    """The response to FindFolder: the folders in each of those named, with all below them where it is asked deep."""
    return sync_folder_hierarchy.write_found([_found(estate, caller, request, ref) for ref in request.folders])


def _found(
    estate: Estate, caller: Caller, request: sync_folder_hierarchy.FindRequest, ref: get_folder.FolderRef
) -> tuple[get_folder.Folder, ...] | ItemError:
    parent = _folder(estate, caller, ref)
    if isinstance(parent, get_folder.FolderError):
        return ItemError(parent.code, parent.message)
    mailbox, name = _owner_and_name(caller, ref)
    shape = get_folder.Request((), request.base_shape, request.additional)
    names = _below(name, deep=request.deep)
    return tuple(get_folder.shaped(_written(estate, mailbox, one), shape) for one in names)


def _below(name: str, *, deep: bool) -> Iterator[str]:
    for other in KINDS:
        if parent_of(other) == name:
            yield other
            if deep:
                yield from _below(other, deep=True)


def answer_sync_hierarchy(estate: Estate, caller: Caller, request: sync_folder_hierarchy.Request) -> str:
    """The response to SyncFolderHierarchy: every folder at first, and nothing ever after."""
    ref = request.folder or get_folder.FolderRef(distinguished="msgfolderroot")
    asked = sync_folder_hierarchy.FindRequest((ref,), request.base_shape, request.additional, deep=True)
    found = _found(estate, caller, asked, ref)
    if isinstance(found, ItemError):
        return sync_folder_hierarchy.write_response(found)
    top = folder_id(*_owner_and_name(caller, ref))
    if request.state and read_state(request.state, top) is None:
        return sync_folder_hierarchy.write_response(
            ItemError("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.")
        )
    return sync_folder_hierarchy.write_response((write_state(top, 0), () if request.state else found))

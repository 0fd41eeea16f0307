"""EWS operations of the lab: each reads its request, names the mailbox it is about, and writes its response.

An operation is run for a caller who has signed in, passed the EWS access policy and holds a role for it; what is left
is whether the mailbox exists here and whether the caller may do this with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hybridge.lab.apps.ews_delegate_operations import answer_add, answer_get, answer_remove, answer_update
from hybridge.lab.apps.ews_find_operations import answer_find, answer_sync, search_owner, sync_owner
from hybridge.lab.apps.ews_folder_operations import (
    answer_find_folder,
    answer_get_folder,
    answer_sync_hierarchy,
    folder_owner,
)
from hybridge.lab.apps.ews_item_operations import answer_copy, answer_create, answer_delete, answer_move
from hybridge.lab.apps.ews_item_operations import answer_get as answer_get_item
from hybridge.lab.apps.ews_item_operations import answer_update as answer_update_item
from hybridge.lab.apps.ews_oof_operations import answer_get_oof, answer_set_oof
from hybridge.lab.apps.ews_small_operations import answer_convert_id, answer_resolve_names, answer_server_time_zones
from hybridge.lab.behaviour.availability import free_busy
from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.behaviour.sharing import asked_on_premises
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import Estate
from hybridge.lab.mail.access import mailbox_of, mailbox_of_ids
from hybridge.lab.mail.store import store_of
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ews import (
    add_delegate,
    convert_id,
    create_item,
    delete_item,
    find_item,
    get_delegate,
    get_folder,
    get_item,
    get_server_time_zones,
    get_user_availability,
    get_user_oof_settings,
    move_item,
    remove_delegate,
    resolve_names,
    set_user_oof_settings,
    sync_folder_hierarchy,
    sync_folder_items,
    update_delegate,
    update_item,
)
from hybridge.wire.ews.free_busy_view import FreeBusy
from hybridge.wire.xml import Element

ON = Premises.ON_PREMISES


@dataclass(frozen=True)
class Operation:
    """``read`` opens the request (raises RequestRefused); ``about`` names its mailbox ("" for none or the caller's);
    ``run`` writes the body of the response."""

    read: Callable[[Element], Any]
    about: Callable[[Any], str]
    run: Callable[[Estate, Caller, Any], str]


def _get_user_availability(estate: Estate, caller: Caller, request: get_user_availability.Request) -> str:
    answers = tuple(_looked_up(estate, caller, mailbox, request) for mailbox in request.mailboxes)
    return get_user_availability.write_response(get_user_availability.Response(answers))


def _looked_up(
    estate: Estate, caller: Caller, mailbox: str, request: get_user_availability.Request
) -> FreeBusy | get_user_availability.MailboxError:
    """Free/busy of a mailbox here, or of one online as the other side shows it."""
    organization = estate.organization
    if organization.one(Mailbox, ON, mailbox) or not organization.one(Mailbox, Premises.ONLINE, mailbox):
        entries = store_of(estate).occurrences(ON, mailbox, request.start_at, request.end_at)
        return free_busy(organization, caller, mailbox, request, entries)
    refused = asked_on_premises(organization, mailbox, estate.now(), TENANT_ID)
    return refused or FreeBusy(("FreeBusy",))


def _nobody(_: object) -> str:
    return ""


def _of_mailbox(request: Any) -> str:
    return str(request.mailbox)


def _of_folder(request: Any) -> str:
    return mailbox_of(request.folder)


def _of_ids(request: Any) -> str:
    return mailbox_of_ids(request.ids)


OPERATIONS = {
    "AddDelegate": Operation(add_delegate.read_request, _of_mailbox, answer_add),
    "CopyItem": Operation(move_item.read_request, _of_ids, answer_copy),
    "CreateItem": Operation(create_item.read_request, _of_folder, answer_create),
    "DeleteItem": Operation(delete_item.read_request, _of_ids, answer_delete),
    "FindFolder": Operation(sync_folder_hierarchy.read_find, folder_owner, answer_find_folder),
    "FindItem": Operation(find_item.read_request, search_owner, answer_find),
    "GetItem": Operation(get_item.read_request, _of_ids, answer_get_item),
    "MoveItem": Operation(move_item.read_request, _of_ids, answer_move),
    "SyncFolderHierarchy": Operation(sync_folder_hierarchy.read_request, _of_folder, answer_sync_hierarchy),
    "SyncFolderItems": Operation(sync_folder_items.read_request, sync_owner, answer_sync),
    "UpdateItem": Operation(update_item.read_request, _of_ids, answer_update_item),
    "ConvertId": Operation(convert_id.read_request, _nobody, answer_convert_id),
    "GetDelegate": Operation(get_delegate.read_request, _of_mailbox, answer_get),
    "GetFolder": Operation(get_folder.read_request, folder_owner, answer_get_folder),
    "GetServerTimeZones": Operation(get_server_time_zones.read_request, _nobody, answer_server_time_zones),
    "GetUserAvailability": Operation(get_user_availability.read_request, _nobody, _get_user_availability),
    "GetUserOofSettings": Operation(get_user_oof_settings.read_request, _of_mailbox, answer_get_oof),
    "RemoveDelegate": Operation(remove_delegate.read_request, _of_mailbox, answer_remove),
    "ResolveNames": Operation(resolve_names.read_request, _nobody, answer_resolve_names),
    "SetUserOofSettings": Operation(set_user_oof_settings.read_request, _of_mailbox, answer_set_oof),
    "UpdateDelegate": Operation(update_delegate.read_request, _of_mailbox, answer_update),
}
"""By the name ``envelope.read_request`` gives."""

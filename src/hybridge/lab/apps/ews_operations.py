"""EWS operations of the lab: each reads its request, names the mailbox it is about, and writes its response.

An operation is run for a caller who has signed in, passed the EWS access policy and holds a role for it; what is left
is whether the mailbox exists here and whether the caller may do this with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hybridge.lab.apps.ews_delegate_operations import answer_add, answer_get, answer_remove, answer_update
from hybridge.lab.apps.ews_item_operations import answer_create, answer_delete, answer_find, mailbox_of_ids
from hybridge.lab.apps.ews_item_operations import answer_get as answer_get_item
from hybridge.lab.apps.ews_small_operations import answer_convert_id, answer_resolve_names, answer_server_time_zones
from hybridge.lab.behaviour.automatic_replies import oof_settings
from hybridge.lab.behaviour.availability import free_busy
from hybridge.lab.behaviour.delegates import folder_name
from hybridge.lab.behaviour.mailbox_rights import NO_MAILBOX, Caller, mailbox_refusal, may_open_calendar
from hybridge.lab.behaviour.sharing import asked_on_premises
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.records import CalendarEvent, Mailbox
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
    remove_delegate,
    resolve_names,
    update_delegate,
)
from hybridge.wire.ews.distinguished_folders import KINDS, folder_id, parent_of, read_folder_id
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


def _get_folder(estate: Estate, caller: Caller, request: get_folder.Request) -> str:
    folders = (_folder(estate.organization, caller, ref) for ref in request.folders)
    shaped = (
        get_folder.shaped(folder, request) if isinstance(folder, get_folder.Folder) else folder for folder in folders
    )
    return get_folder.write_response(get_folder.Response(tuple(shaped)))


def _folder(
    organization: Organization, caller: Caller, ref: get_folder.FolderRef
) -> get_folder.Folder | get_folder.FolderError:
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
    kind, parent = KINDS[name], parent_of(name)
    count = len(organization.all(CalendarEvent, ON, mailbox)) if name == "calendar" else 0
    return get_folder.Folder(
        folder_id=folder_id(mailbox, name),
        change_key="AQAAAA==",
        kind=kind.element,
        parent_folder_id=folder_id(mailbox, parent) if parent else "",
        folder_class=kind.folder_class,
        display_name=folder_name(organization, mailbox, name),
        total_count=count,
        child_folder_count=0,
        unread_count=0,
    )


def _owner_and_name(caller: Caller, ref: get_folder.FolderRef) -> tuple[str, str]:
    """Mailbox and distinguished name; an empty name for an id that is none of ours."""
    if ref.distinguished:
        return ref.mailbox or caller.user, ref.distinguished.lower()
    return read_folder_id(ref.folder_id) or ("", "")


def _get_user_availability(estate: Estate, caller: Caller, request: get_user_availability.Request) -> str:
    answers = tuple(_looked_up(estate, caller, mailbox, request) for mailbox in request.mailboxes)
    return get_user_availability.write_response(get_user_availability.Response(answers))


def _looked_up(
    estate: Estate, caller: Caller, mailbox: str, request: get_user_availability.Request
) -> FreeBusy | get_user_availability.MailboxError:
    """Free/busy of a mailbox here, or of one online as the other side shows it."""
    organization = estate.organization
    if organization.one(Mailbox, ON, mailbox) or not organization.one(Mailbox, Premises.ONLINE, mailbox):
        return free_busy(organization, caller, mailbox, request)
    refused = asked_on_premises(organization, mailbox, estate.now(), TENANT_ID)
    return refused or FreeBusy(("FreeBusy",))


def _get_user_oof_settings(estate: Estate, caller: Caller, request: get_user_oof_settings.Request) -> str:
    refusal = mailbox_refusal(estate.organization, caller, request.mailbox)
    if refusal:
        return get_user_oof_settings.write_response(get_user_oof_settings.Response(*refusal))
    settings = oof_settings(estate.organization, ON, request.mailbox)
    response = get_user_oof_settings.Response(
        oof_state=settings.oof_state,
        external_audience="All",
        start_at=settings.start_at,
        end_at=settings.end_at,
        allow_external_oof="All",
    )
    return get_user_oof_settings.write_response(response)


def _folder_owner(request: get_folder.Request) -> str:
    ref = request.folders[0]
    return ref.mailbox if ref.distinguished else (read_folder_id(ref.folder_id) or ("",))[0]


def _nobody(_: object) -> str:
    return ""


def _of_mailbox(request: Any) -> str:
    return str(request.mailbox)


OPERATIONS = {
    "AddDelegate": Operation(add_delegate.read_request, _of_mailbox, answer_add),
    "CreateItem": Operation(create_item.read_request, _of_mailbox, answer_create),
    "DeleteItem": Operation(delete_item.read_request, mailbox_of_ids, answer_delete),
    "FindItem": Operation(find_item.read_request, _of_mailbox, answer_find),
    "GetItem": Operation(get_item.read_request, mailbox_of_ids, answer_get_item),
    "ConvertId": Operation(convert_id.read_request, _nobody, answer_convert_id),
    "GetDelegate": Operation(get_delegate.read_request, _of_mailbox, answer_get),
    "GetFolder": Operation(get_folder.read_request, _folder_owner, _get_folder),
    "GetServerTimeZones": Operation(get_server_time_zones.read_request, _nobody, answer_server_time_zones),
    "GetUserAvailability": Operation(get_user_availability.read_request, _nobody, _get_user_availability),
    "GetUserOofSettings": Operation(get_user_oof_settings.read_request, _of_mailbox, _get_user_oof_settings),
    "RemoveDelegate": Operation(remove_delegate.read_request, _of_mailbox, answer_remove),
    "ResolveNames": Operation(resolve_names.read_request, _nobody, answer_resolve_names),
    "UpdateDelegate": Operation(update_delegate.read_request, _of_mailbox, answer_update),
}
"""By the name ``envelope.read_request`` gives."""

"""Mailboxes, their client access settings, and mail users in Exchange Online."""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.lab.cmdlets.base import IDENTITY, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.ews_access import EWS_PARAMETERS, with_ews_arguments
from hybridge.lab.cmdlets.online_identities import ONLINE, absent, mailbox_of, recipient, search
from hybridge.lab.cmdlets.outcome import NOT_FOUND, CmdletRefused, Written
from hybridge.lab.cmdlets.parameters import boolean, count, switch, text, texts
from hybridge.org import records as r
from hybridge.wire.cmdlets import TYPE_NAMES, WRITERS


@cmdlet(
    "Get-Mailbox",
    IDENTITY,
    count("ResultSize"),
    switch("IncludeGrantSendOnBehalfToWithDisplayNames"),
    switch("SoftDeletedMailbox"),
    tasks="RecipientTasks",
)
def get_mailbox(call: Call) -> Result:
    """Mailboxes online, or those deleted lately."""
    if call.get("SoftDeletedMailbox"):
        gone = search(call, r.SoftDeletedMailbox, call.text("Identity"))
        return Result(tuple(Written(TYPE_NAMES[r.Mailbox], WRITERS[r.Mailbox](one)) for one in gone))
    return Result(search(call, r.Mailbox, call.text("Identity"))[: call.get("ResultSize")])


@cmdlet(
    "Set-Mailbox",
    REQUIRED_IDENTITY,
    texts("GrantSendOnBehalfTo"),
    boolean("HiddenFromAddressListsEnabled"),
    text("DisplayName"),
    tasks="RecipientTasks",
)
def set_mailbox(call: Call) -> Result:
    """Change who may send on behalf, whether address lists show it, and how it is called."""
    before = mailbox_of(call, call.text("Identity"))
    changes: dict[str, Any] = {}
    if call.given("GrantSendOnBehalfTo"):
        edit = call.get("GrantSendOnBehalfTo").resolved(lambda entry: _grantee(call, before, entry))
        changes["grant_send_on_behalf_to"] = edit.applied(before.grant_send_on_behalf_to) or ()
    if call.given("HiddenFromAddressListsEnabled"):
        changes["hidden_from_address_lists_enabled"] = call.get("HiddenFromAddressListsEnabled")
    if call.given("DisplayName"):
        changes["display_name"] = call.text("DisplayName")
    return changed(call, before, msgspec.structs.replace(before, **changes))


def _grantee(call: Call, mailbox: r.Mailbox, entry: str) -> str:
    """The primary address ``entry`` means. One who is on the list already need not exist any more."""
    for present in mailbox.grant_send_on_behalf_to:
        if present.casefold() == entry.casefold():
            return present
    found = recipient(call, entry)
    if found is None:
        raise CmdletRefused(
            f'Couldn\'t find object "{entry}". Please make sure that it was spelled correctly or specify a different '
            "object.",
            NOT_FOUND,
            "NotSpecified",
        )
    return found


@cmdlet("Get-CASMailbox", IDENTITY, count("ResultSize"), tasks="RecipientTasks")
def get_cas_mailbox(call: Call) -> Result:
    """Client access settings of mailboxes."""
    found = (
        call.organization.one(r.CasMailbox, ONLINE, mailbox.identity)
        for mailbox in search(call, r.Mailbox, call.text("Identity"))
    )
    return Result(tuple(one for one in found if one is not None)[: call.get("ResultSize")])


@cmdlet("Set-CASMailbox", REQUIRED_IDENTITY, *EWS_PARAMETERS, tasks="RecipientTasks")
def set_cas_mailbox(call: Call) -> Result:
    """Change the EWS access policy of one mailbox."""
    identity = call.text("Identity")
    before = call.organization.one(r.CasMailbox, ONLINE, mailbox_of(call, identity).identity)
    if before is None:
        raise absent(identity)
    return changed(call, before, with_ews_arguments(call, before))


@cmdlet("Get-MailUser", IDENTITY, count("ResultSize"), tasks="RecipientTasks")
def get_mail_user(call: Call) -> Result:
    """Mail users online: they stand for mailboxes elsewhere."""
    return Result(search(call, r.MailUser, call.text("Identity"))[: call.get("ResultSize")])


CMDLETS = (get_mailbox, set_mailbox, get_cas_mailbox, set_cas_mailbox, get_mail_user)

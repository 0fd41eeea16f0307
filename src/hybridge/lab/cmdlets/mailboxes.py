"""Mailboxes and their automatic replies."""

from __future__ import annotations

from typing import Any

import msgspec

from hybridge.lab.cmdlets.base import IDENTITY, ON, REQUIRED_IDENTITY, Call, Result, changed, cmdlet
from hybridge.lab.cmdlets.identities import mailbox_of, recipient, search
from hybridge.lab.cmdlets.outcome import NOT_FOUND, CmdletRefused, Lazily, refused_argument
from hybridge.lab.cmdlets.parameters import boolean, choice, count, moment, text, texts
from hybridge.lab.cmdlets.people import with_directory_names
from hybridge.org import records as r


@cmdlet("Get-Mailbox", IDENTITY, count("ResultSize"), text("Server"), tasks="RecipientTasks")
def get_mailbox(call: Call) -> Result:
    """Mailboxes on-premises."""
    server = call.text("Server").partition(".")[0].casefold()
    found = search(call, r.Mailbox, call.text("Identity"))
    here = tuple(one for one in found if not server or one.server_name.casefold() == server)
    return Result(Lazily(here[: call.get("ResultSize")], lambda one: with_directory_names(call.organization, one)))


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


@cmdlet("Get-MailboxAutoReplyConfiguration", REQUIRED_IDENTITY, count("ResultSize"), tasks="StoreTasks")
def get_auto_reply(call: Call) -> Result:
    """Automatic replies of one mailbox, or of several for a wildcard."""
    return Result(tuple(_replies(call, one.identity) for one in search(call, r.Mailbox, call.text("Identity"))))


@cmdlet(
    "Set-MailboxAutoReplyConfiguration",
    REQUIRED_IDENTITY,
    choice("AutoReplyState", ("Disabled", "Enabled", "Scheduled"), "Microsoft.Exchange.Data.Storage.OofState"),
    moment("StartTime"),
    moment("EndTime"),
    text("InternalMessage"),
    text("ExternalMessage"),
    choice("ExternalAudience", ("None", "Known", "All"), "Microsoft.Exchange.Data.Storage.ExternalAudience"),
    tasks="StoreTasks",
)
def set_auto_reply(call: Call) -> Result:
    """Switch automatic replies on or off. The texts are accepted; the lab keeps none."""
    before = _replies(call, mailbox_of(call, call.text("Identity")).identity)
    fields = {"AutoReplyState": "oof_state", "StartTime": "start_at", "EndTime": "end_at"}
    changes = {field: call.get(parameter) for parameter, field in fields.items() if call.given(parameter)}
    after = msgspec.structs.replace(before, **changes)
    if after.oof_state == "Scheduled" and not (after.start_at and after.end_at and after.start_at < after.end_at):
        raise refused_argument("The start time must be before the end time.")
    return changed(call, before, after)


def _replies(call: Call, mailbox: str) -> r.UserOofSettings:
    kept = call.organization.one(r.UserOofSettings, ON, mailbox)
    return kept or r.UserOofSettings(premises=ON, identity=mailbox)


CMDLETS = (get_mailbox, set_mailbox, get_auto_reply, set_auto_reply)

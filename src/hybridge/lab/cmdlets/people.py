"""Whoever can get mail, and what their calendars are called: Get-Recipient and Get-MailboxFolderStatistics.

Exchange prints other recipients (GrantSendOnBehalfTo) by their directory names, never by an address;
``with_directory_names`` does the same to a mailbox. A mailbox online is a remote mailbox on-premises, and one
on-premises a mail user online. The folder statistics are made of what the calendar's permissions call it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hybridge.lab.behaviour.calendars import calendar_name
from hybridge.lab.cmdlets import identities, online_identities
from hybridge.lab.cmdlets.base import REQUIRED_IDENTITY, Call, Cmdlet, Result, cmdlet
from hybridge.lab.cmdlets.outcome import CmdletRefused, Written
from hybridge.lab.cmdlets.parameters import choice, count
from hybridge.org import records as r
from hybridge.org.organization import Organization
from hybridge.terms.premises import Premises
from hybridge.wire.cmdlets import TYPE_NAMES, write
from hybridge.wire.cmdlets.properties import directory_object

ON, ONLINE = Premises.ON_PREMISES, Premises.ONLINE
_SCOPES = choice("FolderScope", ("All", "Calendar", "Inbox"), "Microsoft.Exchange.Data.Directory.ElcFolderType")


def with_directory_names(organization: Organization, record: r.Mailbox) -> Written:
    """The object of ``record`` with the people who may send on behalf under their directory names."""
    named = [directory_object(name_of(organization, one)) for one in record.grant_send_on_behalf_to]
    return Written(TYPE_NAMES[r.Mailbox], {**write(record), "GrantSendOnBehalfTo": named})


def name_of(organization: Organization, address: str) -> str:
    """The Name of the recipient with ``address``; the address itself where nobody has it."""
    for premises in Premises:
        mailbox = organization.one(r.Mailbox, premises, address)
        if mailbox and mailbox.display_name:
            return mailbox.display_name
    group = organization.one(r.Recipient, ON, address)
    return group.name if group and group.name else address


def _recipients(call: Call, here: Premises, identity: str) -> Iterator[r.Recipient]:
    """Everybody on side ``here`` whom ``identity`` means."""
    wanted = identities.bare(identity).casefold()
    elsewhere = "RemoteUserMailbox" if here is ON else "MailUser"
    organization = call.organization
    for premises in (here, ONLINE if here is ON else ON):
        for box in _mailboxes(organization, premises, wanted):
            kind = box.recipient_type_details if premises is here else elsewhere
            yield _recipient(here, box.identity, box.display_name, kind)
    for one in organization.all(r.MailUser, ON) if here is ON else ():
        if wanted in {name.casefold() for name in identities.names(one)}:
            yield _recipient(here, one.external_email_address or one.identity, one.identity, "MailUser")
    for group in organization.all(r.Recipient, here):
        if wanted in {name.casefold() for name in (group.identity, group.name, group.display_name) if name}:
            yield group


def _mailboxes(organization: Organization, premises: Premises, wanted: str) -> tuple[r.Mailbox, ...]:
    direct = organization.one(r.Mailbox, premises, wanted)
    if direct is not None:
        return (direct,)
    everybody = organization.all(r.Mailbox, premises)
    return tuple(one for one in everybody if wanted in {name.casefold() for name in identities.names(one)})


def _recipient(premises: Premises, address: str, name: str, kind: str) -> r.Recipient:
    return r.Recipient(premises=premises, identity=address, name=name, display_name=name, recipient_type_details=kind)


def _get_recipient(premises: Premises, absent: Callable[[Call, str], CmdletRefused]) -> Cmdlet:
    @cmdlet("Get-Recipient", REQUIRED_IDENTITY, count("ResultSize"), tasks="RecipientTasks")
    def get_recipient(call: Call) -> Result:
        """Whoever ``-Identity`` means."""
        identity = call.text("Identity")
        found = tuple({one.identity: one for one in _recipients(call, premises, identity)}.values())
        if not found:
            raise absent(call, identity)
        return Result(found)

    return get_recipient


def _get_statistics(premises: Premises, mailbox_of: Callable[[Call, str], Any]) -> Cmdlet:
    @cmdlet("Get-MailboxFolderStatistics", REQUIRED_IDENTITY, _SCOPES, tasks="StoreTasks")
    def get_statistics(call: Call) -> Result:
        """The calendar of a mailbox, whatever it is called."""
        mailbox = mailbox_of(call, call.text("Identity")).identity
        name = calendar_name(call.organization, premises, mailbox)
        folder = r.MailboxFolderStatistics(
            premises=premises, identity=f"{mailbox}:\\{name}", mailbox=mailbox, name=name, folder_type="Calendar"
        )
        return Result((folder,))

    return get_statistics


CMDLETS = (
    _get_recipient(ON, lambda call, identity: call.absent(identity)),
    _get_statistics(ON, identities.mailbox_of),
)
ONLINE_CMDLETS = (
    _get_recipient(ONLINE, lambda _, identity: online_identities.absent(identity)),
    _get_statistics(ONLINE, online_identities.mailbox_of),
)

"""Get-Mailbox, Get-MailUser and Get-RemoteMailbox.

Other recipients (GrantSendOnBehalfTo) come as directory names such as "contoso.lab/Users/Grace Hopper". A record keeps
the primary SMTP address where the export has one beside the name, or where the named recipient is in the same export;
else the last segment of the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridge.org.records import Mailbox, MailUser, RemoteMailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, ask_one_or_all, defaulted, each, needed
from hybridge.wire.cmdlets.properties import (
    Object,
    address_of,
    directory_object,
    find,
    items,
    last_segment,
    printed,
    words,
)


def ask_mailbox(premises: Premises, mailbox: str = "") -> CmdletAsk:
    """Get-Mailbox of ``mailbox``, or of all mailboxes."""
    return ask_one_or_all(premises, "Get-Mailbox", mailbox)


def ask_mail_user(premises: Premises, identity: str = "") -> CmdletAsk:
    """Get-MailUser named ``identity``, or all mail users."""
    return ask_one_or_all(premises, "Get-MailUser", identity)


def ask_soft_deleted_mailbox(mailbox: str) -> CmdletAsk:
    """Get-Mailbox -SoftDeletedMailbox of ``mailbox``; Exchange Online only."""
    return ask(Premises.ONLINE, "Get-Mailbox", Identity=mailbox, SoftDeletedMailbox=True)


def _read_mailboxes(objects: tuple[Object, ...], premises: Premises, _: str) -> tuple[Mailbox, ...]:
    known = _addresses(objects)
    return tuple(_read_mailbox(one, premises, known) for one in objects)


def _addresses(objects: tuple[Object, ...]) -> dict[str, str]:
    """Addresses by what an ADObjectId may print of a mailbox; "" for what two of them share."""
    found: dict[str, str] = {}
    for one in objects:
        address, printed = names_of_mailbox(one)
        for name in printed:
            if found.setdefault(name, address) != address:
                found[name] = ""
    return found


def names_of_mailbox(one: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Address of a mailbox's object, and what an ADObjectId may print of it, in lower case: identities and Name."""
    printed = (words(one, name).lower() for name in ("Name", "Identity", "DistinguishedName"))
    return words(one, "PrimarySmtpAddress"), tuple(name for name in dict.fromkeys(printed) if name)


def _granted(value: object, known: Mapping[str, str]) -> str:
    address = address_of(value)
    if "@" in address:
        return address
    name = printed(value)
    return known.get(name.lower()) or known.get(last_segment(name).lower()) or address


def _read_mailbox(one: Object, premises: Premises, known: Mapping[str, str]) -> Mailbox:
    identity = needed(one, "Get-Mailbox", "PrimarySmtpAddress", "UserPrincipalName", "WindowsEmailAddress", "Identity")
    granted = items(find(one, "GrantSendOnBehalfTo")) or []
    return Mailbox(
        premises=premises,
        identity=identity,
        user_principal_name=words(one, "UserPrincipalName") or identity,
        display_name=words(one, "DisplayName"),
        server_name=words(one, "ServerName"),
        grant_send_on_behalf_to=tuple(_granted(value, known) for value in granted),
        hidden_from_address_lists_enabled=defaulted(one, "HiddenFromAddressListsEnabled", False),
        recipient_type_details=words(one, "RecipientTypeDetails") or "UserMailbox",
        account_disabled=_disabled(one),
        exchange_guid=words(one, "ExchangeGuid").lower(),
    )


def _disabled(one: Object) -> bool:
    """AccountDisabled; where it was left out, what ExchangeUserAccountControl says."""
    return defaulted(one, "AccountDisabled", "AccountDisabled" in words(one, "ExchangeUserAccountControl"))


def _write_mailbox(record: Mailbox) -> Object:
    name = record.display_name or record.identity
    return {
        "ToString": name,
        "Name": name,
        "Identity": directory_object(name),
        "PrimarySmtpAddress": record.identity,
        "UserPrincipalName": record.user_principal_name,
        "DisplayName": record.display_name,
        "ServerName": record.server_name,
        "GrantSendOnBehalfTo": [directory_object(granted) for granted in record.grant_send_on_behalf_to],
        "HiddenFromAddressListsEnabled": record.hidden_from_address_lists_enabled,
        "RecipientTypeDetails": record.recipient_type_details,
        "AccountDisabled": record.account_disabled,
        "ExchangeUserAccountControl": "AccountDisabled" if record.account_disabled else "None",
        "ExchangeGuid": record.exchange_guid or None,
    }


def _external(one: Object) -> str:
    """ExternalEmailAddress without the "SMTP:" Exchange prints before it."""
    address = words(one, "ExternalEmailAddress")
    return address[5:] if address[:5].lower() == "smtp:" else address


def _read_mail_user(one: Object, premises: Premises, _: str) -> MailUser:
    external = _external(one)
    if premises is Premises.ONLINE:
        identity = words(one, "PrimarySmtpAddress") or external or needed(one, "Get-MailUser", "Name", "Identity")
    else:
        identity = needed(one, "Get-MailUser", "Name", "Identity")
    return MailUser(
        premises=premises,
        identity=identity,
        user_principal_name=words(one, "UserPrincipalName"),
        external_email_address=external,
        hidden_from_address_lists_enabled=defaulted(one, "HiddenFromAddressListsEnabled", False),
        exchange_guid=None if find(one, "ExchangeGuid") is None else words(one, "ExchangeGuid").lower(),
    )


def _write_mail_user(record: MailUser) -> Object:
    name = record.identity
    external = record.external_email_address
    shown: Object = {"ToString": name, "Name": name, "Identity": directory_object(name)}
    if record.premises is Premises.ONLINE:
        shown["PrimarySmtpAddress"] = record.identity
    return {
        **shown,
        "UserPrincipalName": record.user_principal_name,
        "ExternalEmailAddress": f"SMTP:{external}" if external else None,
        "HiddenFromAddressListsEnabled": record.hidden_from_address_lists_enabled,
        "RecipientTypeDetails": "MailUser",
        "ExchangeGuid": record.exchange_guid,
    }


def _read_remote_mailbox(one: Object, premises: Premises, _: str) -> RemoteMailbox:
    address = words(one, "RemoteRoutingAddress")
    return RemoteMailbox(
        premises=premises,
        identity=needed(one, "Get-RemoteMailbox", "PrimarySmtpAddress", "UserPrincipalName", "Identity"),
        user_principal_name=words(one, "UserPrincipalName"),
        remote_routing_address=address[5:] if address[:5].lower() == "smtp:" else address,
    )


def _write_remote_mailbox(record: RemoteMailbox) -> Object:
    name = record.identity.partition("@")[0]
    address = record.remote_routing_address
    return {
        "ToString": name,
        "Name": name,
        "Identity": directory_object(name),
        "PrimarySmtpAddress": record.identity,
        "UserPrincipalName": record.user_principal_name,
        "RemoteRoutingAddress": f"SMTP:{address}" if address else None,
        "RecipientTypeDetails": "RemoteUserMailbox",
    }


MAILBOX = Noun(
    cmdlet="Get-Mailbox",
    record=Mailbox,
    type_name="Microsoft.Exchange.Data.Directory.Management.Mailbox",
    marks=("ServerName", "GrantSendOnBehalfTo", "UserPrincipalName"),
    foreign=("ExternalEmailAddress", "EwsEnabled", "TeamsUpgradePolicy"),
    read_all=_read_mailboxes,
    write_one=_write_mailbox,
)
MAIL_USER = Noun(
    cmdlet="Get-MailUser",
    record=MailUser,
    type_name="Microsoft.Exchange.Data.Directory.Management.MailUser",
    marks=("ExternalEmailAddress", "UserPrincipalName"),
    foreign=("ServerName", "Database", "EwsEnabled", "TeamsUpgradePolicy"),
    read_all=each(_read_mail_user),
    write_one=_write_mail_user,
)
REMOTE_MAILBOX = Noun(
    cmdlet="Get-RemoteMailbox",
    record=RemoteMailbox,
    type_name="Microsoft.Exchange.Data.Directory.Management.RemoteMailbox",
    marks=("RemoteRoutingAddress",),
    foreign=("ServerName", "EwsEnabled"),
    read_all=each(_read_remote_mailbox),
    write_one=_write_remote_mailbox,
)
NOUNS = (MAILBOX, MAIL_USER, REMOTE_MAILBOX)

"""Mailboxes and mail users."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record
from hybridge.terms.premises import Premises


class Mailbox(Record, frozen=True, kw_only=True):
    """Get-Mailbox. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-Mailbox"
    user_principal_name: str
    display_name: str = ""
    server_name: str = ""
    grant_send_on_behalf_to: tuple[str, ...] = ()
    """Primary SMTP addresses where they are known, else the names Exchange printed."""
    hidden_from_address_lists_enabled: bool = False
    recipient_type_details: str = "UserMailbox"
    """UserMailbox, SharedMailbox, RoomMailbox ...; what an export left out counts as UserMailbox."""
    account_disabled: bool = False
    """Whether the account may not sign in; so it always is for shared mailboxes, rooms and equipment."""
    exchange_guid: str = ""
    """ExchangeGuid: the mailbox's own id, the same on every side that knows it; "" where it was left out."""

    @property
    def scope(self) -> str:
        return self.identity.lower()


class MailUser(Record, frozen=True, kw_only=True):
    """Get-MailUser. ``identity`` is the Name; online, the address of the on-premises mailbox it stands for."""

    cmdlet: ClassVar[str] = "Get-MailUser"
    user_principal_name: str = ""
    external_email_address: str = ""
    hidden_from_address_lists_enabled: bool = False
    exchange_guid: str | None = None
    """ExchangeGuid of the mailbox it stands for: zeros for none, None where the export left it out."""

    @property
    def scope(self) -> str:
        return self.identity.lower() if self.premises is Premises.ONLINE else ""


class SoftDeletedMailbox(Mailbox, frozen=True, kw_only=True):
    """Get-Mailbox -SoftDeletedMailbox: a mailbox deleted in the last thirty days, which can still be restored."""

    cmdlet: ClassVar[str] = "Get-Mailbox -SoftDeletedMailbox"


class Recipient(Record, frozen=True, kw_only=True):
    """Get-Recipient: whoever can get mail. ``identity`` is the primary SMTP address, else the Name."""

    cmdlet: ClassVar[str] = "Get-Recipient"
    name: str = ""
    display_name: str = ""
    recipient_type_details: str = ""
    """UserMailbox, RemoteUserMailbox, MailUser, MailUniversalSecurityGroup, DisabledUser ..."""

    @property
    def is_group(self) -> bool:
        """Whether it stands for several people."""
        return self.recipient_type_details.lower().endswith("group") or self.recipient_type_details == "GroupMailbox"


class RemoteMailbox(Record, frozen=True, kw_only=True):
    """Get-RemoteMailbox: what stands on-premises for a mailbox online. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-RemoteMailbox"
    user_principal_name: str = ""
    remote_routing_address: str = ""
    """Where mail and Autodiscover are sent on to, without "SMTP:": an address at the tenant's routing domain."""

    @property
    def scope(self) -> str:
        return self.identity.lower()

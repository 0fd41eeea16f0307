"""Mailboxes and mail users."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record


class Mailbox(Record, frozen=True, kw_only=True):
    """Get-Mailbox. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-Mailbox"
    user_principal_name: str
    display_name: str = ""
    server_name: str = ""
    grant_send_on_behalf_to: tuple[str, ...] = ()
    """Primary SMTP addresses where they are known, else the names Exchange printed."""
    hidden_from_address_lists_enabled: bool = False

    @property
    def scope(self) -> str:
        return self.identity.lower()


class MailUser(Record, frozen=True, kw_only=True):
    """Get-MailUser. ``identity`` is the Name; online, the address of the on-premises mailbox it stands for."""

    cmdlet: ClassVar[str] = "Get-MailUser"
    user_principal_name: str = ""
    external_email_address: str = ""
    hidden_from_address_lists_enabled: bool = False

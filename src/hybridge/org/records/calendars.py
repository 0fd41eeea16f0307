"""What a calendar shows and to whom: permissions, delegates, automatic replies, events."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records.base import Record


class MailboxFolderPermission(Record, frozen=True, kw_only=True):
    """One entry of Get-MailboxFolderPermission on the calendar. ``identity`` is ``<mailbox>:\\<folder>/<user>``."""

    cmdlet: ClassVar[str] = "Get-MailboxFolderPermission"
    mailbox: str
    folder: str = "Calendar"
    user: str
    """Primary SMTP address, or "Default" and "Anonymous"."""
    access_rights: tuple[str, ...] = ()
    """Roles such as "Editor", or single rights; ("Custom",) where only GetDelegate's view of it was read."""
    sharing_permission_flags: tuple[str, ...] = ()
    """Online: "Delegate", and "CanViewPrivateItems" beside it. On-premises always empty: delegates are kept apart."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class MailboxFolderStatistics(Record, frozen=True, kw_only=True):
    """Get-MailboxFolderStatistics -FolderScope Calendar. ``identity`` is ``<mailbox>:\\<name>``."""

    cmdlet: ClassVar[str] = "Get-MailboxFolderStatistics -FolderScope Calendar"
    mailbox: str
    name: str
    """What the owner's language calls it: "Calendar", "Kalender", "Calendrier"."""
    folder_type: str = ""
    """"Calendar" for the one real calendar; "User Created" for calendars beside it."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class DelegateUser(Record, frozen=True, kw_only=True):
    """One delegate as EWS GetDelegate returns it. ``identity`` is ``<delegator>/<delegate>``.

    The calendar level GetDelegate also reports is not kept here: it is a view of the calendar's
    ``MailboxFolderPermission``, which is the one place that says what the delegate may do.
    """

    cmdlet: ClassVar[str] = "EWS GetDelegate"
    delegator: str
    delegate: str
    receive_copies_of_meeting_messages: bool = False
    view_private_items: bool = False

    @property
    def scope(self) -> str:
        return self.delegator.lower()


class UserOofSettings(Record, frozen=True, kw_only=True):
    """Automatic replies as EWS GetUserOofSettings returns them. ``identity`` is the mailbox."""

    cmdlet: ClassVar[str] = "Get-MailboxAutoReplyConfiguration"
    oof_state: str = "Disabled"
    """Disabled, Enabled or Scheduled; the duration counts only while Scheduled."""
    start_at: datetime | None = None
    end_at: datetime | None = None

    @property
    def scope(self) -> str:
        return self.identity.lower()

    def active(self, now: datetime) -> bool:
        """Whether automatic replies are being sent at ``now``."""
        if self.oof_state == "Enabled":
            return True
        scheduled = self.oof_state == "Scheduled" and self.start_at is not None and self.end_at is not None
        return bool(scheduled and self.start_at and self.end_at and self.start_at <= now < self.end_at)


class CalendarEvent(Record, frozen=True, kw_only=True):
    """One entry of a calendar's free/busy. ``identity`` is ``<mailbox>/<number>``."""

    cmdlet: ClassVar[str] = "EWS GetUserAvailability"
    mailbox: str
    start_at: datetime
    end_at: datetime
    busy_type: str = "Busy"
    """Free, Tentative, Busy, OOF, WorkingElsewhere or NoData."""
    subject: str = ""
    created_by: str = ""
    """Address of the account that put it there; "" for the owner."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()

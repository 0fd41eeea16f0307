"""What the services of the cloud show that is no configuration of Exchange."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records import EntraApplication, Record


class DeletedApplication(EntraApplication, frozen=True, kw_only=True):
    """An application deleted in the last thirty days, which Entra can restore with the ids it had.

    Its keys come without their bytes.
    """

    cmdlet: ClassVar[str] = "GET /directory/deletedItems/microsoft.graph.application"


class TeamsPresence(Record, frozen=True, kw_only=True):
    """Presence as Graph shows it. ``identity`` is the user principal name."""

    cmdlet: ClassVar[str] = "GET /users/{id}/presence"
    availability: str = ""
    activity: str = ""
    out_of_office: bool = False
    """outOfOfficeSettings.isOutOfOffice."""
    seen_at: datetime | None = None

    @property
    def scope(self) -> str:
        return self.identity.lower()


class MailboxLocation(Record, frozen=True, kw_only=True):
    """A mailbox is on this side, though Exchange there was not asked. ``identity`` is the mailbox.

    Online: Autodiscover V2 leads to the cloud, Teams knows the person, and Exchange on-premises has no such mailbox.
    """

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.json"

    @property
    def scope(self) -> str:
        return self.identity.lower()

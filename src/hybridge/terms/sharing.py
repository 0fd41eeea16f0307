"""What two Exchange organizations need to share calendars, in the words of their cmdlets.

Sources: Microsoft's page on OAuth between Exchange and Exchange Online, and CSS-Exchange's FreeBusyChecker.
"""

EXCHANGE_ONLINE_ROLES = (
    "UserApplication",
    "ArchiveApplication",
    "LegalHoldApplication",
    "Mailbox Search",
    "TeamMailboxLifecycleApplication",
    "MailboxSearchApplication",
    "MeetingGraphApplication",
)
"""Roles of the account the partner application "Exchange Online" is linked to."""

CALENDAR_ROLE = "UserApplication"
"""The one of them by which calendars are read."""

ACCESS_LEVELS = ("None", "AvailabilityOnly", "LimitedDetails")
"""What FreeBusyAccessLevel of an organization relationship may be."""

DISCOVERY_PATH = "/autodiscover/autodiscover.svc"
"""What the discovery endpoint of a connector ends with."""

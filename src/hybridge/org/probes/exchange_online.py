"""What Exchange Online answers to our own application."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records import Record


class OnlineEwsProbe(Record, frozen=True, kw_only=True):
    """An EWS request with our own application's token. ``identity`` is the mailbox it was about."""

    cmdlet: ClassVar[str] = "POST /EWS/Exchange.asmx of Exchange Online with the application's token"
    status: int = 0
    policy_reason: str = ""
    """X-EWS-Policy-Reason, "" when absent."""

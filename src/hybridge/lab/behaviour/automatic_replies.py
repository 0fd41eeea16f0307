"""Automatic replies of a mailbox."""

from __future__ import annotations

from datetime import datetime

from hybridge.org.organization import Organization
from hybridge.org.records import UserOofSettings
from hybridge.terms.premises import Premises


def oof_settings(organization: Organization, premises: Premises, mailbox: str) -> UserOofSettings:
    """The settings of ``mailbox``; Disabled when nothing was ever set."""
    found = organization.one(UserOofSettings, premises, mailbox)
    return found or UserOofSettings(premises=premises, identity=mailbox)


def are_sent(organization: Organization, premises: Premises, mailbox: str, now: datetime) -> bool:
    """Whether ``mailbox`` sends automatic replies at ``now``."""
    return oof_settings(organization, premises, mailbox).active(now)

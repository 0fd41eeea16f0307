"""The board of presence: what the Teams presence service last worked out for each user.

Graph shows the board. When the service can no longer read a mailbox, its entry stays as it was: that is how presence
gets stuck. For a user the service has not looked at yet the board shows what it would have worked out while the
organization was healthy.
"""

from __future__ import annotations

from datetime import datetime

from hybridge.lab.apps.keepings import kept
from hybridge.lab.behaviour.automatic_replies import are_sent
from hybridge.lab.behaviour.availability import events_at
from hybridge.lab.behaviour.presence import ShownPresence, shown_presence
from hybridge.lab.estate import Estate
from hybridge.org.organization import Organization
from hybridge.org.probes import TeamsPresence
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES


def last_known(estate: Estate, user: str) -> TeamsPresence:
    """What the board shows for ``user`` (user principal name)."""
    found = kept(estate).presences.get(user.lower())
    return found or _entry(user, _worked_out(estate.healthy, user, estate.now()))


def post(estate: Estate, user: str, shown: ShownPresence) -> TeamsPresence:
    """Put ``shown`` on the board as seen now."""
    entry = kept(estate).presences[user.lower()] = _entry(user, shown, estate.now())
    return entry


def mailbox_of(organization: Organization, user: str) -> str:
    """The address of the on-premises mailbox of ``user`` (user principal name), else the name itself."""
    mailboxes = organization.all(Mailbox, ON)
    return next((one.identity for one in mailboxes if one.user_principal_name.lower() == user.lower()), user)


def _worked_out(organization: Organization, user: str, now: datetime) -> ShownPresence:
    mailbox = mailbox_of(organization, user)
    going_on = (event.busy_type for event in events_at(organization, mailbox, now))
    return shown_presence(going_on, are_sent(organization, ON, mailbox, now))


def _entry(user: str, shown: ShownPresence, seen_at: datetime | None = None) -> TeamsPresence:
    return TeamsPresence(
        premises=Premises.ONLINE,
        identity=user,
        availability=shown.availability,
        activity=shown.activity,
        out_of_office=shown.out_of_office,
        seen_at=seen_at,
    )

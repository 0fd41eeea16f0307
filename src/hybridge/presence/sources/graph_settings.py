"""How a source of online mailboxes is set up, and the limits Graph sets."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec

AT_ONCE = 4
"""Requests to one mailbox Graph answers at once for one application; more are answered 429."""
REQUESTS = 10_000
PER = timedelta(minutes=10)
"""Requests to one mailbox in ten minutes."""


class GraphSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one ``[[presence.graph]]``.

    ``resource`` says what is read: ``schedule`` reads free/busy of 20 people a request, ``calendar-view`` each calendar
    by itself and from then on what changes in it, with answers to invitations, attendees and cancellations. ``back``
    and ``ahead`` bound the window around now; a calendar view is followed in whole days (UTC), a day or more into the
    past and two or more into the future. ``every`` is the time between two reads though nothing was notified,
    ``replies_every`` that of automatic replies, and ``replies_per_minute`` how many of these reads there are at the
    most. ``notification_url`` is where Graph reaches the gateway, "" for polling alone; ``lifecycle_url`` is the same
    address where it is "". ``coalesce`` is how long a hint waits for its duplicates.
    """

    name: str
    host: str = "graph.microsoft.com"
    resource: Literal["schedule", "calendar-view"] = "schedule"
    back: timedelta = timedelta(hours=1)
    ahead: timedelta = timedelta(hours=26)
    every: timedelta = timedelta(minutes=5)
    replies_every: timedelta = timedelta(minutes=5)
    replies_per_minute: int = 3000
    notification_url: str = ""
    lifecycle_url: str = ""
    lifetime: timedelta = timedelta(minutes=4200)
    at_once: int = 16
    coalesce: timedelta = timedelta(milliseconds=250)
    subjects: bool = False

    @property
    def notified(self) -> bool:
        """Whether there is a way in for notifications."""
        return bool(self.notification_url)

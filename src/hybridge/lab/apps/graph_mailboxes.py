"""Whose mailbox a request of Graph means, and how much an application may ask of one mailbox.

A person whose mailbox is on-premises is known to the tenant, but their mailbox is not: Graph says so with
``MailboxNotEnabledForRESTAPI``. Requests to one mailbox are counted by the lab's clock: 10,000 in ten minutes; how many
may be under way at once is the listener's to see (``serve.graph_gate``). Source: Microsoft's page on throttling limits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.estate import Estate
from hybridge.org.records import CsOnlineUser, Mailbox, MailUser
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.graph.errors import write_error

ONLINE = Premises.ONLINE
REQUESTS = 10_000
PER = timedelta(minutes=10)
AT_ONCE = 4
"""Requests to one mailbox that may be under way at once."""
THROTTLED = "ApplicationThrottled"

Page = Callable[[Estate, Request, Mailbox], HttpAnswer]


def at_mailbox(estate: Estate, request: Request, user: str, page: Page) -> HttpAnswer:
    """What ``page`` answers about the mailbox of ``user``, or why there is none or no more is answered now."""
    mailbox = mailbox_of(estate, user)
    if isinstance(mailbox, HttpAnswer):
        return mailbox
    wait = budget_of(estate).charge(mailbox.identity, estate.now())
    return page(estate, request, mailbox) if wait is None else throttled(wait, estate.now())


def mailbox_of(estate: Estate, user: str) -> Mailbox | HttpAnswer:
    """The mailbox of ``user`` (address, user principal name or object id), or Graph's answer where there is none."""
    organization = estate.organization
    known = next(
        (
            one.identity
            for one in organization.all(CsOnlineUser, ONLINE)
            if user.lower() in (one.object_id.lower(), one.identity.lower())
        ),
        user,
    )
    found = organization.one(Mailbox, ONLINE, user) or next(
        (one for one in organization.all(Mailbox, ONLINE) if one.user_principal_name.lower() == known.lower()), None
    )
    if found is not None:
        return found
    if organization.one(MailUser, ONLINE, known) or known is not user:
        says = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        return write_error(404, "MailboxNotEnabledForRESTAPI", says, estate.now())
    return write_error(404, "ErrorInvalidUser", f"The requested user '{user[:80]}' is invalid.", estate.now())


def throttled(wait: timedelta, at: datetime) -> HttpAnswer:
    """429 with the time to wait."""
    says = "Application is over its MailboxConcurrency limit."
    answer = write_error(429, THROTTLED, says, at)
    seconds = max(1, -(-wait // timedelta(seconds=1)))
    return msgspec.structs.replace(answer, headers=(*answer.headers, ("retry-after", str(seconds))))


class Budget:
    """Requests of the last ten minutes by mailbox. ``requests`` may be set lower, to meet the limit sooner."""

    def __init__(self) -> None:
        self.requests = REQUESTS
        self._asked: dict[str, deque[datetime]] = {}

    def charge(self, mailbox: str, now: datetime) -> timedelta | None:
        """Count one request; how long to wait where it is one too many."""
        asked = self._asked.setdefault(mailbox.lower(), deque())
        while asked and asked[0] <= now - PER:
            asked.popleft()
        if len(asked) >= self.requests:
            return asked[0] + PER - now
        asked.append(now)
        return None

    def clear(self) -> None:
        """Forget what was asked, and the lower limit."""
        self.requests = REQUESTS
        self._asked.clear()


def budget_of(estate: Estate) -> Budget:
    """The budget of ``estate``'s mailboxes; a reset gives it back whole."""
    return estate.own(Budget, Budget, Budget.clear)

"""Subscriptions of the lab's Graph, and the post they cause: notifications with duplicates, delays and losses.

What is to be sent lies in ``Post.waiting`` until it is due by the lab's clock; ``serve.notifications`` delivers it. The
lab posts to this machine only: another address is refused when the subscription is made. The handshake that goes before
a subscription is the listener's (``serve.graph_gate``); without a listener there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.graph_mailboxes import mailbox_of
from hybridge.lab.contoso import TENANT_ID
from hybridge.lab.estate import Estate
from hybridge.lab.mail.items import CALENDAR, Change
from hybridge.lab.mail.store import store_of
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews.distinguished_folders import folder_id
from hybridge.wire.graph import subscriptions as wire
from hybridge.wire.graph.change_notifications import LIFECYCLE, REAUTHORIZE, REMOVED, Notification, write_notifications
from hybridge.wire.graph.errors import write_error
from hybridge.wire.json_body import JsonRefused

PER_MAILBOX = 1000
"""Active subscriptions to one mailbox, of all applications."""
COPIES = 3
"""How often one change is told, as with Graph."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
KEEPS_TRYING = timedelta(hours=4)
_CHANGES = {"created": "created", "copied": "created", "modified": "updated", "deleted": "deleted"}


class Kept(msgspec.Struct, kw_only=True):
    """A subscription and the mailbox it is to. While ``waits`` is set nothing is told: it must be authorized anew."""

    subscription: wire.Subscription
    mailbox: str
    waits: bool = False


class Delivery(msgspec.Struct, kw_only=True):
    """One body to post. ``due_at`` and ``first_at`` are of the lab's clock."""

    url: str
    body: bytes
    first_at: datetime
    due_at: datetime
    attempts: int = 0


class Post:
    """Subscriptions and post of one estate.

    ``copies`` is how often a change is told, ``delay`` how late, ``lose`` how many of the next changes are not told at
    all (-1: none is ever told). ``lost`` and ``dropped`` count what was not told and what nobody took for four hours.
    """

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._made = 0
        self.kept: dict[str, Kept] = {}
        self.waiting: list[Delivery] = []
        self.called: list[Callable[[], None]] = []
        self.fair_weather()
        store_of(estate).watch(self._changed)

    def fair_weather(self) -> None:
        """Three copies, at once, none lost; what was counted is forgotten."""
        self.copies, self.delay, self.lose = COPIES, timedelta(), 0
        self.lost = self.dropped = 0

    def clear(self) -> None:
        """No subscription, no post, fair weather."""
        self.kept.clear()
        self.waiting.clear()
        self.fair_weather()

    def next_id(self) -> str:
        """The id of the next subscription."""
        self._made += 1
        return str(uuid5(NAMESPACE_URL, f"subscription:{self._made}"))

    def active(self, now: datetime) -> list[Kept]:
        """The subscriptions that have not ended; the others are forgotten."""
        for identity in [one for one, kept in self.kept.items() if kept.subscription.expires_at <= now]:
            del self.kept[identity]
        return list(self.kept.values())

    def tell_lifecycle(self, event: str, mailbox: str = "") -> int:
        """Post lifecycle ``event`` to the subscriptions of ``mailbox`` ("" for all); how many were meant.

        Raises ``ValueError`` with a sentence when there is no such event.
        """
        if event not in LIFECYCLE:
            raise ValueError(f"There is no lifecycle event '{event}'; choose {', '.join(LIFECYCLE)}.")
        meant = [one for one in self.active(self._estate.now()) if mailbox.lower() in ("", one.mailbox.lower())]
        for one in meant:
            if event == REMOVED:
                self.kept.pop(one.subscription.id, None)
            one.waits = one.waits or event == REAUTHORIZE
            if one.subscription.lifecycle_url:
                note = self._note(one.subscription, lifecycle=event)
                self._send(one.subscription.lifecycle_url, note, copies=1)
        return len(meant)

    def due(self, now: datetime) -> list[Delivery]:
        """What is to be posted now, taken out of ``waiting``."""
        found = [one for one in self.waiting if one.due_at <= now]
        self.waiting = [one for one in self.waiting if one.due_at > now]
        return found

    def again(self, one: Delivery, now: datetime) -> None:
        """Nobody took it: try later, each time twice as late, for four hours."""
        one.attempts += 1
        one.due_at = now + timedelta(seconds=min(10 * 2 ** (one.attempts - 1), 1800))
        if one.due_at - one.first_at > KEEPS_TRYING:
            self.dropped += 1
        else:
            self.waiting.append(one)

    def _changed(self, change: Change) -> None:
        if change.premises is not Premises.ONLINE:
            return
        told = list(_told(change))
        meant = [one for one in self.active(change.at) if one.mailbox.lower() == change.mailbox.lower()]
        if not told or not meant:
            return
        if self.lose:
            self.lose -= self.lose > 0
            self.lost += 1
            return
        for one in meant:
            for kind, identity in told if not one.waits else ():
                if kind in one.subscription.change_types:
                    note = self._note(one.subscription, change_type=kind, event=identity)
                    self._send(one.subscription.notification_url, note, self.copies)

    def _note(
        self, one: wire.Subscription, *, change_type: str = "", event: str = "", lifecycle: str = ""
    ) -> Notification:
        return Notification(
            subscription_id=one.id,
            client_state=one.client_state,
            change_type=change_type,
            resource=f"{one.resource}/{event}" if event else one.resource,
            resource_id=event,
            lifecycle=lifecycle,
            expires_at=one.expires_at,
        )

    def _send(self, url: str, note: Notification, copies: int) -> None:
        now = self._estate.now()
        body = write_notifications((note,), TENANT_ID)
        self.waiting += [Delivery(url=url, body=body, first_at=now, due_at=now + self.delay) for _ in range(copies)]
        for call in self.called:
            call()


def _told(change: Change) -> Iterable[tuple[str, str]]:
    """What a change in a mailbox is to a subscriber of its calendar: (change type, event id)."""
    calendar = folder_id(change.mailbox, CALENDAR)
    if change.kind == "moved":
        if change.old_folder_id == calendar:
            yield "deleted", change.old_item_id
        if change.folder_id == calendar:
            yield "created", change.item_id
    elif change.kind in _CHANGES and change.folder_id == calendar:
        yield _CHANGES[change.kind], change.item_id


def post_of(estate: Estate) -> Post:
    """The post of ``estate``; a reset ends every subscription."""
    return estate.own(Post, lambda: Post(estate), Post.clear)


# Requests -------------------------------------------------------------------------------------------------------------


def answer_subscriptions(estate: Estate, request: Request) -> HttpAnswer:
    """Create, list, read, renew, reauthorize or delete a subscription."""
    identity, again = wire.read_path(request.path) or ("", False)
    post = post_of(estate)
    active = post.active(estate.now())
    try:
        if not identity:
            return _create(estate, request) if request.method == "POST" else _list(active)
        kept = post.kept.get(identity)
        if kept is None:
            says = "The object was not found."
            return write_error(404, "ResourceNotFound", says, estate.now())
        return _with_one(estate, request, kept, again)
    except JsonRefused as refused:
        return write_error(400, "InvalidRequest", str(refused), estate.now())


def _list(active: list[Kept]) -> HttpAnswer:
    return wire.write_all(tuple(one.subscription for one in active))


def _create(estate: Estate, request: Request) -> HttpAnswer:
    wanted = read_create(request.body)
    post, now = post_of(estate), estate.now()
    _bounded(wanted.expires_at, now)
    mailbox = mailbox_of(estate, wire.user_of(wanted.resource))
    if isinstance(mailbox, HttpAnswer):
        return mailbox
    same = [one for one in post.active(now) if one.mailbox == mailbox.identity]
    if len(same) >= PER_MAILBOX:
        says = f"The mailbox has {PER_MAILBOX} subscriptions, which is the most it may have."
        return write_error(403, "ExtensionError", says, now)
    made = msgspec.structs.replace(wanted, id=post.next_id())
    post.kept[made.id] = Kept(subscription=made, mailbox=mailbox.identity)
    return wire.write_one(made, 201)


def read_create(body: bytes) -> wire.Subscription:
    """The subscription a body asks for, whose addresses are of this machine. Raises ``JsonRefused``."""
    wanted = wire.read_create(body, may_be_plain=is_here)
    if not wire.user_of(wanted.resource):
        raise JsonRefused("The lab notifies of users/{id}/events only.")
    for url in (wanted.notification_url, wanted.lifecycle_url):
        if url and not is_here(url):
            raise JsonRefused("The lab posts to addresses of this machine only, such as https://127.0.0.1:8443/.")
    return wanted


def is_here(url: str) -> bool:
    """Whether ``url`` is of this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and (parts.hostname or "") in LOOPBACK and not parts.username
    except ValueError:
        return False


def _bounded(expires_at: datetime, now: datetime) -> None:
    if not now < expires_at <= now + wire.LONGEST + timedelta(minutes=1):
        minutes = int(wire.LONGEST.total_seconds() // 60)
        raise JsonRefused(f"Subscription expiration must lie ahead, and within {minutes} minutes.")


def _with_one(estate: Estate, request: Request, kept: Kept, again: bool) -> HttpAnswer:
    if again:
        kept.waits = False
        return HttpAnswer(status=204)
    if request.method == "DELETE":
        del post_of(estate).kept[kept.subscription.id]
        return HttpAnswer(status=204)
    if request.method == "PATCH":
        ends = wire.read_renewal(request.body)
        _bounded(ends, estate.now())
        kept.subscription = msgspec.structs.replace(kept.subscription, expires_at=ends)
        kept.waits = False
    return wire.write_one(kept.subscription)

"""Who wants to be told of what happens in a mailbox: the subscriptions of an estate, and the log they read.

Every change of a mailbox on-premises goes into one log with a number; that number is a watermark. A pull subscription
reads the log from its watermark, so nothing is lost to it while the log reaches back; a streaming subscription keeps
what happened since it was made or last read, and no longer than it lives. A subscription lives in the process of one
server: it dies when that server goes down, when its mailbox is moved away, and when the process is recycled.

What a change becomes is as captured: the event of the item, FreeBusyChangedEvent with the same time for an appointment,
and one ModifiedEvent of the folder after all of them.
"""

from __future__ import annotations

import base64
import struct
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from hybridge.lab.behaviour.servers import back_end
from hybridge.lab.estate import Estate
from hybridge.lab.mail.affinity import is_up, server_of, subscription_id
from hybridge.lab.mail.budgets import Budgets
from hybridge.lab.mail.items import Change
from hybridge.lab.mail.store import store_of
from hybridge.org.organization import Organization
from hybridge.org.records import ExchangeServer
from hybridge.terms.premises import Premises
from hybridge.wire.ews.distinguished_folders import folder_id, parent_of, read_folder_id
from hybridge.wire.ews.notifications import STATUS, Event, Notification
from hybridge.wire.ews.subscribe import PULL

LOG_LIMIT = 20_000
"""Changes the log keeps; a watermark before them is invalid."""
PENDING_LIMIT = 20_000
"""Changes a streaming subscription keeps while nobody reads it."""
EVENTS_AT_ONCE = 50
"""Changes one GetEvents returns."""

KINDS = {
    "created": "CreatedEvent",
    "modified": "ModifiedEvent",
    "deleted": "DeletedEvent",
    "moved": "MovedEvent",
    "copied": "CopiedEvent",
    "free-busy": "FreeBusyChangedEvent",
    "new-mail": "NewMailEvent",
}

NOT_FOUND = "ErrorSubscriptionNotFound"
INVALID = "ErrorInvalidSubscription"
DENIED = "ErrorSubscriptionAccessDenied"
EXPIRED = "ErrorExpiredSubscription"
SAYS = {
    NOT_FOUND: "The specified subscription was not found.",
    INVALID: "The specified subscription is invalid.",
    DENIED: "The subscription can be used by its owner only.",
    EXPIRED: "The subscription has expired.",
}


class Logged(NamedTuple):
    """A change and its number."""

    number: int
    change: Change


@dataclass
class Subscription:
    """One subscription. ``owner`` is the account that made it, ``server`` where (its name), ``home`` who held the
    mailbox then; ``folders`` None means all of them."""

    identity: str
    kind: str
    owner: str
    mailbox: str
    folders: frozenset[str] | None
    events: frozenset[str]
    server: str
    home: str
    minutes: int
    asked_at: datetime
    pending: deque[Logged] = field(default_factory=lambda: deque(maxlen=PENDING_LIMIT))
    wake: Callable[[], None] | None = None
    lived_in: Organization | None = None
    """The organization it was last seen to live in: nothing can have killed it while that is the same."""

    def wants(self, change: Change) -> bool:
        """Whether ``change`` is told here, for its kind or for what it does to the folder."""
        return change.mailbox.lower() == self.mailbox and (
            self.folders is None or bool(self.folders & {change.folder_id, change.old_folder_id})
        )


class Stream(Protocol):
    """A connection somebody reads: of ``server`` (its name), paid for by the mailbox ``charged``."""

    @property
    def server(self) -> str: ...
    @property
    def charged(self) -> str: ...
    def tear(self) -> None:
        """End in the middle."""

    def wake(self) -> None:
        """Look what is due."""


class Subscriptions:
    """The subscriptions of one estate."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._known: dict[str, Subscription] = {}
        self._by_mailbox: dict[str, list[Subscription]] = {}
        self._log: deque[Logged] = deque(maxlen=LOG_LIMIT)
        self._made = 0
        self._number = 0
        self._told = 0
        self._expired: set[str] = set()
        self.budgets = Budgets()
        self.streams: list[Stream] = []
        store_of(estate).watch(self._changed)

    # Making, finding, ending

    def make(
        self,
        server: ExchangeServer,
        *,
        kind: str,
        owner: str,
        mailbox: str,
        folders: frozenset[str] | None,
        events: Iterable[str],
        minutes: int,
    ) -> Subscription:
        """A new subscription at ``server``; whether the budget allows it is the caller's to ask."""
        self._made += 1
        now = self.estate.now()
        made = Subscription(
            identity=subscription_id(server.fqdn, mailbox, self._made, now),
            kind=kind,
            owner=owner,
            mailbox=mailbox.lower(),
            folders=folders,
            events=frozenset(events),
            server=server.identity,
            home=self._holder(mailbox),
            minutes=minutes,
            asked_at=now,
        )
        self._known[made.identity] = made
        self._by_mailbox.setdefault(made.mailbox, []).append(made)
        return made

    def find(self, identity: str, server: ExchangeServer, owner: str) -> Subscription | str:
        """The subscription as ``server`` knows it, for ``owner``; else the code of the error."""
        if not server_of(identity):
            return INVALID
        found = self._known.get(identity)
        if found is None or found.server != server.identity:
            return EXPIRED if identity in self._expired else NOT_FOUND
        if not self.alive(found):
            return EXPIRED if identity in self._expired else NOT_FOUND
        return found if found.owner == owner else DENIED

    def alive(self, one: Subscription) -> bool:
        """Whether ``one`` still lives; it is forgotten when not."""
        if one.identity not in self._known:
            return False
        organization = self.estate.organization
        if one.lived_in is not organization:
            server = organization.one(ExchangeServer, Premises.ON_PREMISES, one.server)
            if server is None or not is_up(organization, server) or self._holder(one.mailbox) != one.home:
                self.end(one)
                return False
            one.lived_in = organization
        if one.kind == PULL and self.estate.now() - one.asked_at > timedelta(minutes=one.minutes):
            self._expired.add(one.identity)
            self.end(one)
            return False
        return True

    def end(self, one: Subscription) -> None:
        """Forget ``one``; a connection that reads it is woken."""
        self._known.pop(one.identity, None)
        of_mailbox = self._by_mailbox.get(one.mailbox, [])
        if one in of_mailbox:
            of_mailbox.remove(one)
        if one.wake is not None:
            one.wake()

    def lose(self, server: str = "") -> int:
        """Forget every subscription (of ``server``), as a recycled process does; how many there were."""
        lost = [one for one in self._known.values() if not server or one.server.lower() == server.lower()]
        for one in lost:
            self.end(one)
        return len(lost)

    def look_again(self) -> None:
        """End what died by a change of the organization."""
        for one in tuple(self._known.values()):
            self.alive(one)

    def wake_streams(self) -> None:
        """Let every connection look what is due."""
        for stream in tuple(self.streams):
            stream.wake()

    def count(self, mailbox: str) -> int:
        """Subscriptions charged to ``mailbox``."""
        return len(self._by_mailbox.get(mailbox.lower(), ()))

    @property
    def all(self) -> tuple[Subscription, ...]:
        """Every subscription there is."""
        return tuple(self._known.values())

    def hanging(self, charged: str) -> int:
        """Connections the mailbox ``charged`` pays for."""
        return sum(one.charged == charged for one in self.streams)

    def clear(self) -> None:
        """As after a reset: no subscription, no connection, no log, good manners."""
        self.budgets.clear()
        for stream in tuple(self.streams):
            stream.tear()
        self.lose()
        self._log.clear()
        self._expired.clear()

    # What happened

    def _changed(self, change: Change) -> None:
        if change.premises is not Premises.ON_PREMISES:
            return
        self._number += 1
        logged = Logged(self._number, change)
        self._log.append(logged)
        for one in self._by_mailbox.get(change.mailbox.lower(), ()):
            if one.kind != PULL and one.wants(change):
                one.pending.append(logged)
                if one.wake is not None:
                    one.wake()

    @property
    def watermark(self) -> str:
        """The watermark of now."""
        return write_watermark(self._number)

    def knows(self, watermark: str) -> bool:
        """Whether the log reaches back to ``watermark``."""
        number = read_watermark(watermark)
        if number is None or number > self._number:
            return False
        return number >= self._number - len(self._log)

    def since(self, one: Subscription, watermark: str) -> tuple[tuple[Event, ...], bool]:
        """Events of ``one`` after ``watermark`` (which must be known), and whether there are more."""
        after = read_watermark(watermark) or 0
        found = [logged for logged in self._log if logged.number > after and one.wants(logged.change)]
        now, rest = found[:EVENTS_AT_ONCE], found[EVENTS_AT_ONCE:]
        last = now[-1].number if rest else self._number
        events = events_of(one, now, marked=True) or (Event(kind=STATUS, watermark=write_watermark(last)),)
        return events, bool(rest)

    def taken(self, one: Subscription, until: datetime | None = None) -> Notification | None:
        """What a connection tells of ``one`` now and takes off its list: changes up to ``until``."""
        told: list[Logged] = []
        while one.pending and (until is None or one.pending[0].change.at <= until):
            told.append(one.pending.popleft())
        if "missing" in self.budgets:
            told = []
        elif "half-missing" in self.budgets:
            told = [logged for logged in told if self._every_second(logged)]
        events = events_of(one, told)
        return Notification(one.identity, events) if events else None

    def _every_second(self, logged: Logged) -> bool:
        self._told += logged.change.kind != "free-busy"
        return self._told % 2 == 1

    def _holder(self, mailbox: str) -> str:
        found = back_end(self.estate.organization, mailbox)
        return found.identity if found else ""


def events_of(one: Subscription, changes: list[Logged], *, marked: bool = False) -> tuple[Event, ...]:
    """The events ``one`` subscribed to of ``changes``, with watermarks when ``marked``."""
    events: list[Event] = []
    touched: dict[str, Logged] = {}
    for logged in changes:
        change, kind = logged.change, KINDS[logged.change.kind]
        mark = write_watermark(logged.number) if marked else ""
        if change.kind not in ("free-busy", "new-mail"):
            touched.update({folder: logged for folder in (change.old_folder_id, change.folder_id) if folder})
        if kind in one.events:
            events.append(
                Event(
                    kind=kind,
                    at=change.at,
                    item_id=change.item_id,
                    change_key=change.change_key,
                    parent_folder_id=change.folder_id,
                    old_item_id=change.old_item_id,
                    old_parent_folder_id=change.old_folder_id,
                    watermark=mark,
                )
            )
    if "ModifiedEvent" in one.events:
        last = write_watermark(changes[-1].number) if marked and changes else ""
        events += [
            _folder_modified(folder, logged.change.at, last)
            for folder, logged in touched.items()
            if one.folders is None or folder in one.folders
        ]
    return tuple(events)


def _folder_modified(folder: str, at: datetime, watermark: str) -> Event:
    mailbox, name = read_folder_id(folder) or ("", "")
    parent = folder_id(mailbox, parent_of(name)) if name else folder
    return Event(
        kind="ModifiedEvent",
        at=at,
        folder_id=folder,
        change_key="AQAAAA==",
        parent_folder_id=parent,
        watermark=watermark,
    )


def write_watermark(number: int) -> str:
    """The watermark of a number of the log."""
    return base64.b64encode(struct.pack("<IQB", 0, number, 1)).decode()


def read_watermark(watermark: str) -> int | None:
    """The number of a watermark, None for what is none."""
    try:
        zero, number, one = struct.unpack("<IQB", base64.b64decode(watermark, validate=True))
    except (ValueError, struct.error):
        return None
    return int(number) if (zero, one) == (0, 1) else None


def subscriptions_of(estate: Estate) -> Subscriptions:
    """The subscriptions of ``estate``; forgotten at every reset."""
    return estate.own(Subscriptions, lambda: Subscriptions(estate), Subscriptions.clear)

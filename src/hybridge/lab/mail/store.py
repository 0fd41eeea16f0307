"""The mailboxes of an estate: what lies in their folders, what happened there, and who wants to know.

The store is beside the organization, which is configuration: items never change it. Events that are records of the
organization (seeded ones, and those a fault puts there) are shown beside the stored ones; changing one moves it into
the store. Every change is written into its folder's journal, from which SyncFolderItems answers, and told to the
watchers in the order it happened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from hybridge.lab.estate import Estate
from hybridge.lab.mail.expansion import named, single, within
from hybridge.lab.mail.items import CALENDAR, DELETED, INBOX, Attendee, Change, Item, Occurrence, of_record
from hybridge.org.records import CalendarEvent
from hybridge.terms.premises import Premises
from hybridge.wire.ews.calendar_items import item_id
from hybridge.wire.ews.distinguished_folders import folder_id

Watcher = Callable[[Change], None]


class Entry(NamedTuple):
    """One line of a folder's journal. ``kind`` is created, modified or deleted."""

    number: int
    kind: str
    identity: str


class MailStore:
    """Every stored item of one estate."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._items: dict[str, Item] = {}
        self._folders: dict[tuple[Premises, str, str], dict[str, None]] = defaultdict(dict)
        self._journals: dict[tuple[Premises, str, str], list[Entry]] = defaultdict(list)
        self._watchers: list[Watcher] = []
        self._last_item = 100_000
        self._last_entry = 0

    def clear(self) -> None:
        """Empty every mailbox; nobody is told, and no number is given twice. Watchers stay."""
        self._items.clear()
        self._folders.clear()
        self._journals.clear()

    def watch(self, callback: Watcher) -> Callable[[], None]:
        """Call ``callback`` at every change, in order; the returned function ends that."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    # What is there

    def get(self, identity: str) -> Item | None:
        """The item called ``identity`` (``<mailbox>/<number>``), stored or a record of the organization."""
        found = self._items.get(_key(identity))
        return found or next((of_record(one) for one in self._records_called(identity)), None)

    def occurrence(self, identity: str) -> Occurrence | None:
        """What ``identity`` names as a client sees it: an item, or with ``/<stamp>`` one occurrence of a series."""
        owner, _, rest = identity.partition("/")
        number, slash, stamp = rest.partition("/")
        item = self.get(f"{owner}/{number}")
        if item is None or (slash and item.recurrence is None):
            return None
        return named(item, stamp) if slash else single(item)

    def items(self, premises: Premises, mailbox: str, folder: str = CALENDAR) -> tuple[Item, ...]:
        """Items of a folder in the order they came; records of the organization first."""
        records = self._records_of(premises, mailbox) if folder == CALENDAR else ()
        stored = (self._items[key] for key in self._folders[premises, mailbox.lower(), folder])
        return (*(of_record(one) for one in records), *stored)

    def occurrences(
        self, premises: Premises, mailbox: str, start_at: datetime, end_at: datetime
    ) -> tuple[Occurrence, ...]:
        """Entries of a calendar that overlap the window, whole, the earliest first; series are expanded."""
        found = (one for item in self.items(premises, mailbox) for one in within(item, start_at, end_at))
        return tuple(sorted(found, key=lambda one: (one.start_at, one.end_at, one.item.identity)))

    def by_uid(self, premises: Premises, mailbox: str, uid: str) -> Item | None:
        """The appointment of the meeting ``uid`` in a calendar."""
        return next((one for one in self.items(premises, mailbox) if one.uid == uid), None)

    # What happens

    def put_simple(  # noqa: PLR0913 - the few things tests and the demo say of an appointment
        self,
        premises: Premises,
        mailbox: str,
        *,
        subject: str,
        start_at: datetime,
        end_at: datetime,
        busy_type: str = "Busy",
        attendees: Iterable[str] = (),
        is_all_day: bool = False,
        sensitivity: str = "Normal",
    ) -> str:
        """Put an appointment into a calendar as its owner would; no invitation is sent. Returns the opaque item id."""
        invited = tuple(Attendee(address=one) for one in attendees)
        item = Item(
            premises=premises,
            mailbox=mailbox,
            subject=subject,
            start_at=start_at,
            end_at=end_at,
            busy_type=busy_type,
            attendees=invited,
            is_all_day=is_all_day,
            sensitivity=sensitivity,
            organizer=mailbox,
            response="Organizer" if invited else "Unknown",
        )
        return self.add(item).opaque_id

    def add(self, item: Item, *, copied_from: Item | None = None) -> Item:
        """Store a new item, giving it its identity; it comes back as stored."""
        self._last_item += 1
        at = self._estate.now()
        made = msgspec.structs.replace(
            item,
            identity=f"{item.mailbox.lower()}/{self._last_item}",
            change=1,
            uid=item.uid or _uid(self._last_item),
            created_at=at,
            modified_at=at,
        )
        self._keep(made)
        self._note(made, "created")
        self._tell(made, "copied" if copied_from else "created", copied_from)
        if made.folder == INBOX:
            self._tell(made, "new-mail")
        self._tell_free_busy(made)
        return made

    def put(self, item: Item) -> Item:
        """Store a changed item; it comes back with its next change key."""
        self._adopt(item)
        changed = msgspec.structs.replace(item, change=item.change + 1, modified_at=self._estate.now())
        before = self._items.get(_key(item.identity))
        self._keep(changed)
        self._note(changed, "modified")
        self._tell(changed, "modified")
        if before is None or _shows(before) != _shows(changed):
            self._tell_free_busy(changed)
        return changed

    def remove(self, item: Item, *, for_good: bool = True) -> None:
        """Remove an item for good, or into Deleted Items (where it counts for free/busy no more)."""
        if not for_good and item.folder != DELETED:
            self.move(item, DELETED)
            return
        self._adopt(item)
        self._forget(item)
        self._note(item, "deleted")
        self._tell(item, "deleted")
        self._tell_free_busy(item)

    def move(self, item: Item, folder: str, mailbox: str = "") -> Item:
        """Move an item into another folder; there it has a new identity, as in Exchange."""
        self._adopt(item)
        self._forget(item)
        self._note(item, "deleted")
        self._last_item += 1
        owner = mailbox or item.mailbox
        moved = msgspec.structs.replace(
            item,
            mailbox=owner,
            folder=folder,
            identity=f"{owner.lower()}/{self._last_item}",
            change=item.change + 1,
            modified_at=self._estate.now(),
        )
        self._keep(moved)
        self._note(moved, "created")
        self._tell(moved, "moved", item)
        if CALENDAR in (item.folder, folder):
            self._tell_free_busy(item if item.folder == CALENDAR else moved)
        return moved

    def journal(self, premises: Premises, mailbox: str, folder: str, after: int) -> Iterator[Entry]:
        """What happened in a folder after entry ``after``, in order; records of the organization were there before."""
        if folder == CALENDAR and after < 0:
            records = self._records_of(premises, mailbox)
            first = -len(records)
            entries = (Entry(first + place, "created", one.identity) for place, one in enumerate(records))
            yield from (one for one in entries if one.number > after)
        yield from (one for one in self._journals[premises, mailbox.lower(), folder] if one.number > after)

    # Inside

    def _records_called(self, identity: str) -> Iterator[CalendarEvent]:
        for premises in Premises:
            found = self._estate.organization.one(CalendarEvent, premises, identity)
            if found is not None:
                yield found

    def _records_of(self, premises: Premises, mailbox: str) -> tuple[CalendarEvent, ...]:
        return tuple(self._estate.organization.all(CalendarEvent, premises, mailbox))

    def _adopt(self, item: Item) -> None:
        """Where ``item`` is still a record, take it out of the organization: from now on it is stored."""
        organization = self._estate.organization
        record = organization.one(CalendarEvent, item.premises, item.identity) if item.change == 0 else None
        if record is not None:
            self._estate.organization = organization.drop(record.address)

    def _keep(self, item: Item) -> None:
        self._items[_key(item.identity)] = item
        self._folders[_place(item)][_key(item.identity)] = None

    def _forget(self, item: Item) -> None:
        self._items.pop(_key(item.identity), None)
        self._folders[_place(item)].pop(_key(item.identity), None)

    def _note(self, item: Item, kind: str) -> None:
        self._last_entry += 1
        self._journals[_place(item)].append(Entry(self._last_entry, kind, item.identity))

    def _tell(self, item: Item, kind: str, origin: Item | None = None) -> None:
        change = Change(
            kind=kind,
            premises=item.premises,
            mailbox=item.mailbox,
            folder_id=folder_id(item.mailbox, item.folder),
            item_id=item_id(item.identity),
            change_key=item.change_key,
            at=self._estate.now(),
            old_folder_id=folder_id(origin.mailbox, origin.folder) if origin else "",
            old_item_id=origin.opaque_id if origin else "",
        )
        for watcher in tuple(self._watchers):
            watcher(change)

    def _tell_free_busy(self, item: Item) -> None:
        if item.kind == "CalendarItem" and item.folder == CALENDAR:
            self._tell(item, "free-busy")


def store_of(estate: Estate) -> MailStore:
    """The store of ``estate``; emptied at every reset."""
    return estate.own(MailStore, lambda: MailStore(estate), MailStore.clear)


def _key(identity: str) -> str:
    return identity.lower()


def _place(item: Item) -> tuple[Premises, str, str]:
    return item.premises, item.mailbox.lower(), item.folder


def _shows(item: Item) -> tuple[object, ...]:
    """What of an item free/busy is made of."""
    return (
        item.start_at,
        item.end_at,
        item.busy_type,
        item.is_cancelled,
        item.sensitivity,
        item.recurrence,
        item.deleted,
        tuple((one.original_start, one.item.start_at, one.item.end_at, one.item.busy_type) for one in item.exceptions),
    )


def _uid(number: int) -> str:
    """A UID that looks like those of Exchange: the hex of a GlobalObjectId."""
    return f"040000008200E00074C5B7101A82E008{number:080X}{number * 2654435761 % 2**64:016X}"

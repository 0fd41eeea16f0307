"""What travels between mailboxes when somebody invites, answers, changes and calls off a meeting.

An invitation lands in the attendee's Inbox and, tentative and not yet answered, in the calendar. A change of the time
asks for the answer again; any other change leaves it. An answer is written into the organizer's list of attendees. A
meeting that was called off stays in the attendee's calendar, marked and free, until its owner removes it. Attendees
without a mailbox in the lab get nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

import msgspec

from hybridge.lab.mail.expansion import occurrence
from hybridge.lab.mail.items import CALENDAR, DELETED, INBOX, SENT, Attendee, Changed, Item, Kind
from hybridge.lab.mail.store import MailStore
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises

CANCELLED = "Canceled: "
"""How the subject of a cancelled meeting begins."""
ANSWERS = {
    "AcceptItem": ("Accept", "Accepted: ", "IPM.Schedule.Meeting.Resp.Pos"),
    "TentativelyAcceptItem": ("Tentative", "Tentative: ", "IPM.Schedule.Meeting.Resp.Tent"),
    "DeclineItem": ("Decline", "Declined: ", "IPM.Schedule.Meeting.Resp.Neg"),
}
"""By what a client creates: the response, how the subject of its message begins, and the message's class."""
replace = msgspec.structs.replace


class Post:
    """Delivers between the mailboxes of one estate."""

    def __init__(self, store: MailStore, organization: Organization) -> None:
        self._store = store
        self._organization = organization

    def home(self, address: str) -> tuple[Premises, str] | None:
        """Where ``address`` has its mailbox, and how that is spelt; None for nobody of the lab."""
        for premises in (Premises.ON_PREMISES, Premises.ONLINE):
            found = self._organization.one(Mailbox, premises, address)
            if found is not None:
                return premises, found.identity
        return None

    def invite(self, meeting: Item, to: Iterable[str], *, keeps_copy: bool = False) -> Item:
        """Send the organizer's ``meeting`` to each address of ``to``; it comes back marked as sent."""
        for premises, mailbox in self._homes(meeting, to):
            mine = self._store.by_uid(premises, mailbox, meeting.uid)
            copy = mirrored(meeting, premises, mailbox, mine)
            mine = self._store.put(copy) if mine else self._store.add(copy)
            self._deliver(meeting, mine, "MeetingRequest", "IPM.Schedule.Meeting.Request", meeting.subject)
        if keeps_copy:
            self._store.add(replace(meeting, folder=SENT, kind="MeetingRequest", created_by=meeting.mailbox))
        return meeting if meeting.request_was_sent else self._store.put(replace(meeting, request_was_sent=True))

    def send(self, message: Item, to: Iterable[str]) -> None:
        """Put a copy of ``message`` into the Inbox of each address of ``to``."""
        for premises, mailbox in filter(None, map(self.home, dict.fromkeys(one.lower() for one in to))):
            there = replace(message, premises=premises, mailbox=mailbox, folder=INBOX, is_read=False)
            self._store.add(replace(there, created_by=message.mailbox, uid=""))

    def call_off(self, meeting: Item, to: Iterable[str], original: datetime | None = None) -> None:
        """Tell each address of ``to`` that the meeting, or its occurrence at ``original``, does not take place."""
        for premises, mailbox in self._homes(meeting, to):
            mine = self._store.by_uid(premises, mailbox, meeting.uid)
            if mine is None:
                continue
            subject = f"{CANCELLED}{meeting.subject}"
            if original is None:
                kept = self._store.put(_off(mine))
            else:
                kept = self._store.put(with_changed(mine, original, _off(_at(mine, original))))
            self._deliver(meeting, kept, "MeetingCancellation", "IPM.Schedule.Meeting.Canceled", subject)

    def answer(self, mine: Item, kind: str, original: datetime | None, at: datetime, *, tells: bool, body: str) -> Item:
        """The owner of ``mine`` answers (``kind`` of ``ANSWERS``), for one occurrence with ``original``."""
        said, begins, item_class = ANSWERS[kind]
        self._put_away(mine)
        if original is None:
            kept = self._store.put(_answered(mine, said, at))
            if said == "Decline":
                kept = self._store.move(kept, DELETED)
        elif said == "Decline":
            kept = self._store.put(without_occurrence(mine, original))
        else:
            changed = _answered(_at(mine, original), said, at)
            kept = self._store.put(with_changed(mine, original, changed))
        if tells:
            self._told(mine, said, at, original, (f"{begins}{mine.subject}", item_class, body))
        return kept

    def _told(
        self, mine: Item, said: str, at: datetime, original: datetime | None, message: tuple[str, str, str]
    ) -> None:
        home = self.home(mine.organizer)
        theirs = self._store.by_uid(*home, mine.uid) if home else None
        if theirs is None:
            return
        if original is None:
            theirs = self._store.put(replace(theirs, attendees=_marked(theirs, mine.mailbox, said, at)))
        else:
            one = _at(theirs, original)
            one = replace(one, attendees=_marked(one, mine.mailbox, said, at))
            theirs = self._store.put(with_changed(theirs, original, one))
        subject, item_class, body = message
        sender = replace(mine, body=body, response=said)
        self._deliver(sender, theirs, "MeetingResponse", item_class, subject)

    def _deliver(self, sent: Item, about: Item, kind: Kind, item_class: str, subject: str) -> None:
        """Put the message ``sent`` makes into the Inbox of whom ``about`` belongs to."""
        message = replace(
            sent,
            premises=about.premises,
            mailbox=about.mailbox,
            folder=INBOX,
            kind=kind,
            item_class=item_class,
            subject=subject,
            created_by=sent.mailbox,
            refers_to=about.identity,
            intended_busy_type=sent.busy_type,
            busy_type=about.busy_type,
            response=sent.response if kind == "MeetingResponse" else about.response,
            is_cancelled=kind == "MeetingCancellation",
            is_read=False,
            others=(),
            has_been_processed=kind != "MeetingRequest",
        )
        self._store.add(message)

    def _put_away(self, mine: Item) -> None:
        """Requests about ``mine`` are dealt with: Exchange puts them away."""
        for one in self._store.items(mine.premises, mine.mailbox, INBOX):
            if one.kind == "MeetingRequest" and one.uid == mine.uid:
                self._store.move(replace(one, has_been_processed=True), DELETED)

    def _homes(self, meeting: Item, to: Iterable[str]) -> Iterable[tuple[Premises, str]]:
        own = meeting.mailbox.lower()
        homes = (self.home(address) for address in dict.fromkeys(one.lower() for one in to))
        return tuple(home for home in homes if home is not None and home[1].lower() != own)


def mirrored(theirs: Item, premises: Premises, mailbox: str, mine: Item | None) -> Item:
    """The organizer's ``theirs`` as it lies in an attendee's calendar, where ``mine`` lay until now."""
    asks_again = mine is None or _when(mine) != _when(theirs)
    copy = _copied(theirs, premises, mailbox, None if asks_again else mine)
    if mine is not None:
        copy = replace(copy, identity=mine.identity, change=mine.change, created_at=mine.created_at)
    exceptions = tuple(
        Changed(original_start=one.original_start, item=_mirrored_exception(one, theirs, copy, mine))
        for one in theirs.exceptions
    )
    known = {one.original_start for one in exceptions} if not asks_again else set()
    kept = () if mine is None or asks_again else mine.exceptions
    own = tuple(one for one in kept if one.original_start not in known)
    return replace(copy, exceptions=(*exceptions, *own), deleted=() if mine is None or asks_again else mine.deleted)


def _mirrored_exception(one: Changed, theirs: Item, copy: Item, mine: Item | None) -> Item:
    before = (
        next((old.item for old in mine.exceptions if old.original_start == one.original_start), None) if mine else None
    )
    if before is not None and _when(before) == _when(one.item):
        return _copied(one.item, copy.premises, copy.mailbox, before)
    usual = occurrence(replace(theirs, exceptions=()), one.original_start)
    moved = (usual.start_at, usual.end_at) != (one.item.start_at, one.item.end_at)
    return _copied(one.item, copy.premises, copy.mailbox, None if moved else copy)


def _copied(theirs: Item, premises: Premises, mailbox: str, answered: Item | None) -> Item:
    """``theirs`` for an attendee who ``answered`` it so, or not yet."""
    return replace(
        theirs,
        premises=premises,
        mailbox=mailbox,
        folder=CALENDAR,
        created_by=theirs.organizer or theirs.mailbox,
        organizer=theirs.organizer or theirs.mailbox,
        response=answered.response if answered else "NoResponseReceived",
        replied_at=answered.replied_at if answered else None,
        busy_type=answered.busy_type if answered else "Tentative",
        intended_busy_type=theirs.busy_type,
        reminder_is_set=answered.reminder_is_set if answered else theirs.reminder_is_set,
        exceptions=(),
        others=(),
    )


def with_changed(master: Item, original: datetime, changed: Item) -> Item:
    """The series with ``changed`` in the place of its occurrence at ``original``."""
    plain = replace(changed, recurrence=None, exceptions=(), deleted=(), recurrence_id=original)
    others = without_changed(master, original).exceptions
    every = sorted((*others, Changed(original_start=original, item=plain)), key=lambda one: one.original_start)
    return replace(master, exceptions=tuple(every))


def without_changed(master: Item, original: datetime) -> Item:
    """The series with its occurrence at ``original`` as the pattern has it."""
    return replace(master, exceptions=tuple(one for one in master.exceptions if one.original_start != original))


def without_occurrence(master: Item, original: datetime) -> Item:
    """The series with its occurrence at ``original`` deleted."""
    left = without_changed(master, original)
    return replace(left, deleted=tuple(sorted({*left.deleted, original})))


def _at(master: Item, original: datetime) -> Item:
    """What stands at ``original``, as an item of its own."""
    one = occurrence(master, original)
    return replace(one.item, start_at=one.start_at, end_at=one.end_at)


def _answered(mine: Item, said: str, at: datetime) -> Item:
    shown = {"Accept": mine.intended_busy_type or "Busy", "Tentative": "Tentative", "Decline": "Free"}[said]
    exceptions = tuple(
        one if one.item.is_cancelled else Changed(original_start=one.original_start, item=_answered(one.item, said, at))
        for one in mine.exceptions
    )
    return replace(mine, response=said, busy_type=shown, replied_at=at, exceptions=exceptions)


def _off(mine: Item) -> Item:
    subject = mine.subject if mine.subject.startswith(CANCELLED) else f"{CANCELLED}{mine.subject}"
    exceptions = tuple(
        Changed(original_start=one.original_start, item=_off(replace(one.item, exceptions=())))
        for one in mine.exceptions
    )
    return replace(mine, subject=subject, is_cancelled=True, busy_type="Free", exceptions=exceptions)


def _marked(theirs: Item, address: str, said: str, at: datetime) -> tuple[Attendee, ...]:
    return tuple(
        replace(one, response=said, responded_at=at) if one.address.lower() == address.lower() else one
        for one in theirs.attendees
    )


def _when(item: Item) -> tuple[object, ...]:
    return item.start_at, item.end_at, item.recurrence, item.is_all_day


def addresses(*lists: Iterable[Attendee]) -> tuple[str, ...]:
    """Addresses of attendees, each once."""
    return tuple(dict.fromkeys(one.address for one in chain(*lists)))

"""What hybridge's account may do in a calendar, by trying: open it, make an appointment, read it, remove it.

It writes into a mailbox, so it is done only when it is asked for. The appointment disturbs nobody: it is free, private,
without reminder and attendees, says in its subject what it is, and lies on the first of January 2000. Before it is made
a note of it is kept; the note goes only when the appointment is gone. A run that was killed between the two leaves the
note, and the next run removes the appointment first, finding it by its subject where its id was never learnt.

An appointment the account may make and not remove is removed by the other way of access (impersonation, or the
account's own rights). Where that fails too it stays, is named in the probe, and its note stays with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from hybridge.collectors.reading import Reading, Readings, http_origin, key, unseen
from hybridge.evidence import Origin, Seen, Unseen
from hybridge.org import probes as p
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, Failure, HttpAnswer, HttpAsk
from hybridge.wire.ews import create_item, delete_item, envelope, find_item, get_folder, get_item
from hybridge.wire.ews.calendar_items import CalendarItem, ItemError, ItemId
from hybridge.wire.ews.faults import EwsFault

ON = Premises.ON_PREMISES
IMPERSONATION, FOLDER = "impersonation", "folder"
WAYS = (IMPERSONATION, FOLDER)
MARKER = "hybridge access test, may be deleted"
"""How the subject of every appointment begins."""
START_AT = datetime(2000, 1, 1, tzinfo=UTC)
LASTS = timedelta(minutes=30)
OK = "NoError"

T = TypeVar("T")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment that is about to be made or was made: ``item_id`` is "" until Exchange told it."""

    mailbox: str
    subject: str
    item_id: str = ""


class Notes(Protocol):
    """Where notes outlive a run that is killed."""

    def keep(self, note: Note) -> None:
        """Keep ``note`` durably before this returns; one of the same mailbox and subject is replaced."""

    def drop(self, note: Note) -> None:
        """Forget the note of this mailbox and subject."""

    def left(self, mailbox: str) -> tuple[Note, ...]:
        """Notes of ``mailbox`` that were kept and not dropped."""


class MemoryNotes:
    """Notes that last as long as the object; for tests, and where no folder may be written."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Note] = {}

    def keep(self, note: Note) -> None:
        """As ``Notes.keep``, but not durable."""
        self._kept[note.mailbox.lower(), note.subject] = note

    def drop(self, note: Note) -> None:
        """As ``Notes.drop``."""
        self._kept.pop((note.mailbox.lower(), note.subject), None)

    def left(self, mailbox: str) -> tuple[Note, ...]:
        """As ``Notes.left``."""
        return tuple(note for (box, _), note in self._kept.items() if box == mailbox.lower())


@dataclass(frozen=True)
class AccessAsked:
    """That the test is asked for: the way of access, where its notes are kept, and a word (``nonce``) that makes the
    subject of this run's appointments its own."""

    notes: Notes
    nonce: str
    way: str = IMPERSONATION

    @property
    def subject(self) -> str:
        """The subject of this run's appointments."""
        return f"{MARKER} ({self.nonce})"


async def collect_ews_access(
    answerer: Answerer, asked: AccessAsked, mailbox: str, ews_url: str, user_agent: str
) -> Readings:
    """Try it in the calendar of ``mailbox``, after removing what an earlier run left there."""
    what = p.EwsAccessProbe.__name__
    at = key(p.EwsAccessProbe, ON, mailbox)
    if not ews_url:
        says = f"EWS could not be tried in {mailbox}: no EWS address is known."
        return {at: Unseen(what=what, reason="not-configured", says=says, how="set ExternalUrl of EWS")}
    trial = _Trial(answerer, asked, mailbox, ews_url, user_agent)
    for note in asked.notes.left(mailbox):
        await trial.remove(note)
    return {at: await trial.run()}


class _Stopped(Exception):
    """There was no EWS answer at all; the Failure says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.says)
        self.failure = failure


class _Trial:
    """One trial in one mailbox."""

    def __init__(self, answerer: Answerer, asked: AccessAsked, mailbox: str, url: str, user_agent: str) -> None:
        self._answerer, self._asked, self._mailbox = answerer, asked, mailbox
        self._url, self._user_agent = url, user_agent
        self._looks = 0
        self._origin = Origin(source=f"EWS of {mailbox}")

    async def run(self) -> Reading:
        """Every step as far as it goes."""
        name = f"{self._mailbox}/{self._asked.way}"
        probe = p.EwsAccessProbe(premises=ON, identity=name, mailbox=self._mailbox, way=self._asked.way)
        try:
            probe = await self._steps(probe)
        except _Stopped as stopped:
            return unseen(p.EwsAccessProbe.__name__, stopped.failure, asked=f"EWS access to {self._mailbox}")
        return Seen((probe,), self._origin)

    async def _steps(self, probe: p.EwsAccessProbe) -> p.EwsAccessProbe:
        code, says = await self._open()
        probe = _with(probe, "open_code", code, says)
        if code != OK:
            return probe
        note = Note(mailbox=self._mailbox, subject=self._asked.subject)
        self._asked.notes.keep(note)
        try:
            made = await self._make(note)
            if isinstance(made, ItemError | EwsFault):
                self._asked.notes.drop(note)
                return _with(probe, "create_code", made.code, made.message)
            note = msgspec.structs.replace(note, item_id=made.id)
            self._asked.notes.keep(note)
            probe = _with(probe, "create_code", OK, "")
            code, says = await self._read(made)
            probe = _with(probe, "read_code", code, says)
            code, says = await self._delete(note, self._asked.way)
        except BaseException:
            await self.remove(note)
            raise
        probe = _with(probe, "delete_code", code, says)
        if code == OK:
            self._asked.notes.drop(note)
        if code == OK or await self.remove(note):
            return probe
        return msgspec.structs.replace(probe, left_behind=note.subject)

    async def remove(self, note: Note) -> bool:
        """Remove the appointment of ``note`` by whatever way goes; True when it is gone."""
        for way in (self._asked.way, *(way for way in WAYS if way != self._asked.way)):
            try:
                code, _ = await self._delete(note, way)
            except _Stopped:
                continue
            if code == OK:
                self._asked.notes.drop(note)
                return True
        return False

    async def _open(self) -> tuple[str, str]:
        shape = get_folder.Request((get_folder.FolderRef("calendar", self._mailbox),), base_shape="IdOnly")
        said = await self._ask(get_folder.write_request(shape), get_folder.read_answer, self._asked.way)
        return said.code, said.message

    async def _make(self, note: Note) -> ItemId | ItemError | EwsFault:
        item = CalendarItem(note.subject, START_AT, START_AT + LASTS, "Free")
        body = create_item.write_request(create_item.Request(self._mailbox, item))
        said = await self._ask(body, create_item.read_answer, self._asked.way)
        return said if isinstance(said, EwsFault) else said.made

    async def _read(self, made: ItemId) -> tuple[str, str]:
        body = get_item.write_request(get_item.Request((ItemId(made.id),)))
        said = await self._ask(body, get_item.read_answer, self._asked.way)
        return said.code, said.message

    async def _delete(self, note: Note, way: str) -> tuple[str, str]:
        """Remove the item by its id, or whatever bears its subject where the id was never learnt."""
        ids = (ItemId(note.item_id),) if note.item_id else await self._find(note, way)
        if isinstance(ids, str):
            return ids, ""
        if not ids:
            return OK, ""
        body = delete_item.write_request(delete_item.Request(ids))
        said = await self._ask(body, delete_item.read_answer, way)
        gone = said.code == "ErrorItemNotFound" and not await self._still_there(note, way)
        return (OK, "") if gone else (said.code, said.message)

    async def _still_there(self, note: Note, way: str) -> bool:
        found = await self._find(note, way)
        return isinstance(found, str) or bool(found)

    async def _find(self, note: Note, way: str) -> tuple[ItemId, ...] | str:
        """The items with the subject of ``note``, or the code of the error."""
        # Every look is a question of its own: one that was asked before would be answered from memory.
        self._looks += 1
        request = find_item.Request(self._mailbox, START_AT - LASTS, START_AT + self._looks * 2 * LASTS)
        said = await self._ask(find_item.write_request(request), find_item.read_answer, way)
        if isinstance(said, EwsFault) or said.code != OK:
            return said.code
        return tuple(one.item_id for one in said.items if one.subject == note.subject and one.item_id)

    async def _ask(self, body: str, read: Callable[[HttpAnswer], T | EwsFault | Failure], way: str) -> T | EwsFault:
        impersonated = self._mailbox if way == IMPERSONATION else ""
        ask = envelope.ask(self._url, body, user_agent=self._user_agent, impersonate=impersonated, anchor=self._mailbox)
        answer = await self._answerer.http(ask)
        self._remember(ask, answer, way)
        said = read(answer)
        if isinstance(said, Failure):
            raise _Stopped(said)
        return said

    def _remember(self, ask: HttpAsk, answer: HttpAnswer, way: str) -> None:
        self._origin = http_origin(ask, answer, f"access to {self._mailbox} by {way}")


def _with(probe: p.EwsAccessProbe, step: str, code: str, says: str) -> p.EwsAccessProbe:
    told = {} if code == OK or probe.says else {"says": says}
    return msgspec.structs.replace(probe, **{step: code}, **told)

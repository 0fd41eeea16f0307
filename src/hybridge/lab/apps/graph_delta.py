"""The delta of calendar views: tokens, and what changed since one was given.

A token stands for a window and for what its holder was told; the lab remembers that instead of writing it into the
token. As with Graph, occurrences come with their times only and their master beside them; where a series changed, its
master and every occurrence left in the window come again and nothing says which occurrence is gone; ``@removed`` also
names events that never lay in the window. A token the lab has forgotten is answered 410.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.apps.graph_events import brief, master
from hybridge.lab.estate import Estate
from hybridge.lab.mail.items import Occurrence
from hybridge.lab.mail.store import store_of
from hybridge.org.records import Mailbox
from hybridge.terms.premises import Premises
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews.calendar_items import read_item_id
from hybridge.wire.graph import calendar_view as wire
from hybridge.wire.graph.errors import write_error
from hybridge.wire.graph.events import Event
from hybridge.wire.json_body import instant

ONLINE = Premises.ONLINE
TOKENS = 50_000
"""Tokens remembered; the oldest are forgotten first."""
REFUSED_OPTIONS = ("$select", "$filter", "$expand", "$orderby", "$search")


class Told(msgspec.Struct, frozen=True):
    """What the holder of a token was told: the window, and of every entry of the calendar its change key."""

    mailbox: str
    start_at: datetime
    end_at: datetime
    shown: dict[str, str]
    """Single events and masters in the window: id -> change key."""
    all: frozenset[str]
    """Ids of every single event and master of the calendar, in the window or not."""


class _Round(msgspec.Struct, frozen=True):
    """One answer that takes several pages."""

    told: Told
    events: tuple[Event, ...]
    removed: tuple[str, ...]


class Tokens:
    """The tokens of one estate. A reset forgets all of them."""

    def __init__(self) -> None:
        self._given: dict[str, Told | _Round] = {}
        self._last = 0

    def forget(self) -> None:
        """Forget every token: their holders are answered 410."""
        self._given.clear()

    def give(self, what: Told | _Round) -> str:
        """A token for ``what``."""
        self._last += 1
        token = f"t{self._last}"
        self._given[token] = what
        while len(self._given) > TOKENS:
            del self._given[next(iter(self._given))]
        return token

    def get(self, token: str) -> Told | _Round | None:
        """What ``token`` stands for, None when that is forgotten."""
        return self._given.get(token)


def tokens_of(estate: Estate) -> Tokens:
    """The tokens of ``estate``."""
    return estate.own(Tokens, Tokens, Tokens.forget)


def answer_delta(estate: Estate, request: Request, mailbox: Mailbox) -> HttpAnswer:
    """One page of a round: the first, a following one, or the first of what changed."""
    query = {name.lower(): value for name, value in request.query.items()}
    if refused := [name for name in REFUSED_OPTIONS if name in query]:
        says = f"The delta of a calendar view takes no {refused[0]}."
        return write_error(400, "ErrorInvalidUrlQuery", says, estate.now())
    token, _, offset = query.get("$skiptoken", query.get("$deltatoken", "")).partition(".")
    if not token:
        start, end = instant(query.get("startdatetime")), instant(query.get("enddatetime"))
        if start is None or end is None or not start < end:
            says = "This request requires a time window specified by the query string parameters StartDateTime and "
            return write_error(400, "ErrorInvalidParameter", says + "EndDateTime.", estate.now())
        return _page(estate, request, _first(estate, mailbox.identity, start, end), 0)
    known = tokens_of(estate).get(token)
    if isinstance(known, _Round) and known.told.mailbox == mailbox.identity:
        return _page(estate, request, known, int(offset) if offset.isascii() and offset.isdigit() else 0)
    if isinstance(known, Told) and known.mailbox == mailbox.identity:
        return _page(estate, request, _since(estate, known), 0)
    says = "The sync state generation is not found; the calendar must be read anew."
    return write_error(410, "SyncStateNotFound", says, estate.now())


def _page(estate: Estate, request: Request, one: _Round, offset: int) -> HttpAnswer:
    size = wire.read_page_size(request.headers.get("prefer", ""))
    end = offset + size
    here = f"https://{request.host}{request.path}"
    events = one.events[offset:end]
    if end < len(one.events):
        token = tokens_of(estate).give(one)
        return wire.write_page(events, next_link=f"{here}?$skiptoken={token}.{end}")
    link = f"{here}?$deltatoken={tokens_of(estate).give(one.told)}"
    return wire.write_page(events, one.removed, delta_link=link)


def _first(estate: Estate, mailbox: str, start: datetime, end: datetime) -> _Round:
    told = _told(estate, mailbox, start, end)
    return _Round(told, tuple(_entries(estate, told, set(told.shown))), ())


def _since(estate: Estate, before: Told) -> _Round:
    now = _told(estate, before.mailbox, before.start_at, before.end_at)
    changed = {one for one, key in now.shown.items() if before.shown.get(one) != key}
    left = {one for one in before.shown if one not in now.shown}
    gone = before.all - now.all
    return _Round(now, tuple(_entries(estate, now, changed)), tuple(sorted(left | gone)))


def _told(estate: Estate, mailbox: str, start: datetime, end: datetime) -> Told:
    store = store_of(estate)
    shown = {_of(one): one.change_key for one in store.occurrences(ONLINE, mailbox, start, end)}
    return Told(mailbox, start, end, shown, frozenset(one.opaque_id for one in store.items(ONLINE, mailbox)))


def _of(one: Occurrence) -> str:
    """The id of the single event, or of the series, an entry belongs to."""
    return one.series_id or one.item_id


def _entries(estate: Estate, told: Told, wanted: set[str]) -> Iterator[Event]:
    """The entries of ``wanted`` events and series, a series' master before its occurrences."""
    found = store_of(estate).occurrences(ONLINE, told.mailbox, told.start_at, told.end_at)
    kept = sorted((one for one in found if _of(one) in wanted), key=_of)
    for _, group in groupby(kept, key=_of):
        entries = list(group)
        series = store_of(estate).get(read_item_id(entries[0].series_id)) if entries[0].series_id else None
        if series is not None:
            yield master(series)
        yield from map(brief, entries)

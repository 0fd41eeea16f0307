"""Graph: a calendar between two instants (``calendarView``), whole or by what changed (``calendarView/delta``).

Both expand series. The window of a delta is fixed in its token: another window needs a new one. ``@removed`` may name
events outside of the window, and events the reader never saw. A token can be too old (410, or 400 with a code of sync
state): then everything is read anew. Links are followed only to the host and the path they were asked from, because
they come from outside and the ask carries a token. Source: Microsoft's page on the delta of events.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, unquote, urlsplit

import msgspec

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph.errors import ask, read_error
from hybridge.wire.graph.events import Event, read_event, write_event
from hybridge.wire.graph.zoned import UTC_PREFERRED, bare_utc
from hybridge.wire.json_body import JsonRefused, json_answer, mapping, objects, read_object, text
from hybridge.wire.xml import malformed

PAGE_SIZE = 200
LOST_TOKENS = ("SyncStateNotFound", "SyncStateInvalid", "ResyncRequired", "ErrorInvalidSyncStateData")
"""Codes that say that a token is of no use any more."""
_FIELDS = (
    "id,type,seriesMasterId,start,end,showAs,isAllDay,isCancelled,sensitivity,responseStatus,isOrganizer,attendees,"
    "subject,changeKey"
)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page. ``next_link`` leads to the following one, ``delta_link`` to the changes after this round."""

    events: tuple[Event, ...] = ()
    removed: tuple[str, ...] = ()
    next_link: str = ""
    delta_link: str = ""


class Resync(msgspec.Struct, frozen=True):
    """The token is lost: everything must be read anew."""

    says: str


def ask_view(host: str, user: str, start: datetime, end: datetime) -> HttpAsk:
    """Ask for the events of ``user`` that overlap the window, without subjects of use to nobody: no body, no text."""
    return _preferring(ask("GET", host, f"{path_of(user)}?{_window(start, end)}&$select={_FIELDS}&$top={PAGE_SIZE}"))


def ask_delta(host: str, user: str, start: datetime, end: datetime) -> HttpAsk:
    """Begin to follow the changes of the window: the first round gives everything. It takes no ``$select``."""
    return _preferring(ask("GET", host, f"{path_of(user)}/delta?{_window(start, end)}"))


def ask_link(host: str, user: str, link: str) -> HttpAsk | Failure:
    """Follow a ``next_link`` or ``delta_link`` given for ``user`` by ``host``; a link elsewhere is refused."""
    parts = urlsplit(link)
    here = parts.scheme == "https" and parts.netloc.lower() == host.lower()
    if not here or not (found := read_path(unquote(parts.path))) or not parts.query:
        return Failure(
            reason=FailureReason.REFUSED,
            says=f"Graph's link to the next page of {user}'s calendar leads away from it; it was not followed.",
        )
    return _preferring(ask("GET", host, f"{parts.path}?{parts.query}")) if found else malformed("No link.")


def _preferring(one: HttpAsk) -> HttpAsk:
    preferred = f'{UTC_PREFERRED}, IdType="ImmutableId", odata.maxpagesize={PAGE_SIZE}'
    return msgspec.structs.replace(one, headers=(*one.headers, ("Prefer", preferred)))


def _window(start: datetime, end: datetime) -> str:
    return f"startDateTime={bare_utc(start)}Z&endDateTime={bare_utc(end)}Z"


def path_of(user: str) -> str:
    """The path of ``user``'s calendar view."""
    return f"/v1.0/users/{quote(user, safe='@')}/calendarView"


def read_page(answer: HttpAnswer, user: str) -> Page | Resync | Failure:
    """One page of ``user``'s calendar, or why there is none."""
    what = f"the calendar of {user}"
    if answer.failure:
        return answer.failure
    if answer.status != 200:
        return _lost(answer, what) or read_error(answer, what)
    try:
        body = read_object(answer.body)
        found = objects(body.get("value"))
        return Page(
            events=tuple(read_event(one) for one in found if "@removed" not in one),
            removed=tuple(text(one.get("id")) for one in found if "@removed" in one),
            next_link=text(body.get("@odata.nextLink")),
            delta_link=text(body.get("@odata.deltaLink")),
        )
    except JsonRefused as error:
        return malformed(f"The calendar of {user} cannot be read: {error}")


def _lost(answer: HttpAnswer, what: str) -> Resync | None:
    try:
        code = text(mapping(read_object(answer.body).get("error")).get("code"))
    except JsonRefused:
        code = ""
    lost = answer.status == 410 or (answer.status == 400 and code.lower() in {one.lower() for one in LOST_TOKENS})
    return Resync(f"Graph no longer knows what it told of {what} ({code or answer.status}).") if lost else None


# The server's half ----------------------------------------------------------------------------------------------------


def read_path(path: str) -> tuple[str, bool] | None:
    """(user, whether the delta is asked for) of a request's path, None for another path."""
    match = _PATH.fullmatch(path)
    return (unquote(match["user"]), bool(match["delta"])) if match else None


_PATH = re.compile(
    r"/(?:v1\.0|beta)/users/(?P<user>[^/]+)(?:/calendar)?/calendarView(?P<delta>/delta(?:\(\))?)?/?", re.I
)


def read_page_size(prefer: str, top: str = "") -> int:
    """How many events a client wants on a page: ``odata.maxpagesize``, or ``$top``; else 10, as Graph."""
    match = re.search(r"odata\.maxpagesize\s*=\s*(\d{1,4})", prefer, re.I)
    wanted = match[1] if match else top
    return min(max(int(wanted), 1), 1000) if wanted.isascii() and wanted.isdigit() and len(wanted) < 5 else 10


def write_page(
    events: Sequence[Event], removed: Sequence[str] = (), *, next_link: str = "", delta_link: str = ""
) -> HttpAnswer:
    """The answer with one page."""
    body: dict[str, object] = {
        "value": [
            *map(write_event, events),
            *(
                {"@odata.type": "#microsoft.graph.event", "id": one, "@removed": {"reason": "deleted"}}
                for one in removed
            ),
        ]
    }
    if next_link:
        body["@odata.nextLink"] = next_link
    if delta_link:
        body["@odata.deltaLink"] = delta_link
    return json_answer(200, body)

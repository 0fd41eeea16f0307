"""The REST interface of Exchange Server at ``/api``: the road Teams takes to the calendar when it works out presence.

Anonymous asks prove that the path is published: Exchange itself answers 401. The calendar view is what the presence
service reads; only the few properties presence needs are carried. Times are UTC.

Sources: the published behaviour of the calendarView request of api/v2.0, and the anonymous probe of the documents on
presence for on-premises mailboxes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from hybridge.wire.ask import Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.json_body import JsonRefused, instant, json_answer, mapping, objects, read_object, text
from hybridge.wire.xml import malformed

ROOT = "/api"
_WINDOW = "startDateTime={start}&endDateTime={end}&$top=100&$select=Subject,Start,End,ShowAs,IsAllDay,IsCancelled"


class RestEvent(msgspec.Struct, frozen=True):
    """One entry of a calendar view. ``show_as`` is Free, Tentative, Busy, Oof, WorkingElsewhere, Unknown or newer."""

    start_at: datetime
    end_at: datetime
    show_as: str = "Busy"
    subject: str = ""
    is_cancelled: bool = False


class RootAnswer(msgspec.Struct, frozen=True):
    """Answer to an anonymous GET of ``/api``: 401 of Exchange itself means published."""

    status: int
    reached_exchange: bool
    """Whether the answer carries headers only Exchange sets."""


def ask_root(host: str) -> HttpAsk:
    """The anonymous probe."""
    return HttpAsk(method="GET", url=f"https://{host}{ROOT}", headers=(("Accept", "application/json"),))


def ask_calendar_view(
    host: str, start: datetime, end: datetime, *, mailbox: str = "me", user_agent: str = "", bearer: str = ""
) -> HttpAsk:
    """Ask for the calendar from ``start`` to ``end`` (aware): of the caller, or of ``mailbox``.

    Without ``bearer`` (a token, sent as it is) the ask is anonymous and only proves that the path answers.
    """
    who = "me" if mailbox == "me" else f"users/{quote(mailbox, safe='@')}"
    window = _WINDOW.format(start=_written(start), end=_written(end))
    headers = [("Accept", "application/json")]
    if user_agent:
        headers.append(("User-Agent", user_agent))
    if bearer:
        headers.append(("Authorization", f"Bearer {bearer}"))
    return HttpAsk(method="GET", url=f"https://{host}{ROOT}/v2.0/{who}/calendarView?{window}", headers=tuple(headers))


LONG_QUERY = 2500
"""Characters of a query as long as those Teams sends; the server's own default allows 2,048."""
_FILLER = "PropertyId eq 'String {00020329-0000-0000-C000-000000000046} Name Keywords'"


def lengthened(url: str, length: int = LONG_QUERY) -> str:
    """``url`` with ``$expand`` of extended properties, so that its query has ``length`` characters at least."""
    query = url.partition("?")[2]
    filler = "&$expand=SingleValueExtendedProperties($filter="
    while len(query) + len(filler) < length:
        filler += quote(f"{_FILLER} or ", safe="")
    return f"{url}{filler}{quote(_FILLER, safe='')})"


def ask_long_query(host: str) -> HttpAsk:
    """The anonymous probe of a calendar view with a query as long as those of Teams; it never changes."""
    url = lengthened(f"https://{host}{ROOT}/v2.0/me/calendarView?$top=0")
    return HttpAsk(method="GET", url=url, headers=(("Accept", "application/json"),), limit=64 * 1024)


def write_query_too_long() -> HttpAnswer:
    """IIS refuses a query that is too long: 404 with substatus 15, before anybody has signed in."""
    body = b"<html><body><h2>404 - File or directory not found.</h2><p>HTTP Error 404.15</p></body></html>"
    return HttpAnswer(status=404, headers=(("content-type", "text/html"),), body=body)


def reached_exchange(answer: HttpAnswer) -> bool:
    """Whether an answer carries headers only Exchange sets: a proxy's own page has none of them."""
    return any(answer.header(name) for name in ("x-feserver", "request-id", "x-beserver", "x-calculatedbetarget"))


def read_root(answer: HttpAnswer) -> RootAnswer | Failure:
    """What an anonymous GET of ``/api`` met; ``Failure`` only when nothing answered."""
    return answer.failure or RootAnswer(answer.status, reached_exchange(answer))


def read_calendar_view(answer: HttpAnswer) -> tuple[RestEvent, ...] | Failure:
    """The events of an answer, entries without readable times left out."""
    if answer.failure:
        return answer.failure
    if answer.status in (401, 403):
        return Failure(
            reason=FailureReason.SIGN_IN if answer.status == 401 else FailureReason.FORBIDDEN,
            says=f"Exchange refused the calendar (HTTP {answer.status}).",
            next_step="Check the token's audience and the EWS access policy, which binds REST callers too.",
        )
    try:
        body = read_object(answer.body)
    except JsonRefused as error:
        return malformed(f"The calendar (HTTP {answer.status}) cannot be read: {error}")
    if answer.status != 200:
        said = text(mapping(body.get("error")).get("message"))[:200]
        return malformed(f"Exchange gave no calendar (HTTP {answer.status}). {said}".strip())
    return tuple(event for one in objects(body.get("value")) if (event := _read_event(one)))


def _read_event(one: dict[str, Any]) -> RestEvent | None:
    start, end = (instant(mapping(one.get(name)).get("DateTime")) for name in ("Start", "End"))
    if start is None or end is None:
        return None
    return RestEvent(
        start_at=start,
        end_at=end,
        show_as=text(one.get("ShowAs")) or "Unknown",
        subject=text(one.get("Subject")),
        is_cancelled=one.get("IsCancelled") is True,
    )


def read_ask(path: str) -> str | None:
    """The mailbox of a calendar view request ("me" or an address), "" for the root, None for any other path."""
    parts = [part for part in path.split("/") if part]
    match [part.lower() for part in parts]:
        case ["api"] | ["api", "v2.0"]:
            return ""
        case ["api", "v2.0", "me", "calendarview"]:
            return "me"
        case ["api", "v2.0", "users", mailbox, "calendarview"]:
            return mailbox
    return None


def write_unauthorized(challenges: tuple[str, ...]) -> HttpAnswer:
    """The 401 with one WWW-Authenticate header for each of ``challenges``."""
    return HttpAnswer(status=401, headers=tuple(("www-authenticate", value) for value in challenges))


def write_calendar_view(host: str, events: tuple[RestEvent, ...]) -> HttpAnswer:
    """The answer with ``events``."""
    return json_answer(
        200,
        {
            "@odata.context": f"https://{host}{ROOT}/v2.0/$metadata#Me/CalendarView",
            "value": [
                {
                    "Subject": event.subject,
                    "Start": {"DateTime": _written(event.start_at)[:-1] + ".0000000", "TimeZone": "UTC"},
                    "End": {"DateTime": _written(event.end_at)[:-1] + ".0000000", "TimeZone": "UTC"},
                    "ShowAs": event.show_as,
                    "IsAllDay": False,
                    "IsCancelled": event.is_cancelled,
                }
                for event in events
            ],
        },
    )


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

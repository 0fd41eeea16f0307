"""A quick reader of GetUserAvailability's answer, with the result of the strict one (``get_user_availability``).

A sweep reads megabytes of free/busy, and most of the strict reader's time goes into elements nobody looks at twice.
Servers write this answer in one of two shapes, without a blank between the elements: with prefixes, or by switching
the default namespace. Here the answer is taken apart with patterns that must cover every character of it:

- Its frame (everything but the content of FreeBusyResponseArray) is read by the strict reader, which judges the
  document type, the namespaces and what they are called; the same frame comes again and again, and is remembered.
- The content is cut at the closing tags of FreeBusyResponse. That is safe because a document with a comment, a CDATA
  section, a processing instruction or a document type is not read here at all, so what looks like a tag is one.
- A mailbox whose part is not exactly as expected (an error, a blank, a character reference) is read by the strict
  reader inside the same frame. When anything about that is odd, the strict reader reads the whole answer.

So nothing is accepted that the strict reader would refuse, and nothing is read in another way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import get_user_availability as strict
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.free_busy_view import BusyPeriod, FreeBusy, WorkingPeriod
from hybridge.wire.ews.get_user_availability import MailboxError, Response
from hybridge.wire.ews.namespaces import TYPES
from hybridge.wire.ews.reading import Foreign, child, instant
from hybridge.wire.xml import LIMIT

_OPENING = re.compile(r"<([A-Za-z][A-Za-z0-9]{0,15}:)?FreeBusyResponseArray>")
_DECLARATION = re.compile(r"""<\?xml version=["']1\.[0-9]["'](?: encoding=["'](?:utf-8|UTF-8)["'])?[^?<]{0,40}\?>\s*""")
_TEXT = "[^<>&\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*"
_WRITTEN = f"{_TEXT}(?:&(?:amp|lt|gt|quot|apos|#39);{_TEXT})*"
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&"))
_TRUTHS = frozenset({"true", "1"})


class _NotOurs(Exception):
    """The strict reader must read this."""


@dataclass(frozen=True, eq=False)
class _Patterns:
    """What one part looks like in one shape.

    An event is cut into what stands before its details, their texts and their flags. There are only so many different
    beginnings and flags, so what was read once is found again.
    """

    head: re.Pattern[str]
    events_begin: str
    events_end: str
    event_end: str
    details: str
    first_flag: str
    when: re.Pattern[str]
    texts: re.Pattern[str]
    flags: re.Pattern[str]
    tail: re.Pattern[str]


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame the strict reader has accepted: ``begin`` + parts + ``end`` is a document."""

    begin: str
    end: str
    prefix: str
    """Prefix of the messages with its colon, "" for the default namespace."""
    types: tuple[str, ...]
    """Prefixes of the types with their colon."""

    def patterns(self, part: str) -> _Patterns:
        """The patterns for a document of which ``part`` is one."""
        for types in self.types:
            if f"<{types}FreeBusyViewType>" in part:
                return _patterns(self.prefix, types, "")
        return _patterns(self.prefix, "", "" if self.prefix else f' xmlns="{TYPES}"')


def read_answer(answer: HttpAnswer, *, texts: bool = True) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer: what ``get_user_availability.read_answer`` returns, sooner.

    Without ``texts`` subjects, locations and ids are checked as ever, but none is kept: they are "".
    """
    if answer.failure is None and answer.status == 200:
        try:
            return _scanned(answer.body, texts)
        except (_NotOurs, Foreign, UnicodeDecodeError):
            pass
    read = strict.read_answer(answer)
    return read if texts or not isinstance(read, Response) else Response(tuple(map(without_texts, read.answers)))


def without_texts(answer: FreeBusy | MailboxError) -> FreeBusy | MailboxError:
    """``answer`` without subjects, locations and ids."""
    if isinstance(answer, MailboxError):
        return answer
    periods = tuple([msgspec.structs.replace(one, subject="", location="", entry_id="") for one in answer.periods])
    return msgspec.structs.replace(answer, periods=periods)


def _scanned(body: bytes, texts: bool) -> Response:
    # one rare character is found much sooner than two of which the first is everywhere
    if len(body) > LIMIT or (b"!" in body and b"<!" in body):
        raise _NotOurs
    whole = body.decode()
    declared = _DECLARATION.match(whole)
    after = declared.end() if declared else 0
    if whole.find("?", after) >= 0 and whole.find("<?", after) >= 0:
        raise _NotOurs
    found = _OPENING.search(whole)
    if found is None:
        raise _NotOurs
    begin, end = found.end(), whole.rfind(f"</{found[1] or ''}FreeBusyResponseArray>")
    if end < begin:
        raise _NotOurs
    frame = _frame(whole[:begin], whole[end:], found[1] or "")
    if frame is None:
        raise _NotOurs
    parts = whole[begin:end].split(f"</{frame.prefix}FreeBusyResponse>")
    if parts.pop():
        raise _NotOurs
    if not parts:
        return Response(())
    patterns = frame.patterns(parts[0])
    period = _period if texts else _bare_period
    return Response(tuple([_read(part, patterns, frame, period) for part in parts]))


@lru_cache(maxsize=64)
def _frame(begin: str, end: str, prefix: str) -> _Frame | None:
    if len(begin) + len(end) > 16384:
        return None
    opened = read_body(HttpAnswer(status=200, body=(begin + end).encode()))
    if isinstance(opened, EwsFault | Failure) or isinstance(strict.read_response(opened), Failure):
        return None
    array = child(opened, "m:FreeBusyResponseArray")
    if array is None or len(array) or array.text or (array.prefix or "") != prefix.rstrip(":"):
        return None
    types = tuple(f"{name}:" for name, uri in array.nsmap.items() if uri == TYPES and name)
    return _Frame(begin, end, prefix, types)


def _read(part: str, patterns: _Patterns, frame: _Frame, period: _ReadPeriod) -> FreeBusy | MailboxError:
    """One mailbox; ``part`` is without its closing tag."""
    try:
        return _of_part(part, patterns, frame, period)
    except _NotOurs:
        read = _strictly(part, frame)
        return read if period is _period else without_texts(read)


def _of_part(part: str, patterns: _Patterns, frame: _Frame, period: _ReadPeriod) -> FreeBusy:
    head, opened, rest = part.partition(patterns.events_begin)
    if not opened:
        found = patterns.head.match(part)
        if found is None:
            raise _NotOurs
        working, bias = _tail(part[found.end() :], patterns, frame)
        return FreeBusy(tuple(found[1].split()), (), found[2] or "", working, bias)
    events, closed, tail = rest.partition(patterns.events_end)
    between = events.split(patterns.event_end)
    if not closed or between.pop():
        raise _NotOurs
    view_types, merged = _head(head, patterns)
    periods = tuple([period(event, patterns) for event in between])
    working, bias = _tail(tail, patterns, frame)
    return FreeBusy(view_types, periods, merged, working, bias)


@lru_cache(maxsize=256)
def _head(head: str, patterns: _Patterns) -> tuple[tuple[str, ...], str]:
    """The levels of the view, and the merged view."""
    found = patterns.head.fullmatch(head)
    if found is None:
        raise _NotOurs
    return tuple(found[1].split()), found[2] or ""


@lru_cache(maxsize=1024)
def _tail(tail: str, patterns: _Patterns, frame: _Frame) -> tuple[tuple[WorkingPeriod, ...], int | None]:
    """The working hours: most mailboxes of an organization have the same."""
    found = patterns.tail.fullmatch(tail)
    if found is None:
        raise _NotOurs
    return _working_hours(found[1], frame) if found[1] else ((), None)


def _period(event: str, patterns: _Patterns) -> BusyPeriod:
    """One event, without its closing tag."""
    begin, found, details = event.partition(patterns.details)
    start_at, end_at, busy_type = _when(begin, patterns)
    if not found:
        return BusyPeriod(start_at, end_at, busy_type)
    at = details.find(patterns.first_flag)
    texts = patterns.texts.fullmatch(details, 0, at)
    if at < 0 or texts is None:
        raise _NotOurs
    is_meeting, recurs, excepted, is_private = _flags(details[at:], patterns)
    entry, subject, location = [_plain(one) if "&" in one else one for one in texts.groups("")]
    return BusyPeriod(
        start_at, end_at, busy_type, subject, location, is_meeting, is_private, True, entry, recurs, excepted
    )


def _bare_period(event: str, patterns: _Patterns) -> BusyPeriod:
    """As ``_period``, without the texts."""
    begin, found, details = event.partition(patterns.details)
    if not found:
        start_at, end_at, busy_type = _when(begin, patterns)
        return BusyPeriod(start_at, end_at, busy_type)
    at = details.find(patterns.first_flag)
    if at < 0 or patterns.texts.fullmatch(details, 0, at) is None:
        raise _NotOurs
    return _untold(begin, details[at:], patterns)


@lru_cache(maxsize=16384)
def _untold(begin: str, flags: str, patterns: _Patterns) -> BusyPeriod:
    start_at, end_at, busy_type = _when(begin, patterns)
    is_meeting, recurs, excepted, is_private = _flags(flags, patterns)
    return BusyPeriod(start_at, end_at, busy_type, "", "", is_meeting, is_private, True, "", recurs, excepted)


_ReadPeriod = Callable[[str, _Patterns], BusyPeriod]


@lru_cache(maxsize=16384)
def _when(begin: str, patterns: _Patterns) -> tuple[datetime, datetime, str]:
    found = patterns.when.fullmatch(begin)
    if found is None:
        raise _NotOurs
    return _instant(found[1]), _instant(found[2]), found[3]


@lru_cache(maxsize=256)
def _flags(flags: str, patterns: _Patterns) -> tuple[bool, bool, bool, bool]:
    """Whether it is a meeting, one of a series, an exception of it, private."""
    found = patterns.flags.fullmatch(flags)
    if found is None:
        raise _NotOurs
    return found[1] in _TRUTHS, found[2] in _TRUTHS, found[3] in _TRUTHS, found[4] in _TRUTHS


_instant = lru_cache(maxsize=16384)(instant)
"""Meetings begin and end on the half hour: the same instants come again and again."""


def _plain(text: str) -> str:
    if text.count("&") == text.count("&amp;"):
        return text.replace("&amp;", "&")
    for written, meant in _ENTITIES:
        text = text.replace(written, meant)
    return text


def _strictly(part: str, frame: _Frame) -> FreeBusy | MailboxError:
    document = f"{frame.begin}{part}</{frame.prefix}FreeBusyResponse>{frame.end}"
    read = strict.read_answer(HttpAnswer(status=200, body=document.encode()))
    if not isinstance(read, Response) or len(read.answers) != 1:
        raise _NotOurs
    return read.answers[0]


def _working_hours(hours: str, frame: _Frame) -> tuple[tuple[WorkingPeriod, ...], int | None]:
    """The hours of a mailbox, by the strict reader."""
    prefix = frame.prefix
    part = f"<{prefix}FreeBusyResponse><{prefix}FreeBusyView>{hours}</{prefix}FreeBusyView>"
    read = _strictly(part, frame)
    if not isinstance(read, FreeBusy) or msgspec.structs.replace(
        read, working_periods=(), working_bias=None
    ) != FreeBusy(("None",)):
        raise _NotOurs
    return read.working_periods, read.working_bias


@lru_cache(maxsize=16)
def _patterns(messages: str, types: str, switch: str) -> _Patterns:
    def m(name: str) -> str:
        return re.escape(f"{messages}{name}")

    def element(name: str, content: str, attributes: str = "") -> str:
        tag = re.escape(f"{types}{name}")
        return f"<{tag}{re.escape(attributes)}>{content}</{tag}>"

    def maybe(name: str) -> str:
        """An element of text, an empty one, or none."""
        return f"(?:{element(name, f'({_WRITTEN})')}|<{re.escape(types + name)} ?/>)?"

    def flag(name: str) -> str:
        return element(name, "(true|false|0|1)")

    moment = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?)"
    when = (
        f"<{re.escape(types)}CalendarEvent>"
        f"{element('StartTime', moment)}{element('EndTime', moment)}{element('BusyType', '([A-Za-z]{1,40})')}"
    )
    texts = f"(?:{element('ID', f'({_TEXT})')})?{maybe('Subject')}{maybe('Location')}"
    flags = (
        f"{flag('IsMeeting')}{flag('IsRecurring')}{flag('IsException')}{element('IsReminderSet', '(?:true|false|0|1)')}"
        f"{flag('IsPrivate')}</{re.escape(types)}CalendarEventDetails>"
    )
    array, hours = f"{types}CalendarEventArray", re.escape(f"{types}WorkingHours")
    head = (
        f'<{m("FreeBusyResponse")}><{m("ResponseMessage")} ResponseClass="Success"><{m("ResponseCode")}>NoError'
        f"</{m('ResponseCode')}></{m('ResponseMessage')}><{m('FreeBusyView')}>"
        f"{element('FreeBusyViewType', '([A-Za-z]{1,40}(?: [A-Za-z]{1,40}){0,8})', switch)}"
        f"(?:{element('MergedFreeBusy', '([0-9]{0,100000})', switch)})?"
    )
    tail = f"(<{hours}{re.escape(switch)}>.{{0,8192}}</{hours}>)?</{m('FreeBusyView')}>"

    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(text, re.ASCII | re.DOTALL)  # the digits and letters of Unicode are none of XML Schema's

    return _Patterns(
        head=pattern(head),
        events_begin=f"<{array}{switch}>",
        events_end=f"</{array}>",
        event_end=f"</{types}CalendarEvent>",
        details=f"<{types}CalendarEventDetails>",
        first_flag=f"<{types}IsMeeting>",
        when=pattern(when),
        texts=pattern(texts),
        flags=pattern(flags),
        tail=pattern(tail),
    )

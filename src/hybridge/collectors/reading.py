"""Turns answers into readings: the small steps every collector shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from hybridge.evidence import Key, Origin, Seen, Unseen
from hybridge.org.records import Record
from hybridge.terms.premises import Premises
from hybridge.wire import cmdlets
from hybridge.wire.ask import Answerer, CmdletAnswer, CmdletAsk, Failure, HttpAnswer, HttpAsk

Reading = Seen[Record] | Unseen
Readings = dict[Key, Reading]

EXCERPT = 400
"""Characters of a reply kept with its origin."""


def unseen(what: str, failure: Failure, how: str = "", asked: str = "") -> Unseen:
    """What a failure means for the reading of ``what``.

    ``how`` is used when the failure names no next step; ``asked`` says what was asked, for whom.
    """
    says = f"{asked}: {failure.says}" if asked else failure.says
    return Unseen(what=what, reason=failure.reason, says=says, how=failure.next_step or how)


def http_origin(ask: HttpAsk, answer: HttpAnswer, what: str = "") -> Origin:
    """Where an HTTP fact was seen: method, URL, status and the beginning of the reply."""
    source = f"{ask.method} {ask.url}" + (f" ({what})" if what else "")
    headers = "; ".join(f"{name}: {value}" for name, value in answer.headers if name.lower() in _TELLING)
    text = answer.body[:EXCERPT].decode("utf-8", "replace").strip()
    excerpt = " | ".join(part for part in (f"HTTP {answer.status}", headers, text) if part)
    return Origin(source=source, seen_at=answer.answered_at, excerpt=excerpt, took_ms=answer.took_ms)


_TELLING = frozenset({"location", "x-feserver", "request-id", "x-ews-policy-reason", "x-ms-diagnostics", "server"})


def line(ask: CmdletAsk) -> str:
    """The cmdlet as an administrator would type it."""
    return " ".join((ask.name, *(f"-{name} {_typed(value)}" for name, value in ask.parameters)))


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "$true" if value else "$false"
    text = str(value)
    return text if text.isalnum() else "'" + text.replace("'", "''") + "'"


async def read_cmdlet(answerer: Answerer, kind: type[Record], ask: CmdletAsk) -> Reading:
    """All records of ``kind`` that ``ask`` gives; an object that is not found is a fact: there is none."""
    answer = await answerer.cmdlet(ask)
    return reading_of(kind, ask, answer)


def reading_of(kind: type[Record], ask: CmdletAsk, answer: CmdletAnswer) -> Reading:
    """The reading an answer to ``ask`` amounts to."""
    records = cmdlets.read_answer(ask, answer)
    if isinstance(records, Failure):
        return unseen(kind.__name__, records, f"run: {line(ask)}")
    found = tuple(record for record in records if isinstance(record, kind))
    origin = Origin(source=line(ask), seen_at=answer.answered_at, excerpt=_counted(found), took_ms=answer.took_ms)
    return Seen(found, origin)


def _counted(records: tuple[Record, ...]) -> str:
    names = ", ".join(record.identity for record in records[:5])
    return f"{len(records)}: {names}{' ...' if len(records) > 5 else ''}" if records else "none"


def joined(kind: type[Record], readings: Iterable[Reading]) -> Reading:
    """One reading made of several: everything seen together, or the first gap."""
    records: list[Record] = []
    sources: list[str] = []
    excerpts: list[str] = []
    seen_at: datetime | None = None
    took_ms = 0.0
    for reading in readings:
        if isinstance(reading, Unseen):
            return reading
        records += reading.records
        sources.append(reading.origin.source)
        excerpts.append(reading.origin.excerpt)
        seen_at = reading.origin.seen_at
        took_ms = max(took_ms, reading.origin.took_ms)
    origin = Origin(
        source=_together(sources) or kind.cmdlet,
        seen_at=seen_at,
        excerpt="\n".join(dict.fromkeys(text for text in excerpts if text)),
        took_ms=took_ms,
    )
    return Seen(tuple({record.address: record for record in records}.values()), origin)


def _together(sources: list[str]) -> str:
    unique = list(dict.fromkeys(sources))
    return ", ".join(unique) if len(unique) < 3 else f"{unique[0]} and {len(unique) - 1} more like it"


def key(kind: type[Record], premises: Premises, scope: str = "") -> Key:
    """The key of a reading."""
    return Key(kind.__name__, premises, scope.lower())


def merged(parts: Iterable[Mapping[Key, Reading]]) -> Readings:
    """All readings of several collectors."""
    together: Readings = {}
    for part in parts:
        together.update(part)
    return together

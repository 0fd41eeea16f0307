"""The ids by which a server remembers what it was asked, from the recorded answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from hybridge.report.csv_ import harmless
from hybridge.wire.ask import HttpAnswer, HttpAsk

_IDS = ("request-id", "x-ms-request-id", "x-ms-ags-diagnostic", "client-request-id")
_SERVERS = ("x-calculatedbetarget", "x-beserver", "x-feserver", "x-diaginfo")
_REASONS = ("x-ms-diagnostics", "x-ews-policy-reason", "x-ms-service-error")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One answered request; ``at`` is UTC, ``server`` what the answer names, ``reason`` why it refused."""

    at: str
    method: str
    where: str
    status: int
    id: str
    server: str
    reason: str


COLUMNS = ("at", "method", "where", "status", "id", "server", "reason")


def asked(pairs: Iterable[tuple[HttpAsk, HttpAnswer]]) -> tuple[Asked, ...]:
    """Every recorded request as a row: refused ones first, then in the order of time."""
    rows = [_row(ask, answer) for ask, answer in pairs]
    return tuple(sorted(rows, key=lambda one: (one.status < 500 and one.status != 403, one.at, one.where)))


def _row(ask: HttpAsk, answer: HttpAnswer) -> Asked:
    url = urlsplit(ask.url)
    return Asked(
        at=f"{answer.answered_at:%Y-%m-%d %H:%M:%S}" if answer.answered_at else answer.header("date"),
        method=ask.method,
        where=f"https://{url.netloc}{url.path}",
        status=answer.status,
        id=_first(answer, _IDS),
        server=_first(answer, _SERVERS),
        reason=_first(answer, _REASONS) or (answer.failure.says if answer.failure else ""),
    )


def _first(answer: HttpAnswer, names: Iterable[str]) -> str:
    return next((value for name in names if (value := answer.header(name))), "")


def table(rows: Iterable[Asked]) -> str:
    """All rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([harmless(str(getattr(row, name))) for name in COLUMNS] for row in rows)
    return text.getvalue()

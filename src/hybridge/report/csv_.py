"""The report as CSV (RFC 4180): one row a finding, and one for each thing that could not be checked.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@`` or a control character for a formula, and what a
server said may begin so: such a cell gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from hybridge.report.model import Report
from hybridge.report.rows import Row, printable, rows

COLUMNS = (
    "outcome",
    "severity",
    "check",
    "cause",
    "subject",
    "says",
    "address",
    "symptoms",
    "explained_by",
    "seen_in",
    "how_to_get_it",
    "since",
    "accepted_until",
    "accepted_reason",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def render(report: Report) -> str:
    """``report`` as CSV with a header line and CRLF line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, dialect="excel", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([harmless(cell) for cell in _cells(row)] for row in rows(report))
    return text.getvalue()


def harmless(cell: str) -> str:
    """``cell`` as text that no spreadsheet computes, whatever blanks stand before it."""
    cell = printable(cell)
    return f"'{cell}" if cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA) else cell


def _cells(row: Row) -> Iterator[str]:
    yield from (row.outcome, row.severity, row.check, row.cause, row.subject, row.says, row.address)
    yield from (", ".join(row.symptoms), ", ".join(row.explained_by), "; ".join(row.seen_in), row.how, row.change)
    yield row.accepted.until.isoformat() if row.accepted else ""
    yield row.accepted.reason if row.accepted else ""

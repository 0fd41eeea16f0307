"""``--since REPORT``: reads the earlier report before anything is asked, and compares when the new one is there."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from hybridge.cli.exits import Stop
from hybridge.doctor.compare import Crowd, Earlier, NotComparable, compare, read, same_organization
from hybridge.findings import Known
from hybridge.report.model import Report
from hybridge.report.rows import Row, rows

_WRITE_ONE = "name a report written with: hybridge doctor --out report.json"


def earlier(path: Path, organization: str) -> Earlier:
    """The JSON report at ``path``, which must be of ``organization``."""
    try:
        before = read(path.read_bytes(), str(path))
        same_organization(before, organization)
    except OSError as error:
        raise Stop(f"The earlier report '{path}' cannot be read: {error.strerror}.", _WRITE_ONE) from error
    except NotComparable as problem:
        raise Stop(str(problem), problem.next_step) from problem
    return before


def compared(report: Report, before: Earlier | None) -> Report:
    """``report`` with what became of the findings of ``before``."""
    if before is None:
        return report
    comparison = compare(before, report.request.organization, report.hybridge, report.results, _crowd(report))
    return replace(report, since=comparison)


def _crowd(report: Report) -> Crowd:
    """What a whole-tenant report says of mailboxes and delegations; nothing for any other."""
    left: dict[str, frozenset[str] | None] = {}
    for gap in report.folded_gaps:
        known = left.get(gap.check, frozenset())
        named = frozenset(subject.lower() for subject in gap.subjects)
        left[gap.check] = None if known is None or len(gap.subjects) < gap.count else known | named
    left |= {count.check: None for count in report.folded_counts if count.not_asked}
    found = tuple(
        (_known(row), not row.explained_by) for row in rows(replace(report, results=(), folded_gaps=(), since=None))
    )
    return Crowd(found, frozenset(count.check for count in report.folded_counts), left)


def _known(row: Row) -> Known:
    return Known(check=row.check, cause=row.cause, subject=row.subject, says=row.says, severity=row.severity)

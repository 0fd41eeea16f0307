"""Graph's dateTimeTimeZone, both halves: a wall time without an offset, and the zone it is meant in.

We always ask for UTC (``Prefer: outlook.timezone="UTC"``) and write UTC. What comes back in another zone is read where
its name is one of the IANA database; a Windows name is not guessed at. Source: Microsoft's page on dateTimeTimeZone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hybridge.wire.json_body import mapping, text

UTC_PREFERRED = 'outlook.timezone="UTC"'
"""Value of ``Prefer`` that makes Outlook's resources come in UTC."""

_UTC_NAMES = frozenset({"", "utc", "etc/utc", "etc/gmt", "gmt", "coordinated universal time", "tzone://microsoft/utc"})


def read_zoned(value: Any) -> datetime | None:
    """A dateTimeTimeZone as aware UTC; None when it is not one, or in a zone that is not known here."""
    body = mapping(value)
    try:
        read = datetime.fromisoformat(text(body.get("dateTime")))
        if read.tzinfo is None:
            read = read.replace(tzinfo=_zone(text(body.get("timeZone"))))
        return read.astimezone(UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):
        return None


def _zone(name: str) -> Any:
    return UTC if name.lower() in _UTC_NAMES else ZoneInfo(name)


def write_zoned(at: datetime | None) -> dict[str, str] | None:
    """``at`` (aware) as Graph writes it, in UTC with seven digits of a second; None for None."""
    if at is None:
        return None
    return {"dateTime": f"{bare_utc(at)}.{at.microsecond:06d}0", "timeZone": "UTC"}


def bare_utc(at: datetime) -> str:
    """``at`` in UTC to the second without an offset (``2026-11-20T08:00:00``)."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")

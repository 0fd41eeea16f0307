"""JSON bodies from outside: bounded, and read without trusting a single type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from hybridge.wire.ask import HttpAnswer

LIMIT = 8 * 1024 * 1024
"""Largest body decoded, in bytes."""


class JsonRefused(ValueError):
    """The bytes are not the JSON we expect. The text is one sentence that says why."""


def read_json(body: bytes, limit: int = LIMIT) -> Any:
    """Decode ``body``; raises ``JsonRefused`` when it is too long, cut, not JSON or nested without end."""
    if len(body) > limit:
        raise JsonRefused(f"The JSON is {len(body)} bytes long; at most {limit} are read.")
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise JsonRefused("The JSON is nested too deeply.") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise JsonRefused(f"The body is not JSON: {error}.") from None


def read_object(body: bytes, limit: int = LIMIT) -> dict[str, Any]:
    """Decode ``body`` and insist on an object; raises ``JsonRefused``."""
    value = read_json(body, limit)
    if not isinstance(value, dict):
        raise JsonRefused("The JSON is not an object.")
    return value


def text(value: Any) -> str:
    """``value`` when it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    """The strings of a list; anything else in it, or anything but a list, is left out."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def objects(value: Any) -> tuple[dict[str, Any], ...]:
    """The objects of a list; anything else in it, or anything but a list, is left out."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def mapping(value: Any) -> dict[str, Any]:
    """``value`` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def instant(value: Any) -> datetime | None:
    """An ISO 8601 instant as aware UTC; without a zone it is taken as UTC. None when it is not one."""
    try:
        read = datetime.fromisoformat(text(value))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written_instant(at: datetime | None) -> str | None:
    """``at`` as Graph writes it (``2026-11-20T08:00:00Z``), or None."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def json_answer(status: int, value: Any, *headers: tuple[str, str]) -> HttpAnswer:
    """The answer that carries ``value`` as JSON, with ``headers`` added."""
    return HttpAnswer(
        status=status,
        headers=(("content-type", "application/json; charset=utf-8"), *headers),
        body=msgspec.json.encode(value),
    )

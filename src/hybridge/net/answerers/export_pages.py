"""The objects of a large export a page at a time, so that nobody has to hold them all.

CLIXML is read by ``wire.clixml_stream``. JSON is cut into its objects first, which are then read one by one: the text
is held (an export of a hundred thousand users is some thirty megabytes), the objects are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from hybridge.net.answerers.export_files import ExportUnreadable, as_objects, json_text
from hybridge.wire import clixml
from hybridge.wire.clixml_stream import LONGEST, read_stream

PAGE = 500
"""Objects in a page."""
JSON_LIMIT = 256 * 1024 * 1024
"""Bytes of a JSON export that are read at most."""


def pages_of(path: Path, size: int = PAGE) -> Iterator[tuple[dict[str, Any], ...]]:
    """The objects of the export at ``path``, ``size`` at a time. Raises ``ExportUnreadable``, also half-way through."""
    page: list[dict[str, Any]] = []
    try:
        for one in _json(path) if path.suffix.lower() == ".json" else read_stream(lambda: path.open("rb"), LONGEST):
            page.append(one)
            if len(page) == size:
                yield tuple(page)
                page = []
    except clixml.ClixmlRefused as refused:
        raise ExportUnreadable(f"'{path}' is not an export hybridge can read. {refused}") from None
    except OSError as error:
        raise ExportUnreadable(f"'{path}' cannot be read: {error.strerror}.") from None
    if page:
        yield tuple(page)


def _json(path: Path) -> Iterator[dict[str, Any]]:
    if path.stat().st_size > JSON_LIMIT:
        limit = JSON_LIMIT // 1024 // 1024
        raise ExportUnreadable(f"'{path}' is larger than {limit} MiB: select fewer properties and export again.")
    try:
        content = json_text(path.read_bytes())
        if content.lstrip()[:1] != b"[":
            yield from as_objects(msgspec.json.decode(content))
            return
        for one in msgspec.json.decode(content, type=list[msgspec.Raw]):
            yield from as_objects([msgspec.json.decode(one)])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ExportUnreadable(
            f"'{path}' is not an export hybridge can read. It is not whole and valid JSON."
        ) from None

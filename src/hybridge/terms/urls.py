"""Taking URLs apart that strangers wrote: whatever it is, there are parts, and they may be empty."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_NOTHING = SplitResult("", "", "", "", "")


def parts_of(url: str) -> SplitResult:
    """The parts of ``url``; all of them empty for what is none ("https://[" has brackets that never close)."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        return _NOTHING
    return parts


def host_of(url: str) -> str:
    """Host of ``url`` in lower case, "" when it has none."""
    return (parts_of(url).hostname or "").lower()

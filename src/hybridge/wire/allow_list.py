"""A firewall's list of addresses: one CIDR or address a line, ``#`` begins a comment. Both halves."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from hybridge.wire.ask import Failure, FailureReason

LINES_LIMIT = 100_000


def read_list(body: bytes, where: str) -> tuple[str, ...] | Failure:
    """The ranges of a list, as they are written; the Failure names ``where`` and the line that is no range."""
    try:
        lines = body.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return _unreadable(f"'{where}' is not a text file.")
    if len(lines) > LINES_LIMIT:
        return _unreadable(f"'{where}' has more than {LINES_LIMIT:,} lines.")
    ranges: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip().rstrip(",;")
        if not text:
            continue
        try:
            ip_network(text, strict=False)
        except ValueError:
            return _unreadable(f"Line {number} of '{where}' is not an address range: '{text[:60]}'.")
        ranges.append(text)
    return tuple(ranges)


def write_list(ranges: Iterable[str]) -> str:
    """The list with ``ranges``."""
    return "".join(f"{one}\n" for one in ranges)


def _unreadable(says: str) -> Failure:
    return Failure(reason=FailureReason.MALFORMED, says=says, next_step="write one range a line, such as 52.112.0.0/14")

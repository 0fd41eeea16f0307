"""What an on-premises Exchange source is told: values, read from nowhere. Times are in seconds."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

EWS_PATH = "/EWS/Exchange.asmx"
AUTODISCOVER_PATH = "/autodiscover/autodiscover.svc"


class ExchangeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a source watches.

    ``hosts`` are the servers of the source, best first; each may name a port. They are the only hosts ever asked:
    whatever Autodiscover answers, a mailbox is read at one of them.

    The calendar is read from ``before`` ago to ``after`` ahead, every ``sweep_every``; ``calls`` is how many calls go
    to one server at once. A refresh waits ``debounce`` for others to share its call. Automatic replies are read every
    ``replies_every``, three times as often while they are on without an end, at most ``replies_rate`` a second;
    ``replies`` False reads none.

    ``streaming`` opens notification streams for at most ``ids_per_stream`` mailboxes each, ``streams_per_host`` to a
    server, for ``stream_minutes``; a stream that says nothing for twice ``heartbeat`` is dead. ``autodiscover`` looks
    up where each mailbox lives, again after ``routes_every``. ``subjects`` keeps subjects of meetings that are not
    private.
    """

    hosts: tuple[str, ...]
    user_agent: str = "hybridge"
    before: timedelta = timedelta(hours=2)
    after: timedelta = timedelta(hours=24)
    sweep_every: float = 900.0
    calls: int = 4
    batch: int = 100
    debounce: float = 0.8
    replies: bool = True
    replies_every: float = 900.0
    replies_rate: float = 10.0
    streaming: bool = True
    ids_per_stream: int = 200
    streams_per_host: int = 10
    stream_minutes: int = 30
    heartbeat: float = 60.0
    autodiscover: bool = True
    routes_every: float = 86400.0
    subjects: bool = False


def place_of(url: str) -> str:
    """Host, with the port when it is not 443, of an https URL or of a configured host; "" when it is neither."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = (parts.hostname or "").rstrip("."), parts.port or 443
    except ValueError:
        return ""
    if parts.scheme != "https" or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    return host if port == 443 else f"{host}:{port}"

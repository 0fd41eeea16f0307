"""Where Autodiscover leads."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records import Record


class AutodiscoverV2Probe(Record, frozen=True, kw_only=True):
    """The whole route of one Autodiscover V2 question. ``identity`` is ``<mailbox>/<protocol>``."""

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.json"
    mailbox: str
    protocol: str
    hops: tuple[str, ...] = ()
    """Every URL asked, first to last."""
    status: int = 0
    """HTTP status of the last answer; 0 when there was none."""
    url: str = ""
    """The URL found, "" when none."""
    error_code: str = ""
    """ErrorCode of a JSON error, or what stopped the route: redirect-loop, not-https, not-json, foreign-redirect."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class ServerLocationProbe(Record, frozen=True, kw_only=True):
    """Where EWS of the tenant that owns a domain is: one Autodiscover V2 question. ``identity`` is the domain."""

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.json/v1.0/{mailbox}?Protocol=EWS&ServerLocation=true"
    status: int = 0
    url: str = ""
    """The EWS address found, "" when none."""
    server_location: str = ""
    """Exchange Online says so of itself; "" where the answer came from an Exchange Server."""

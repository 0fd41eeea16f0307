"""How the organization's names look from outside: in DNS, on the network, in TLS, and path by path in HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records import Record


class PublishedHostProbe(Record, frozen=True, kw_only=True):
    """A public name up to the end of a TLS handshake. ``identity`` is the host name."""

    cmdlet: ClassVar[str] = "a TLS handshake on port 443"
    leads_to: str = ""
    """Where an alias of the name leads, "" for none."""
    stopped: str = ""
    """Why no TLS came about: name-not-found | refused | reset | timeout | handshake; "" when it did."""
    says: str = ""
    """One sentence about ``stopped`` or ``verification``."""
    verification: str = ""
    """How the certificate was judged, in the words of ``wire.ask.Verification``."""
    names: tuple[str, ...] = ()
    """Names the certificate is for."""
    subject: str = ""
    """Common name of the certificate."""
    issuer: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    thumbprint: str = ""
    """SHA-1 of the leaf, as Exchange prints thumbprints."""
    sent: int = 0
    """Certificates sent."""
    version: str = ""
    """Version of TLS negotiated, "1.3"."""
    accepted: tuple[str, ...] = ()
    """Versions the host speaks, oldest first."""
    untried: tuple[str, ...] = ()
    """Versions about which nothing is known."""
    client_certificate: bool | None = None
    """Whether clients are asked for a certificate; None where that could not be seen."""


class PublishedPathProbe(Record, frozen=True, kw_only=True):
    """The answer of one published path to a stranger. ``identity`` is the URL."""

    cmdlet: ClassVar[str] = "GET of each published path without credentials"
    host: str
    path: str
    status: int = 0
    """HTTP status; 0 when there was no answer."""
    failure: str = ""
    """A word of ``wire.ask.FailureReason``, "" for an answer."""
    says: str = ""
    """One sentence about ``failure``."""
    schemes: tuple[str, ...] = ()
    """Schemes of WWW-Authenticate, lower-case, in order."""
    location: str = ""
    reached_exchange: bool = False
    """Whether the answer carried Exchange's own headers (X-FEServer or request-id)."""
    clock_ahead_seconds: int | None = None
    """How far the Date of the answer was ahead of our clock; None without a Date."""

"""What servers really answered: probe records, the input of symptom checks.

They are facts about one exchange of messages, not configuration: they are never planned, changed or compared by undo.
"""

from __future__ import annotations

from datetime import datetime
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


class BearerChallengeProbe(Record, frozen=True, kw_only=True):
    """Answer to an unauthenticated EWS request. ``identity`` is the URL asked."""

    cmdlet: ClassVar[str] = "GET /EWS/Exchange.asmx without credentials"
    status: int = 0
    bearer: bool = False
    """Whether WWW-Authenticate offered Bearer."""
    client_id: str = ""
    trusted_issuers: tuple[str, ...] = ()
    authorization_uri: str = ""
    reached_exchange: bool = False
    """Whether the answer carried Exchange's own headers (X-FEServer or request-id)."""


class AuthMetadataProbe(Record, frozen=True, kw_only=True):
    """The published authentication metadata document. ``identity`` is its URL."""

    cmdlet: ClassVar[str] = "GET /autodiscover/metadata/json/1"
    status: int = 0
    signing_certificates: tuple[bytes, ...] = ()
    """DER of every signing key."""


class RestApiProbe(Record, frozen=True, kw_only=True):
    """Anonymous GET of the REST root ``https://<host>/api``. ``identity`` is the URL."""

    cmdlet: ClassVar[str] = "GET /api"
    status: int = 0
    reached_exchange: bool = False


class EwsCallerProbe(Record, frozen=True, kw_only=True):
    """The same EWS request sent with one caller's user agent. ``identity`` is ``<mailbox>/<caller name>``."""

    cmdlet: ClassVar[str] = "POST /EWS/Exchange.asmx with each caller's User-Agent"
    mailbox: str
    caller: str
    """Name in ``terms.callers``."""
    status: int = 0
    policy_reason: str = ""
    """X-EWS-Policy-Reason, "" when absent."""
    reached_exchange: bool = True
    """Whether the answer carried Exchange's own headers; a device in front that refuses callers sets none."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class TeamsPresence(Record, frozen=True, kw_only=True):
    """Presence as Graph shows it. ``identity`` is the user principal name."""

    cmdlet: ClassVar[str] = "GET /users/{id}/presence"
    availability: str = ""
    activity: str = ""
    out_of_office: bool = False
    """outOfOfficeSettings.isOutOfOffice."""
    seen_at: datetime | None = None

    @property
    def scope(self) -> str:
        return self.identity.lower()

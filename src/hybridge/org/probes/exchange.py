"""What Exchange Server answers to a stranger and to each caller."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records import Record


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

"""What servers really answered: probe records, the input of symptom checks.

They are facts about one exchange of messages, not configuration: they are never planned, changed or compared by undo.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records import EntraApplication, Record


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


class ServerLocationProbe(Record, frozen=True, kw_only=True):
    """Where EWS of the tenant that owns a domain is: one Autodiscover V2 question. ``identity`` is the domain."""

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.json/v1.0/{mailbox}?Protocol=EWS&ServerLocation=true"
    status: int = 0
    url: str = ""
    """The EWS address found, "" when none."""
    server_location: str = ""
    """Exchange Online says so of itself; "" where the answer came from an Exchange Server."""


class DeletedApplication(EntraApplication, frozen=True, kw_only=True):
    """An application deleted in the last thirty days, which Entra can restore with the ids it had.

    Its keys come without their bytes.
    """

    cmdlet: ClassVar[str] = "GET /directory/deletedItems/microsoft.graph.application"


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


class MailboxLocation(Record, frozen=True, kw_only=True):
    """A mailbox is on this side, though Exchange there was not asked. ``identity`` is the mailbox.

    Online: Autodiscover V2 leads to the cloud, Teams knows the person, and Exchange on-premises has no such mailbox.
    """

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.json"

    @property
    def scope(self) -> str:
        return self.identity.lower()


class AvailableCmdlet(Record, frozen=True, kw_only=True):
    """A cmdlet our PowerShell session has: Exchange hides what the account may not use. ``identity`` is its name."""

    cmdlet: ClassVar[str] = "Get-Command"
    parameters: tuple[str, ...] | None = None
    """Names of the parameters the account may use; None where the session does not tell them."""


class GrantedPermissions(Record, frozen=True, kw_only=True):
    """Application permissions our own Entra token carries. ``identity`` is the service it is for."""

    cmdlet: ClassVar[str] = "the claim roles of an access token"
    roles: tuple[str, ...] = ()

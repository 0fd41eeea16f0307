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


class GetDelegateProbe(Record, frozen=True, kw_only=True):
    """How EWS GetDelegate ended for a mailbox. ``identity`` is the mailbox."""

    cmdlet: ClassVar[str] = "EWS GetDelegate"
    code: str = "NoError"
    """ResponseCode of the whole operation, or the code of the fault."""
    message: str = ""
    nameless: tuple[str, ...] = ()
    """What stands on the list and is nobody any more: a security identifier, or the error Exchange gives for it."""

    @property
    def scope(self) -> str:
        return self.identity.lower()


class EwsAccessProbe(Record, frozen=True, kw_only=True):
    """What our account may do in one calendar, by trying. ``identity`` is ``<mailbox>/<way>``.

    Each code is what EWS answered to that step ("NoError" when it went well), "" for a step that was not reached.
    """

    cmdlet: ClassVar[str] = "EWS GetFolder, CreateItem, GetItem and DeleteItem"
    mailbox: str
    way: str = "impersonation"
    """"impersonation": acting as the owner; "folder": by the account's own rights on the calendar."""
    open_code: str = ""
    create_code: str = ""
    read_code: str = ""
    delete_code: str = ""
    says: str = ""
    """What EWS said with the first code that is not NoError."""
    left_behind: str = ""
    """Subject of an appointment that could not be removed, "" when nothing was left."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class LongQueryProbe(Record, frozen=True, kw_only=True):
    """Anonymous GET of a calendar view with a query as long as those of Teams. ``identity`` is the host."""

    cmdlet: ClassVar[str] = "GET /api/v2.0/me/calendarView with a long query"
    status: int = 0
    substatus: str = ""
    """Such as "404.15", where the page says it."""
    reached_exchange: bool = False
    length: int = 0
    """Characters of the query."""


class OwaVersionProbe(Record, frozen=True, kw_only=True):
    """The build Outlook on the web shows to strangers. ``identity`` is the host asked."""

    cmdlet: ClassVar[str] = "GET /owa/"
    server: str = ""
    """Name of the server whose own host was asked; "" for a published name."""
    status: int = 0
    version: str = ""
    """Such as "15.2.2562.37", "" where it shows none. It moves with security updates."""


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
    fault: str = ""
    """Code of the SOAP fault of an HTTP 500, "" for any other answer."""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()

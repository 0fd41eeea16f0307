"""What classic Autodiscover and MAPI over HTTP answered: the way Outlook finds and opens a mailbox."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from hybridge.org.records import Record


class DiscoveryNameProbe(Record, frozen=True, kw_only=True):
    """One DNS question about where Autodiscover is. ``identity`` is ``<name>/<type>``."""

    cmdlet: ClassVar[str] = "DNS: the domain, autodiscover.<domain> and _autodiscover._tcp.<domain>"
    name: str
    rdtype: str
    records: tuple[str, ...] = ()
    """In presentation form; empty when there is none."""
    reason: str = ""
    """Why there was no answer, a word of ``FailureReason``; "name-not-found" is an answer: no such name."""


class DiscoveryStepProbe(Record, frozen=True, kw_only=True):
    """One address of the discovery order, asked as a stranger. ``identity`` is ``<method>/<address>``."""

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.xml at each address of the discovery order"
    method: str
    """scp | root (the bare domain) | host (autodiscover.<domain>) | redirect (port 80) | redirected | srv."""
    url: str
    status: int = 0
    """HTTP status; 0 when there was no answer."""
    location: str = ""
    """Where a redirect leads."""
    schemes: tuple[str, ...] = ()
    """Sign-ins offered, lower case."""
    reached_exchange: bool = False
    page: bool = False
    """Whether the answer is a page for people (HTML)."""
    reason: str = ""
    """Why there was no answer, a word of ``FailureReason``."""
    says: str = ""

    @property
    def usable(self) -> bool:
        """Whether Autodiscover answers there: it asks to sign in, in a way that is not a page."""
        return self.status == 401 and bool(self.schemes)


class PoxProtocol(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of one Protocol element; "" for what it leaves out."""

    type: str
    server: str = ""
    auth_package: str = ""
    cert_principal_name: str = ""
    ews_url: str = ""
    mapi_url: str = ""
    """External address of the mail store, without its query."""


class PoxProbe(Record, frozen=True, kw_only=True):
    """What Autodiscover (POX) says of one mailbox to our account, redirects followed. ``identity`` is the mailbox."""

    cmdlet: ClassVar[str] = "POST /autodiscover/autodiscover.xml"
    mailbox: str
    hops: tuple[str, ...] = ()
    """Every address asked for it, first to last."""
    outcome: str = ""
    """settings | online (a redirect to a mailbox online that Exchange Online answers for) | error | redirect-loop |
    not-https | foreign-redirect | not-autodiscover | nothing-to-ask (no address of the discovery order answers)."""
    status: int = 0
    error_code: int = 0
    message: str = ""
    redirect_address: str = ""
    """The last mail address we were sent on with."""
    protocols: tuple[PoxProtocol, ...] = ()

    @property
    def scope(self) -> str:
        return self.mailbox.lower()

    def protocol(self, kind: str) -> PoxProtocol | None:
        """The first protocol of type ``kind`` (case ignored)."""
        return next((one for one in self.protocols if one.type.lower() == kind.lower()), None)


class AutodiscoverSoapProbe(Record, frozen=True, kw_only=True):
    """What Autodiscover (SOAP) says of one mailbox to our account. ``identity`` is the mailbox."""

    cmdlet: ClassVar[str] = "POST /autodiscover/autodiscover.svc (GetUserSettings)"
    mailbox: str
    url: str = ""
    """The address asked, "" when there was none to ask."""
    status: int = 0
    code: str = ""
    """ErrorCode of the user, or of the whole answer; "" when the answer is not Autodiscover's."""
    message: str = ""
    redirect_target: str = ""
    external_ews_url: str = ""
    internal_ews_url: str = ""
    setting_errors: tuple[str, ...] = ()
    """Each "<setting>: <code>"."""
    server_version: str = ""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class MapiProbe(Record, frozen=True, kw_only=True):
    """A PING of MAPI over HTTP without credentials. ``identity`` is the address asked."""

    cmdlet: ClassVar[str] = "POST /mapi/emsmdb without credentials"
    status: int = 0
    schemes: tuple[str, ...] = ()
    reached_exchange: bool = False
    server_application: str = ""
    reason: str = ""
    """Why there was no answer, a word of ``FailureReason``."""
    says: str = ""

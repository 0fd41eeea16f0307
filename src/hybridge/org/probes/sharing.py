"""What one Exchange organization really got from the other."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records import Record


class FreeBusyProbe(Record, frozen=True, kw_only=True):
    """Free/busy of a mailbox asked from the other side. ``identity`` is the mailbox, ``premises`` the side asked.

    On-premises EWS GetUserAvailability is asked about a mailbox online; online Graph getSchedule about one on-premises.
    """

    cmdlet: ClassVar[str] = "EWS GetUserAvailability, Graph getSchedule"
    mailbox: str
    code: str = ""
    """Response code of the availability service; "" when free/busy was shown."""
    exception_code: int = 0
    """Its number (5016, 5037, 5039 ...), 0 where it is not told."""
    message: str = ""

    @property
    def scope(self) -> str:
        return self.mailbox.lower()


class OAuthTestProbe(Record, frozen=True, kw_only=True):
    """What Test-OAuthConnectivity found. ``identity`` is the Task it printed."""

    cmdlet: ClassVar[str] = "Test-OAuthConnectivity"
    result_type: str = ""
    """Success, Warning or Error: the only property that tells how it went; IsValid is always true."""
    detail: str = ""
    """The trace it printed, cut to what matters."""


class EwsEndpointProbe(Record, frozen=True, kw_only=True):
    """What answered a question about availability at the published EWS address. ``identity`` is the URL."""

    cmdlet: ClassVar[str] = "POST /EWS/Exchange.asmx GetUserAvailability"
    status: int = 0
    server_version: tuple[int, ...] = ()
    """Four numbers of the build the answer names; () when it names none."""
    fault_code: str = ""
    """Code of a SOAP fault, such as ErrorInvalidServerVersion."""
    body: str = "xml"
    """xml | foreign (something else than EWS) | cut (XML that ends too early) | empty."""
    beginning: str = ""
    """The first characters of a body that is not EWS's."""


class AutodiscoverOfferProbe(Record, frozen=True, kw_only=True):
    """How Autodiscover says a stranger may sign in, by the headers of its 401. ``identity`` is the URL."""

    cmdlet: ClassVar[str] = "GET /autodiscover/autodiscover.xml without credentials"
    status: int = 0
    oauth_enabled: bool | None = None
    """X-OAuth-Enabled; None where the header is absent."""
    ws_security_enabled: bool | None = None
    """X-WSSecurity-Enabled; None where the header is absent."""


class HealthPageProbe(Record, frozen=True, kw_only=True):
    """What a protocol says of its own health. ``identity`` is the URL, such as https://mail.../ews/healthcheck.htm."""

    cmdlet: ClassVar[str] = "GET /ews/healthcheck.htm"
    status: int = 0

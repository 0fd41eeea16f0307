"""What Outlook is told: where Autodiscover is inside, how Outlook Anywhere is published, and whose certificate."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record


class ClientAccessService(Record, frozen=True, kw_only=True):
    """Get-ClientAccessService. ``identity`` is the server's Name.

    ``auto_discover_service_internal_uri`` is what the service connection point in Active Directory tells clients that
    are members of the domain.
    """

    cmdlet: ClassVar[str] = "Get-ClientAccessService"
    auto_discover_service_internal_uri: str = ""
    auto_discover_site_scope: tuple[str, ...] = ()


class OutlookAnywhere(Record, frozen=True, kw_only=True):
    """Get-OutlookAnywhere. ``identity`` is ``<server>\\Rpc (Default Web Site)``."""

    cmdlet: ClassVar[str] = "Get-OutlookAnywhere"
    server: str = ""
    external_hostname: str = ""
    """Without it Autodiscover has nothing to say to clients outside: its answer lacks EXPR."""
    internal_hostname: str = ""
    external_client_authentication_method: str = ""
    """Basic, Ntlm or Negotiate; the AuthPackage of EXPR. "" or "Misconfigured" where nobody set it."""
    internal_client_authentication_method: str = ""
    external_clients_require_ssl: bool = True
    ssl_offloading: bool = False


class OutlookProvider(Record, frozen=True, kw_only=True):
    """Get-OutlookProvider. ``identity`` is its Name: EXCH, EXPR or WEB."""

    cmdlet: ClassVar[str] = "Get-OutlookProvider"
    cert_principal_name: str = ""
    """Such as "msstd:mail.contoso.com"; "" where Outlook makes it of the external host name."""
    server: str = ""
    ttl: int = 1

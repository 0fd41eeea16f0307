"""Exchange servers, their certificates, overrides and virtual directories."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from hybridge.org.records.base import Record


class ExchangeServer(Record, frozen=True, kw_only=True):
    """Get-ExchangeServer. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-ExchangeServer"
    fqdn: str = ""
    admin_display_version: str = ""
    """As printed: "Version 15.2 (Build 1544.4)"."""
    server_role: str = "Mailbox, ClientAccess"
    internet_web_proxy: str = ""
    """The proxy the server's own requests to the internet go through, "" for none."""


class ExchangeCertificate(Record, frozen=True, kw_only=True):
    """Get-ExchangeCertificate. ``identity`` is ``<server>/<thumbprint>``; ``server`` is "" where unknown."""

    cmdlet: ClassVar[str] = "Get-ExchangeCertificate"
    server: str = ""
    thumbprint: str
    """SHA-1 of the DER, 40 upper-case hexadecimal digits."""
    subject: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    raw_data: bytes = b""
    """DER of the public certificate."""


class SettingOverride(Record, frozen=True, kw_only=True):
    """Get-SettingOverride. ``identity`` is the Name."""

    cmdlet: ClassVar[str] = "Get-SettingOverride"
    component_name: str
    section_name: str
    parameters: tuple[str, ...] = ()
    """Such as "Enabled=true"."""
    server: tuple[str, ...] = ()
    """Names of the servers it is for; empty for all."""
    reason: str = ""


class WebServicesVirtualDirectory(Record, frozen=True, kw_only=True):
    """Get-WebServicesVirtualDirectory. ``identity`` is ``<server>\\EWS (Default Web Site)``."""

    cmdlet: ClassVar[str] = "Get-WebServicesVirtualDirectory"
    server: str = ""
    external_url: str = ""
    internal_url: str = ""
    oauth_authentication: bool | None = True
    extended_protection_token_checking: str = "None"
    """None, Allow or Require."""
    ws_security_authentication: bool | None = None
    """Sign-in by tokens of the federation, for delegated authentication."""
    windows_authentication: bool | None = None

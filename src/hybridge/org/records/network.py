"""What a firewall admits, and what each server is set to and reaches."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from hybridge.org.records.base import Record


class FirewallAllowList(Record, frozen=True, kw_only=True):
    """The source addresses a firewall admits to the published names, TCP 443. ``identity`` is where the list lies."""

    cmdlet: ClassVar[str] = "the file or address in network.allow_list"
    ranges: tuple[str, ...] = ()
    """CIDRs as the list has them: "52.112.0.0/14"."""


THE_SERVER = "(the server)"
"""Identity of settings that do not say whose they are: an export of the only server."""


class DirectoryProtection(msgspec.Struct, frozen=True, gc=False):
    """What IIS is set to for a virtual directory, named "Default Web Site/EWS"."""

    name: str
    token_checking: str = "None"
    """Extended Protection: None, Allow or Require."""
    ssl_required: bool | None = None


class ServerSettings(Record, frozen=True, kw_only=True):
    """What Exchange's own cmdlets do not show of a server: files and registry. ``identity`` is the server's Name.

    None is "not set" for a setting and "not tried" for a list.
    """

    cmdlet: ClassVar[str] = "Get-ExchangeServerSettings"
    setup_version: str = ""
    """File version of ExSetup.exe: "15.2.2562.37". It moves with security updates."""
    max_query_string_length: int | None = None
    """maxQueryStringLength of httpRuntime in FrontEnd\\HttpProxy\\Rest\\web.config."""
    strong_crypto: bool | None = None
    """SchUseStrongCrypto of .NET Framework 4 is 1."""
    system_default_tls: bool | None = None
    """SystemDefaultTlsVersions of .NET Framework 4 is 1."""
    tls12_client: bool | None = None
    """Whether TLS 1.2 is switched on (off) for outgoing connections by the registry."""
    tls12_server: bool | None = None
    lm_compatibility_level: int | None = None
    reached: tuple[str, ...] | None = None
    """Hosts of Microsoft 365 that the server reached on TCP 443."""
    not_reached: tuple[str, ...] | None = None
    directories: tuple[DirectoryProtection, ...] | None = None
    """Virtual directories of front end and back end, as IIS has them."""

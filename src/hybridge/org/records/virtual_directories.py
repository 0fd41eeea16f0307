"""Virtual directories of Autodiscover and of MAPI over HTTP, with the sign-ins they offer."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record


class SignedVirtualDirectory(Record, frozen=True, kw_only=True):
    """What the virtual directories of Exchange have in common. ``identity`` is ``<server>\\<name>``."""

    server: str = ""
    external_url: str = ""
    internal_url: str = ""
    external_authentication_methods: tuple[str, ...] = ()
    """As Exchange prints them: Basic, Ntlm, WindowsIntegrated, WSSecurity, OAuth, Negotiate ..."""
    internal_authentication_methods: tuple[str, ...] = ()
    extended_protection_token_checking: str = "None"
    """None, Allow or Require."""


class AutodiscoverVirtualDirectory(SignedVirtualDirectory, frozen=True, kw_only=True):
    """Get-AutodiscoverVirtualDirectory. ``identity`` is ``<server>\\Autodiscover (Default Web Site)``.

    Its URLs are normally blank: clients find Autodiscover by name, not by what it says of itself.
    """

    cmdlet: ClassVar[str] = "Get-AutodiscoverVirtualDirectory"


class MapiVirtualDirectory(SignedVirtualDirectory, frozen=True, kw_only=True):
    """Get-MapiVirtualDirectory. ``identity`` is ``<server>\\mapi (Default Web Site)``."""

    cmdlet: ClassVar[str] = "Get-MapiVirtualDirectory"

"""What our own sign-ins may do."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records import Record


class AvailableCmdlet(Record, frozen=True, kw_only=True):
    """A cmdlet our PowerShell session has: Exchange hides what the account may not use. ``identity`` is its name."""

    cmdlet: ClassVar[str] = "Get-Command"
    parameters: tuple[str, ...] | None = None
    """Names of the parameters the account may use; None where the session does not tell them."""


class GrantedPermissions(Record, frozen=True, kw_only=True):
    """Application permissions our own Entra token carries. ``identity`` is the service it is for."""

    cmdlet: ClassVar[str] = "the claim roles of an access token"
    roles: tuple[str, ...] = ()

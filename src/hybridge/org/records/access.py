"""Who may call EWS: the access policy of the organization and of a mailbox."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record


class EwsAccess(Record, frozen=True, kw_only=True):
    """The EWS access policy, the same five properties on the organization and on a mailbox."""

    ews_enabled: bool | None = None
    ews_application_access_policy: str | None = None
    """``None``, "EnforceAllowList" or "EnforceBlockList"."""
    ews_allow_list: tuple[str, ...] | None = None
    ews_block_list: tuple[str, ...] | None = None


class OrganizationConfig(EwsAccess, frozen=True, kw_only=True):
    """Get-OrganizationConfig."""

    cmdlet: ClassVar[str] = "Get-OrganizationConfig"
    guid: str = ""
    """The organization's own id; part of the dedicated hybrid application's name."""


class CasMailbox(EwsAccess, frozen=True, kw_only=True):
    """Get-CASMailbox. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-CASMailbox"

    @property
    def scope(self) -> str:
        return self.identity.lower()

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
    ews_allowed_app_ids: tuple[str, ...] | None = None
    """Online: ids of the applications EWS is open to, in lower case; None where there is no list or it was not read."""


class CasMailbox(EwsAccess, frozen=True, kw_only=True):
    """Get-CASMailbox. ``identity`` is the primary SMTP address."""

    cmdlet: ClassVar[str] = "Get-CASMailbox"
    mapi_enabled: bool | None = None
    """Whether Outlook may open the mailbox at all; Exchange always says, None is an export that left it out."""
    mapi_http_enabled: bool | None = None
    """None: as the organization says."""

    @property
    def scope(self) -> str:
        return self.identity.lower()

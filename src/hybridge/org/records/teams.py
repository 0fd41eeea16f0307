"""What Teams keeps: policies and the policies of a user."""

from __future__ import annotations

from typing import ClassVar

from hybridge.org.records.base import Record


class TeamsAppSetupPolicy(Record, frozen=True, kw_only=True):
    """Get-CsTeamsAppSetupPolicy. ``identity`` is "Global" or the policy's name."""

    cmdlet: ClassVar[str] = "Get-CsTeamsAppSetupPolicy"
    pinned_app_bar_apps: tuple[str, ...] = ()
    """Application ids in their order."""
    allow_user_pinning: bool = True


class TeamsUpgradePolicy(Record, frozen=True, kw_only=True):
    """Get-CsTeamsUpgradePolicy. ``identity`` is "Global" or the instance's name; ``mode`` the coexistence mode."""

    cmdlet: ClassVar[str] = "Get-CsTeamsUpgradePolicy"
    mode: str = "Islands"


class CsOnlineUser(Record, frozen=True, kw_only=True):
    """Get-CsOnlineUser. ``identity`` is the user principal name; "" as a policy name means Global."""

    cmdlet: ClassVar[str] = "Get-CsOnlineUser"
    teams_app_setup_policy: str = ""
    teams_upgrade_policy: str = ""
    object_id: str = ""

    @property
    def scope(self) -> str:
        return self.identity.lower()

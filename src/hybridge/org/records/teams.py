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


class TeamsAppPermissionPolicy(Record, frozen=True, kw_only=True):
    """Get-CsTeamsAppPermissionPolicy, as far as Microsoft's own apps. ``identity`` is "Global" or the policy's name."""

    cmdlet: ClassVar[str] = "Get-CsTeamsAppPermissionPolicy"
    default_catalog_apps_type: str = "BlockedAppList"
    """What the list means: "BlockedAppList" (all but these) or "AllowedAppList" (these alone)."""
    default_catalog_apps: tuple[str, ...] = ()
    """Application ids of Microsoft's apps."""

    def permits(self, app_id: str) -> bool:
        """Whether a person with this policy may use Microsoft's app ``app_id``."""
        listed = app_id.lower() in {one.lower() for one in self.default_catalog_apps}
        return listed == (self.default_catalog_apps_type.lower() == "allowedapplist")


class TeamsMeetingPolicy(Record, frozen=True, kw_only=True):
    """Get-CsTeamsMeetingPolicy, as far as scheduling. ``identity`` is "Global" or the policy's name."""

    cmdlet: ClassVar[str] = "Get-CsTeamsMeetingPolicy"
    allow_private_meeting_scheduling: bool = True
    allow_channel_meeting_scheduling: bool = True
    allow_outlook_add_in: bool = True
    preferred_meeting_provider_for_islands_mode: str = "TeamsAndSfb"
    """TeamsAndSfb or Teams."""


class CsOnlineUser(Record, frozen=True, kw_only=True):
    """Get-CsOnlineUser. ``identity`` is the user principal name; "" as a policy name means Global."""

    cmdlet: ClassVar[str] = "Get-CsOnlineUser"
    teams_app_setup_policy: str = ""
    teams_upgrade_policy: str = ""
    object_id: str = ""
    teams_upgrade_effective_mode: str = ""
    """The coexistence mode really in force; only an export of Get-CsOnlineUser says it, "" elsewhere."""
    teams_app_permission_policy: str = ""
    teams_meeting_policy: str = ""

    @property
    def scope(self) -> str:
        return self.identity.lower()

"""Teams policies in force for a user: whether the calendar app shows, and the coexistence mode.

A user without a policy of their own, or with one that no longer exists, has the Global one. The modes ``SfBOnly`` and
``SfBWithTeamsCollab`` have no meetings in Teams.
Sources: the Teams troubleshooting article and the page of Grant-CsTeamsUpgradePolicy.
"""

from __future__ import annotations

from typing import TypeVar

from hybridge.org.organization import Organization
from hybridge.org.records import (
    CsOnlineUser,
    TeamsAppPermissionPolicy,
    TeamsAppSetupPolicy,
    TeamsUpgradePolicy,
    UserLicense,
)
from hybridge.terms.applications import TEAMS_CALENDAR_APP
from hybridge.terms.premises import Premises

P = TypeVar("P", TeamsAppPermissionPolicy, TeamsAppSetupPolicy, TeamsUpgradePolicy)

GLOBAL = "Global"
MODES_WITHOUT_MEETINGS = ("SfBOnly", "SfBWithTeamsCollab")


def app_setup_policy(organization: Organization, user: str) -> TeamsAppSetupPolicy | None:
    """The app setup policy in force for ``user``; None only when there is not even a Global one."""
    name = _user(organization, user).teams_app_setup_policy
    return _named(organization, TeamsAppSetupPolicy, name)


def upgrade_policy(organization: Organization, user: str) -> TeamsUpgradePolicy | None:
    """The upgrade policy in force for ``user``; None only when there is not even a Global one."""
    name = _user(organization, user).teams_upgrade_policy
    return _named(organization, TeamsUpgradePolicy, name)


def can_show_calendar(organization: Organization, user: str) -> bool:
    """Whether the calendar app is pinned for ``user``, or they may pin it themselves."""
    policy = app_setup_policy(organization, user)
    if policy is None:
        return True
    pinned = {app_id.lower() for app_id in policy.pinned_app_bar_apps}
    return TEAMS_CALENDAR_APP in pinned or policy.allow_user_pinning


def without_calendar(organization: Organization, user: str) -> str:
    """Why ``user`` gets no calendar whatever is pinned: not in Teams, not licensed, not permitted. "" when they do."""
    if organization.one(CsOnlineUser, Premises.ONLINE, user) is None:
        return f"Teams knows no user {user}."
    licensed = organization.one(UserLicense, Premises.ONLINE, user)
    if licensed is None or not licensed.has("TEAMS1"):
        return "The person has no licence for Teams."
    permission = _named(organization, TeamsAppPermissionPolicy, _user(organization, user).teams_app_permission_policy)
    if permission is not None and not permission.permits(TEAMS_CALENDAR_APP):
        return f"The app permission policy {permission.identity} blocks the calendar app."
    return ""


def has_meetings(organization: Organization, user: str) -> bool:
    """Whether the coexistence mode of ``user`` has meetings in Teams."""
    policy = upgrade_policy(organization, user)
    return policy is None or policy.mode not in MODES_WITHOUT_MEETINGS


def _user(organization: Organization, user: str) -> CsOnlineUser:
    found = organization.one(CsOnlineUser, Premises.ONLINE, user)
    return found or CsOnlineUser(premises=Premises.ONLINE, identity=user)


def _named(organization: Organization, kind: type[P], name: str) -> P | None:
    own = organization.one(kind, Premises.ONLINE, name.removeprefix("Tag:")) if name else None
    return own or organization.one(kind, Premises.ONLINE, GLOBAL)

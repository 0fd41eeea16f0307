"""Teams: Get-CsTeamsAppPermissionPolicy (Microsoft's own apps) and Get-CsTeamsMeetingPolicy (scheduling).

The configuration service of Teams spells the same properties in the same way, so it shares both halves. Apps come as
objects with an Id, as bare ids, or as the printed text "{Id=...}".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hybridge.org.records import TeamsAppPermissionPolicy, TeamsMeetingPolicy
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, defaulted, each, needed
from hybridge.wire.cmdlets.properties import Object, find, items, printed, words
from hybridge.wire.cmdlets.teams import policy_name

ONLINE = Premises.ONLINE
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def ask_teams_app_permission_policy() -> CmdletAsk:
    """Get-CsTeamsAppPermissionPolicy: every policy."""
    return ask(ONLINE, "Get-CsTeamsAppPermissionPolicy")


def ask_teams_meeting_policy() -> CmdletAsk:
    """Get-CsTeamsMeetingPolicy: every policy."""
    return ask(ONLINE, "Get-CsTeamsMeetingPolicy")


def read_permission(one: Object, premises: Premises = ONLINE, _: str = "") -> TeamsAppPermissionPolicy:
    """One app permission policy; raises ``Unreadable`` without an identity."""
    return TeamsAppPermissionPolicy(
        premises=premises,
        identity=policy_name(needed(one, "Get-CsTeamsAppPermissionPolicy", "Identity", "ToString")),
        default_catalog_apps_type=words(one, "DefaultCatalogAppsType") or "BlockedAppList",
        default_catalog_apps=tuple(_ids(find(one, "DefaultCatalogApps"))),
    )


def _ids(value: object) -> list[str]:
    found: list[str] = []
    for item in items(value) or []:
        if isinstance(item, Mapping) and find(item, "Id") is not None:
            found.append(words(item, "Id"))
        else:
            found += _GUID.findall(printed(item))
    return found


def write_permission(record: TeamsAppPermissionPolicy) -> Object:
    """The object the cmdlet and the service show."""
    return {
        "Identity": _tagged(record.identity),
        "DefaultCatalogApps": [{"ToString": f"Id={app}", "Id": app} for app in record.default_catalog_apps],
        "DefaultCatalogAppsType": record.default_catalog_apps_type,
        "GlobalCatalogApps": [],
        "GlobalCatalogAppsType": "BlockedAppList",
        "PrivateCatalogApps": [],
        "PrivateCatalogAppsType": "BlockedAppList",
    }


def read_meeting(one: Object, premises: Premises = ONLINE, _: str = "") -> TeamsMeetingPolicy:
    """One meeting policy; raises ``Unreadable`` without an identity."""
    return TeamsMeetingPolicy(
        premises=premises,
        identity=policy_name(needed(one, "Get-CsTeamsMeetingPolicy", "Identity", "ToString")),
        allow_private_meeting_scheduling=defaulted(one, "AllowPrivateMeetingScheduling", True),
        allow_channel_meeting_scheduling=defaulted(one, "AllowChannelMeetingScheduling", True),
        allow_outlook_add_in=defaulted(one, "AllowOutlookAddIn", True),
        preferred_meeting_provider_for_islands_mode=(
            words(one, "PreferredMeetingProviderForIslandsMode") or "TeamsAndSfb"
        ),
    )


def write_meeting(record: TeamsMeetingPolicy) -> Object:
    """The object the cmdlet and the service show."""
    return {
        "Identity": _tagged(record.identity),
        "AllowPrivateMeetingScheduling": record.allow_private_meeting_scheduling,
        "AllowChannelMeetingScheduling": record.allow_channel_meeting_scheduling,
        "AllowOutlookAddIn": record.allow_outlook_add_in,
        "PreferredMeetingProviderForIslandsMode": record.preferred_meeting_provider_for_islands_mode,
    }


def _tagged(name: str) -> str:
    return name if name.lower() == "global" else f"Tag:{name}"


TEAMS_APP_PERMISSION_POLICY = Noun(
    cmdlet="Get-CsTeamsAppPermissionPolicy",
    record=TeamsAppPermissionPolicy,
    type_name="Microsoft.Rtc.Management.WritableConfig.Policy.Teams.TeamsAppPermissionPolicy",
    marks=("DefaultCatalogAppsType", "DefaultCatalogApps"),
    read_all=each(read_permission),
    write_one=write_permission,
)
TEAMS_MEETING_POLICY = Noun(
    cmdlet="Get-CsTeamsMeetingPolicy",
    record=TeamsMeetingPolicy,
    type_name="Microsoft.Rtc.Management.WritableConfig.Policy.Meetings.TeamsMeetingPolicy",
    marks=("AllowPrivateMeetingScheduling", "AllowOutlookAddIn"),
    read_all=each(read_meeting),
    write_one=write_meeting,
)
NOUNS = (TEAMS_APP_PERMISSION_POLICY, TEAMS_MEETING_POLICY)

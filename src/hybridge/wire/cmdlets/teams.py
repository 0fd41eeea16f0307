"""Teams: Get-CsOnlineUser, Get-CsTeamsAppSetupPolicy and Get-CsTeamsUpgradePolicy.

A policy's identity is "Global" or "Tag:<name>"; records keep the name. For a user, no policy and "Global" are the same
and become "". Pinned apps come as objects with Id and Order or as the printed text "{Id=...;Order=1, Id=...;Order=2}".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hybridge.org.records import CsOnlineUser, TeamsAppSetupPolicy, TeamsUpgradePolicy
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, ask, ask_one_or_all, defaulted, each, needed
from hybridge.wire.cmdlets.properties import Object, find, items, printed, words

ONLINE = Premises.ONLINE


def ask_cs_online_user(user: str = "") -> CmdletAsk:
    """Get-CsOnlineUser of ``user``, or of all users."""
    return ask_one_or_all(ONLINE, "Get-CsOnlineUser", user)


def ask_teams_app_setup_policy() -> CmdletAsk:
    """Get-CsTeamsAppSetupPolicy: every policy."""
    return ask(ONLINE, "Get-CsTeamsAppSetupPolicy")


def ask_teams_upgrade_policy() -> CmdletAsk:
    """Get-CsTeamsUpgradePolicy: every instance."""
    return ask(ONLINE, "Get-CsTeamsUpgradePolicy")


def policy_name(identity: str) -> str:
    """Name of a policy without the "Tag:" its identity begins with."""
    return identity[4:] if identity[:4].lower() == "tag:" else identity


def _tagged(name: str) -> str:
    return name if name == "Global" else f"Tag:{name}"


def _assigned(one: Object, name: str) -> str:
    found = policy_name(words(one, name))
    return "" if found.lower() == "global" else found


_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PINNED = re.compile(rf"Id\s*=\s*({_GUID.pattern})(?:\s*;\s*Order\s*=\s*(\d+))?", re.IGNORECASE)


def _read_user(one: Object, premises: Premises, _: str) -> CsOnlineUser:
    object_id = next(
        (
            found
            for name in ("ObjectId", "Identity", "ExternalDirectoryObjectId")
            if _GUID.fullmatch(found := words(one, name))
        ),
        "",
    )
    return CsOnlineUser(
        premises=premises,
        identity=needed(one, "Get-CsOnlineUser", "UserPrincipalName", "SipAddress"),
        teams_app_setup_policy=_assigned(one, "TeamsAppSetupPolicy"),
        teams_upgrade_policy=_assigned(one, "TeamsUpgradePolicy"),
        object_id=object_id,
        teams_upgrade_effective_mode=words(one, "TeamsUpgradeEffectiveMode"),
        teams_app_permission_policy=_assigned(one, "TeamsAppPermissionPolicy"),
        teams_meeting_policy=_assigned(one, "TeamsMeetingPolicy"),
    )


def _write_user(record: CsOnlineUser) -> Object:
    return {
        "Identity": record.object_id or None,
        "UserPrincipalName": record.identity,
        "TeamsAppSetupPolicy": record.teams_app_setup_policy or None,
        "TeamsUpgradePolicy": record.teams_upgrade_policy or None,
        "TeamsUpgradeEffectiveMode": record.teams_upgrade_effective_mode or None,
        "TeamsAppPermissionPolicy": record.teams_app_permission_policy or None,
        "TeamsMeetingPolicy": record.teams_meeting_policy or None,
        "AccountEnabled": True,
    }


def _pinned(value: object) -> tuple[str, ...]:
    """Application ids in their order."""
    found: list[tuple[int, str]] = []
    for item in items(value) or []:
        if isinstance(item, Mapping) and (identity := words(item, "Id")):
            order = words(item, "Order")
            found.append((int(order) if order.isdecimal() else len(found) + 1, identity))
        else:
            for identity, order in _PINNED.findall(printed(item)):
                found.append((int(order) if order else len(found) + 1, identity))
    return tuple(identity for _, identity in sorted(found, key=lambda pair: pair[0]))


def _read_setup(one: Object, premises: Premises, _: str) -> TeamsAppSetupPolicy:
    return TeamsAppSetupPolicy(
        premises=premises,
        identity=policy_name(needed(one, "Get-CsTeamsAppSetupPolicy", "Identity", "ToString")),
        pinned_app_bar_apps=_pinned(find(one, "PinnedAppBarApps")),
        allow_user_pinning=defaulted(one, "AllowUserPinning", True),
    )


def _write_setup(record: TeamsAppSetupPolicy) -> Object:
    return {
        "Identity": _tagged(record.identity),
        "AppPresetList": [],
        "PinnedAppBarApps": [
            {"ToString": f"Id={identity};Order={order}", "Id": identity, "Order": order}
            for order, identity in enumerate(record.pinned_app_bar_apps, start=1)
        ],
        "AllowUserPinning": record.allow_user_pinning,
        "AllowSideLoading": True,
    }


def _read_upgrade(one: Object, premises: Premises, _: str) -> TeamsUpgradePolicy:
    return TeamsUpgradePolicy(
        premises=premises,
        identity=policy_name(needed(one, "Get-CsTeamsUpgradePolicy", "Identity", "ToString")),
        mode=words(one, "Mode") or "Islands",
    )


def _write_upgrade(record: TeamsUpgradePolicy) -> Object:
    return {"Identity": _tagged(record.identity), "Mode": record.mode, "NotifySfbUsers": False}


CS_ONLINE_USER = Noun(
    cmdlet="Get-CsOnlineUser",
    record=CsOnlineUser,
    type_name="Microsoft.Rtc.Management.ADConnect.Schema.OCSADUser",
    marks=("TeamsAppSetupPolicy", "TeamsUpgradePolicy", "TeamsUpgradeEffectiveMode", "InterpretedUserType"),
    read_all=each(_read_user),
    write_one=_write_user,
)
TEAMS_APP_SETUP_POLICY = Noun(
    cmdlet="Get-CsTeamsAppSetupPolicy",
    record=TeamsAppSetupPolicy,
    type_name="Microsoft.Rtc.Management.WritableConfig.Policy.Teams.TeamsAppSetupPolicy",
    marks=("PinnedAppBarApps", "AppPresetList", "AllowUserPinning"),
    read_all=each(_read_setup),
    write_one=_write_setup,
)
TEAMS_UPGRADE_POLICY = Noun(
    cmdlet="Get-CsTeamsUpgradePolicy",
    record=TeamsUpgradePolicy,
    type_name="Microsoft.Rtc.Management.WritableConfig.Policy.Teams.TeamsUpgradePolicy",
    marks=("Mode", "NotifySfbUsers"),
    read_all=each(_read_upgrade),
    write_one=_write_upgrade,
)
NOUNS = (CS_ONLINE_USER, TEAMS_APP_SETUP_POLICY, TEAMS_UPGRADE_POLICY)

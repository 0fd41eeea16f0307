"""The hand that writes Teams policies through the configuration service: apps that are pinned or permitted, scheduling.

A PUT merges only the properties it sends: those a plan may change, and no other of the policy. Lists are sent whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hybridge.org.records import Address, Record, TeamsAppPermissionPolicy, TeamsAppSetupPolicy, TeamsMeetingPolicy
from hybridge.plan import Change
from hybridge.repair.hands import entitlements
from hybridge.repair.hands.base import Kinds, Reply, Rights, Sleep
from hybridge.repair.hands.graph import patiently
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer

_Written = TeamsAppSetupPolicy | TeamsAppPermissionPolicy | TeamsMeetingPolicy
_SENT: dict[str, tuple[str, tuple[str, ...]]] = {
    TeamsAppSetupPolicy.__name__: (teams_config.APP_SETUP, ("PinnedAppBarApps",)),
    TeamsAppPermissionPolicy.__name__: (teams_config.APP_PERMISSION, ("DefaultCatalogApps",)),
    TeamsMeetingPolicy.__name__: (teams_config.MEETING, ("AllowPrivateMeetingScheduling", "AllowOutlookAddIn")),
}
"""Record kind -> the type of the service, and the properties that are written."""
_READ: dict[str, Callable[[HttpAnswer], tuple[Record, ...] | Failure]] = {
    TeamsAppSetupPolicy.__name__: teams_config.read_app_setup_policies,
    TeamsAppPermissionPolicy.__name__: teams_config.read_app_permission_policies,
    TeamsMeetingPolicy.__name__: teams_config.read_meeting_policies,
}


class TeamsHand:
    """Writes policies of Teams. ``host`` is the cloud's configuration service; ``sleep`` waits between tries."""

    def __init__(self, host: str, sleep: Sleep = asyncio.sleep) -> None:
        self._host = host
        self._sleep = sleep

    @property
    def kinds(self) -> Kinds:
        """What it writes."""
        return frozenset((kind, Premises.ONLINE) for kind in _SENT)

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""
        return entitlements.of_teams(change)

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now."""
        if not self._host:
            return _not_known()
        ask = teams_config.ask_all(self._host, _SENT[address.kind][0])
        policies = _READ[address.kind](await patiently(answerer, ask, self._sleep))
        if isinstance(policies, Failure):
            return policies
        return next((policy for policy in policies if policy.address == address), None)

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``."""
        policy = change.after
        if not isinstance(policy, _Written) or change.before is None:
            return Failure(
                reason=FailureReason.REFUSED,
                says=f"{change.address} can neither be created nor removed by hybridge.",
                next_step="Do it in the Teams admin center.",
            )
        kind, names = _SENT[change.address.kind]
        properties = teams_config.properties_of(policy)
        ask = teams_config.ask_put(self._host, kind, policy.identity, {name: properties[name] for name in names})
        if failure := teams_config.read_put(await patiently(answerer, ask, self._sleep)):
            return failure
        return Reply(says=_done(policy))


def _done(policy: _Written) -> str:
    match policy:
        case TeamsAppSetupPolicy():
            return f"App setup policy '{policy.identity}' now pins {len(policy.pinned_app_bar_apps)} apps."
        case TeamsAppPermissionPolicy():
            return f"App permission policy '{policy.identity}' now lists {len(policy.default_catalog_apps)} apps."
        case TeamsMeetingPolicy():
            return f"Meeting policy '{policy.identity}' was changed."


def _not_known() -> Failure:
    return Failure(
        reason=FailureReason.NOT_CONFIGURED,
        says="Where this cloud keeps the policies of Teams is not known to hybridge.",
        next_step="Change the policy with Teams PowerShell: Set-CsTeamsAppSetupPolicy.",
    )

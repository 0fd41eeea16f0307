"""The hand that writes Teams policies through the configuration service: which apps are pinned, nothing else.

A PUT merges only the properties it sends. The list of pinned apps has an order and is sent whole.
"""

from __future__ import annotations

import asyncio

from hybridge.org.records import Address, Record, TeamsAppSetupPolicy
from hybridge.plan import Change
from hybridge.repair.hands import entitlements
from hybridge.repair.hands.base import Kinds, Reply, Rights, Sleep
from hybridge.repair.hands.graph import patiently
from hybridge.terms.premises import Premises
from hybridge.wire import teams_config
from hybridge.wire.ask import Answerer, Failure, FailureReason


class TeamsHand:
    """Writes ``TeamsAppSetupPolicy``. ``host`` is the cloud's configuration service; ``sleep`` waits between tries."""

    def __init__(self, host: str, sleep: Sleep = asyncio.sleep) -> None:
        self._host = host
        self._sleep = sleep

    @property
    def kinds(self) -> Kinds:
        """What it writes."""
        return frozenset({(TeamsAppSetupPolicy.__name__, Premises.ONLINE)})

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""
        return entitlements.of_teams(change)

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now."""
        ask = teams_config.ask_all(self._host, teams_config.APP_SETUP)
        policies = teams_config.read_app_setup_policies(await patiently(answerer, ask, self._sleep))
        if isinstance(policies, Failure):
            return policies
        return next((policy for policy in policies if policy.address == address), None)

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``."""
        policy = change.after
        if not isinstance(policy, TeamsAppSetupPolicy) or change.before is None:
            return Failure(
                reason=FailureReason.REFUSED,
                says=f"{change.address} can neither be created nor removed by hybridge.",
                next_step="Do it in the Teams admin center.",
            )
        pinned = {"PinnedAppBarApps": teams_config.properties_of(policy)["PinnedAppBarApps"]}
        ask = teams_config.ask_put(self._host, teams_config.APP_SETUP, policy.identity, pinned)
        if failure := teams_config.read_put(await patiently(answerer, ask, self._sleep)):
            return failure
        return Reply(says=f"App setup policy '{policy.identity}' now pins {len(policy.pinned_app_bar_apps)} apps.")

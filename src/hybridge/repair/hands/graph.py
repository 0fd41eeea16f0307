"""The hand that writes through Microsoft Graph: keys of service principals, and the upgrade policy of a user.

Setting ``keyCredentials`` replaces the whole list, which has wiped out other people's keys before. So the hand reads
the principal again until two looks in a row agree (Graph shows a new key late), keeps every key that has not expired,
adds what the change adds, takes away what it takes away and nothing else. It gives up when Graph does not show a living
key, or shows one of a kind the request cannot carry: writing would lose it. Expired keys are not sent again, because
Entra would refuse them.

A principal is only ever removed to take its own creation back, and only while nobody else's key is on it.
"""

from __future__ import annotations

import asyncio

import msgspec

from hybridge.org.records import Address, CsOnlineUser, KeyCredential, Record, ServicePrincipal
from hybridge.plan import Change
from hybridge.repair.comparison import live_ders, live_keys
from hybridge.repair.hands import entitlements
from hybridge.repair.hands.base import Clock, Kinds, Reply, Rights, Sleep
from hybridge.repair.hands.graph_applications import Applications
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph import errors, service_principals, user_configurations

TRIES = 5
"""How often a request is sent that Graph asks to repeat later, and a new principal is looked for."""
PAUSE = 2.0
"""Seconds between two looks, and between two tries where Graph names no time."""
BETWEEN_LOOKS = 1.0
"""Seconds between two looks that must agree before a list of keys is replaced."""
LONGEST_PAUSE = 60.0
_LOCKED = (
    "The owner of the application may have locked its credentials. Upload the certificate by the procedure in "
    "Microsoft's article on OAuth between Teams and Exchange Server."
)


class _Conflict(Exception):
    """Graph refused a write (409): another one is under way, or what it would make is there and not shown yet."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.says)
        self.failure = msgspec.structs.replace(
            failure, reason=FailureReason.UNREACHABLE, next_step="Apply the plan again in a minute."
        )


class GraphHand:
    """Writes ``ServicePrincipal`` and ``CsOnlineUser``, and by ``Applications`` what belongs to applications.

    ``graph_host`` is the cloud's host name; ``clock`` decides which keys have expired; ``sleep`` waits between tries.
    """

    def __init__(self, graph_host: str, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._host = graph_host
        self._clock = clock
        self._sleep = sleep
        self._applications = Applications(graph_host, clock, self._ask, sleep)

    @property
    def host(self) -> str:
        """Host of Graph."""
        return self._host

    @property
    def kinds(self) -> Kinds:
        """What it writes."""
        own = frozenset((kind.__name__, Premises.ONLINE) for kind in (ServicePrincipal, CsOnlineUser))
        return own | self._applications.kinds

    def rights(self, change: Change) -> Rights:
        """What ``change`` needs."""
        return entitlements.of_graph(change)

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now."""
        if (address.kind, address.premises) in self._applications.kinds:
            return await self._applications.read(answerer, address)
        if address.kind == ServicePrincipal.__name__:
            return await self._principal(answerer, address.identity)
        return await self._user(answerer, address.identity)

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``."""
        if (change.address.kind, change.address.premises) in self._applications.kinds:
            return await self._applications.write(answerer, change)
        if change.address.kind == ServicePrincipal.__name__:
            return await self._write_keys(answerer, change)
        return await self._write_policy(answerer, change)

    async def _principal(self, answerer: Answerer, app_id: str) -> ServicePrincipal | None | Failure:
        return service_principals.read_one(await self._ask(answerer, service_principals.ask_one(self._host, app_id)))

    async def _user(self, answerer: Answerer, upn: str) -> CsOnlineUser | None | Failure:
        return user_configurations.read_one(await self._ask(answerer, user_configurations.ask_one(self._host, upn)))

    async def _write_keys(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Begin anew, with another look at what is there, while Graph says that somebody else writes (409)."""
        for _ in range(TRIES - 1):
            try:
                return await self._write_keys_once(answerer, change)
            except _Conflict:
                await self._sleep(PAUSE)
        try:
            return await self._write_keys_once(answerer, change)
        except _Conflict as conflict:
            return conflict.failure

    async def _write_keys_once(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Raises ``_Conflict``."""
        present = await self._agreed(answerer, change.address)
        if present is None and change.after is None:
            return Reply(says="The service principal is gone, and our key with it.")
        if present is None:
            present = await self._created(answerer, change.address.identity)
        if isinstance(present, Failure):
            return present
        if change.after is None and _only_ours(present, change.before):
            return await self._removed(answerer, present)
        return await self._patched(answerer, change, present)

    async def _agreed(self, answerer: Answerer, address: Address) -> ServicePrincipal | None | Failure:
        """The principal once two looks in a row show the same."""
        seen = await self._principal(answerer, address.identity)
        for _ in range(TRIES):
            if seen is None or isinstance(seen, Failure):
                return seen
            await self._sleep(BETWEEN_LOOKS)
            before, seen = seen, await self._principal(answerer, address.identity)
            if seen == before:
                return seen
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"{address} looks different each time it is read. Nothing was written.",
            next_step="Somebody else is changing it: apply the plan again in a minute.",
        )

    async def _patched(self, answerer: Answerer, change: Change, present: ServicePrincipal) -> Reply | Failure:
        """Send what was kept and what is added as the new list."""
        now = self._clock.now()
        living = live_keys(present.key_credentials, now)
        if lost := next((key for key in living if not _portable(key)), None):
            return _would_be_lost(change.address, lost)
        before, after = live_ders(change.before, now), live_ders(change.after, now)
        kept = tuple(key.key for key in living if key.key and (key.key not in before or key.key in after))
        added = tuple(dict.fromkeys(der for der in after if der not in before and der not in kept))
        ask = service_principals.ask_patch_keys(self._host, present.object_id, kept + added)
        if failure := service_principals.read_patched(await self._write(answerer, ask)):
            return _explained(failure)
        expired, gone = len(present.key_credentials) - len(living), len(living) - len(kept)
        told = f"Keys of {change.address.identity}: {len(kept)} kept, {len(added)} added, {gone} removed"
        return Reply(says=f"{told}, {expired} expired dropped.")

    async def _removed(self, answerer: Answerer, principal: ServicePrincipal) -> Reply | Failure:
        ask = errors.ask("DELETE", self._host, f"/v1.0/servicePrincipals/{principal.object_id}")
        answer = await self._write(answerer, ask)
        if answer.status == 404:
            return Reply(says=f"The service principal {principal.identity} is gone already.")
        if failure := errors.read_done(answer, "the removal of the service principal"):
            return failure
        return Reply(says=f"The service principal {principal.identity} is removed again.")

    async def _created(self, answerer: Answerer, app_id: str) -> ServicePrincipal | Failure:
        """Make the principal, and wait until Graph shows it."""
        answer = await self._write(answerer, service_principals.ask_create(self._host, app_id))
        made = service_principals.read_one(answer)
        if isinstance(made, Failure):
            return made
        for _ in range(TRIES):
            shown = await self._principal(answerer, app_id)
            if shown is not None:
                return shown
            await self._sleep(PAUSE)
        return Failure(
            reason=FailureReason.UNREACHABLE,
            says=f"Graph made the service principal {app_id} but does not show it yet.",
            next_step="Apply the plan again in a minute.",
        )

    async def _write_policy(self, answerer: Answerer, change: Change) -> Reply | Failure:
        user, wanted = change.before, change.after
        if not isinstance(user, CsOnlineUser) or not isinstance(wanted, CsOnlineUser):
            return _not_ours(change.address)
        name = wanted.teams_upgrade_policy
        policy_id = await self._policy_id(answerer, name) if name else ""
        if isinstance(policy_id, Failure):
            return policy_id
        object_id = wanted.object_id or user.object_id
        ask = user_configurations.ask_assign(self._host, object_id, user_configurations.UPGRADE, policy_id)
        if failure := user_configurations.read_assigned(await self._ask(answerer, ask)):
            return failure
        return Reply(says=f"TeamsUpgradePolicy of {user.identity} is now '{name or 'Global'}'.")

    async def _policy_id(self, answerer: Answerer, name: str) -> str | Failure:
        ask = user_configurations.ask_policy_id(self._host, user_configurations.UPGRADE, name)
        return user_configurations.read_policy_id(await self._ask(answerer, ask))

    async def _write(self, answerer: Answerer, ask: HttpAsk) -> HttpAnswer:
        """The answer to a write of a service principal. Raises ``_Conflict``."""
        answer = await self._ask(answerer, ask)
        if answer.failure is None and answer.status == 409:
            raise _Conflict(errors.read_error(answer, "the service principal"))
        return answer

    async def _ask(self, answerer: Answerer, ask: HttpAsk) -> HttpAnswer:
        return await patiently(answerer, ask, self._sleep)


async def patiently(answerer: Answerer, ask: HttpAsk, sleep: Sleep) -> HttpAnswer:
    """The answer to ``ask``, sent again after the time the service names while it says "too many requests" (429)."""
    answer = await answerer.http(ask)
    for _ in range(TRIES - 1):
        if answer.failure is not None or answer.status != 429:
            break
        wait = answer.header("retry-after")
        seconds = float(wait) if wait.isascii() and wait.isdigit() else PAUSE
        await sleep(min(seconds, LONGEST_PAUSE))
        answer = await answerer.http(ask)
    return answer


def _only_ours(present: ServicePrincipal, made: Record | None) -> bool:
    """Whether ``present`` holds no key beside those it was made with."""
    keys = made.key_credentials if isinstance(made, ServicePrincipal) else ()
    return {key.key for key in present.key_credentials} <= {key.key for key in keys}


def _portable(key: KeyCredential) -> bool:
    """Whether a PATCH can send the key along again."""
    return key.key is not None and key.type == "AsymmetricX509Cert" and key.usage == "Verify"


def _would_be_lost(address: Address, key: KeyCredential) -> Failure:
    why = "was not returned by Graph" if key.key is None else f"is a {key.type} key for {key.usage}"
    return Failure(
        reason=FailureReason.REFUSED,
        says=f"{address}: key {key.key_id} {why}, and writing the list would lose it. Nothing was written.",
        next_step="Look at the keys of this service principal in Entra, then make the plan again.",
    )


def _explained(failure: Failure) -> Failure:
    if failure.reason is FailureReason.FORBIDDEN:
        return msgspec.structs.replace(failure, next_step=f"{failure.next_step} {_LOCKED}".strip())
    return failure


def _not_ours(address: Address) -> Failure:
    return Failure(
        reason=FailureReason.REFUSED,
        says=f"{address} can neither be created nor removed by hybridge.",
        next_step="Do it by hand.",
    )

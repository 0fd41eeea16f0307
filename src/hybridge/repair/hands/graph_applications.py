"""The part of the Graph hand that writes the dedicated hybrid application and the permission consented to for it.

An application is found by its name; where several bear it, nothing is written, because nobody could tell whose rights
they would become. One that is to be made is first looked for among the deleted ones: restored it keeps its application
id, so that everything that names it is right again. But it comes back with all it had, so it is only restored when that
is no more than what the change wants; else a new one is made.

``requiredResourceAccess`` and ``keyCredentials`` are replaced as a whole by a PATCH. The hand reads them again right
before, adds what the change adds, takes away what it takes away, and sends everything else back as it came. It gives up
where a living key came back without its bytes. Expired keys are not sent again.

A permission is given to the application's service principal, which is made where it is missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hybridge.checks.oauth.hybrid import has_no_more
from hybridge.org.records import Address, AppRoleAssignment, EntraApplication, Record
from hybridge.plan import Change
from hybridge.repair.comparison import live_ders, live_keys
from hybridge.repair.hands.base import Clock, Kinds, Reply, Sleep
from hybridge.terms.applications import EXCHANGE_ONLINE
from hybridge.terms.hybrid_application import FULL_ACCESS_AS_APP
from hybridge.terms.premises import Premises
from hybridge.wire.ask import Answerer, Failure, FailureReason, HttpAnswer, HttpAsk
from hybridge.wire.graph import app_role_assignments as permissions
from hybridge.wire.graph import applications, errors, service_principals

TRIES = 5
"""How often Graph is looked at for what it just made."""
PAUSE = 2.0
"""Seconds between two looks."""
_RESOURCES = {FULL_ACCESS_AS_APP: EXCHANGE_ONLINE}
"""Permission id -> application id of the one it is a permission of."""
Ask = Callable[[Answerer, HttpAsk], Awaitable[HttpAnswer]]
"""Asks once more while Graph says that it gets too many requests."""


class Applications:
    """Writes ``EntraApplication`` and ``AppRoleAssignment``; ``ask`` is how the Graph hand asks."""

    kinds: Kinds = frozenset((kind.__name__, Premises.ONLINE) for kind in (EntraApplication, AppRoleAssignment))

    def __init__(self, graph_host: str, clock: Clock, ask: Ask, sleep: Sleep) -> None:
        self._host = graph_host
        self._clock = clock
        self._ask = ask
        self._sleep = sleep

    async def read(self, answerer: Answerer, address: Address) -> Record | None | Failure:
        """The record at ``address`` as it is now."""
        if address.kind == EntraApplication.__name__:
            return await self._application(answerer, address.identity)
        name, _, role = address.identity.rpartition("/")
        application = await self._application(answerer, name)
        if application is None or isinstance(application, Failure):
            return application
        given = permissions.read_all(
            await self._ask(answerer, permissions.ask_all(self._host, application.application_id)), application.identity
        )
        if isinstance(given, Failure):
            return given
        return next((one for one in given if one.app_role_id.lower() == role), None)

    async def write(self, answerer: Answerer, change: Change) -> Reply | Failure:
        """Make ``change``."""
        if change.address.kind == EntraApplication.__name__:
            return await self._write_application(answerer, change)
        if isinstance(change.after, AppRoleAssignment) and change.before is None:
            return await self._grant(answerer, change.after)
        if isinstance(change.before, AppRoleAssignment) and change.after is None:
            return await self._revoke(answerer, change.before)
        return _refused(f"{change.address} is either given or not; it has nothing to change.")

    # Applications -----------------------------------------------------------------------------------------------------

    async def _application(self, answerer: Answerer, name: str) -> EntraApplication | None | Failure:
        """The only application called ``name``, with its keys."""
        listed = applications.read_all(await self._ask(answerer, applications.ask_named(self._host, name)))
        if isinstance(listed, Failure):
            return listed
        if len(listed) > 1:
            return _refused(f"{len(listed)} applications are called '{name}', and it cannot be told which is meant.")
        if not listed:
            return None
        return applications.read_one(await self._ask(answerer, applications.ask_one(self._host, listed[0].object_id)))

    async def _write_application(self, answerer: Answerer, change: Change) -> Reply | Failure:
        present = await self._application(answerer, change.address.identity)
        if isinstance(present, Failure):
            return present
        if change.after is None:
            return await self._removed(answerer, change, present)
        if present is None and isinstance(change.after, EntraApplication):
            made = await self._made(answerer, change.after)
            if isinstance(made, Failure):
                return made
            present, said = made
        elif present is None:
            return _refused(f"{change.address} cannot be made of this change.")
        else:
            said = f"Application {present.display_name}"
        patched = await self._patched(answerer, change, present)
        return patched if isinstance(patched, Failure) else Reply(says=f"{said}: {patched.says}")

    async def _made(self, answerer: Answerer, wanted: EntraApplication) -> tuple[EntraApplication, str] | Failure:
        """The application, restored or new, and its service principal with it."""
        deleted = applications.read_all(
            await self._ask(answerer, applications.ask_deleted(self._host, wanted.identity))
        )
        if isinstance(deleted, Failure):
            return deleted
        fits = [one for one in deleted if has_no_more(one, wanted, self._clock.now())]
        if len(fits) == 1 and wanted.application_id.lower() in ("", fits[0].application_id.lower()):
            said, ask = "Restored", applications.ask_restore(self._host, fits[0].object_id)
        elif wanted.application_id:
            return _refused(f"The application {wanted.identity} was to be restored, and Entra cannot restore it now.")
        else:
            keys = live_ders(wanted, self._clock.now())
            said = "Made"
            ask = applications.ask_create(self._host, wanted.identity, wanted.required_resource_access, keys)
        answer = await self._ask(answerer, ask)
        if failure := errors.read_done(answer, "the new application"):
            return failure
        made = await self._shown(answerer, wanted.identity)
        if isinstance(made, Failure):
            return made
        principal = await self._principal(answerer, made.application_id)
        if isinstance(principal, Failure):
            return principal
        return made, f"{said} the application {made.display_name} with the id {made.application_id}"

    async def _shown(self, answerer: Answerer, name: str) -> EntraApplication | Failure:
        """The application called ``name``, once Graph shows it."""
        for _ in range(TRIES):
            shown = await self._application(answerer, name)
            if shown is not None:
                return shown
            await self._sleep(PAUSE)
        return _later(f"Graph made the application {name} but does not show it yet.")

    async def _removed(self, answerer: Answerer, change: Change, present: EntraApplication | None) -> Reply | Failure:
        """Take our own creation back: delete the application, or where others' keys are on it only our keys."""
        if present is None:
            return Reply(says="The application is gone, and our keys with it.")
        ours = set(live_ders(change.before, self._clock.now()))
        if not set(live_ders(present, self._clock.now())) <= ours:
            return await self._patched(answerer, change, present)
        ask = applications.ask_delete(self._host, present.object_id)
        if failure := errors.read_done(await self._ask(answerer, ask), "the removal of the application"):
            return failure
        return Reply(says=f"The application {present.display_name} is deleted; Entra can restore it for thirty days.")

    async def _patched(self, answerer: Answerer, change: Change, present: EntraApplication) -> Reply | Failure:
        """Write what differs: the permissions asked for, then the keys."""
        access = _merged(present.required_resource_access, _access(change.before), _access(change.after))
        if change.after is not None and access != present.required_resource_access:
            ask = applications.ask_patch_access(self._host, present.object_id, access)
            if failure := errors.read_done(await self._ask(answerer, ask), "the change of the permissions asked for"):
                return failure
        keys = await self._patched_keys(answerer, change, present)
        if isinstance(keys, Failure):
            return keys
        return Reply(says=f"{len(access)} permission(s) asked for, {keys}.")

    async def _patched_keys(self, answerer: Answerer, change: Change, present: EntraApplication) -> str | Failure:
        now = self._clock.now()
        before, after = live_ders(change.before, now), live_ders(change.after, now)
        gone = {key for key in before if key not in after}
        living = live_keys(present.key_credentials, now)
        there = {key.key for key in living}
        added = tuple(key for key in dict.fromkeys(after) if key not in before and key not in there)
        if not added and not gone & there:
            return "keys as they were"
        if lost := next((key for key in living if key.key is None), None):
            return _refused(
                f"{change.address}: key {lost.key_id} was not returned by Graph, and writing would lose it."
            )
        objects = applications.read_key_objects(
            await self._ask(answerer, applications.ask_one(self._host, present.object_id))
        )
        if isinstance(objects, Failure):
            return objects
        ids = {key.key_id for key in living if key.key not in gone}
        kept = tuple(one for one in objects if one.get("keyId") in ids)
        if len(kept) != len(ids):
            return _later(f"The keys of {present.display_name} changed while they were looked at.")
        ask = applications.ask_patch_keys(self._host, present.object_id, kept, added)
        if failure := errors.read_done(await self._ask(answerer, ask), "the change of the application's keys"):
            return failure
        return f"{len(kept)} key(s) kept, {len(added)} added, {len(gone & there)} removed"

    # Permissions ------------------------------------------------------------------------------------------------------

    async def _grant(self, answerer: Answerer, wanted: AppRoleAssignment) -> Reply | Failure:
        resource_app = _RESOURCES.get(wanted.app_role_id.lower())
        if resource_app is None:
            return _refused(f"hybridge gives no other permission than full_access_as_app, not {wanted.app_role_id}.")
        ends = await self._ends(answerer, wanted, resource_app)
        if isinstance(ends, Failure):
            return ends
        ask = permissions.ask_grant(self._host, *ends, wanted.app_role_id)
        if failure := errors.read_done(await self._ask(answerer, ask), "the consent to full_access_as_app"):
            return failure
        return Reply(says=f"{wanted.principal} now has full_access_as_app of {wanted.resource_display_name}.")

    async def _ends(
        self, answerer: Answerer, wanted: AppRoleAssignment, resource_app: str
    ) -> tuple[str, str] | Failure:
        """Object ids of the service principals on both ends."""
        application = await self._application(answerer, wanted.principal)
        if application is None:
            return _refused(f"There is no application called '{wanted.principal}'.")
        if isinstance(application, Failure):
            return application
        principal = await self._principal(answerer, application.application_id)
        resource = await self._principal(answerer, resource_app)
        if isinstance(principal, Failure):
            return principal
        return resource if isinstance(resource, Failure) else (principal, resource)

    async def _revoke(self, answerer: Answerer, given: AppRoleAssignment) -> Reply | Failure:
        present = await self.read(answerer, given.address)
        if isinstance(present, Failure):
            return present
        application = await self._application(answerer, given.principal)
        if isinstance(application, Failure):
            return application
        if application is None or not isinstance(present, AppRoleAssignment):
            return Reply(says="The permission is gone already.")
        principal = await self._principal(answerer, application.application_id)
        if isinstance(principal, Failure):
            return principal
        ask = permissions.ask_revoke(self._host, principal, present.assignment_id)
        if failure := errors.read_done(await self._ask(answerer, ask), "the withdrawal of the consent"):
            return failure
        return Reply(says=f"{given.principal} no longer has full_access_as_app.")

    async def _principal(self, answerer: Answerer, app_id: str) -> str | Failure:
        """Object id of the service principal of ``app_id``, which is made where it is missing."""
        for attempt in range(TRIES):
            if attempt:
                await self._sleep(PAUSE)
            found = service_principals.read_one(
                await self._ask(answerer, service_principals.ask_one(self._host, app_id))
            )
            if isinstance(found, Failure):
                return found
            if found is not None:
                return found.object_id
            answer = await self._ask(answerer, service_principals.ask_create(self._host, app_id))
            # Graph may not know a new application yet (400), or have made the principal and not show it yet (409).
            if answer.failure is not None or answer.status not in (200, 201, 400, 409):
                return errors.read_error(answer, "the new service principal")
        return _later(f"Graph does not show the service principal of {app_id} yet.")


def _access(record: Record | None) -> tuple[str, ...]:
    return record.required_resource_access if isinstance(record, EntraApplication) else ()


def _merged(present: tuple[str, ...], before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """``present`` with what the change adds and without what it takes away."""
    kept = tuple(entry for entry in present if entry not in before or entry in after)
    return (*kept, *(entry for entry in after if entry not in before and entry not in kept))


def _refused(says: str) -> Failure:
    return Failure(reason=FailureReason.REFUSED, says=says, next_step="Look at the application in Entra.")


def _later(says: str) -> Failure:
    return Failure(reason=FailureReason.UNREACHABLE, says=says, next_step="Apply the plan again in a minute.")

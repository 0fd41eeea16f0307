"""What a repair of the dedicated hybrid application must never do, decided from the change alone.

The application may read every mailbox of the tenant, so a plan can do little with it: it is never removed, loses no key
and no permission, gets no other permission than the one Exchange needs, and is only made under the name Microsoft's
tools give it. Exchange sends its tokens to the address of an organization relationship, so that may only be a host of
Microsoft.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from hybridge.org import records as r
from hybridge.plan import Change
from hybridge.repair.comparison import live_keys
from hybridge.terms import hybrid_application as hybrid
from hybridge.terms.applications import EXCHANGE_ONLINE

PERMISSION = f"{EXCHANGE_ONLINE}/{hybrid.FULL_ACCESS_AS_APP}/Role"
"""full_access_as_app as a record names it."""


def hybrid_refusal(change: Change, now: datetime) -> str:
    """Why a plan must not hold ``change``, as one sentence; "" when it may, or the change is of something else."""
    match change.address.kind:
        case "EntraApplication":
            return _application(change, now)
        case "AppRoleAssignment":
            return _permission(change)
        case "SettingOverride":
            return _override(change)
        case "OrganizationRelationship":
            return _relationship(change)
        case _:
            return ""


def _application(change: Change, now: datetime) -> str:
    before, after = change.before, change.after
    if not isinstance(after, r.EntraApplication):
        return f"{change.address}: an application is never removed."
    if before is None and not after.identity.lower().startswith(hybrid.NAME_PREFIX.lower()):
        return f"{change.address}: an application is only made under a name that begins with {hybrid.NAME_PREFIX}."
    present = before if isinstance(before, r.EntraApplication) else None
    had = set(present.required_resource_access) if present else set()
    wanted = set(after.required_resource_access)
    if lost := had - wanted:
        return f"{change.address}: the permission {min(lost)} is not hybridge's to take away."
    if strange := wanted - had - {PERMISSION}:
        return (
            f"{change.address}: hybridge asks for no other permission than full_access_as_app, not for {min(strange)}."
        )
    return _keys(change, present.key_credentials if present else (), after.key_credentials, now)


def _keys(
    change: Change, before: tuple[r.KeyCredential, ...], after: tuple[r.KeyCredential, ...], now: datetime
) -> str:
    kept = {key.key for key in after}
    for key in live_keys(before, now) if after != before else ():
        if key.key is None:
            return f"{change.address}: key {key.key_id} was not returned by Graph, and writing would lose it."
        if key.key not in kept:
            return f"{change.address}: key {key.key_id} has not expired and must not be dropped."
    return "" if all(key.key for key in after if key not in before) else f"{change.address}: a new key has no DER."


def _permission(change: Change) -> str:
    after = change.after
    if not isinstance(after, r.AppRoleAssignment):
        return f"{change.address}: a permission is never taken away."
    names = f"{after.principal}/{after.app_role_id}".lower()
    if after.app_role_id.lower() != hybrid.FULL_ACCESS_AS_APP or change.address.identity != names:
        return f"{change.address}: hybridge consents to no other permission than full_access_as_app."
    return ""


def _override(change: Change) -> str:
    after = change.after
    if not isinstance(after, r.SettingOverride):
        return f"{change.address}: a setting override is never removed."
    if (after.component_name, after.section_name) != (hybrid.OVERRIDE_COMPONENT, hybrid.OVERRIDE_SECTION):
        return f"{change.address}: hybridge overrides no other setting than {hybrid.OVERRIDE_SECTION}."
    if after.parameters != (hybrid.OVERRIDE_ON,):
        return f"{change.address}: hybridge only switches {hybrid.OVERRIDE_SECTION} on."
    return ""


def _relationship(change: Change) -> str:
    after = change.after
    if not isinstance(after, r.OrganizationRelationship):
        return ""
    before = change.before
    if isinstance(before, r.OrganizationRelationship) and before.target_sharing_epr == after.target_sharing_epr:
        return ""
    address = urlsplit(after.target_sharing_epr)
    if address.scheme != "https" or not hybrid.ews_host_of(address.hostname or ""):
        return f"{change.address}: '{after.target_sharing_epr}' is no https address of Exchange Online."
    return ""

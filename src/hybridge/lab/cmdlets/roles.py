"""Management roles, the entries they hold, and who has them.

A custom role is made from a parent and starts with all of the parent's entries, so it can only be narrowed: an entry
can be added again as long as the parent has it. Built-in roles (those without a parent) cannot be changed or removed,
and no role can be removed while it is assigned to somebody.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hybridge.lab.cmdlets.base import (
    IDENTITY,
    ON,
    REQUIRED_IDENTITY,
    Call,
    Result,
    changed,
    cmdlet,
    created,
    removed,
)
from hybridge.lab.cmdlets.identities import account, search, single
from hybridge.lab.cmdlets.mail_users import already_exists
from hybridge.lab.cmdlets.outcome import CmdletRefused, Written
from hybridge.lab.cmdlets.parameters import boolean, switch, text, texts
from hybridge.org import records as r
from hybridge.terms.callers import matches
from hybridge.wire.cmdlets import write_entries

ROLE_ENTRY_TYPE = "Microsoft.Exchange.Management.RbacTasks.ExchangeRoleEntryPresentation"
_RBAC = "RbacTasks"


@cmdlet("Get-ManagementRole", IDENTITY, tasks=_RBAC)
def get_role(call: Call) -> Result:
    """Roles with their entries."""
    return Result(search(call, r.ManagementRole, call.text("Identity")))


@cmdlet(
    "New-ManagementRole",
    text("Name", 0, mandatory=True),
    text("Parent", mandatory=True),
    text("Description"),
    switch("Force"),
    tasks=_RBAC,
)
def new_role(call: Call) -> Result:
    """Make a custom role with every entry of its parent."""
    name = call.text("Name")
    if call.organization.one(r.ManagementRole, ON, name):
        raise already_exists(name)
    parent = single(call, r.ManagementRole, "Parent")
    record = r.ManagementRole(
        premises=ON, identity=name, parent=parent.identity, role_entries=tuple(sorted(parent.role_entries))
    )
    return created(call, record)


@cmdlet("Remove-ManagementRole", REQUIRED_IDENTITY, switch("Recurse"), switch("Force"), tasks=_RBAC)
def remove_role(call: Call) -> Result:
    """Remove a custom role, with ``-Recurse`` also its children."""
    role = _custom(single(call, r.ManagementRole))
    children = tuple(_descendants(call, role))
    if children and not call.get("Recurse"):
        raise CmdletRefused(
            f"The management role '{role.identity}' can't be removed because it has child roles. Remove them first or "
            "use the Recurse parameter."
        )
    going = (role, *children)
    names = {one.identity.casefold() for one in going}
    for assignment in call.organization.all(r.ManagementRoleAssignment, ON):
        if assignment.role.casefold() in names:
            raise CmdletRefused(
                f"The management role '{assignment.role}' can't be removed because the management role assignment "
                f"'{assignment.identity}' uses it. Remove all assignments of the role first."
            )
    return removed(call, *going)


@cmdlet("Get-ManagementRoleEntry", REQUIRED_IDENTITY, tasks=_RBAC)
def get_entry(call: Call) -> Result:
    """Entries by ``Role\\Entry``; both halves may hold wildcards."""
    role_name, wanted = _halves(call)
    found = [
        _written(role, entry)
        for role in search(call, r.ManagementRole, role_name)
        for entry in role.role_entries
        if matches(wanted, entry)
    ]
    if not found and "*" not in wanted:
        raise call.absent(call.text("Identity"))
    return Result(tuple(found))


@cmdlet("Add-ManagementRoleEntry", REQUIRED_IDENTITY, texts("Parameters"), switch("Overwrite"), tasks=_RBAC)
def add_entry(call: Call) -> Result:
    """Give a custom role an entry its parent has."""
    role, wanted = _role_and_entry(call)
    if _held(role.role_entries, wanted) and not call.get("Overwrite"):
        raise CmdletRefused(f"The role entry '{call.text('Identity')}' already exists on the role '{role.identity}'.")
    parent = call.organization.one(r.ManagementRole, ON, role.parent)
    entry = _held(parent.role_entries if parent else (), wanted)
    if entry is None:
        raise CmdletRefused(
            f"The role entry '{wanted}' can't be added to the role '{role.identity}' because its parent role "
            f"'{role.parent}' doesn't contain it."
        )
    after = msgspec.structs.replace(role, role_entries=tuple(sorted({*role.role_entries, entry})))
    return Result(output=(_written(after, entry),), organization=call.organization.put(after))


@cmdlet("Remove-ManagementRoleEntry", REQUIRED_IDENTITY, switch("Force"), tasks=_RBAC)
def remove_entry(call: Call) -> Result:
    """Take an entry from a custom role, and from its children, which cannot hold more than it."""
    role, wanted = _role_and_entry(call)
    entry = _held(role.role_entries, wanted)
    if entry is None:
        raise call.absent(call.text("Identity"))
    narrowed = (
        msgspec.structs.replace(one, role_entries=tuple(held for held in one.role_entries if held != entry))
        for one in (role, *_descendants(call, role))
    )
    return Result(organization=call.organization.put(*narrowed))


@cmdlet(
    "Get-ManagementRoleAssignment",
    IDENTITY,
    text("Role"),
    text("RoleAssignee"),
    boolean("Enabled"),
    switch("GetEffectiveUsers"),
    tasks=_RBAC,
)
def get_assignment(call: Call) -> Result:
    """Assignments, narrowed by role and by who has it."""
    found = search(call, r.ManagementRoleAssignment, call.text("Identity"))
    if call.text("Role"):
        roles = {one.identity.casefold() for one in search(call, r.ManagementRole, call.text("Role"))}
        found = tuple(one for one in found if one.role.casefold() in roles)
    if call.text("RoleAssignee"):
        found = _assigned_to(call, found, call.text("RoleAssignee"))
    if call.given("Enabled"):
        found = tuple(one for one in found if one.enabled == call.get("Enabled"))
    return Result(found)


@cmdlet(
    "New-ManagementRoleAssignment",
    text("Name", 0),
    text("Role", mandatory=True),
    text("User", mandatory=True),
    switch("Delegating"),
    switch("Force"),
    tasks=_RBAC,
)
def new_assignment(call: Call) -> Result:
    """Give a role to an account. Without a name it is called ``<role>-<account>``."""
    role = single(call, r.ManagementRole, "Role").identity
    assignee = account(call, call.text("User"))
    name = call.text("Name") or f"{role}-{assignee}"
    if call.organization.one(r.ManagementRoleAssignment, ON, name):
        raise already_exists(name)
    return created(
        call, r.ManagementRoleAssignment(premises=ON, identity=name, role=role, role_assignee=assignee, enabled=True)
    )


@cmdlet("Set-ManagementRoleAssignment", REQUIRED_IDENTITY, boolean("Enabled"), switch("Force"), tasks=_RBAC)
def set_assignment(call: Call) -> Result:
    """Switch an assignment on or off."""
    before = single(call, r.ManagementRoleAssignment)
    return changed(call, before, msgspec.structs.replace(before, enabled=call.get("Enabled", before.enabled)))


@cmdlet("Remove-ManagementRoleAssignment", REQUIRED_IDENTITY, switch("Force"), tasks=_RBAC)
def remove_assignment(call: Call) -> Result:
    """Take a role away."""
    return removed(call, single(call, r.ManagementRoleAssignment))


def _custom(role: r.ManagementRole) -> r.ManagementRole:
    if not role.parent:
        raise CmdletRefused(f"The management role '{role.identity}' is built in and can't be changed or removed.")
    return role


def _descendants(call: Call, role: r.ManagementRole) -> Iterable[r.ManagementRole]:
    for child in call.organization.all(r.ManagementRole, ON):
        if child.parent.casefold() == role.identity.casefold():
            yield child
            yield from _descendants(call, child)


def _halves(call: Call) -> tuple[str, str]:
    identity = call.text("Identity")
    role, backslash, entry = identity.rpartition("\\")
    if not backslash or not role or not entry:
        raise CmdletRefused(
            f"The role entry identity '{identity}' isn't valid. Use the format <role name>\\<role entry name>.",
            "System.ArgumentException",
            "InvalidArgument",
        )
    return role, entry


def _role_and_entry(call: Call) -> tuple[r.ManagementRole, str]:
    name, entry = _halves(call)
    found = search(call, r.ManagementRole, name)
    if len(found) != 1:
        raise call.absent(name)
    return _custom(found[0]), entry


def _held(entries: Iterable[str], wanted: str) -> str | None:
    return next((entry for entry in entries if entry.casefold() == wanted.casefold()), None)


def _written(role: r.ManagementRole, entry: str) -> Written:
    (shown,) = write_entries(msgspec.structs.replace(role, role_entries=(entry,)))
    return Written(ROLE_ENTRY_TYPE, shown)


def _assigned_to(
    call: Call, found: tuple[r.ManagementRoleAssignment, ...], assignee: str
) -> tuple[r.ManagementRoleAssignment, ...]:
    """Those of ``assignee``; an account that is gone keeps its assignments, one that never was is an error."""
    theirs = tuple(one for one in found if one.role_assignee.casefold() == assignee.casefold())
    if theirs:
        return theirs
    name = account(call, assignee)
    return tuple(one for one in found if one.role_assignee.casefold() == name.casefold())


CMDLETS = (
    get_role,
    new_role,
    remove_role,
    get_entry,
    add_entry,
    remove_entry,
    get_assignment,
    new_assignment,
    set_assignment,
    remove_assignment,
)

"""Get-ManagementRole, Get-ManagementRoleEntry and Get-ManagementRoleAssignment.

A role entry prints as "(snap-in) Name -Parameter ..." for a cmdlet and as its bare name for an application permission
such as "GetDelegate"; the directory's own form "c,Name,snap-in,parameters" is read too. A record keeps the names,
sorted. Get-ManagementRoleEntry gives one object per entry: they are folded into one ManagementRole per role, without
its parent; ``with_entries`` joins them to the roles of Get-ManagementRole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from hybridge.org.records import ManagementRole, ManagementRoleAssignment
from hybridge.terms.premises import Premises
from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.noun import Noun, Unreadable, ask, defaulted, each, needed
from hybridge.wire.cmdlets.properties import Object, directory_object, find, items, name_of, printed, words

ON = Premises.ON_PREMISES
_SNAP_IN = "Microsoft.Exchange.Management.PowerShell.E2010"


def ask_management_role(role: str = "") -> CmdletAsk:
    """Get-ManagementRole named ``role``, or every one."""
    return ask(ON, "Get-ManagementRole", Identity=role)


def ask_management_role_entry(role: str) -> CmdletAsk:
    """Get-ManagementRoleEntry "role\\*": every entry of ``role``."""
    return ask(ON, "Get-ManagementRoleEntry", Identity=f"{role}\\*")


def ask_management_role_assignment(role_assignee: str = "", role: str = "") -> CmdletAsk:
    """Get-ManagementRoleAssignment to ``role_assignee`` and of ``role``, where given."""
    return ask(ON, "Get-ManagementRoleAssignment", RoleAssignee=role_assignee, Role=role)


_CODED = re.compile(r"[acsw],([^,]+)(?:,|$)")
_PRINTED = re.compile(r"(?:\([^)]*\)\s*)?(\S+)")


def entry_name(value: object) -> str:
    """Name of a role entry: an object with a Name, its printed text, or the directory's coded form."""
    if isinstance(value, Mapping) and (name := words(value, "Name")):
        return name
    content = printed(value).strip()
    matched = _CODED.match(content) or _PRINTED.match(content)
    return matched[1] if matched else ""


def with_entries(roles: tuple[ManagementRole, ...], entries: tuple[ManagementRole, ...]) -> tuple[ManagementRole, ...]:
    """``roles`` (Get-ManagementRole) with the entries of ``entries`` (Get-ManagementRoleEntry) where those list any."""
    listed = {role.address: role.role_entries for role in entries}
    return tuple(replace(role, role_entries=listed.get(role.address, role.role_entries)) for role in roles)


def _read_role(one: Object, premises: Premises, _: str) -> ManagementRole:
    entries = items(find(one, "RoleEntries")) or []
    return ManagementRole(
        premises=premises,
        identity=needed(one, "Get-ManagementRole", "Name", "Identity", "ToString"),
        parent=name_of(find(one, "Parent")),
        role_entries=tuple(sorted({name for entry in entries if (name := entry_name(entry))})),
    )


def _write_role(record: ManagementRole) -> Object:
    path = f"{record.parent}\\{record.identity}" if record.parent else record.identity
    return {
        "ToString": path,
        "Name": record.identity,
        "Parent": directory_object(record.parent, ""),
        "RoleType": "UserApplication",
        "RoleEntries": [_printed_entry(entry) for entry in record.role_entries],
        "Identity": {"Name": record.identity, "ToString": path},
    }


def _printed_entry(entry: str) -> str:
    return f"({_SNAP_IN}) {entry} -Confirm -Debug" if "-" in entry else entry


def _read_entries(objects: tuple[Object, ...], premises: Premises, about: str) -> tuple[ManagementRole, ...]:
    asked = about.rpartition("\\")[0]
    found: dict[str, set[str]] = {}
    for one in objects:
        identity, _, _ = words(one, "Identity").rpartition("\\")
        role = name_of(find(one, "Role")) or name_of(identity) or asked
        if not role or role == "*":
            raise Unreadable("An object of Get-ManagementRoleEntry does not say which role it belongs to.")
        found.setdefault(role, set()).add(entry_name(one))
    return tuple(
        ManagementRole(premises=premises, identity=role, role_entries=tuple(sorted(entries - {""})))
        for role, entries in found.items()
    )


def write_entries(record: ManagementRole) -> tuple[Object, ...]:
    """What Get-ManagementRoleEntry shows of ``record``: one object per entry."""
    return tuple(
        {
            "ToString": _printed_entry(entry),
            "Name": entry,
            "Role": directory_object(record.identity, ""),
            "Type": "Cmdlet" if "-" in entry else "ApplicationPermission",
            "PSSnapinName": _SNAP_IN if "-" in entry else "",
            "Parameters": [],
            "Identity": f"{record.identity}\\{entry}",
        }
        for entry in record.role_entries
    )


def _read_assignment(one: Object, premises: Premises, _: str) -> ManagementRoleAssignment:
    role = name_of(find(one, "Role"))
    assignee = name_of(find(one, "RoleAssignee")) or words(one, "RoleAssigneeName", "EffectiveUserName")
    if not role or not assignee:
        raise Unreadable("An object of Get-ManagementRoleAssignment names no Role or no RoleAssignee.")
    return ManagementRoleAssignment(
        premises=premises,
        identity=words(one, "Name", "Identity", "ToString") or f"{role}-{assignee}",
        role=role,
        role_assignee=assignee,
        enabled=defaulted(one, "Enabled", True),
    )


def _write_assignment(record: ManagementRoleAssignment) -> Object:
    return {
        "ToString": record.identity,
        "Name": record.identity,
        "Role": directory_object(record.role, ""),
        "RoleAssignee": directory_object(record.role_assignee),
        "RoleAssigneeName": record.role_assignee,
        "RoleAssigneeType": "User",
        "Enabled": record.enabled,
        "Identity": directory_object(record.identity, ""),
    }


MANAGEMENT_ROLE = Noun(
    cmdlet="Get-ManagementRole",
    record=ManagementRole,
    type_name="Microsoft.Exchange.Data.Directory.SystemConfiguration.ExchangeRole",
    marks=("RoleEntries", "RoleType"),
    foreign=("RoleAssignee",),
    read_all=each(_read_role),
    write_one=_write_role,
)
MANAGEMENT_ROLE_ENTRY = Noun(
    cmdlet="Get-ManagementRoleEntry",
    record=ManagementRole,
    type_name="Microsoft.Exchange.Management.RbacTasks.ExchangeRoleEntryPresentation",
    marks=("Name", "Identity", "Value"),
    foreign=("RoleEntries", "RoleAssignee"),
    read_all=_read_entries,
    write_one=_write_role,
)
MANAGEMENT_ROLE_ASSIGNMENT = Noun(
    cmdlet="Get-ManagementRoleAssignment",
    record=ManagementRoleAssignment,
    type_name="Microsoft.Exchange.Data.Directory.Management.ExchangeRoleAssignmentPresentation",
    marks=("RoleAssignee", "RoleAssigneeName"),
    read_all=each(_read_assignment),
    write_one=_write_assignment,
)
NOUNS = (MANAGEMENT_ROLE, MANAGEMENT_ROLE_ENTRY, MANAGEMENT_ROLE_ASSIGNMENT)

"""Hybrid settings: setting overrides, organization relationships and intra-organization connectors.

An override is named once and may be for all servers or some. What its component and section mean is not modelled.
"""

from __future__ import annotations

from typing import Any

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
from hybridge.lab.cmdlets.identities import search, single
from hybridge.lab.cmdlets.mail_users import already_exists
from hybridge.lab.cmdlets.outcome import refused_argument
from hybridge.lab.cmdlets.parameters import boolean, choice, switch, text, texts
from hybridge.org import records as r
from hybridge.terms.sharing import ACCESS_LEVELS

_OVERRIDE = (texts("Server"), text("MinVersion"), text("MaxVersion"), switch("Force"))


@cmdlet("Get-SettingOverride", IDENTITY)
def get_override(call: Call) -> Result:
    """Setting overrides."""
    return Result(search(call, r.SettingOverride, call.text("Identity")))


@cmdlet(
    "New-SettingOverride",
    text("Name", 0, mandatory=True),
    text("Component", mandatory=True),
    text("Section", mandatory=True),
    texts("Parameters", mandatory=True),
    text("Reason", mandatory=True),
    *_OVERRIDE,
)
def new_override(call: Call) -> Result:
    """Override a setting on all servers, or on those named."""
    name = call.text("Name")
    if call.organization.one(r.SettingOverride, ON, name):
        raise already_exists(name)
    empty = r.SettingOverride(
        premises=ON, identity=name, component_name=call.text("Component"), section_name=call.text("Section")
    )
    return created(call, _with_arguments(call, empty))


@cmdlet("Set-SettingOverride", REQUIRED_IDENTITY, texts("Parameters"), text("Reason"), *_OVERRIDE)
def set_override(call: Call) -> Result:
    """Change what an override says, or for which servers."""
    before = single(call, r.SettingOverride)
    return changed(call, before, _with_arguments(call, before))


@cmdlet("Remove-SettingOverride", REQUIRED_IDENTITY)
def remove_override(call: Call) -> Result:
    """Let the setting be what it is without the override."""
    return removed(call, single(call, r.SettingOverride))


def _with_arguments(call: Call, before: r.SettingOverride) -> r.SettingOverride:
    changes: dict[str, Any] = {}
    if call.given("Parameters"):
        changes["parameters"] = call.get("Parameters").applied(before.parameters) or ()
        if any("=" not in entry for entry in changes["parameters"]):
            raise refused_argument("Each of the parameters of an override has the form name=value.")
    if call.given("Server"):
        changes["server"] = call.get("Server").applied(before.server) or ()
    if call.given("Reason"):
        changes["reason"] = call.text("Reason")
    return msgspec.structs.replace(before, **changes)


@cmdlet("Get-OrganizationRelationship", IDENTITY)
def get_relationship(call: Call) -> Result:
    """Relationships with other organizations."""
    return Result(search(call, r.OrganizationRelationship, call.text("Identity")))


@cmdlet(
    "Set-OrganizationRelationship",
    REQUIRED_IDENTITY,
    texts("DomainNames"),
    text("TargetAutodiscoverEpr"),
    text("TargetSharingEpr"),
    boolean("Enabled"),
    boolean("FreeBusyAccessEnabled"),
    choice("FreeBusyAccessLevel", ACCESS_LEVELS, "Microsoft.Exchange.Data.FreeBusyAccessLevel"),
    text("TargetApplicationUri"),
    switch("Force"),
)
def set_relationship(call: Call) -> Result:
    """Change a relationship."""
    before = single(call, r.OrganizationRelationship)
    changes: dict[str, Any] = {}
    if call.given("DomainNames"):
        changes["domain_names"] = call.get("DomainNames").applied(before.domain_names) or ()
    for parameter, field in _ADDRESSES.items():
        if call.given(parameter):
            changes[field] = _url(call.text(parameter), parameter)
    for parameter, field in (("Enabled", "enabled"), ("FreeBusyAccessEnabled", "free_busy_access_enabled")):
        if call.given(parameter):
            changes[field] = call.get(parameter)
    for parameter, field in _TEXTS.items():
        if call.given(parameter):
            changes[field] = call.text(parameter)
    return changed(call, before, msgspec.structs.replace(before, **changes))


_TEXTS = {"FreeBusyAccessLevel": "free_busy_access_level", "TargetApplicationUri": "target_application_uri"}
_ADDRESSES = {"TargetAutodiscoverEpr": "target_autodiscover_epr", "TargetSharingEpr": "target_sharing_epr"}


def _url(value: str, parameter: str) -> str:
    if value and not value.lower().startswith(("https://", "http://")):
        raise refused_argument(f"The value of {parameter} is not an absolute URL.")
    return value


@cmdlet("Get-IntraOrganizationConnector", IDENTITY)
def get_connector(call: Call) -> Result:
    """Connectors to other parts of the organization."""
    return Result(search(call, r.IntraOrganizationConnector, call.text("Identity")))


CMDLETS = (
    get_override,
    new_override,
    set_override,
    remove_override,
    get_relationship,
    set_relationship,
    get_connector,
)

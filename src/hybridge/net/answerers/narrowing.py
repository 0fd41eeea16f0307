"""How a snapshot honours the parameters of an ask: the exported objects are narrowed down after the fact.

- ``Identity`` keeps the objects one of whose names equals it, without regard to case, as a whole or by the last
  segment: Identity, Name, Alias, PrimarySmtpAddress, WindowsEmailAddress, UserPrincipalName, EmailAddresses,
  DistinguishedName, Guid, ObjectId, Id, AppId, Mailbox. A policy's "Tag:" is ignored.
- For folder permissions Identity is ``mailbox:\\folder``: the mailbox is compared with the object's ``Mailbox``, the
  folder with its ``FolderName`` unless it is "Calendar", the name that stands for every language's.
- For role entries it is ``role\\entry``, where ``*`` stands for any entry.
- ``Server``, ``User``, ``Role``, ``RoleAssignee`` and ``AppId`` keep the objects with that property.
- ``ResultSize`` and switches about how the cmdlet runs change nothing. Any other parameter is ignored with a warning.

An export may be partial. So when nothing is left, only a cmdlet that answers for single named objects says "not found";
for objects that every mailbox or server has (permissions, automatic replies, certificates, virtual directories) the
export does not cover what was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.folders import folder_of, mailbox_of
from hybridge.wire.cmdlets.properties import address_of, find, items, last_segment, name_of, printed, words
from hybridge.wire.cmdlets.servers import server_name, server_of
from hybridge.wire.cmdlets.teams import policy_name

Object = dict[str, Any]
Keeps = Callable[[Object, str], bool]

_NAMES = (
    "Identity",
    "Name",
    "Alias",
    "PrimarySmtpAddress",
    "WindowsEmailAddress",
    "UserPrincipalName",
    "DistinguishedName",
    "Guid",
    "ObjectId",
    "Id",
    "AppId",
    "Mailbox",
)
_HARMLESS = frozenset(("resultsize", "erroraction", "warningaction", "verbose", "debug", "confirm", "adpropertiesonly"))
_OF_ALL = frozenset(
    (
        "get-mailboxfolderpermission",
        "get-mailboxautoreplyconfiguration",
        "get-exchangecertificate",
        "get-webservicesvirtualdirectory",
    )
)
"""Cmdlets whose objects every mailbox or server has: none left means that the export does not cover it."""


@dataclass(frozen=True)
class Narrowed:
    """What is left. ``uncovered`` says that the export does not cover what was asked, ``missing`` that the one object
    asked for is not among them; ``ignored`` are parameters nothing was done about."""

    objects: tuple[Object, ...]
    uncovered: bool = False
    missing: bool = False
    ignored: tuple[str, ...] = ()


def is_narrow(ask: CmdletAsk) -> bool:
    """Whether ``ask`` is for a part of what its cmdlet gives."""
    return any(name.lower() not in _HARMLESS for name, _ in ask.parameters)


def narrow(ask: CmdletAsk, objects: tuple[Object, ...]) -> Narrowed:
    """The ``objects`` of an export that answer ``ask``, see the head of this file."""
    ignored: list[str] = []
    named = False
    kept = objects
    for name, value in ask.parameters:
        if name.lower() in _HARMLESS:
            continue
        keeps = _rule(ask.name.lower(), name.lower())
        if keeps is None:
            ignored.append(name)
            continue
        named = named or name.lower() in ("identity", "appid")
        wanted = printed(value).strip().lower()
        kept = tuple(one for one in kept if keeps(one, wanted))
    nothing = not kept and is_narrow(ask)
    everywhere = ask.name.lower() in _OF_ALL
    return Narrowed(kept, nothing and everywhere, nothing and named and not everywhere, tuple(ignored))


def _rule(cmdlet: str, parameter: str) -> Keeps | None:
    if parameter == "identity":
        return _IDENTITY_RULES.get(cmdlet, _is_named)
    return _RULES.get(parameter)


def _is_named(one: Object, wanted: str) -> bool:
    wanted = policy_name(wanted)
    for name in _NAMES:
        value = policy_name(words(one, name).lower())
        if value and (value == wanted or last_segment(value) == wanted):
            return True
    addresses = items(find(one, "EmailAddresses")) or []
    return any(printed(address).lower().rpartition(":")[2] == wanted for address in addresses)


def _is_permission(one: Object, wanted: str) -> bool:
    mailbox, folder = folder_of(wanted)
    if mailbox_of(one, "").lower() != mailbox:
        return False
    return folder in ("", "calendar") or words(one, "FolderName").lower() == folder


def _is_auto_reply(one: Object, wanted: str) -> bool:
    owner = mailbox_of(one, "") or name_of(find(one, "Identity", "MailboxOwnerId"))
    return owner.lower() == wanted


def _is_role_entry(one: Object, wanted: str) -> bool:
    role, _, entry = wanted.rpartition("\\")
    own_role = name_of(find(one, "Role")) or words(one, "Identity").rpartition("\\")[0]
    return own_role.lower() in (role, last_segment(role)) and entry in ("*", words(one, "Name").lower())


def _is_on_server(one: Object, wanted: str) -> bool:
    return server_of(one).lower() == server_name(wanted)


def _is_of_user(one: Object, wanted: str) -> bool:
    return wanted in (words(one, "UserPrimarySmtpAddress").lower(), address_of(find(one, "User")).lower())


def _of(*properties: str) -> Keeps:
    def keeps(one: Object, wanted: str) -> bool:
        values = [printed(find(one, name)).lower() for name in properties]
        return any(value and wanted in (value, last_segment(value)) for value in values)

    return keeps


_IDENTITY_RULES: dict[str, Keeps] = {
    "get-mailboxfolderpermission": _is_permission,
    "get-mailboxautoreplyconfiguration": _is_auto_reply,
    "get-managementroleentry": _is_role_entry,
}
_RULES: dict[str, Keeps] = {
    "server": _is_on_server,
    "user": _is_of_user,
    "role": _of("Role"),
    "roleassignee": _of("RoleAssignee", "RoleAssigneeName"),
    "appid": _of("AppId"),
}

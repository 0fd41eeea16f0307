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

A whole organization asks once per mailbox, so every export is indexed once per rule, not searched for every ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hybridge.wire.ask import CmdletAsk
from hybridge.wire.cmdlets.folders import folder_of, mailbox_of
from hybridge.wire.cmdlets.properties import address_of, find, items, last_segment, name_of, printed, words
from hybridge.wire.cmdlets.servers import server_name, server_of
from hybridge.wire.cmdlets.teams import policy_name

Object = dict[str, Any]

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
_HARMLESS = frozenset(
    (
        "resultsize",
        "erroraction",
        "warningaction",
        "verbose",
        "debug",
        "confirm",
        "adpropertiesonly",
        "folderscope",
        "retrieveewsoperationaccesspolicy",
    )
)
_OF_ALL = frozenset(
    (
        "get-mailboxfolderpermission",
        "get-mailboxfolderstatistics",
        "get-mailboxautoreplyconfiguration",
        "get-exchangecertificate",
        "get-webservicesvirtualdirectory",
    )
)
"""Cmdlets whose objects every mailbox or server has: none left means that the export does not cover it."""


@dataclass(frozen=True)
class Rule:
    """How one parameter narrows: ``keys`` are the names an object answers to, ``key`` the one a value asks for (both in
    lower case), ``also`` a further condition on the value."""

    keys: Callable[[Object], Iterable[str]]
    key: Callable[[str], str] = str.strip
    also: Callable[[Object, str], bool] | None = None


class Listing:
    """The objects of one export with an index per rule, made when a rule is first used."""

    def __init__(self, objects: tuple[Object, ...]) -> None:
        self.objects = objects
        self._indexes: dict[Rule, dict[str, list[Object]]] = {}

    def kept(self, rule: Rule, wanted: str) -> tuple[Object, ...]:
        """The objects that answer to ``wanted`` (lower case) by ``rule``."""
        if rule not in self._indexes:
            index: dict[str, list[Object]] = {}
            for one in self.objects:
                for key in set(rule.keys(one)) - {""}:
                    index.setdefault(key, []).append(one)
            self._indexes[rule] = index
        found = self._indexes[rule].get(rule.key(wanted), ())
        return tuple(one for one in found if rule.also is None or rule.also(one, wanted))


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


def narrow(ask: CmdletAsk, listing: Listing) -> Narrowed:
    """The objects of an export that answer ``ask``, see the head of this file."""
    ignored: list[str] = []
    named = False
    for name, value in ask.parameters:
        if name.lower() in _HARMLESS:
            continue
        rule = _rule(ask.name.lower(), name.lower())
        if rule is None:
            ignored.append(name)
            continue
        named = named or name.lower() in ("identity", "appid")
        kept = listing.kept(rule, printed(value).strip().lower())
        listing = Listing(kept)
    nothing = not listing.objects and is_narrow(ask)
    everywhere = ask.name.lower() in _OF_ALL
    return Narrowed(listing.objects, nothing and everywhere, nothing and named and not everywhere, tuple(ignored))


def _rule(cmdlet: str, parameter: str) -> Rule | None:
    if parameter == "identity":
        return _IDENTITY_RULES.get(cmdlet, _NAMED)
    return _RULES.get(parameter)


def _both(name: str) -> tuple[str, str]:
    """A name as a whole and by its last segment, in lower case."""
    return name.lower(), last_segment(name).lower()


def _names(one: Object) -> Iterable[str]:
    for name in _NAMES:
        yield from _both(policy_name(words(one, name)))
    for address in items(find(one, "EmailAddresses")) or []:
        yield printed(address).lower().rpartition(":")[2]


def _folder_matches(one: Object, wanted: str) -> bool:
    folder = folder_of(wanted)[1]
    return folder in ("", "calendar") or words(one, "FolderName").lower() == folder


def _owner(one: Object) -> Iterable[str]:
    yield (mailbox_of(one, "") or name_of(find(one, "Identity", "MailboxOwnerId"))).lower()


def _role_of_entry(one: Object) -> Iterable[str]:
    yield (name_of(find(one, "Role")) or name_of(words(one, "Identity").rpartition("\\")[0])).lower()


def _entry_matches(one: Object, wanted: str) -> bool:
    entry = wanted.rpartition("\\")[2]
    return entry in ("*", words(one, "Name").lower())


def _user(one: Object) -> Iterable[str]:
    return words(one, "UserPrimarySmtpAddress").lower(), address_of(find(one, "User")).lower()


def _of(*properties: str) -> Callable[[Object], Iterable[str]]:
    def keys(one: Object) -> Iterable[str]:
        for name in properties:
            yield from _both(printed(find(one, name)))

    return keys


_NAMED = Rule(_names, policy_name)
_IDENTITY_RULES = {
    "get-mailboxfolderpermission": Rule(
        lambda one: (mailbox_of(one, "").lower(),), lambda wanted: folder_of(wanted)[0], _folder_matches
    ),
    "get-mailboxautoreplyconfiguration": Rule(_owner),
    "get-mailboxfolderstatistics": Rule(lambda one: (mailbox_of(one, "").lower(),)),
    "get-managementroleentry": Rule(
        _role_of_entry, lambda wanted: last_segment(wanted.rpartition("\\")[0]), _entry_matches
    ),
}
_RULES = {
    "server": Rule(lambda one: (server_of(one).lower(),), server_name),
    "user": Rule(_user),
    "role": Rule(_of("Role")),
    "roleassignee": Rule(_of("RoleAssignee", "RoleAssigneeName")),
    "appid": Rule(_of("AppId")),
    "userid": Rule(_of("UserPrincipalName")),
}

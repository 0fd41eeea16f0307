"""Roles on a folder, what they expand to, and what GetDelegate makes of them.

EWS knows five calendar levels of a delegate: None, Reviewer, Author, Editor and Custom. Every role that is not one of
the first four comes back as Custom, also those that allow more than Editor. Source: Microsoft's pages on
Set-MailboxFolderPermission (the expansion) and on CalendarFolderPermissionLevel.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

_AUTHOR = frozenset({"createitems", "deleteowneditems", "editowneditems", "foldervisible", "readitems"})
_EDITOR = _AUTHOR | {"deleteallitems", "editallitems"}

ROLES = {
    "none": frozenset[str](),
    "availabilityonly": frozenset({"availabilityonly"}),
    "limiteddetails": frozenset({"limiteddetails"}),
    "contributor": frozenset({"createitems", "foldervisible"}),
    "noneditingauthor": frozenset({"createitems", "deleteowneditems", "foldervisible", "readitems"}),
    "reviewer": frozenset({"foldervisible", "readitems"}),
    "author": _AUTHOR,
    "publishingauthor": _AUTHOR | {"createsubfolders"},
    "editor": _EDITOR,
    "publishingeditor": _EDITOR | {"createsubfolders"},
    "owner": _EDITOR | {"createsubfolders", "foldercontact", "folderowner"},
}
"""Role in lower case -> the single rights it stands for."""


class Level(StrEnum):
    """What a delegate's rights on the calendar mean to the scheduler of Teams."""

    ACCEPTED = "accepted"
    TOO_LOW = "too-low"
    LOOKS_HIGHER = "looks-higher"


def level(access_rights: Iterable[str]) -> Level:
    """The level of ``access_rights`` (roles or single rights as Exchange prints them, in any case)."""
    words = [right.replace(" ", "").lower() for right in access_rights]
    if "custom" in words:
        return Level.LOOKS_HIGHER
    rights: frozenset[str] = frozenset()
    for word in words:
        rights |= ROLES.get(word, frozenset({word}))
    if rights in (ROLES["author"], ROLES["editor"]):
        return Level.ACCEPTED
    return Level.LOOKS_HIGHER if rights > _AUTHOR else Level.TOO_LOW

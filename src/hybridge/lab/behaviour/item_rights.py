"""What a caller may do with the appointments of somebody's calendar, and whom hybridge's account may impersonate.

Whoever acts as the owner may do everything. Everybody else has the rights of their entry on the calendar: a role stands
for single rights, and items of one's own can be removed with DeleteOwnedItems alone. The lab's account has full access
to every mailbox; an entry of its own on a calendar takes its place there (a simplification: really only an entry that
denies does). To impersonate takes the management role ApplicationImpersonation. Sources: Microsoft's pages on
Set-MailboxFolderPermission and on impersonation in EWS.
"""

from __future__ import annotations

from hybridge.lab.behaviour.calendars import calendar_name
from hybridge.lab.behaviour.mailbox_rights import Caller
from hybridge.lab.contoso_people import IMPERSONATION_ROLE, SERVICE_ACCOUNT
from hybridge.lab.estate import ADMINISTRATOR
from hybridge.org.organization import Organization
from hybridge.org.records import MailboxFolderPermission, ManagementRoleAssignment
from hybridge.terms.premises import Premises

ON = Premises.ON_PREMISES
NOT_IMPERSONATED = "The account does not have permission to impersonate the requested user."
_AUTHOR = {"createitems", "readitems", "deleteowneditems", "editowneditems", "foldervisible"}
_EDITOR = _AUTHOR | {"deleteallitems", "editallitems"}
_EVERYTHING = frozenset(_EDITOR)
_ROLES: dict[str, set[str]] = {
    "owner": _EDITOR,
    "publishingeditor": _EDITOR,
    "editor": _EDITOR,
    "publishingauthor": _AUTHOR,
    "author": _AUTHOR,
    "noneditingauthor": _AUTHOR - {"editowneditems"},
    "reviewer": {"readitems", "foldervisible"},
    "contributor": {"createitems", "foldervisible"},
}


def may_impersonate(organization: Organization) -> bool:
    """Whether hybridge's account holds the role that lets it act as others."""
    return any(
        one.role == IMPERSONATION_ROLE and one.role_assignee.lower() == SERVICE_ACCOUNT and one.enabled
        for one in organization.all(ManagementRoleAssignment, ON)
    )


def item_rights(organization: Organization, caller: Caller, mailbox: str) -> frozenset[str]:
    """The single rights of ``caller`` on the calendar of ``mailbox``, in lower case; none for a stranger."""
    if caller.operations is not None or (caller.user and caller.user.lower() == mailbox.lower()):
        return _EVERYTHING
    entry = _entry(organization, mailbox, account_of(caller))
    if entry is None:
        return _EVERYTHING if caller.full_access else frozenset()
    rights: set[str] = set()
    for right in entry.access_rights:
        word = right.replace(" ", "").lower()
        rights |= _ROLES.get(word, {word})
    return frozenset(rights)


def account_of(caller: Caller) -> str:
    """The address ``caller``'s entries on calendars bear."""
    return ADMINISTRATOR if caller.full_access else caller.user


def has_own_entry(organization: Organization, caller: Caller, mailbox: str) -> bool:
    """Whether an entry of the account's own takes the place of full access on the calendar of ``mailbox``."""
    return caller.full_access and _entry(organization, mailbox, account_of(caller)) is not None


def _entry(organization: Organization, mailbox: str, user: str) -> MailboxFolderPermission | None:
    folder = calendar_name(organization, ON, mailbox)
    entries = organization.all(MailboxFolderPermission, ON, mailbox)
    return next((one for one in entries if one.folder == folder and one.user.lower() == user.lower()), None)

"""Delegates of a mailbox in Exchange Online, as its own scheduler sees them: the rule is the one of GetDelegate.

They come from the calendar's permissions: an entry with the flag Delegate is a delegate, and its right is shown as one
of GetDelegate's five calendar levels.
"""

from __future__ import annotations

from hybridge.org.delegations import online_delegates
from hybridge.org.organization import Organization
from hybridge.org.records import MailboxFolderPermission
from hybridge.terms.premises import Premises
from hybridge.wire.ews import get_delegate

ONLINE = Premises.ONLINE
_NAMED_LEVELS = ("Author", "Editor", "Reviewer", "None")


def delegates_online(organization: Organization, mailbox: str) -> get_delegate.Response:
    """The delegates of online ``mailbox`` in the words of GetDelegate."""
    entries = organization.all(MailboxFolderPermission, ONLINE, mailbox)
    levels = {one.user.lower(): _level(one.access_rights) for one in entries}
    return get_delegate.Response(
        delegates=tuple(
            get_delegate.Delegate(
                address=one.delegate,
                calendar_level=levels[one.delegate.lower()],
                view_private_items=one.view_private_items,
            )
            for one in online_delegates(entries)
        )
    )


def _level(access_rights: tuple[str, ...]) -> str:
    rights = tuple(right.capitalize() for right in access_rights) or ("None",)
    return rights[0] if len(rights) == 1 and rights[0] in _NAMED_LEVELS else "Custom"

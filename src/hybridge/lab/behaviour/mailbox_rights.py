"""Who may do what with whose mailbox through EWS, once signed in.

The lab's administrator holds ApplicationImpersonation and full access. An application does what its role allows, for
any mailbox. A user does everything with their own mailbox, opens another's calendar with a folder permission, and sees
of everybody's free/busy what the calendar's permissions show. Source: Microsoft's pages on EWS access and on
calendar permissions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hybridge.lab.behaviour.delegates import folder_name
from hybridge.org.organization import Organization
from hybridge.org.records import Mailbox, MailboxFolderPermission
from hybridge.terms.premises import Premises


class FreeBusyDetail(IntEnum):
    """How much of a calendar somebody sees in free/busy."""

    NOTHING = 0
    TIMES = 1
    DETAILS = 2


@dataclass(frozen=True)
class Caller:
    """Who asks. ``user`` is the acting user's address, "" for an account without a mailbox.

    ``operations`` limits an application to those EWS operations; None is no limit.
    """

    user: str = ""
    full_access: bool = False
    operations: frozenset[str] | None = None

    def may_run(self, operation: str) -> bool:
        """Whether the caller's role allows ``operation`` at all."""
        return self.operations is None or operation in self.operations

    def owns(self, mailbox: str) -> bool:
        """Whether the caller may do everything with ``mailbox``."""
        return self.full_access or self.operations is not None or self.user.lower() == mailbox.lower()


SERVICE_ACCOUNT_ADDRESS = "svc-hybridge@contoso.com"
"""What entries of the administrator on calendars bear; such an entry takes the place of full access."""
NO_MAILBOX = "The SMTP address has no mailbox associated with it."


def mailbox_refusal(organization: Organization, caller: Caller, mailbox: str) -> tuple[str, str] | None:
    """Code and message for a caller who may not do everything with ``mailbox``, None for one who may."""
    if not mailbox:
        return "ErrorMissingEmailAddress", "The request names no mailbox."
    if organization.one(Mailbox, Premises.ON_PREMISES, mailbox) is None:
        return "ErrorNonExistentMailbox", NO_MAILBOX
    if not caller.owns(mailbox):
        return "ErrorAccessDenied", "The caller may not do this with the mailbox."
    return None


def may_open_calendar(organization: Organization, caller: Caller, mailbox: str) -> bool:
    """Whether ``caller`` may open the calendar folder of ``mailbox``."""
    if caller.full_access:
        entry = _rights(organization, mailbox, SERVICE_ACCOUNT_ADDRESS)
        return not entry or not entry <= {"none", "availabilityonly", "limiteddetails"}
    if caller.owns(mailbox):
        return True
    own = _rights(organization, mailbox, caller.user)
    return bool(own) and not own <= {"none", "availabilityonly", "limiteddetails"}


def free_busy_detail(organization: Organization, caller: Caller, mailbox: str) -> FreeBusyDetail:
    """How much ``caller`` sees of the free/busy of ``mailbox``: by the caller's own entry, else by Default's."""
    if caller.owns(mailbox):
        return FreeBusyDetail.DETAILS
    rights = _rights(organization, mailbox, caller.user) or _rights(organization, mailbox, "Default")
    if not rights or rights == {"none"}:
        return FreeBusyDetail.NOTHING
    return FreeBusyDetail.TIMES if rights == {"availabilityonly"} else FreeBusyDetail.DETAILS


def _rights(organization: Organization, mailbox: str, user: str) -> set[str]:
    """Access rights on the calendar in lower case; empty without an entry."""
    calendar = folder_name(organization, mailbox, "calendar")
    for permission in organization.all(MailboxFolderPermission, Premises.ON_PREMISES, mailbox):
        if permission.folder == calendar and permission.user.lower() == user.lower():
            return {right.lower() for right in permission.access_rights}
    return set()

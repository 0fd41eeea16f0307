"""What GetDelegate says of a mailbox: its delegates, each with a view of the calendar's permission.

GetDelegate knows five calendar levels. The roles Author, Editor and Reviewer come back under their names, no entry or
the role None as None; every other right, higher ones such as Owner and PublishingEditor too, comes back as Custom.
"""

from __future__ import annotations

from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission
from hybridge.terms.premises import Premises
from hybridge.wire.ews import get_delegate

ON = Premises.ON_PREMISES
_NAMED_LEVELS = ("Author", "Editor", "Reviewer", "None")


def calendar_level(organization: Organization, mailbox: str, user: str) -> str:
    """CalendarFolderPermissionLevel of ``user`` on the calendar of ``mailbox``."""
    for permission in organization.all(MailboxFolderPermission, ON, mailbox):
        if permission.user.lower() == user.lower():
            rights = tuple(right.capitalize() for right in permission.access_rights) or ("None",)
            return rights[0] if len(rights) == 1 and rights[0] in _NAMED_LEVELS else "Custom"
    return "None"


def get_delegates(organization: Organization, request: get_delegate.Request) -> get_delegate.Response:
    """The answer to ``request`` about a mailbox that exists."""
    delegates = organization.all(DelegateUser, ON, request.mailbox)
    known = {record.delegate.lower(): record for record in delegates}
    wanted = request.users or tuple(record.delegate for record in delegates)
    copies = any(record.receive_copies_of_meeting_messages for record in delegates)
    return get_delegate.Response(
        delegates=tuple(
            _delegate(organization, known[user.lower()], request.include_permissions)
            if user.lower() in known
            else get_delegate.DelegateError("ErrorNotDelegate", f"{user} is not a delegate of this mailbox.")
            for user in wanted
        ),
        deliver_meeting_requests="DelegatesAndMe" if copies else "NoForward",
    )


def _delegate(organization: Organization, record: DelegateUser, with_permissions: bool) -> get_delegate.Delegate:
    person = organization.one(Mailbox, ON, record.delegate)
    level = calendar_level(organization, record.delegator, record.delegate)
    return get_delegate.Delegate(
        address=record.delegate,
        calendar_level=level if with_permissions else "",
        receive_copies=record.receive_copies_of_meeting_messages,
        view_private_items=record.view_private_items,
        display_name=person.display_name if person else "",
    )

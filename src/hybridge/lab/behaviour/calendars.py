"""What a calendar is called: by its permissions, which name the folder in the owner's language."""

from __future__ import annotations

from hybridge.org.organization import Organization
from hybridge.org.records import MailboxFolderPermission
from hybridge.terms.premises import Premises
from hybridge.wire.ews.distinguished_folders import KINDS

_OTHER_NAMES = {kind.display_name for name, kind in KINDS.items() if name != "calendar"}


def calendar_name(organization: Organization, premises: Premises, mailbox: str) -> str:
    """The name of the one real calendar of ``mailbox``."""
    for permission in organization.all(MailboxFolderPermission, premises, mailbox):
        if permission.folder not in _OTHER_NAMES:
            return permission.folder
    return KINDS["calendar"].display_name

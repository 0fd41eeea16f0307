"""The delegates of a mailbox: what GetDelegate says of them, and what it means to add, change or remove one.

GetDelegate knows five calendar levels. The roles Author, Editor and Reviewer come back under their names, no entry or
the role None as None; every other right, higher ones such as Owner and PublishingEditor too, comes back as Custom.

To add a delegate writes three things: the list, the rights on the folders that were named, and the permission to send
on behalf. To remove one takes all three away, on every folder delegates are given rights on. Source: Microsoft's page
on delegates in EWS, and where its own articles say delegation is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hybridge.org.organization import Organization
from hybridge.org.records import DelegateUser, Mailbox, MailboxFolderPermission, Recipient
from hybridge.terms.premises import Premises
from hybridge.wire.ews import get_delegate
from hybridge.wire.ews.delegate_changes import DelegateSettings, FolderLevels, Outcome
from hybridge.wire.ews.distinguished_folders import KINDS

ON = Premises.ON_PREMISES
FOLDERS = FolderLevels.__struct_fields__
"""Distinguished names of the folders delegates are given rights on."""
_NAMED_LEVELS = ("Author", "Editor", "Reviewer", "None")
_OTHER_NAMES = {KINDS[name].display_name for name in FOLDERS if name != "calendar"}
SID = "S-1-5-21-"
"""How the security identifier begins that is left of an account which is gone."""
GROUP_LISTED = "The list of delegates holds somebody who cannot be validated."
NOT_LISTED = "The user is not a delegate for the mailbox."
NO_SUCH_LEVEL = Outcome("ErrorInvalidDelegatePermission", "Custom is no level that can be given.")
Changed = tuple[Organization, Outcome]
"""The organization afterwards, and how it went; unchanged when it was refused."""


def folder_name(organization: Organization, mailbox: str, distinguished: str) -> str:
    """What a folder of ``mailbox`` is called: the calendar may have a name in the owner's language."""
    if distinguished == "calendar":
        for permission in organization.all(MailboxFolderPermission, ON, mailbox):
            if permission.folder not in _OTHER_NAMES:
                return permission.folder
    return KINDS[distinguished].display_name


def calendar_level(organization: Organization, mailbox: str, user: str) -> str:
    """CalendarFolderPermissionLevel of ``user`` on the calendar of ``mailbox``."""
    return _levels(organization, mailbox, user).calendar


def _levels(organization: Organization, mailbox: str, user: str) -> FolderLevels:
    return FolderLevels(**{name: _level(organization, mailbox, name, user) for name in FOLDERS})


def _level(organization: Organization, mailbox: str, distinguished: str, user: str) -> str:
    permission = _permission(organization, mailbox, distinguished, user)
    rights = tuple(right.capitalize() for right in permission.access_rights) if permission else ()
    if not rights:
        return "None"
    return rights[0] if len(rights) == 1 and rights[0] in _NAMED_LEVELS else "Custom"


def _permission(
    organization: Organization, mailbox: str, distinguished: str, user: str
) -> MailboxFolderPermission | None:
    folder = folder_name(organization, mailbox, distinguished)
    for permission in organization.all(MailboxFolderPermission, ON, mailbox):
        if permission.folder == folder and permission.user.lower() == user.lower():
            return permission
    return None


def get_delegates(
    organization: Organization, request: get_delegate.Request, deliver: str = ""
) -> get_delegate.Response:
    """The answer to ``request`` about a mailbox that exists.

    ``deliver`` is who gets its meeting requests; "" takes what the delegates' flags suggest.
    """
    delegates = organization.all(DelegateUser, ON, request.mailbox)
    if any(_is_group(organization, record.delegate) for record in delegates):
        return get_delegate.Response("ErrorDelegateValidationFailed", GROUP_LISTED)
    known = {record.delegate.lower(): record for record in delegates}
    wanted = request.users or tuple(record.delegate for record in delegates)
    copies = any(record.receive_copies_of_meeting_messages for record in delegates)
    return get_delegate.Response(
        delegates=tuple(
            _shown(organization, known[user.lower()], request.include_permissions)
            if user.lower() in known
            else get_delegate.DelegateError("ErrorNotDelegate", NOT_LISTED)
            for user in wanted
        ),
        deliver_meeting_requests=deliver or ("DelegatesAndMe" if copies else "NoForward"),
    )


def _is_group(organization: Organization, address: str) -> bool:
    found = organization.one(Recipient, ON, address)
    return found is not None and found.is_group


def _shown(organization: Organization, record: DelegateUser, with_permissions: bool) -> get_delegate.Delegate:
    if record.delegate.upper().startswith(SID):
        return get_delegate.Delegate(address="", sid=record.delegate)
    person = organization.one(Mailbox, ON, record.delegate)
    level = calendar_level(organization, record.delegator, record.delegate)
    return get_delegate.Delegate(
        address=record.delegate,
        calendar_level=level if with_permissions else "",
        receive_copies=record.receive_copies_of_meeting_messages,
        view_private_items=record.view_private_items,
        display_name=person.display_name if person else "",
    )


def add_delegate(organization: Organization, owner: Mailbox, settings: DelegateSettings) -> Changed:
    """Make somebody a delegate of ``owner``, or say why not."""
    person = _person(organization, settings.address)
    if person is None:
        return organization, Outcome("ErrorDelegateNoUser", f"No user {settings.address} with a mailbox was found.")
    if person.identity == owner.identity:
        return organization, Outcome("ErrorDelegateCannotAddOwner", "The owner of a mailbox cannot be its delegate.")
    if _listed(organization, owner, person.identity):
        says = "The user is already a delegate for the mailbox."
        return organization, Outcome("ErrorDelegateAlreadyExists", says)
    if "Custom" in msgspec.structs.astuple(settings.levels):
        return organization, NO_SUCH_LEVEL
    record = DelegateUser(
        premises=ON,
        identity=f"{owner.identity}/{person.identity}",
        delegator=owner.identity,
        delegate=person.identity,
        receive_copies_of_meeting_messages=settings.receive_copies or False,
        view_private_items=settings.view_private_items or False,
    )
    granted = _granting(owner, person.identity)
    return _given(organization.put(record, granted), record, settings.levels)


def update_delegate(organization: Organization, owner: Mailbox, settings: DelegateSettings) -> Changed:
    """Change what ``settings`` says of a delegate; what it leaves out stays."""
    record = _listed(organization, owner, settings.address)
    if record is None:
        return organization, Outcome("ErrorNotDelegate", NOT_LISTED)
    if "Custom" in msgspec.structs.astuple(settings.levels):
        return organization, NO_SUCH_LEVEL
    said = {
        "receive_copies_of_meeting_messages": settings.receive_copies,
        "view_private_items": settings.view_private_items,
    }
    after = msgspec.structs.replace(record, **{name: value for name, value in said.items() if value is not None})
    return _given(organization.put(after), after, settings.levels)


def remove_delegate(organization: Organization, owner: Mailbox, address: str) -> Changed:
    """Take the entry, every folder right and the permission to send on behalf away."""
    record = _listed(organization, owner, address)
    if record is None:
        return organization, Outcome("ErrorNotDelegate", NOT_LISTED)
    rights = (_permission(organization, owner.identity, name, record.delegate) for name in FOLDERS)
    gone = [record.address, *(right.address for right in rights if right)]
    granted = tuple(one for one in owner.grant_send_on_behalf_to if one.lower() != record.delegate.lower())
    return organization.drop(*gone).put(msgspec.structs.replace(owner, grant_send_on_behalf_to=granted)), Outcome()


def _given(organization: Organization, record: DelegateUser, levels: FolderLevels) -> Changed:
    """With the levels that were named given to the delegate of ``record``."""
    for name in FOLDERS:
        organization = _with_level(organization, record, name, getattr(levels, name))
    return organization, Outcome(delegate=_shown(organization, record, with_permissions=False))


def _with_level(organization: Organization, record: DelegateUser, distinguished: str, level: str) -> Organization:
    present = _permission(organization, record.delegator, distinguished, record.delegate)
    if not level:
        return organization
    if level == "None":
        return organization.drop(present.address) if present else organization
    folder = folder_name(organization, record.delegator, distinguished)
    entry = present or MailboxFolderPermission(
        premises=ON,
        identity=f"{record.delegator}:\\{folder}/{record.delegate}",
        mailbox=record.delegator,
        folder=folder,
        user=record.delegate,
    )
    return organization.put(msgspec.structs.replace(entry, access_rights=(level,)))


def _granting(owner: Mailbox, delegate: str) -> Mailbox:
    granted = owner.grant_send_on_behalf_to
    if delegate.lower() in map(str.lower, granted):
        return owner
    return msgspec.structs.replace(owner, grant_send_on_behalf_to=(*granted, delegate))


def _listed(organization: Organization, owner: Mailbox, address: str) -> DelegateUser | None:
    person = _person(organization, address)
    wanted = {address.lower(), person.identity.lower() if person else ""}
    delegates = organization.all(DelegateUser, ON, owner.identity)
    return next((one for one in delegates if one.delegate.lower() in wanted), None)


def _person(organization: Organization, address: str) -> Mailbox | None:
    """The mailbox an address, user principal name or display name means; only one here can be given rights here."""
    direct = organization.one(Mailbox, ON, address)
    return direct or next((one for one in organization.all(Mailbox, ON) if address.lower() in _names(one)), None)


def _names(mailbox: Mailbox) -> Iterator[str]:
    return (name.lower() for name in (mailbox.user_principal_name, mailbox.display_name) if name)

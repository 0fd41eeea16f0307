"""What AddDelegate, UpdateDelegate and RemoveDelegate have in common: the settings of a delegate, and the response.

A request says of each delegate only what it means to set: a folder level, or a flag, that is left out is left as it is
by UpdateDelegate, and is None and false for a new delegate. Of the five levels only four can be set: Custom is what
Exchange calls any other mixture of rights. The response has a status of its own and one message for each delegate, in
the order of the request; the message of a removal holds no delegate.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure
from hybridge.wire.ews.get_delegate import Delegate, read_delegate, read_user_id, write_delegate
from hybridge.wire.ews.reading import (
    Slot,
    child,
    children,
    expect,
    guarded,
    one_of,
    sequence,
    status,
    strict_boolean,
    text,
)
from hybridge.wire.ews.writing import element, filled, response_class
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

LEVELS = ("None", "Editor", "Reviewer", "Author", "Custom")
"""What a folder level may be (DelegateFolderPermissionLevelType)."""
SCOPES = ("DelegatesOnly", "DelegatesAndMe", "DelegatesAndSendInformationToMe", "NoForward")
"""Who gets meeting requests sent to the mailbox (DeliverMeetingRequestsType)."""


class FolderLevels(msgspec.Struct, frozen=True):
    """Levels on the six folders delegates are given rights on; "" leaves one out."""

    calendar: str = ""
    tasks: str = ""
    inbox: str = ""
    contacts: str = ""
    notes: str = ""
    journal: str = ""


_ELEMENTS = {name: f"t:{name.capitalize()}FolderPermissionLevel" for name in FolderLevels.__struct_fields__}


class DelegateSettings(msgspec.Struct, frozen=True):
    """What a request says of one delegate; None leaves a flag out."""

    address: str
    levels: FolderLevels = FolderLevels()
    receive_copies: bool | None = None
    view_private_items: bool | None = None


class Request(msgspec.Struct, frozen=True):
    """Delegates of ``mailbox`` to add or change; ``deliver_meeting_requests`` is one of ``SCOPES``, "" leaves it."""

    mailbox: str
    users: tuple[DelegateSettings, ...] = ()
    deliver_meeting_requests: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """How it went for one delegate. ``delegate`` is who they are now, None after a removal and an error."""

    code: str = "NoError"
    message: str = ""
    delegate: Delegate | None = None


class Response(msgspec.Struct, frozen=True):
    """The answer; ``code`` is "NoError" unless the whole operation failed."""

    code: str = "NoError"
    message: str = ""
    outcomes: tuple[Outcome, ...] = ()

    @property
    def refused(self) -> Outcome | None:
        """The first thing that went wrong: the operation itself, or one delegate; None when nothing did."""
        if self.code != "NoError":
            return Outcome(self.code, self.message)
        return next((outcome for outcome in self.outcomes if outcome.code != "NoError"), None)


def write_change(operation: str, request: Request) -> str:
    """The body of the request called ``operation``."""
    users = "".join(_write_settings(user) for user in request.users)
    return (
        f"<m:{operation}><m:Mailbox>{element('t:EmailAddress', request.mailbox)}</m:Mailbox>"
        f"{f'<m:DelegateUsers>{users}</m:DelegateUsers>' if users else ''}"
        f"{filled('m:DeliverMeetingRequests', request.deliver_meeting_requests)}</m:{operation}>"
    )


def _write_settings(user: DelegateSettings) -> str:
    levels = "".join(filled(tag, getattr(user.levels, name)) for name, tag in _ELEMENTS.items())
    return (
        f"<t:DelegateUser><t:UserId>{element('t:PrimarySmtpAddress', user.address)}</t:UserId>"
        f"{f'<t:DelegatePermissions>{levels}</t:DelegatePermissions>' if levels else ''}"
        f"{element('t:ReceiveCopiesOfMeetingMessages', user.receive_copies)}"
        f"{element('t:ViewPrivateItems', user.view_private_items)}</t:DelegateUser>"
    )


def read_change(operation: Element, at_least: int) -> Request:
    """Read a request with ``at_least`` one or no list of delegates, strictly; raises ``RequestRefused``."""
    scope = Slot("m:DeliverMeetingRequests", at_least=0)
    parts = sequence(operation, Slot("m:Mailbox"), Slot("m:DelegateUsers", at_least=at_least), scope)
    users = [
        _read_settings(user)
        for users in parts["m:DelegateUsers"]
        for user in sequence(users, Slot("t:DelegateUser", at_most=None))["t:DelegateUser"]
    ]
    wanted = [one_of(one, (one.text or "").strip(), SCOPES) for one in parts["m:DeliverMeetingRequests"]]
    return Request(text(parts["m:Mailbox"][0], "t:EmailAddress"), tuple(users), wanted[0] if wanted else "")


def _read_settings(user: Element) -> DelegateSettings:
    flags = ("t:ReceiveCopiesOfMeetingMessages", "t:ViewPrivateItems")
    optional = ("t:DelegatePermissions", *flags)
    parts = sequence(user, Slot("t:UserId"), *(Slot(name, at_least=0) for name in optional))
    copies, private = (
        next((strict_boolean(one, (one.text or "").strip()) for one in parts[name]), None) for name in flags
    )
    levels = [_read_levels(one) for one in parts["t:DelegatePermissions"]]
    return DelegateSettings(
        read_user_id(parts["t:UserId"][0]), levels[0] if levels else FolderLevels(), copies, private
    )


def _read_levels(permissions: Element) -> FolderLevels:
    parts = sequence(permissions, *(Slot(tag, at_least=0) for tag in _ELEMENTS.values()))
    said = {
        name: [one_of(one, (one.text or "").strip(), LEVELS) for one in parts[tag]] for name, tag in _ELEMENTS.items()
    }
    return FolderLevels(**{name: found[0] for name, found in said.items() if found})


def write_outcomes(operation: str, response: Response) -> str:
    """The body of the answer to ``operation``."""
    messages = "".join(_write_outcome(outcome) for outcome in response.outcomes)
    return (
        f'<m:{operation}Response ResponseClass="{response_class(response.code)}">'
        f"{written_status(response.code, response.message)}"
        f"{f'<m:ResponseMessages>{messages}</m:ResponseMessages>' if messages else ''}</m:{operation}Response>"
    )


def _write_outcome(outcome: Outcome) -> str:
    who = write_delegate(outcome.delegate) if outcome.delegate else ""
    return (
        f'<m:DelegateUserResponseMessageType ResponseClass="{response_class(outcome.code)}">'
        f"{written_status(outcome.code, outcome.message)}{who}</m:DelegateUserResponseMessageType>"
    )


def read_outcomes(operation: str, answer: Element) -> Response | Failure:
    """Read the answer to ``operation``; ``Failure`` when it is another message or unreadable."""

    def read(answer: Element) -> Response:
        expect(answer, f"m:{operation}Response")
        said = status(answer)
        messages = children(child(answer, "m:ResponseMessages"), "m:DelegateUserResponseMessageType")
        return Response(said.code, said.message, tuple(_read_outcome(message) for message in messages))

    return guarded(read, answer)


def _read_outcome(message: Element) -> Outcome:
    said = status(message)
    user = child(message, "m:DelegateUser")
    return Outcome(said.code, said.message, None if user is None else read_delegate(user))

"""EWS GetDelegate: who may act for a mailbox, and what each may do to its calendar.

The reply carries a status of its own and one message per delegate. CalendarFolderPermissionLevel is None, Reviewer,
Author, Editor or Custom: Owner and the Publishing roles can only come back as Custom. An unknown level is kept as text.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import (
    Slot,
    attribute,
    boolean,
    child,
    children,
    expect,
    guarded,
    sequence,
    status,
    strict_boolean,
    text,
)
from hybridge.wire.ews.writing import element, filled, response_class
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

OPERATION = "GetDelegate"
_FOLDERS = ("Calendar", "Tasks", "Inbox", "Contacts", "Notes", "Journal")


class Request(msgspec.Struct, frozen=True):
    """``users`` narrows the answer to these addresses; empty asks for every delegate."""

    mailbox: str
    users: tuple[str, ...] = ()
    include_permissions: bool = True


class Delegate(msgspec.Struct, frozen=True):
    """One delegate. ``calendar_level`` is "" when permissions were not asked for or not sent."""

    address: str
    calendar_level: str = ""
    receive_copies: bool = False
    view_private_items: bool = False
    display_name: str = ""
    sid: str = ""


class DelegateError(msgspec.Struct, frozen=True):
    """A delegate Exchange could not answer for: a group, an orphan, somebody who is no delegate."""

    code: str
    message: str = ""


class Response(msgspec.Struct, frozen=True):
    """The answer; ``code`` is "NoError" unless the whole operation failed.

    ``deliver_meeting_requests`` is DelegatesOnly, DelegatesAndMe, DelegatesAndSendInformationToMe, NoForward or "".
    """

    code: str = "NoError"
    message: str = ""
    delegates: tuple[Delegate | DelegateError, ...] = ()
    deliver_meeting_requests: str = ""

    @property
    def people(self) -> tuple[Delegate, ...]:
        """The delegates Exchange could answer for."""
        return tuple(one for one in self.delegates if isinstance(one, Delegate))


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        f'<m:GetDelegate IncludePermissions="{str(request.include_permissions).lower()}">'
        f"<m:Mailbox>{element('t:EmailAddress', request.mailbox)}</m:Mailbox>"
        f"{write_user_ids(request.users)}</m:GetDelegate>"
    )


def write_user_ids(users: tuple[str, ...]) -> str:
    """UserIds that name ``users`` by their addresses; nothing for nobody."""
    ids = "".join(f"<t:UserId>{element('t:PrimarySmtpAddress', user)}</t:UserId>" for user in users)
    return f"<m:UserIds>{ids}</m:UserIds>" if ids else ""


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("m:Mailbox"), Slot("m:UserIds", at_least=0))
    if operation.get("IncludePermissions") is None:
        raise schema_violation("The required attribute 'IncludePermissions' is missing.", operation)
    return Request(
        mailbox=text(parts["m:Mailbox"][0], "t:EmailAddress"),
        users=tuple(user for users in parts["m:UserIds"] for user in read_user_ids(users)),
        include_permissions=strict_boolean(operation, attribute(operation, "IncludePermissions")),
    )


def read_user_ids(users: Element) -> tuple[str, ...]:
    """Whom UserIds name, strictly; raises ``RequestRefused``."""
    return tuple(read_user_id(user) for user in sequence(users, Slot("t:UserId", at_most=None))["t:UserId"])


def read_user_id(user: Element) -> str:
    """Whom a UserId names: by address, SID or display name, whichever is given first in this order."""
    return text(user, "t:PrimarySmtpAddress") or text(user, "t:SID") or text(user, "t:DisplayName")


def write_response(response: Response) -> str:
    """The body of the answer."""
    messages = "".join(_write_message(delegate) for delegate in response.delegates)
    return (
        f'<m:GetDelegateResponse ResponseClass="{response_class(response.code)}">'
        f"{written_status(response.code, response.message)}"
        f"{f'<m:ResponseMessages>{messages}</m:ResponseMessages>' if messages else ''}"
        f"{filled('m:DeliverMeetingRequests', response.deliver_meeting_requests)}</m:GetDelegateResponse>"
    )


def _write_message(delegate: Delegate | DelegateError) -> str:
    if isinstance(delegate, DelegateError):
        inside, kind = written_status(delegate.code, delegate.message), "Error"
    else:
        inside, kind = f"{written_status('NoError', '')}{write_delegate(delegate)}", "Success"
    return f'<m:DelegateUserResponseMessageType ResponseClass="{kind}">{inside}</m:DelegateUserResponseMessageType>'


def write_delegate(delegate: Delegate) -> str:
    """One delegate as an answer holds it."""
    levels = "".join(
        element(f"t:{folder}FolderPermissionLevel", delegate.calendar_level if folder == "Calendar" else "None")
        for folder in _FOLDERS
    )
    permissions = f"<t:DelegatePermissions>{levels}</t:DelegatePermissions>" if delegate.calendar_level else ""
    return (
        f"<m:DelegateUser><t:UserId>{filled('t:SID', delegate.sid)}"
        f"{filled('t:PrimarySmtpAddress', delegate.address)}{filled('t:DisplayName', delegate.display_name)}</t:UserId>"
        f"{permissions}{element('t:ReceiveCopiesOfMeetingMessages', delegate.receive_copies)}"
        f"{element('t:ViewPrivateItems', delegate.view_private_items)}</m:DelegateUser>"
    )


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:GetDelegateResponse")
    _, code, message = status(answer)
    messages = children(child(answer, "m:ResponseMessages"), "m:DelegateUserResponseMessageType")
    return Response(
        code=code,
        message=message,
        delegates=tuple(_read_message(message) for message in messages),
        deliver_meeting_requests=text(answer, "m:DeliverMeetingRequests"),
    )


def _read_message(message: Element) -> Delegate | DelegateError:
    said = status(message)
    user = child(message, "m:DelegateUser")
    if said.failed or user is None:
        return DelegateError(said.code, said.message)
    return read_delegate(user)


def read_delegate(user: Element) -> Delegate:
    """One delegate of an answer; whatever it does not say is empty."""
    who, permissions = child(user, "t:UserId"), child(user, "t:DelegatePermissions")
    return Delegate(
        address=text(who, "t:PrimarySmtpAddress"),
        calendar_level=text(permissions, "t:CalendarFolderPermissionLevel"),
        receive_copies=boolean(user, "t:ReceiveCopiesOfMeetingMessages"),
        view_private_items=boolean(user, "t:ViewPrivateItems"),
        display_name=text(who, "t:DisplayName"),
        sid=text(who, "t:SID"),
    )

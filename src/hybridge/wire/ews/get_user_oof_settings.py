"""EWS GetUserOofSettings: automatic replies of a mailbox.

OofState is Disabled, Enabled or Scheduled, and the duration counts only while Scheduled: servers keep sending an old
one otherwise. Times may come without a zone and are UTC then. Only the owner may ask, or whoever impersonates him;
anybody else gets ErrorAccessDenied (old servers: a fault).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    child,
    expect,
    guarded,
    raw_text,
    sequence,
    status,
    text,
)
from hybridge.wire.ews.reading import instant as read_instant
from hybridge.wire.ews.writing import element, filled, instant, response_class
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

OPERATION = "GetUserOofSettings"


class Request(msgspec.Struct, frozen=True):
    """Whose settings."""

    mailbox: str


class Response(msgspec.Struct, frozen=True):
    """The settings; ``code`` is "NoError" unless the operation failed, and then the rest is empty.

    ``external_audience`` and ``allow_external_oof`` are None, Known or All. Replies are whole HTML documents.
    """

    code: str = "NoError"
    message: str = ""
    oof_state: str = ""
    external_audience: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None
    internal_reply: str = ""
    external_reply: str = ""
    allow_external_oof: str = ""


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        f"<m:GetUserOofSettingsRequest><t:Mailbox>{element('t:Address', request.mailbox)}</t:Mailbox>"
        "</m:GetUserOofSettingsRequest>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    mailbox = sequence(operation, Slot("t:Mailbox"))["t:Mailbox"][0]
    sequence(mailbox, Slot("t:Name", at_least=0), Slot("t:Address"), Slot("t:RoutingType", at_least=0))
    return Request(text(mailbox, "t:Address"))


def write_response(response: Response) -> str:
    """The body of the answer."""
    duration = ""
    if response.start_at and response.end_at:
        duration = (
            f"<t:Duration>{element('t:StartTime', instant(response.start_at))}"
            f"{element('t:EndTime', instant(response.end_at))}</t:Duration>"
        )
    settings = (
        f"<t:OofSettings>{element('t:OofState', response.oof_state)}"
        f"{element('t:ExternalAudience', response.external_audience or 'None')}{duration}"
        f"{_write_reply('t:InternalReply', response.internal_reply)}"
        f"{_write_reply('t:ExternalReply', response.external_reply)}</t:OofSettings>"
    )
    return (
        "<m:GetUserOofSettingsResponse>"
        f'<m:ResponseMessage ResponseClass="{response_class(response.code)}">'
        f"{written_status(response.code, response.message)}</m:ResponseMessage>"
        f"{settings if response.oof_state else ''}{filled('m:AllowExternalOof', response.allow_external_oof)}"
        "</m:GetUserOofSettingsResponse>"
    )


def _write_reply(name: str, reply: str) -> str:
    return f"<{name}>{element('t:Message', reply)}</{name}>"


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:GetUserOofSettingsResponse")
    message = child(answer, "m:ResponseMessage")
    if message is None:
        raise Foreign("the GetUserOofSettings response has no ResponseMessage.")
    said = status(message)
    settings = child(answer, "t:OofSettings")
    if said.failed:
        return Response(said.code, said.message)
    if settings is None:
        raise Foreign("the GetUserOofSettings response has no OofSettings.")
    duration = child(settings, "t:Duration")
    start, end = text(duration, "t:StartTime"), text(duration, "t:EndTime")
    return Response(
        oof_state=text(settings, "t:OofState"),
        external_audience=text(settings, "t:ExternalAudience"),
        start_at=read_instant(start) if start else None,
        end_at=read_instant(end) if end else None,
        internal_reply=raw_text(child(settings, "t:InternalReply"), "t:Message"),
        external_reply=raw_text(child(settings, "t:ExternalReply"), "t:Message"),
        allow_external_oof=text(answer, "m:AllowExternalOof"),
    )

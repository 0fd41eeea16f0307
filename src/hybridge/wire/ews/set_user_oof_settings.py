"""EWS SetUserOofSettings: changes the automatic replies of one's own mailbox (or the impersonated one).

The parts come in the order OofState, ExternalAudience, Duration, InternalReply, ExternalReply. Scheduled needs a
duration that ends after it begins, else ErrorInvalidScheduledOofDuration. A duration that is not sent stays as it was,
which is why an old one is still shown while replies are off. Times without a zone are UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.notifications import required
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    child,
    expect,
    guarded,
    one_of,
    raw_text,
    sequence,
    status,
    strict_instant,
    text,
)
from hybridge.wire.ews.writing import element, instant, response_class
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

OPERATION = "SetUserOofSettings"
STATES = ("Disabled", "Enabled", "Scheduled")
AUDIENCES = ("None", "Known", "All")
_LATER = (
    "t:DeclineMeetingReply",
    "t:DeclineEventsForScheduledOOF",
    "t:DeclineAllEventsForScheduledOOF",
    "t:CreateOOFEvent",
    "t:OOFEventSubject",
    "t:AutoDeclineFutureRequestsWhenOOF",
    "t:OOFEventID",
    "t:EventsToDeleteIDs",
)
"""What newer schemas add; read over."""


class Request(msgspec.Struct, frozen=True):
    """The new settings of ``mailbox``; a reply of None and times of None leave what was there."""

    mailbox: str
    oof_state: str
    external_audience: str = "All"
    start_at: datetime | None = None
    end_at: datetime | None = None
    internal_reply: str | None = None
    external_reply: str | None = None


class Response(msgspec.Struct, frozen=True):
    """``code`` is "NoError" unless the settings were refused."""

    code: str = "NoError"
    message: str = ""


def write_request(request: Request) -> str:
    """The body of the request."""
    duration = ""
    if request.start_at and request.end_at:
        duration = (
            f"<t:Duration>{element('t:StartTime', instant(request.start_at))}"
            f"{element('t:EndTime', instant(request.end_at))}</t:Duration>"
        )
    return (
        f"<m:SetUserOofSettingsRequest><t:Mailbox>{element('t:Address', request.mailbox)}</t:Mailbox>"
        f"<t:UserOofSettings>{element('t:OofState', request.oof_state)}"
        f"{element('t:ExternalAudience', request.external_audience)}{duration}"
        f"{_write_reply('t:InternalReply', request.internal_reply)}"
        f"{_write_reply('t:ExternalReply', request.external_reply)}"
        "</t:UserOofSettings></m:SetUserOofSettingsRequest>"
    )


def _write_reply(name: str, reply: str | None) -> str:
    return "" if reply is None else f"<{name}>{element('t:Message', reply)}</{name}>"


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    parts = sequence(operation, Slot("t:Mailbox"), Slot("t:UserOofSettings"))
    mailbox = parts["t:Mailbox"][0]
    sequence(mailbox, Slot("t:Name", at_least=0), Slot("t:Address"), Slot("t:RoutingType", at_least=0))
    found = sequence(
        parts["t:UserOofSettings"][0],
        Slot("t:OofState"),
        Slot("t:ExternalAudience"),
        *(Slot(name, at_least=0) for name in ("t:Duration", "t:InternalReply", "t:ExternalReply", *_LATER)),
    )
    state, audience = found["t:OofState"][0], found["t:ExternalAudience"][0]
    start, end = _read_duration(found["t:Duration"])
    return Request(
        mailbox=text(mailbox, "t:Address"),
        oof_state=one_of(state, required(state), STATES),
        external_audience=one_of(audience, required(audience), AUDIENCES),
        start_at=start,
        end_at=end,
        internal_reply=_read_reply(found["t:InternalReply"]),
        external_reply=_read_reply(found["t:ExternalReply"]),
    )


def _read_duration(found: list[Element]) -> tuple[datetime, datetime] | tuple[None, None]:
    for duration in found:
        parts = sequence(duration, Slot("t:StartTime"), Slot("t:EndTime"))
        start, end = (
            strict_instant(parts[name][0], lambda naive: naive.replace(tzinfo=UTC))
            for name in ("t:StartTime", "t:EndTime")
        )
        return start, end
    return None, None


def _read_reply(found: list[Element]) -> str | None:
    for reply in found:
        strange = next((one for one in reply if child(reply, "t:Message") is not one), None)
        if strange is not None:
            raise schema_violation(f"The element '{strange.tag[:200]}' is not expected in a reply.", strange)
        return raw_text(reply, "t:Message")
    return None


def write_response(response: Response) -> str:
    """The body of the answer."""
    return (
        "<m:SetUserOofSettingsResponse>"
        f'<m:ResponseMessage ResponseClass="{response_class(response.code)}">'
        f"{written_status(response.code, response.message)}</m:ResponseMessage></m:SetUserOofSettingsResponse>"
    )


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:SetUserOofSettingsResponse")
    message = child(answer, "m:ResponseMessage")
    if message is None:
        raise Foreign("the SetUserOofSettings response has no ResponseMessage.")
    said = status(message)
    return Response(said.code if said.failed else "NoError", said.message)

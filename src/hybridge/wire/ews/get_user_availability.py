"""EWS GetUserAvailability: free/busy of up to 100 mailboxes, answered in the order of the request.

We ask in UTC and write UTC; servers answer with naive times, with offsets or with Z, and all three are read as aware
UTC. Answers carry no address: they are matched by position. A mailbox that could not be looked up has its own error
while the others are fine. BusyType is kept as text, because a new value must never stop a reader. The merged string
is kept as it came, but its digit 4 means two different things by server version: judge by the periods.

Source: types.xsd (FreeBusyView, FreeBusyViewType is a list) and the published element pages.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import RequestRefused, schema_violation
from hybridge.wire.ews.free_busy_view import FreeBusy, read_view, write_view
from hybridge.wire.ews.legacy_time_zone import UTC_ZONE, LegacyTimeZone, read_zone, write_zone
from hybridge.wire.ews.namespaces import ERRORS
from hybridge.wire.ews.reading import (
    Slot,
    child,
    children,
    expect,
    guarded,
    local_name,
    one_of,
    sequence,
    status,
    strict_boolean,
    strict_instant,
    text,
    whole_number,
)
from hybridge.wire.ews.writing import element, instant
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

OPERATION = "GetUserAvailability"
MAX_MAILBOXES = 100
ATTENDEE_TYPES = ("Organizer", "Required", "Optional", "Room", "Resource")
VIEWS = ("None", "MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")


class Request(msgspec.Struct, frozen=True):
    """Ask for ``mailboxes`` from ``start_at`` to ``end_at`` (aware); ``interval`` of the merged view in minutes."""

    mailboxes: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    view: str = "Detailed"
    interval: int = 30


class MailboxError(msgspec.Struct, frozen=True):
    """Why one mailbox was not looked up."""

    code: str
    message: str = ""
    exception_code: int = 0
    """Number of the availability service's exception, such as 5037; 0 where it is not told."""
    exception_type: str = ""


class Response(msgspec.Struct, frozen=True):
    """One answer per mailbox, in the order of the request."""

    answers: tuple[FreeBusy | MailboxError, ...]

    @property
    def code(self) -> str:
        """The code of the first mailbox that was not looked up, or "NoError"."""
        return next((answer.code for answer in self.answers if isinstance(answer, MailboxError)), "NoError")

    @property
    def message(self) -> str:
        """The message that goes with ``code``."""
        return next((answer.message for answer in self.answers if isinstance(answer, MailboxError)), "")


def write_request(request: Request) -> str:
    """The body of the request, in UTC."""
    mailboxes = "".join(
        f"<t:MailboxData><t:Email>{element('t:Address', mailbox)}</t:Email><t:AttendeeType>Required</t:AttendeeType>"
        "<t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>"
        for mailbox in request.mailboxes
    )
    return (
        f"<m:GetUserAvailabilityRequest>{write_zone(UTC_ZONE)}<m:MailboxDataArray>{mailboxes}</m:MailboxDataArray>"
        f"<t:FreeBusyViewOptions><t:TimeWindow>{element('t:StartTime', instant(request.start_at))}"
        f"{element('t:EndTime', instant(request.end_at))}</t:TimeWindow>"
        f"{element('t:MergedFreeBusyIntervalInMinutes', request.interval)}{element('t:RequestedView', request.view)}"
        "</t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``. Times without a zone are of the zone the request names."""
    parts = sequence(
        operation,
        Slot("t:TimeZone", at_least=0),
        Slot("m:MailboxDataArray"),
        Slot("t:FreeBusyViewOptions", at_least=0),
        Slot("t:SuggestionsViewOptions", at_least=0),
    )
    zone = read_zone(parts["t:TimeZone"][0]) if parts["t:TimeZone"] else UTC_ZONE
    array = parts["m:MailboxDataArray"][0]
    mailboxes = tuple(
        _read_mailbox(one) for one in sequence(array, Slot("t:MailboxData", at_least=0, at_most=None))["t:MailboxData"]
    )
    if len(mailboxes) > MAX_MAILBOXES:
        raise RequestRefused(EwsFault("ErrorMailboxDataArrayTooBig", f"At most {MAX_MAILBOXES} mailboxes are allowed."))
    if not mailboxes:
        raise RequestRefused(EwsFault("ErrorMailboxDataArrayEmpty", "The request names no mailbox."))
    if not parts["t:FreeBusyViewOptions"]:
        raise RequestRefused(EwsFault("ErrorInvalidFreeBusyViewType", "The request has no FreeBusyViewOptions."))
    return _read_options(parts["t:FreeBusyViewOptions"][0], zone, mailboxes)


def _read_options(options: Element, zone: LegacyTimeZone, mailboxes: tuple[str, ...]) -> Request:
    parts = sequence(
        options,
        Slot("t:TimeWindow"),
        Slot("t:MergedFreeBusyIntervalInMinutes", at_least=0),
        Slot("t:RequestedView", at_least=0),
    )
    window = sequence(parts["t:TimeWindow"][0], Slot("t:StartTime"), Slot("t:EndTime"))
    start_at = strict_instant(window["t:StartTime"][0], zone.to_utc)
    end_at = strict_instant(window["t:EndTime"][0], zone.to_utc)
    if end_at <= start_at:
        raise RequestRefused(EwsFault("ErrorInvalidTimeInterval", "The time window ends before it starts."))
    views = [one_of(view, word, VIEWS) for view in parts["t:RequestedView"] for word in (view.text or "").split()]
    intervals = [_read_interval(one) for one in parts["t:MergedFreeBusyIntervalInMinutes"]]
    return Request(
        mailboxes=mailboxes,
        start_at=start_at,
        end_at=end_at,
        view=views[-1] if views else "FreeBusy",
        interval=intervals[0] if intervals else 30,
    )


def _read_interval(interval: Element) -> int:
    minutes = whole_number((interval.text or "").strip())
    if minutes is None:
        raise schema_violation("The element 'MergedFreeBusyIntervalInMinutes' is not a number.", interval)
    if not 5 <= minutes <= 1440:
        raise RequestRefused(
            EwsFault("ErrorInvalidMergedFreeBusyInterval", "The interval must be of 5 to 1440 minutes.")
        )
    return minutes


def _read_mailbox(mailbox: Element) -> str:
    parts = sequence(mailbox, Slot("t:Email"), Slot("t:AttendeeType"), Slot("t:ExcludeConflicts", at_least=0))
    kind = parts["t:AttendeeType"][0]
    one_of(kind, (kind.text or "").strip(), ATTENDEE_TYPES)
    for flag in parts["t:ExcludeConflicts"]:
        strict_boolean(flag, (flag.text or "").strip())
    email = parts["t:Email"][0]
    sequence(email, Slot("t:Name", at_least=0), Slot("t:Address"), Slot("t:RoutingType", at_least=0))
    return text(email, "t:Address")


def write_response(response: Response) -> str:
    """The body of the answer."""
    answers = "".join(_write_answer(answer) for answer in response.answers)
    return (
        f"<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>{answers}</m:FreeBusyResponseArray>"
        "</m:GetUserAvailabilityResponse>"
    )


def _write_answer(answer: FreeBusy | MailboxError) -> str:
    if isinstance(answer, MailboxError):
        said, kind, view = written_status(answer.code, answer.message), "Error", FreeBusy(("None",))
        said += _write_exception(answer)
    else:
        said, kind, view = written_status("NoError", ""), "Success", answer
    return (
        f'<m:FreeBusyResponse><m:ResponseMessage ResponseClass="{kind}">{said}</m:ResponseMessage>'
        f"{write_view(view)}</m:FreeBusyResponse>"
    )


def _write_exception(error: MailboxError) -> str:
    if not error.exception_code:
        return ""
    inside = element("e:ExceptionType", error.exception_type) + element("e:ExceptionCode", error.exception_code)
    return f'<m:MessageXml xmlns:e="{ERRORS}">{inside}</m:MessageXml>'


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:GetUserAvailabilityResponse")
    found = children(child(answer, "m:FreeBusyResponseArray"), "m:FreeBusyResponse")
    return Response(tuple(_read_one(one) for one in found))


def _read_one(response: Element) -> FreeBusy | MailboxError:
    message, view = child(response, "m:ResponseMessage"), child(response, "m:FreeBusyView")
    if message is not None and (said := status(message)).failed:
        return MailboxError(said.code, said.message, *_read_exception(message))
    return FreeBusy(("None",)) if view is None else read_view(view)


def _read_exception(message: Element) -> tuple[int, str]:
    """Number and .NET type of the exception behind an error; (0, "") where they are not told."""
    told = child(message, "m:MessageXml")
    parts = (
        {} if told is None else {local_name(one): (one.text or "").strip() for one in told if isinstance(one.tag, str)}
    )
    return whole_number(parts.get("ExceptionCode", "")) or 0, parts.get("ExceptionType", "")

"""EWS Subscribe: to be told of changes in folders of one mailbox, by streaming, by pulling, or by being pushed to.

A subscription belongs to the account that made it and lives on the mailbox server that made it: its id is good there
only. Folders of several mailboxes in one request are ErrorInvalidSubscriptionRequest, a delegate's request is
ErrorSubscriptionDelegateAccessNotSupported. No folders means all folders of the caller's (impersonated) mailbox.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.get_folder import FolderRef
from hybridge.wire.ews.notifications import (
    EVENT_TYPES,
    read_folder_ids,
    required,
    single,
    within,
    write_folder_ids,
    write_single,
)
from hybridge.wire.ews.reading import Slot, attribute, guarded, one_of, sequence, status, strict_boolean, text
from hybridge.wire.ews.writing import element, filled
from hybridge.wire.xml import Element

OPERATION = "Subscribe"
STREAMING, PULL, PUSH = "Streaming", "Pull", "Push"
CALENDAR_EVENTS = ("CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "FreeBusyChangedEvent")
"""What tells that a calendar changed."""
LONGEST = 1440
"""Most minutes a pull subscription lives without being asked, and a push subscription without a sign of life."""
_KINDS = "m:PullSubscriptionRequest|m:PushSubscriptionRequest|m:StreamingSubscriptionRequest"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """``kind`` is Streaming, Pull or Push; ``minutes`` is the time-out of a pull and the frequency of a push
    subscription; ``folders`` empty means all; ``watermark`` continues an older subscription, not for streaming."""

    kind: str = STREAMING
    folders: tuple[FolderRef, ...] = ()
    events: tuple[str, ...] = CALENDAR_EVENTS
    watermark: str = ""
    minutes: int = 30
    url: str = ""
    caller_data: str = ""

    @property
    def mailbox(self) -> str:
        """The first mailbox named, "" when it is the caller's."""
        return next((ref.mailbox for ref in self.folders if ref.mailbox), "")


class Response(msgspec.Struct, frozen=True):
    """The new subscription; ``watermark`` is "" for streaming. ``code`` is "NoError" unless it was refused."""

    code: str = "NoError"
    message: str = ""
    subscription_id: str = ""
    watermark: str = ""


def calendar_of(mailbox: str = "") -> Request:
    """Streaming of the changes of the default calendar; of the caller's (impersonated) one where no mailbox is said."""
    return Request(folders=(FolderRef(distinguished="calendar", mailbox=mailbox),))


def write_request(request: Request) -> str:
    """The body of the request."""
    everywhere = "" if request.folders else ' SubscribeToAllFolders="true"'
    events = "".join(element("t:EventType", name) for name in request.events)
    tail = filled("t:Watermark", request.watermark)
    if request.kind == PULL:
        tail += element("t:Timeout", request.minutes)
    elif request.kind == PUSH:
        tail += element("t:StatusFrequency", request.minutes) + element("t:URL", request.url)
        tail += filled("t:CallerData", request.caller_data)
    else:
        tail = ""
    return (
        f"<m:Subscribe><m:{request.kind}SubscriptionRequest{everywhere}>{write_folder_ids(request.folders)}"
        f"<t:EventTypes>{events}</t:EventTypes>{tail}</m:{request.kind}SubscriptionRequest></m:Subscribe>"
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    asked = sequence(operation, Slot(_KINDS))[_KINDS][0]
    kind = asked.tag.rpartition("}")[2].removesuffix("SubscriptionRequest")
    parts = sequence(asked, *_slots(kind))
    types = sequence(parts["t:EventTypes"][0], Slot("t:EventType", at_most=None))["t:EventType"]
    folders = read_folder_ids(parts["t:FolderIds"])
    everywhere = attribute(asked, "SubscribeToAllFolders")
    if not folders and not (everywhere and strict_boolean(asked, everywhere)):
        raise schema_violation("A subscription names folders or SubscribeToAllFolders.", asked)
    spans = [*parts.get("t:Timeout", ()), *parts.get("t:StatusFrequency", ())]
    return Request(
        kind=kind,
        folders=folders,
        events=tuple(one_of(one, (one.text or "").strip(), EVENT_TYPES) for one in types),
        watermark="".join(required(one) for one in parts.get("t:Watermark", ())),
        minutes=within(spans[0], 1, LONGEST) if spans else 30,
        url=text(asked, "t:URL"),
        caller_data=text(asked, "t:CallerData"),
    )


def _slots(kind: str) -> tuple[Slot, ...]:
    common = (Slot("t:FolderIds", at_least=0), Slot("t:EventTypes"))
    if kind == PULL:
        return (*common, Slot("t:Watermark", at_least=0), Slot("t:Timeout"))
    if kind == PUSH:
        tail = (Slot("t:StatusFrequency"), Slot("t:URL"), Slot("t:CallerData", at_least=0))
        return (*common, Slot("t:Watermark", at_least=0), *tail)
    return common


def write_response(response: Response) -> str:
    """The body of the answer."""
    inside = filled("m:SubscriptionId", response.subscription_id) + filled("m:Watermark", response.watermark)
    return write_single(OPERATION, response.code, response.message, inside)


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    message = single(OPERATION, answer)
    said = status(message)
    if said.failed:
        return Response(said.code, said.message)
    return Response(said.code, said.message, text(message, "m:SubscriptionId"), text(message, "m:Watermark"))

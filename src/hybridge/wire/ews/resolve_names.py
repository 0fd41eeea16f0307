"""EWS ResolveNames: from a part of a name or an address to mailboxes, at most 100.

Several matches come with the class Warning and ErrorNameResolutionMultipleResults together with the list; no match is
the error ErrorNameResolutionNoResults.
"""

from __future__ import annotations

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews.envelope import EwsFault, read_body
from hybridge.wire.ews.faults import schema_violation
from hybridge.wire.ews.reading import (
    Foreign,
    Slot,
    attribute,
    child,
    children,
    expect,
    guarded,
    sequence,
    status,
    strict_boolean,
    text,
)
from hybridge.wire.ews.writing import element, filled
from hybridge.wire.ews.writing import status as written_status
from hybridge.wire.xml import Element

OPERATION = "ResolveNames"
MAX_MATCHES = 100
SEVERAL = "ErrorNameResolutionMultipleResults"
NOBODY = "ErrorNameResolutionNoResults"


class Request(msgspec.Struct, frozen=True):
    """What to look up, such as "ada" or "smtp:ada@contoso.com"."""

    entry: str


class Match(msgspec.Struct, frozen=True):
    """One mailbox found."""

    address: str
    name: str = ""
    mailbox_type: str = "Mailbox"


class Response(msgspec.Struct, frozen=True):
    """The matches; ``code`` is NoError, ``SEVERAL`` with matches, ``NOBODY`` or another error without."""

    code: str = "NoError"
    message: str = ""
    matches: tuple[Match, ...] = ()


def write_request(request: Request) -> str:
    """The body of the request."""
    return (
        f'<m:ResolveNames ReturnFullContactData="false">{element("m:UnresolvedEntry", request.entry)}</m:ResolveNames>'
    )


def read_request(operation: Element) -> Request:
    """Read a request strictly; raises ``RequestRefused``."""
    entry = sequence(operation, Slot("m:ParentFolderIds", at_least=0), Slot("m:UnresolvedEntry"))["m:UnresolvedEntry"]
    strict_boolean(operation, attribute(operation, "ReturnFullContactData"))
    written = (entry[0].text or "").strip()
    if not written:
        raise schema_violation("The element 'UnresolvedEntry' is empty.", entry[0])
    return Request(written)


def write_response(response: Response) -> str:
    """The body of the answer."""
    kind = {"NoError": "Success", SEVERAL: "Warning"}.get(response.code, "Error")
    found = "".join(_write_match(match) for match in response.matches)
    matches = (
        f'<m:ResolutionSet TotalItemsInView="{len(response.matches)}" IncludesLastItemInRange="true">{found}'
        "</m:ResolutionSet>"
    )
    return (
        f'<m:ResolveNamesResponse><m:ResponseMessages><m:ResolveNamesResponseMessage ResponseClass="{kind}">'
        f"{written_status(response.code, response.message)}{matches if found else ''}"
        "</m:ResolveNamesResponseMessage></m:ResponseMessages></m:ResolveNamesResponse>"
    )


def _write_match(match: Match) -> str:
    return (
        f"<t:Resolution><t:Mailbox>{filled('t:Name', match.name)}{element('t:EmailAddress', match.address)}"
        f"<t:RoutingType>SMTP</t:RoutingType>{element('t:MailboxType', match.mailbox_type)}</t:Mailbox></t:Resolution>"
    )


def read_response(answer: Element) -> Response | Failure:
    """Read the answer; ``Failure`` when it is another message or unreadable."""
    return guarded(_read, answer)


def read_answer(answer: HttpAnswer) -> Response | EwsFault | Failure:
    """Read a whole HTTP answer."""
    body = read_body(answer)
    return body if isinstance(body, EwsFault | Failure) else read_response(body)


def _read(answer: Element) -> Response:
    expect(answer, "m:ResolveNamesResponse")
    message = next(children(child(answer, "m:ResponseMessages"), "m:ResolveNamesResponseMessage"), None)
    if message is None:
        raise Foreign("the ResolveNames response holds no message.")
    said = status(message)
    mailboxes = [
        mailbox
        for resolution in children(child(message, "m:ResolutionSet"), "t:Resolution")
        for mailbox in children(resolution, "t:Mailbox")
    ]
    return Response(
        said.code,
        said.message,
        tuple(Match(text(one, "t:EmailAddress"), text(one, "t:Name"), text(one, "t:MailboxType")) for one in mailboxes),
    )

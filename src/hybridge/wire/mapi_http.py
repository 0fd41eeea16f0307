"""MAPI over HTTP as a stranger sees it, both halves: a PING without credentials, answered by a challenge.

Nothing of a mailbox is opened. The challenge shows that the path is published, which sign-ins it offers, and by
``X-ServerApplication`` the build of the server. Source: MS-OXCMAPIHTTP (PING, X-ResponseCode, X-ServerApplication).
"""

from __future__ import annotations

import re

import msgspec

from hybridge.wire.ask import Failure, HttpAnswer, HttpAsk
from hybridge.wire.ews.envelope import ServerVersion

MAIL_STORE_PATH = "/mapi/emsmdb"
ADDRESS_BOOK_PATH = "/mapi/nspi"
LIMIT = 64 * 1024
_TYPE = "application/mapi-http"
_QUOTED = re.compile(r'"[^"]*"')


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What a server showed: status, schemes of its challenge in lower case, and who it says it is."""

    status: int
    schemes: tuple[str, ...] = ()
    server_application: str = ""
    response_code: str = ""
    """X-ResponseCode: "0" for success; "" without one."""


def ask(url: str) -> HttpAsk:
    """PING ``url`` (the address of a mail store, such as https://mail.contoso.com/mapi/emsmdb/), anonymously."""
    headers = (
        ("Content-Type", _TYPE),
        ("X-RequestType", "PING"),
        ("X-ClientApplication", "Outlook/15.00.0000.000"),
        ("X-RequestId", "{00000000-0000-0000-0000-000000000000}:1"),
    )
    return HttpAsk(method="POST", url=url, headers=headers, limit=LIMIT)


def read_answer(answer: HttpAnswer) -> Answered | Failure:
    """What the server showed; ``Failure`` only when there was no answer."""
    if answer.failure:
        return answer.failure
    return Answered(
        status=answer.status,
        schemes=schemes(answer),
        server_application=answer.header("x-serverapplication"),
        response_code=answer.header("x-responsecode"),
    )


def schemes(answer: HttpAnswer) -> tuple[str, ...]:
    """The schemes of all WWW-Authenticate headers (RFC 9110 11.6.1), lower-case, each once, in order."""
    found: dict[str, None] = {}
    for value in answer.header_all("www-authenticate"):
        for part in _QUOTED.sub('""', value).split(","):
            word = next(iter(part.split(None, 1)), "")
            if word and "=" not in word.rstrip("="):
                found[word.lower()] = None
    return tuple(found)


def application(version: ServerVersion) -> str:
    """X-ServerApplication of a server: "Exchange/15.02.2562.037"."""
    return f"Exchange/{version.major}.{version.minor:02d}.{version.build:04d}.{version.revision:03d}"


def write_challenge(version: ServerVersion) -> HttpAnswer:
    """The 401 for a stranger; what may be signed in with is for the listener to add."""
    return HttpAnswer(status=401, headers=(("x-serverapplication", application(version)),))


def write_pong(version: ServerVersion) -> HttpAnswer:
    """The answer to a PING of somebody signed in."""
    headers = (
        ("content-type", _TYPE),
        ("x-requesttype", "PING"),
        ("x-responsecode", "0"),
        ("x-serverapplication", application(version)),
    )
    return HttpAnswer(status=200, headers=headers, body=b"PROCESSING\r\nDONE\r\n\r\n")

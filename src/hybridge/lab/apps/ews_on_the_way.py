"""What happens to EWS between its public name and the server: an older server behind it, a device that spoils answers.

Source: Microsoft's Remote Connectivity Analyzer, articles of causes.
"""

from __future__ import annotations

import msgspec

from hybridge.lab.apps.base import Request
from hybridge.lab.behaviour.publishing import published_path
from hybridge.lab.behaviour.versions import server_version
from hybridge.lab.estate import Estate
from hybridge.wire.ask import HttpAnswer
from hybridge.wire.ews.envelope import ServerVersion
from hybridge.wire.ews.faults import EwsFault

SPOILT = ("GetUserAvailability", "GetUserOofSettings")
"""Operations whose answers a device in front spoils."""

_PAGE = b"<html><head><title>Content filter</title></head><body>This content was removed.</body></html>"
_SINCE_2013 = (b"'Exchange2013", b'"Exchange2013', b'"Exchange2015', b'"Exchange2016', b'"V201')


def behind(estate: Estate, request: Request) -> ServerVersion | None:
    """The version of the older server the public name leads to; None where it leads to those there are."""
    path = published_path(estate.organization, request.host, request.path)
    return server_version(path.legacy_version) if path and path.legacy_version else None


def too_new(request: Request, version: ServerVersion) -> EwsFault | None:
    """The fault of a server before Exchange 2013 that does not know the RequestServerVersion it is asked in."""
    if version.major >= 15 or not any(name in request.body for name in _SINCE_2013):
        return None
    return EwsFault("ErrorInvalidServerVersion", "The specified server version is invalid.")


def spoilt(estate: Estate, request: Request, operation: str, answer: HttpAnswer) -> HttpAnswer:
    """``answer`` as a device in front passes it on."""
    path = published_path(estate.organization, request.host, request.path)
    if path is None or not path.broken_body or operation not in SPOILT:
        return answer
    if path.broken_body == "cut":
        return msgspec.structs.replace(answer, body=answer.body[: len(answer.body) * 2 // 3])
    return HttpAnswer(status=200, headers=(("content-type", "text/html"),), body=_PAGE)
